-- Holds and offers claim time like bookings and outages: in the same table, under the same guard.
ALTER TABLE claims ADD COLUMN hold BIGINT;
ALTER TABLE claims ADD COLUMN offer BIGINT;
ALTER TABLE claims DROP CONSTRAINT claims_check1;
ALTER TABLE claims ADD CONSTRAINT claims_one_holder
  CHECK (num_nonnulls(booking, outage, hold, offer) = 1);
