-- What is asked with every way to book is asked with a wish too.
ALTER TABLE waits ADD COLUMN project TEXT;
ALTER TABLE waits ADD COLUMN details TEXT NOT NULL DEFAULT '{}';
-- Who said yes or no to a booking, and when.
ALTER TABLE bookings ADD COLUMN decided_by BIGINT REFERENCES members (id);
ALTER TABLE bookings ADD COLUMN decided_us BIGINT;
-- Where nodes of the tree were before: what was booked keeps the institution of its day.
CREATE TABLE node_moves (
  id BIGINT PRIMARY KEY,
  node BIGINT NOT NULL REFERENCES nodes (id),
  left_parent BIGINT NOT NULL REFERENCES nodes (id),
  at_us BIGINT NOT NULL,
  by_member BIGINT NOT NULL REFERENCES members (id)
);
-- Whether a token lets a program look only.
ALTER TABLE tokens ADD COLUMN read_only BIGINT NOT NULL DEFAULT 0;
