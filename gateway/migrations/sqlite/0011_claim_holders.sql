-- Holds and offers claim time like bookings and outages: in the same table, under the same guard.
CREATE TABLE claims_with_holders (
  id INTEGER PRIMARY KEY,
  instrument INTEGER NOT NULL REFERENCES instruments (id),
  lane INTEGER NOT NULL,
  start_us INTEGER NOT NULL,
  end_us INTEGER NOT NULL CHECK (start_us < end_us),
  booking INTEGER REFERENCES bookings (id),
  outage INTEGER REFERENCES outages (id),
  hold INTEGER,
  offer INTEGER,
  CHECK ((booking IS NOT NULL) + (outage IS NOT NULL) + (hold IS NOT NULL) + (offer IS NOT NULL) = 1)
) STRICT;

INSERT INTO claims_with_holders (id, instrument, lane, start_us, end_us, booking, outage)
SELECT id, instrument, lane, start_us, end_us, booking, outage FROM claims;

DROP TABLE claims;
ALTER TABLE claims_with_holders RENAME TO claims;

CREATE UNIQUE INDEX claims_by_lane ON claims (instrument, lane, start_us);
CREATE INDEX claims_by_booking ON claims (booking);
CREATE INDEX claims_by_outage ON claims (outage);

-- Claims of a lane are disjoint, so only the neighbours of a new one can overlap it: the last that
-- starts before its end. (An equal start is caught by it too.)
CREATE TRIGGER claims_insert BEFORE INSERT ON claims
WHEN (SELECT end_us FROM claims
      WHERE instrument = NEW.instrument AND lane = NEW.lane AND start_us < NEW.end_us
      ORDER BY start_us DESC LIMIT 1) > NEW.start_us
BEGIN
  SELECT RAISE(ABORT, 'claims overlap');
END;

CREATE TRIGGER claims_update BEFORE UPDATE OF instrument, lane, start_us, end_us ON claims
WHEN EXISTS (SELECT 1 FROM claims
             WHERE instrument = NEW.instrument AND lane = NEW.lane AND id <> OLD.id
               AND start_us < NEW.end_us AND end_us > NEW.start_us)
BEGIN
  SELECT RAISE(ABORT, 'claims overlap');
END;
