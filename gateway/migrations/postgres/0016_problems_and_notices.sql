-- Problems with their photos, and what people are told.
CREATE TABLE attachments (
  id BIGINT PRIMARY KEY,
  member BIGINT NOT NULL REFERENCES members (id),
  instrument BIGINT NOT NULL REFERENCES instruments (id),
  media_type TEXT NOT NULL,
  bytes BYTEA NOT NULL,
  created_us BIGINT NOT NULL
);

CREATE TABLE problems (
  id BIGINT PRIMARY KEY,
  instrument BIGINT NOT NULL REFERENCES instruments (id),
  reporter BIGINT NOT NULL REFERENCES members (id),
  created_us BIGINT NOT NULL,
  text TEXT NOT NULL,
  photo BIGINT,
  outage BIGINT REFERENCES outages (id),
  cause TEXT,
  remedy TEXT NOT NULL,
  closed_by BIGINT REFERENCES members (id),
  closed_us BIGINT,
  version BIGINT NOT NULL
);

CREATE INDEX problems_by_instrument ON problems (instrument);

CREATE TABLE notices (
  id BIGINT PRIMARY KEY,
  member BIGINT NOT NULL REFERENCES members (id),
  kind TEXT NOT NULL,
  instrument BIGINT NOT NULL REFERENCES instruments (id),
  booking BIGINT REFERENCES bookings (id),
  start_us BIGINT,
  end_us BIGINT,
  words TEXT NOT NULL,
  at_us BIGINT NOT NULL,
  seen_us BIGINT
);

CREATE INDEX notices_by_member ON notices (member, at_us);
