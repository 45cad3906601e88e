-- Where things are, for distances; which institutions are enterprises, for who may book.
ALTER TABLE nodes ADD COLUMN enterprise BIGINT NOT NULL DEFAULT 0;
ALTER TABLE nodes ADD COLUMN latitude_udeg BIGINT;
ALTER TABLE nodes ADD COLUMN longitude_udeg BIGINT;
ALTER TABLE instruments ADD COLUMN latitude_udeg BIGINT;
ALTER TABLE instruments ADD COLUMN longitude_udeg BIGINT;
-- Whether telemetry proves use; an instrument that always draws power cannot tell.
ALTER TABLE instruments ADD COLUMN always_on BIGINT NOT NULL DEFAULT 0;
-- Counts edits, for people who edit at the same time.
ALTER TABLE nodes ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
ALTER TABLE members ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
-- The project that a booking is charged to, also in its details: hours used are summed by it.
ALTER TABLE bookings ADD COLUMN project_id BIGINT;
CREATE INDEX bookings_by_project ON bookings (project_id);
