-- Where things are, for distances; which institutions are enterprises, for who may book.
ALTER TABLE nodes ADD COLUMN enterprise BIGINT NOT NULL DEFAULT 0;
ALTER TABLE nodes ADD COLUMN latitude_udeg BIGINT;
ALTER TABLE nodes ADD COLUMN longitude_udeg BIGINT;
ALTER TABLE instruments ADD COLUMN latitude_udeg BIGINT;
ALTER TABLE instruments ADD COLUMN longitude_udeg BIGINT;
-- Whether telemetry proves use; an instrument that always draws power cannot tell.
ALTER TABLE instruments ADD COLUMN always_on BIGINT NOT NULL DEFAULT 0;
