-- One row per committed change; everything that leaves the process reads it. Nothing personal.
CREATE TABLE event_log (
  id INTEGER PRIMARY KEY,
  at_us INTEGER NOT NULL,
  kind TEXT NOT NULL,
  instrument INTEGER,
  subject INTEGER
) STRICT;
