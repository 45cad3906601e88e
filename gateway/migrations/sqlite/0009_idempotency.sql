-- Answers to commands that carried an idempotency key, kept for a day.
CREATE TABLE idempotency (
  member INTEGER NOT NULL,
  key TEXT NOT NULL,
  request BLOB NOT NULL,
  booking INTEGER NOT NULL,
  created_us INTEGER NOT NULL,
  PRIMARY KEY (member, key)
) STRICT;

CREATE INDEX idempotency_by_age ON idempotency (created_us);
