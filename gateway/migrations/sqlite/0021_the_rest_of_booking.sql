-- What is asked with every way to book is asked with a wish too.
ALTER TABLE waits ADD COLUMN project TEXT;
ALTER TABLE waits ADD COLUMN details TEXT NOT NULL DEFAULT '{}';
-- Who said yes or no to a booking, and when.
ALTER TABLE bookings ADD COLUMN decided_by INTEGER REFERENCES members (id);
ALTER TABLE bookings ADD COLUMN decided_us INTEGER;
-- Where nodes of the tree were before: what was booked keeps the institution of its day.
CREATE TABLE node_moves (
  id INTEGER PRIMARY KEY,
  node INTEGER NOT NULL REFERENCES nodes (id),
  left_parent INTEGER NOT NULL REFERENCES nodes (id),
  at_us INTEGER NOT NULL,
  by_member INTEGER NOT NULL REFERENCES members (id)
) STRICT;
-- Whether a token lets a program look only.
ALTER TABLE tokens ADD COLUMN read_only INTEGER NOT NULL DEFAULT 0;
