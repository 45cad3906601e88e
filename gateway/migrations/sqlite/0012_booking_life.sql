-- The whole life of a booking: what was asked, who made it, what it belongs to, when it was used.
ALTER TABLE bookings ADD COLUMN details TEXT;
ALTER TABLE bookings ADD COLUMN made_by INTEGER REFERENCES members (id);
ALTER TABLE bookings ADD COLUMN series INTEGER;
ALTER TABLE bookings ADD COLUMN bundle INTEGER;
ALTER TABLE bookings ADD COLUMN began_us INTEGER;
ALTER TABLE bookings ADD COLUMN finished_us INTEGER;
-- The next moment something has to be decided about it. One timer serves it, once.
ALTER TABLE bookings ADD COLUMN due_us INTEGER;
-- What is booked already is looked at when its slot is over.
UPDATE bookings SET due_us = end_us WHERE status = 'confirmed';
-- When its member said so, beside what the machine tells.
ALTER TABLE bookings ADD COLUMN checked_in_us INTEGER;
ALTER TABLE bookings ADD COLUMN checked_out_us INTEGER;

-- What kind of outage it is, and which problem led to it.
ALTER TABLE outages ADD COLUMN kind TEXT NOT NULL DEFAULT 'planned';
ALTER TABLE outages ADD COLUMN problem INTEGER;
