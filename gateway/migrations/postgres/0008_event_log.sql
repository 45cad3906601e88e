-- One row per committed change; everything that leaves the process reads it. Nothing personal.
CREATE TABLE event_log (
  id BIGINT PRIMARY KEY,
  at_us BIGINT NOT NULL,
  kind TEXT NOT NULL,
  instrument BIGINT,
  subject BIGINT
);
