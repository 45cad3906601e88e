-- The tree of region, centres, institutions and labs.
CREATE TABLE nodes (
  id INTEGER PRIMARY KEY,
  parent INTEGER REFERENCES nodes (id),
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  name_en TEXT NOT NULL
) STRICT;
