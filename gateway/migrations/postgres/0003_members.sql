-- People, their roles on the tree, their API tokens and sessions (hashes only).
CREATE TABLE members (
  id BIGINT PRIMARY KEY,
  login TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  name_en TEXT NOT NULL,
  password_hash TEXT NOT NULL,
  active BIGINT NOT NULL
);

CREATE TABLE member_roles (
  member BIGINT NOT NULL REFERENCES members (id),
  node BIGINT NOT NULL REFERENCES nodes (id),
  role TEXT NOT NULL,
  PRIMARY KEY (member, node, role)
);

CREATE TABLE tokens (
  id BIGINT PRIMARY KEY,
  hash BYTEA NOT NULL UNIQUE,
  member BIGINT NOT NULL REFERENCES members (id),
  name TEXT NOT NULL,
  created_us BIGINT NOT NULL,
  expires_us BIGINT NOT NULL
);

CREATE TABLE sessions (
  hash BYTEA PRIMARY KEY,
  member BIGINT NOT NULL REFERENCES members (id),
  created_us BIGINT NOT NULL
);
