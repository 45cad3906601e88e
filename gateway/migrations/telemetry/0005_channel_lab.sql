-- Which lab brought a channel's name into the store, so that none takes more than its share. 0: from
-- before this was noted, nobody's.
ALTER TABLE channel ADD COLUMN lab INTEGER NOT NULL DEFAULT 0;
