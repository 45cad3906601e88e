-- Times of which an agent still owes readings while newer ones have come: a start goes on filling them.
CREATE TABLE stretch (
    instrument INTEGER NOT NULL,
    -- The first reading after it, and the record that brought it.
    until_ms INTEGER NOT NULL,
    stream INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    -- The newest reading before it; none if there never was one.
    from_ms INTEGER,
    before TEXT NOT NULL,
    before_reason TEXT,
    silent_ms INTEGER,
    afterwards TEXT NOT NULL,
    afterwards_reason TEXT,
    PRIMARY KEY (instrument, until_ms)
) STRICT, WITHOUT ROWID;
