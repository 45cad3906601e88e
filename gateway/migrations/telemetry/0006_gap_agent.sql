-- The losses of one agent are looked up when there are too many of them.
CREATE INDEX gap_of_agent ON gap (agent, id);
