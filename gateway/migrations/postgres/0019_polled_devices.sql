-- The Modbus unit that the gateway polls itself for an instrument, as JSON; NULL: an agent does.
ALTER TABLE instruments ADD COLUMN source_polled TEXT;
