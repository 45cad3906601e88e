-- Devices of other makers: the credential they share, with the topics it may send to (a JSON array),
-- and how their messages are read (a mapping as JSON).
CREATE TABLE foreign_sources (
  name TEXT PRIMARY KEY,
  lab INTEGER NOT NULL REFERENCES nodes (id),
  secret BLOB NOT NULL,
  filters TEXT NOT NULL,
  created_us INTEGER NOT NULL
) STRICT;

CREATE TABLE mappings (
  id INTEGER PRIMARY KEY,
  lab INTEGER NOT NULL REFERENCES nodes (id),
  name TEXT NOT NULL,
  spec TEXT NOT NULL,
  version INTEGER NOT NULL,
  created_us INTEGER NOT NULL
) STRICT;
