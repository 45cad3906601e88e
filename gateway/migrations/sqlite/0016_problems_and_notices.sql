-- Problems with their photos, and what people are told.
CREATE TABLE attachments (
  id INTEGER PRIMARY KEY,
  member INTEGER NOT NULL REFERENCES members (id),
  instrument INTEGER NOT NULL REFERENCES instruments (id),
  media_type TEXT NOT NULL,
  bytes BLOB NOT NULL,
  created_us INTEGER NOT NULL
) STRICT;

CREATE TABLE problems (
  id INTEGER PRIMARY KEY,
  instrument INTEGER NOT NULL REFERENCES instruments (id),
  reporter INTEGER NOT NULL REFERENCES members (id),
  created_us INTEGER NOT NULL,
  text TEXT NOT NULL,
  photo INTEGER,
  outage INTEGER REFERENCES outages (id),
  cause TEXT,
  remedy TEXT NOT NULL,
  closed_by INTEGER REFERENCES members (id),
  closed_us INTEGER,
  version INTEGER NOT NULL
) STRICT;

CREATE INDEX problems_by_instrument ON problems (instrument);

CREATE TABLE notices (
  id INTEGER PRIMARY KEY,
  member INTEGER NOT NULL REFERENCES members (id),
  kind TEXT NOT NULL,
  instrument INTEGER NOT NULL REFERENCES instruments (id),
  booking INTEGER REFERENCES bookings (id),
  start_us INTEGER,
  end_us INTEGER,
  words TEXT NOT NULL,
  at_us INTEGER NOT NULL,
  seen_us INTEGER
) STRICT;

CREATE INDEX notices_by_member ON notices (member, at_us);
