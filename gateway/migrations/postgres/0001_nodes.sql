-- The tree of region, centres, institutions and labs.
CREATE TABLE nodes (
  id BIGINT PRIMARY KEY,
  parent BIGINT REFERENCES nodes (id),
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  name_en TEXT NOT NULL
);
