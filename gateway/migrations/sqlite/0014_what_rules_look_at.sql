-- Projects with their hours, qualifications, questions, points.
CREATE TABLE projects (
  id INTEGER PRIMARY KEY,
  code TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  name_en TEXT NOT NULL,
  institution INTEGER NOT NULL REFERENCES nodes (id),
  payer TEXT NOT NULL,
  funds TEXT NOT NULL,
  budget_minutes INTEGER,
  from_us INTEGER,
  until_us INTEGER,
  members TEXT NOT NULL,
  closed INTEGER NOT NULL,
  version INTEGER NOT NULL
) STRICT;

CREATE TABLE qualifications (
  id INTEGER PRIMARY KEY,
  member INTEGER NOT NULL REFERENCES members (id),
  name TEXT NOT NULL,
  lab INTEGER NOT NULL,
  granted_by INTEGER NOT NULL REFERENCES members (id),
  granted_us INTEGER NOT NULL,
  expires_us INTEGER,
  last_use_us INTEGER
) STRICT;

CREATE INDEX qualifications_by_member ON qualifications (member);

CREATE TABLE question_sets (
  id INTEGER PRIMARY KEY,
  scope_kind TEXT NOT NULL,
  scope_id INTEGER NOT NULL,
  version INTEGER NOT NULL,
  questions TEXT NOT NULL,
  UNIQUE (scope_kind, scope_id)
) STRICT;

CREATE TABLE penalties (
  id INTEGER PRIMARY KEY,
  member INTEGER NOT NULL REFERENCES members (id),
  instrument INTEGER NOT NULL REFERENCES instruments (id),
  booking INTEGER NOT NULL REFERENCES bookings (id),
  reason TEXT NOT NULL,
  points INTEGER NOT NULL,
  at_us INTEGER NOT NULL,
  lifted INTEGER NOT NULL,
  appeal TEXT NOT NULL
) STRICT;

CREATE INDEX penalties_by_member ON penalties (member);

-- Rules that somebody with the right set aside, and why.
CREATE TABLE overrides (
  id INTEGER PRIMARY KEY,
  booking INTEGER NOT NULL REFERENCES bookings (id),
  by_member INTEGER NOT NULL REFERENCES members (id),
  at_us INTEGER NOT NULL,
  reason TEXT NOT NULL,
  rules TEXT NOT NULL
) STRICT;

CREATE INDEX overrides_by_booking ON overrides (booking);
