-- Use: when a machine ran, whose it was, on what evidence; corrections keep both values.
CREATE TABLE runs (
  id BIGINT PRIMARY KEY,
  instrument BIGINT NOT NULL REFERENCES instruments (id),
  booking BIGINT REFERENCES bookings (id),
  member BIGINT REFERENCES members (id),
  start_us BIGINT NOT NULL,
  end_us BIGINT,
  running_us BIGINT NOT NULL,
  kind TEXT NOT NULL,
  evidence TEXT NOT NULL,
  uncertain BIGINT NOT NULL,
  state TEXT NOT NULL,
  lab BIGINT NOT NULL,
  institution BIGINT,
  project BIGINT,
  settled_by BIGINT REFERENCES members (id),
  note TEXT NOT NULL,
  version BIGINT NOT NULL
);

CREATE INDEX runs_by_instrument ON runs (instrument, start_us);
CREATE INDEX runs_by_end ON runs (end_us);
CREATE INDEX runs_by_booking ON runs (booking);

CREATE TABLE corrections (
  id BIGINT PRIMARY KEY,
  subject TEXT NOT NULL,
  subject_id BIGINT NOT NULL,
  by_member BIGINT REFERENCES members (id),
  at_us BIGINT NOT NULL,
  reason TEXT NOT NULL,
  before_json TEXT NOT NULL,
  after_json TEXT NOT NULL
);

CREATE INDEX corrections_by_subject ON corrections (subject, subject_id);

CREATE TABLE cursors (
  name TEXT PRIMARY KEY,
  position BIGINT NOT NULL
);

-- Up to when each instrument's runs are settled: later data change none that began before.
CREATE TABLE hearings (
  id BIGINT PRIMARY KEY REFERENCES instruments (id),
  settled_us BIGINT NOT NULL
);
