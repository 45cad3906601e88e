-- Rules of a node (scope_kind 'node') or an instrument ('instrument'), as JSON.
CREATE TABLE rule_sets (
  scope_kind TEXT NOT NULL,
  scope_id INTEGER NOT NULL,
  version INTEGER NOT NULL,
  rules TEXT NOT NULL,
  PRIMARY KEY (scope_kind, scope_id)
) STRICT;
