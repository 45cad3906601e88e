-- The one occupancy table and its guard: no two claims of a lane share an instant, whoever writes.
CREATE EXTENSION IF NOT EXISTS btree_gist;

CREATE TABLE claims (
  id BIGINT PRIMARY KEY,
  instrument BIGINT NOT NULL REFERENCES instruments (id),
  lane BIGINT NOT NULL,
  start_us BIGINT NOT NULL,
  end_us BIGINT NOT NULL CHECK (start_us < end_us),
  booking BIGINT REFERENCES bookings (id),
  outage BIGINT REFERENCES outages (id),
  CHECK ((booking IS NULL) <> (outage IS NULL)),
  CONSTRAINT claims_never_overlap EXCLUDE USING gist (
    instrument WITH =, lane WITH =, int8range(start_us, end_us) WITH &&
  )
);

CREATE INDEX claims_by_booking ON claims (booking);
CREATE INDEX claims_by_outage ON claims (outage);
