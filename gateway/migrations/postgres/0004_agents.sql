-- Edge processes: name, lab and the hash of the secret.
CREATE TABLE agents (
  name TEXT PRIMARY KEY,
  lab BIGINT NOT NULL REFERENCES nodes (id),
  secret BYTEA NOT NULL,
  created_us BIGINT NOT NULL
);
