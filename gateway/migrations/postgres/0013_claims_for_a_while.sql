-- Claims that end by themselves, and who waits for them.
CREATE TABLE holds (
  id BIGINT PRIMARY KEY,
  instrument BIGINT NOT NULL REFERENCES instruments (id),
  member BIGINT NOT NULL REFERENCES members (id),
  start_us BIGINT NOT NULL,
  end_us BIGINT NOT NULL CHECK (start_us < end_us),
  undoes BIGINT REFERENCES bookings (id),
  undoes_to TEXT,
  created_us BIGINT NOT NULL,
  expires_us BIGINT NOT NULL
);

CREATE TABLE waits (
  id BIGINT PRIMARY KEY,
  member BIGINT NOT NULL REFERENCES members (id),
  instruments TEXT NOT NULL,
  start_us BIGINT NOT NULL,
  end_us BIGINT NOT NULL CHECK (start_us < end_us),
  length_us BIGINT NOT NULL,
  auto_book BIGINT NOT NULL,
  purpose TEXT NOT NULL,
  state TEXT NOT NULL,
  booking BIGINT REFERENCES bookings (id),
  passed TEXT NOT NULL,
  created_us BIGINT NOT NULL
);

CREATE INDEX waits_by_end ON waits (end_us);

CREATE TABLE offers (
  id BIGINT PRIMARY KEY,
  wait BIGINT NOT NULL REFERENCES waits (id),
  member BIGINT NOT NULL REFERENCES members (id),
  instrument BIGINT NOT NULL REFERENCES instruments (id),
  start_us BIGINT NOT NULL,
  end_us BIGINT NOT NULL CHECK (start_us < end_us),
  created_us BIGINT NOT NULL,
  expires_us BIGINT NOT NULL,
  state TEXT NOT NULL
);

CREATE TABLE series (
  id BIGINT PRIMARY KEY,
  member BIGINT NOT NULL REFERENCES members (id),
  instrument BIGINT NOT NULL REFERENCES instruments (id),
  start_us BIGINT NOT NULL,
  end_us BIGINT NOT NULL CHECK (start_us < end_us),
  rule TEXT NOT NULL,
  purpose TEXT NOT NULL,
  created_us BIGINT NOT NULL,
  ended_us BIGINT
);
