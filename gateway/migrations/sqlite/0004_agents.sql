-- Edge processes: name, lab and the hash of the secret.
CREATE TABLE agents (
  name TEXT PRIMARY KEY,
  lab INTEGER NOT NULL REFERENCES nodes (id),
  secret BLOB NOT NULL,
  created_us INTEGER NOT NULL
) STRICT;
