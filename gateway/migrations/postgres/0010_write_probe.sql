-- One row that is written to prove that writes can be committed.
CREATE TABLE write_probe (
  id BIGINT PRIMARY KEY,
  at_us BIGINT NOT NULL
);
