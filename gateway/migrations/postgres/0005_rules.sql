-- Rules of a node (scope_kind 'node') or an instrument ('instrument'), as JSON.
CREATE TABLE rule_sets (
  scope_kind TEXT NOT NULL,
  scope_id BIGINT NOT NULL,
  version BIGINT NOT NULL,
  rules TEXT NOT NULL,
  PRIMARY KEY (scope_kind, scope_id)
);
