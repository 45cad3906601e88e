-- Where things are, for distances; which institutions are enterprises, for who may book.
ALTER TABLE nodes ADD COLUMN enterprise INTEGER NOT NULL DEFAULT 0;
ALTER TABLE nodes ADD COLUMN latitude_udeg INTEGER;
ALTER TABLE nodes ADD COLUMN longitude_udeg INTEGER;
ALTER TABLE instruments ADD COLUMN latitude_udeg INTEGER;
ALTER TABLE instruments ADD COLUMN longitude_udeg INTEGER;
-- Whether telemetry proves use; an instrument that always draws power cannot tell.
ALTER TABLE instruments ADD COLUMN always_on INTEGER NOT NULL DEFAULT 0;
