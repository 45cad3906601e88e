-- What is shared and booked. Capabilities are words parted by spaces; the state rule is JSON.
-- An instrument that is removed keeps its row, since its history refers to it; its key is free again.
CREATE TABLE instruments (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL,
  name TEXT NOT NULL,
  name_en TEXT NOT NULL,
  model TEXT NOT NULL,
  manufacturer TEXT NOT NULL,
  category TEXT,
  capabilities TEXT NOT NULL,
  room TEXT NOT NULL,
  lab INTEGER NOT NULL REFERENCES nodes (id),
  zone TEXT NOT NULL,
  capacity INTEGER NOT NULL,
  bookable INTEGER NOT NULL,
  published INTEGER NOT NULL,
  version INTEGER NOT NULL,
  source_agent TEXT,
  source_device TEXT,
  state_rule TEXT NOT NULL,
  removed_us INTEGER
) STRICT;

CREATE UNIQUE INDEX instruments_by_key ON instruments (key) WHERE removed_us IS NULL;
