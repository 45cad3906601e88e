-- Faults that machines report, one row an instrument while it has one: the outage it led to, and
-- whether its managers were told that it is over.
CREATE TABLE machine_faults (
  id BIGINT PRIMARY KEY REFERENCES instruments (id),
  since_us BIGINT NOT NULL,
  outage BIGINT REFERENCES outages (id),
  told BIGINT NOT NULL
);

-- State rules run again over readings of the past: who asked for it and why, and what became of it.
-- The states themselves are in the telemetry store, under the same number.
CREATE TABLE reruns (
  id BIGINT PRIMARY KEY,
  instrument BIGINT NOT NULL REFERENCES instruments (id),
  from_us BIGINT NOT NULL,
  to_us BIGINT NOT NULL,
  rule TEXT NOT NULL,
  by_member BIGINT NOT NULL REFERENCES members (id),
  reason TEXT NOT NULL,
  asked_us BIGINT NOT NULL,
  state TEXT NOT NULL,
  finished_us BIGINT,
  runs_changed BIGINT NOT NULL
);

CREATE INDEX reruns_by_instrument ON reruns (instrument, id);
