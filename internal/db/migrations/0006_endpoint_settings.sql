-- More settings of an endpoint. widget_filter and group_filter are JSON lists of ids; private_ranges is a JSON list, or null for
-- every range that the installation allows.
ALTER TABLE endpoints ADD COLUMN widget_filter TEXT NOT NULL DEFAULT '[]';
ALTER TABLE endpoints ADD COLUMN group_filter TEXT NOT NULL DEFAULT '[]';
ALTER TABLE endpoints ADD COLUMN rate_limit BIGINT NOT NULL DEFAULT 0;
ALTER TABLE endpoints ADD COLUMN private_ranges TEXT NOT NULL DEFAULT 'null';
ALTER TABLE endpoints ADD COLUMN success TEXT NOT NULL DEFAULT 'dialect';
ALTER TABLE endpoints ADD COLUMN policy_name TEXT NOT NULL DEFAULT 'keep';
ALTER TABLE endpoints ADD COLUMN policy_email TEXT NOT NULL DEFAULT 'keep';
ALTER TABLE endpoints ADD COLUMN policy_ip TEXT NOT NULL DEFAULT 'keep';
ALTER TABLE endpoints ADD COLUMN policy_text TEXT NOT NULL DEFAULT 'keep';
