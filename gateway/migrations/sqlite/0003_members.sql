-- People, their roles on the tree, their API tokens and sessions (hashes only).
CREATE TABLE members (
  id INTEGER PRIMARY KEY,
  login TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  name_en TEXT NOT NULL,
  password_hash TEXT NOT NULL,
  active INTEGER NOT NULL
) STRICT;

CREATE TABLE member_roles (
  member INTEGER NOT NULL REFERENCES members (id),
  node INTEGER NOT NULL REFERENCES nodes (id),
  role TEXT NOT NULL,
  PRIMARY KEY (member, node, role)
) STRICT;

CREATE TABLE tokens (
  id INTEGER PRIMARY KEY,
  hash BLOB NOT NULL UNIQUE,
  member INTEGER NOT NULL REFERENCES members (id),
  name TEXT NOT NULL,
  created_us INTEGER NOT NULL,
  expires_us INTEGER NOT NULL
) STRICT;

CREATE TABLE sessions (
  hash BLOB PRIMARY KEY,
  member INTEGER NOT NULL REFERENCES members (id),
  created_us INTEGER NOT NULL
) STRICT;
