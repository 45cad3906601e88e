-- Use: when a machine ran, whose it was, on what evidence; corrections keep both values.
CREATE TABLE runs (
  id INTEGER PRIMARY KEY,
  instrument INTEGER NOT NULL REFERENCES instruments (id),
  booking INTEGER REFERENCES bookings (id),
  member INTEGER REFERENCES members (id),
  start_us INTEGER NOT NULL,
  end_us INTEGER,
  running_us INTEGER NOT NULL,
  kind TEXT NOT NULL,
  evidence TEXT NOT NULL,
  uncertain INTEGER NOT NULL,
  state TEXT NOT NULL,
  lab INTEGER NOT NULL,
  institution INTEGER,
  project INTEGER,
  settled_by INTEGER REFERENCES members (id),
  note TEXT NOT NULL,
  version INTEGER NOT NULL
) STRICT;

CREATE INDEX runs_by_instrument ON runs (instrument, start_us);
CREATE INDEX runs_by_end ON runs (end_us);
CREATE INDEX runs_by_booking ON runs (booking);

CREATE TABLE corrections (
  id INTEGER PRIMARY KEY,
  subject TEXT NOT NULL,
  subject_id INTEGER NOT NULL,
  by_member INTEGER REFERENCES members (id),
  at_us INTEGER NOT NULL,
  reason TEXT NOT NULL,
  before_json TEXT NOT NULL,
  after_json TEXT NOT NULL
) STRICT;

CREATE INDEX corrections_by_subject ON corrections (subject, subject_id);

CREATE TABLE cursors (
  name TEXT PRIMARY KEY,
  position INTEGER NOT NULL
) STRICT;

-- Up to when each instrument's runs are settled: later data change none that began before.
CREATE TABLE hearings (
  id INTEGER PRIMARY KEY REFERENCES instruments (id),
  settled_us INTEGER NOT NULL
) STRICT;
