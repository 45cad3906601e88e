-- Claims that end by themselves, and who waits for them.
CREATE TABLE holds (
  id INTEGER PRIMARY KEY,
  instrument INTEGER NOT NULL REFERENCES instruments (id),
  member INTEGER NOT NULL REFERENCES members (id),
  start_us INTEGER NOT NULL,
  end_us INTEGER NOT NULL CHECK (start_us < end_us),
  undoes INTEGER REFERENCES bookings (id),
  undoes_to TEXT,
  created_us INTEGER NOT NULL,
  expires_us INTEGER NOT NULL
) STRICT;

CREATE TABLE waits (
  id INTEGER PRIMARY KEY,
  member INTEGER NOT NULL REFERENCES members (id),
  instruments TEXT NOT NULL,
  start_us INTEGER NOT NULL,
  end_us INTEGER NOT NULL CHECK (start_us < end_us),
  length_us INTEGER NOT NULL,
  auto_book INTEGER NOT NULL,
  purpose TEXT NOT NULL,
  state TEXT NOT NULL,
  booking INTEGER REFERENCES bookings (id),
  passed TEXT NOT NULL,
  created_us INTEGER NOT NULL
) STRICT;

CREATE INDEX waits_by_end ON waits (end_us);

CREATE TABLE offers (
  id INTEGER PRIMARY KEY,
  wait INTEGER NOT NULL REFERENCES waits (id),
  member INTEGER NOT NULL REFERENCES members (id),
  instrument INTEGER NOT NULL REFERENCES instruments (id),
  start_us INTEGER NOT NULL,
  end_us INTEGER NOT NULL CHECK (start_us < end_us),
  created_us INTEGER NOT NULL,
  expires_us INTEGER NOT NULL,
  state TEXT NOT NULL
) STRICT;

CREATE TABLE series (
  id INTEGER PRIMARY KEY,
  member INTEGER NOT NULL REFERENCES members (id),
  instrument INTEGER NOT NULL REFERENCES instruments (id),
  start_us INTEGER NOT NULL,
  end_us INTEGER NOT NULL CHECK (start_us < end_us),
  rule TEXT NOT NULL,
  purpose TEXT NOT NULL,
  created_us INTEGER NOT NULL,
  ended_us INTEGER
) STRICT;
