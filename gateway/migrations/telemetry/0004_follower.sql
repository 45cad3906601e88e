-- The follower of the journal: a store elsewhere that gets a copy of all readings. One row while one
-- is configured, else none; written in the group commits, so it costs no commit of its own.
CREATE TABLE follower (
    id        INTEGER PRIMARY KEY CHECK (id = 1),
    -- Which store: another one begins anew.
    store     TEXT NOT NULL,
    -- Journal rows below it are delivered or given up.
    next_seq  INTEGER NOT NULL,
    -- Journal rows below it are kept for the follower alone: recovery does not read them.
    needed_seq INTEGER NOT NULL,
    -- Readings committed before this moment were never meant for it.
    began_us  INTEGER NOT NULL,
    -- Journal rows given up because the queue was full, and the commit time of the last.
    lost_rows INTEGER NOT NULL,
    lost_us   INTEGER NOT NULL
) STRICT;

-- Lines that the store elsewhere refused for good; the oldest are dropped, texts are cut.
CREATE TABLE set_aside (
    id     INTEGER PRIMARY KEY,
    at_us  INTEGER NOT NULL,
    store  TEXT NOT NULL,
    reason TEXT NOT NULL,
    lines  INTEGER NOT NULL,
    text   TEXT NOT NULL
) STRICT;
