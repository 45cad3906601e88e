-- Projects with their hours, qualifications, questions, points.
CREATE TABLE projects (
  id BIGINT PRIMARY KEY,
  code TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  name_en TEXT NOT NULL,
  institution BIGINT NOT NULL REFERENCES nodes (id),
  payer TEXT NOT NULL,
  funds TEXT NOT NULL,
  budget_minutes BIGINT,
  from_us BIGINT,
  until_us BIGINT,
  members TEXT NOT NULL,
  closed BIGINT NOT NULL,
  version BIGINT NOT NULL
);

CREATE TABLE qualifications (
  id BIGINT PRIMARY KEY,
  member BIGINT NOT NULL REFERENCES members (id),
  name TEXT NOT NULL,
  lab BIGINT NOT NULL,
  granted_by BIGINT NOT NULL REFERENCES members (id),
  granted_us BIGINT NOT NULL,
  expires_us BIGINT,
  last_use_us BIGINT
);

CREATE INDEX qualifications_by_member ON qualifications (member);

CREATE TABLE question_sets (
  id BIGINT PRIMARY KEY,
  scope_kind TEXT NOT NULL,
  scope_id BIGINT NOT NULL,
  version BIGINT NOT NULL,
  questions TEXT NOT NULL,
  UNIQUE (scope_kind, scope_id)
);

CREATE TABLE penalties (
  id BIGINT PRIMARY KEY,
  member BIGINT NOT NULL REFERENCES members (id),
  instrument BIGINT NOT NULL REFERENCES instruments (id),
  booking BIGINT NOT NULL REFERENCES bookings (id),
  reason TEXT NOT NULL,
  points BIGINT NOT NULL,
  at_us BIGINT NOT NULL,
  lifted BIGINT NOT NULL,
  appeal TEXT NOT NULL
);

CREATE INDEX penalties_by_member ON penalties (member);

-- Rules that somebody with the right set aside, and why.
CREATE TABLE overrides (
  id BIGINT PRIMARY KEY,
  booking BIGINT NOT NULL REFERENCES bookings (id),
  by_member BIGINT NOT NULL REFERENCES members (id),
  at_us BIGINT NOT NULL,
  reason TEXT NOT NULL,
  rules TEXT NOT NULL
);

CREATE INDEX overrides_by_booking ON overrides (booking);
