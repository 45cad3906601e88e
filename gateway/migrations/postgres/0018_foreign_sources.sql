-- Devices of other makers: the credential they share, with the topics it may send to (a JSON array),
-- and how their messages are read (a mapping as JSON).
CREATE TABLE foreign_sources (
  name TEXT PRIMARY KEY,
  lab BIGINT NOT NULL REFERENCES nodes (id),
  secret BYTEA NOT NULL,
  filters TEXT NOT NULL,
  created_us BIGINT NOT NULL
);

CREATE TABLE mappings (
  id BIGINT PRIMARY KEY,
  lab BIGINT NOT NULL REFERENCES nodes (id),
  name TEXT NOT NULL,
  spec TEXT NOT NULL,
  version BIGINT NOT NULL,
  created_us BIGINT NOT NULL
);
