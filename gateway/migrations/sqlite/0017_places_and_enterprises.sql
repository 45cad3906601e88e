-- Where things are, for distances; which institutions are enterprises, for who may book.
ALTER TABLE nodes ADD COLUMN enterprise INTEGER NOT NULL DEFAULT 0;
ALTER TABLE nodes ADD COLUMN latitude_udeg INTEGER;
ALTER TABLE nodes ADD COLUMN longitude_udeg INTEGER;
ALTER TABLE instruments ADD COLUMN latitude_udeg INTEGER;
ALTER TABLE instruments ADD COLUMN longitude_udeg INTEGER;
-- Whether telemetry proves use; an instrument that always draws power cannot tell.
ALTER TABLE instruments ADD COLUMN always_on INTEGER NOT NULL DEFAULT 0;
-- Counts edits, for people who edit at the same time.
ALTER TABLE nodes ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE members ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
-- The project that a booking is charged to, also in its details: hours used are summed by it.
ALTER TABLE bookings ADD COLUMN project_id INTEGER;
CREATE INDEX bookings_by_project ON bookings (project_id);
