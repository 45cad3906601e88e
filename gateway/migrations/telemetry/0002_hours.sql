-- The hourly merge, rollups, and how long things are kept.

-- Order of receipt among blocks that overlap, NULL: as the id. What a merge writes ranks as the
-- newest block it was made from; no rank is above the row's id.
ALTER TABLE block ADD COLUMN rank INTEGER;
CREATE INDEX block_by_end ON block (last_ms);

-- Columns of merged blocks, so that reading one channel does not pay for all. id is
-- block * 8192 + channel; the block's own data has its times and no columns.
CREATE TABLE block_column (
    id   INTEGER PRIMARY KEY,
    data BLOB NOT NULL
) STRICT;

-- Steps of a channel; step_ms 60000 with a day a row, 3600000 with 32 days. chunk counts such
-- rows from 1970. The format is described in history/rollup.rs.
CREATE TABLE rollup (
    id         INTEGER PRIMARY KEY,
    instrument INTEGER NOT NULL,
    step_ms    INTEGER NOT NULL,
    chunk      INTEGER NOT NULL,
    channel    INTEGER NOT NULL,
    data       BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX rollup_place ON rollup (instrument, step_ms, chunk, channel);

-- Hours of an instrument whose rollups are older than their readings: bit h of hours is hour h of
-- the day, which counts from 1970 UTC. Set in the transaction that commits the readings.
CREATE TABLE touched (
    instrument INTEGER NOT NULL,
    day        INTEGER NOT NULL,
    hours      INTEGER NOT NULL,
    PRIMARY KEY (instrument, day)
) STRICT, WITHOUT ROWID;

-- Before it, readings (step_ms 0) and steps may be deleted.
CREATE TABLE kept_from (
    step_ms INTEGER PRIMARY KEY,
    from_ms INTEGER NOT NULL
) STRICT;

-- What was there before rollups were is computed anew.
WITH RECURSIVE spanned (instrument, day, last) AS (
    SELECT instrument, first_ms / 86400000, last_ms / 86400000 FROM block
    UNION
    SELECT instrument, upto_ms / 86400000 - 8, upto_ms / 86400000
    FROM tail WHERE upto_ms IS NOT NULL
    UNION
    SELECT instrument, day + 1, last FROM spanned WHERE day < last
)
INSERT INTO touched (instrument, day, hours)
SELECT DISTINCT instrument, day, 16777215 FROM spanned;
