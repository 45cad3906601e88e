-- Bookings and outages. Lab, institution and centre are those of the day of booking.
CREATE TABLE bookings (
  id BIGINT PRIMARY KEY,
  instrument BIGINT NOT NULL REFERENCES instruments (id),
  member BIGINT NOT NULL REFERENCES members (id),
  lab BIGINT NOT NULL,
  start_us BIGINT NOT NULL,
  end_us BIGINT NOT NULL CHECK (start_us < end_us),
  status TEXT NOT NULL,
  at_risk BIGINT NOT NULL,
  purpose TEXT NOT NULL,
  project TEXT,
  created_us BIGINT NOT NULL,
  cancelled_us BIGINT,
  policy_version BIGINT NOT NULL,
  version BIGINT NOT NULL
);

CREATE INDEX bookings_by_end ON bookings (end_us);

CREATE TABLE outages (
  id BIGINT PRIMARY KEY,
  instrument BIGINT NOT NULL REFERENCES instruments (id),
  start_us BIGINT NOT NULL,
  end_us BIGINT NOT NULL CHECK (start_us < end_us),
  reason TEXT NOT NULL,
  opened_by BIGINT NOT NULL REFERENCES members (id),
  created_us BIGINT NOT NULL,
  ended_us BIGINT
);

CREATE INDEX outages_by_end ON outages (end_us);
