-- The telemetry store. Times: _us microseconds, _ms milliseconds since 1970 UTC.

-- Channel names, dense from 1.
CREATE TABLE channel (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

-- Units as agents declare them.
CREATE TABLE unit (
    instrument INTEGER NOT NULL,
    channel    INTEGER NOT NULL REFERENCES channel (id),
    unit       TEXT NOT NULL,
    PRIMARY KEY (instrument, channel)
) STRICT, WITHOUT ROWID;

-- One row a group commit, deleted when all it holds is in blocks, tails and streams.
CREATE TABLE journal (
    seq   INTEGER PRIMARY KEY,
    at_us INTEGER NOT NULL,
    data  BLOB NOT NULL
) STRICT;

-- The tail of an instrument (kind 0 live, 1 late) as of the commit from_seq: its rows as a block, or
-- NULL for none. Later journal rows add to it. newest: the last reading of each channel.
CREATE TABLE tail (
    instrument INTEGER NOT NULL,
    kind       INTEGER NOT NULL,
    from_seq   INTEGER NOT NULL,
    upto_ms    INTEGER,
    data       BLOB,
    newest     BLOB NOT NULL,
    PRIMARY KEY (instrument, kind)
) STRICT;

-- Compressed rows of one instrument; the format is described in history/block.rs.
CREATE TABLE block (
    id         INTEGER PRIMARY KEY,
    instrument INTEGER NOT NULL,
    first_ms   INTEGER NOT NULL,
    last_ms    INTEGER NOT NULL,
    row_count  INTEGER NOT NULL,
    data       BLOB NOT NULL
) STRICT;
CREATE INDEX block_of_instrument ON block (instrument, first_ms, last_ms);

-- What was received of each agent's stream as of the commit from_seq.
CREATE TABLE stream (
    id       INTEGER PRIMARY KEY,
    agent    TEXT NOT NULL,
    stream   TEXT NOT NULL,
    from_seq INTEGER NOT NULL,
    received BLOB NOT NULL,
    seen_us  INTEGER NOT NULL,
    UNIQUE (agent, stream)
) STRICT;

-- Records that never came and never will.
CREATE TABLE gap (
    id         INTEGER PRIMARY KEY,
    agent      TEXT NOT NULL,
    stream     TEXT NOT NULL,
    first      INTEGER NOT NULL,
    last       INTEGER NOT NULL,
    noticed_us INTEGER NOT NULL
) STRICT;

-- Changes of machine state, ascending by seq; for one instrument also by at_us.
CREATE TABLE state_change (
    seq        INTEGER PRIMARY KEY,
    instrument INTEGER NOT NULL,
    at_us      INTEGER NOT NULL,
    state      TEXT NOT NULL,
    reason     TEXT,
    decided_us INTEGER NOT NULL
) STRICT;
CREATE INDEX state_change_of_instrument ON state_change (instrument, at_us, seq);

-- Where the monotonic clock of an agent's boot stands: gateway time = offset_us + monotonic time.
CREATE TABLE boot (
    agent     TEXT NOT NULL,
    boot      TEXT NOT NULL,
    offset_us INTEGER NOT NULL,
    seen_us   INTEGER NOT NULL,
    PRIMARY KEY (agent, boot)
) STRICT, WITHOUT ROWID;

-- What agents said of themselves.
CREATE TABLE agent (
    name    TEXT PRIMARY KEY,
    version TEXT NOT NULL,
    seen_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Messages that could not be accepted; the oldest are dropped, payloads are cut.
CREATE TABLE quarantine (
    id      INTEGER PRIMARY KEY,
    at_us   INTEGER NOT NULL,
    topic   TEXT NOT NULL,
    reason  TEXT NOT NULL,
    detail  TEXT NOT NULL,
    bytes   INTEGER NOT NULL,
    payload BLOB NOT NULL
) STRICT;
