-- Faults that machines report, one row an instrument while it has one: the outage it led to, and
-- whether its managers were told that it is over.
CREATE TABLE machine_faults (
  id INTEGER PRIMARY KEY REFERENCES instruments (id),
  since_us INTEGER NOT NULL,
  outage INTEGER REFERENCES outages (id),
  told INTEGER NOT NULL
) STRICT;

-- State rules run again over readings of the past: who asked for it and why, and what became of it.
-- The states themselves are in the telemetry store, under the same number.
CREATE TABLE reruns (
  id INTEGER PRIMARY KEY,
  instrument INTEGER NOT NULL REFERENCES instruments (id),
  from_us INTEGER NOT NULL,
  to_us INTEGER NOT NULL,
  rule TEXT NOT NULL,
  by_member INTEGER NOT NULL REFERENCES members (id),
  reason TEXT NOT NULL,
  asked_us INTEGER NOT NULL,
  state TEXT NOT NULL,
  finished_us INTEGER,
  runs_changed INTEGER NOT NULL
) STRICT;

CREATE INDEX reruns_by_instrument ON reruns (instrument, id);
