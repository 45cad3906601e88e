-- How often an agent promised to report at the latest; NULL if it never said.
ALTER TABLE agent ADD COLUMN report_every_ms INTEGER;

-- Versions of an instrument's states, each made by running a rule over readings of a window again.
-- What was decided at the time stays in state_change; a version holds in its window once it is
-- complete, a later one before an earlier one. done_us: up to when it has been computed.
CREATE TABLE state_version (
    id          INTEGER PRIMARY KEY,
    instrument  INTEGER NOT NULL,
    from_us     INTEGER NOT NULL,
    to_us       INTEGER NOT NULL,
    done_us     INTEGER NOT NULL,
    is_complete INTEGER NOT NULL
) STRICT;
CREATE INDEX state_version_of_instrument ON state_version (instrument, id);

-- States of a version, ascending by at_us; the first begins with the window.
CREATE TABLE state_version_change (
    version INTEGER NOT NULL REFERENCES state_version (id),
    at_us   INTEGER NOT NULL,
    state   TEXT NOT NULL,
    reason  TEXT,
    PRIMARY KEY (version, at_us)
) STRICT, WITHOUT ROWID;
