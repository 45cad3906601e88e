-- Bookings and outages. Lab, institution and centre are those of the day of booking.
CREATE TABLE bookings (
  id INTEGER PRIMARY KEY,
  instrument INTEGER NOT NULL REFERENCES instruments (id),
  member INTEGER NOT NULL REFERENCES members (id),
  lab INTEGER NOT NULL,
  start_us INTEGER NOT NULL,
  end_us INTEGER NOT NULL CHECK (start_us < end_us),
  status TEXT NOT NULL,
  at_risk INTEGER NOT NULL,
  purpose TEXT NOT NULL,
  project TEXT,
  created_us INTEGER NOT NULL,
  cancelled_us INTEGER,
  policy_version INTEGER NOT NULL,
  version INTEGER NOT NULL
) STRICT;

CREATE INDEX bookings_by_end ON bookings (end_us);

CREATE TABLE outages (
  id INTEGER PRIMARY KEY,
  instrument INTEGER NOT NULL REFERENCES instruments (id),
  start_us INTEGER NOT NULL,
  end_us INTEGER NOT NULL CHECK (start_us < end_us),
  reason TEXT NOT NULL,
  opened_by INTEGER NOT NULL REFERENCES members (id),
  created_us INTEGER NOT NULL,
  ended_us INTEGER
) STRICT;

CREATE INDEX outages_by_end ON outages (end_us);
