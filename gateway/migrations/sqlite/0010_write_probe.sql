-- One row that is written to prove that writes can be committed.
CREATE TABLE write_probe (
  id INTEGER PRIMARY KEY,
  at_us INTEGER NOT NULL
) STRICT;
