-- Answers to commands that carried an idempotency key, kept for a day.
CREATE TABLE idempotency (
  member BIGINT NOT NULL,
  key TEXT NOT NULL,
  request BYTEA NOT NULL,
  booking BIGINT NOT NULL,
  created_us BIGINT NOT NULL,
  PRIMARY KEY (member, key)
);

CREATE INDEX idempotency_by_age ON idempotency (created_us);
