-- Every message writes these tables. A column that nobody reads goes, and so do entries in indexes of the past: keys are made in
-- the order of their ids, so forgetting old ones needs no index of its own; and a lane is only ever asked for what is pending.
ALTER TABLE sessions DROP COLUMN active_at;

ALTER TABLE idempotency_keys RENAME TO idempotency_keys_before;
DROP INDEX idempotency_keys_created;
CREATE TABLE idempotency_keys (
    id         {{id}},
    scope      TEXT NOT NULL,
    key        TEXT NOT NULL,
    request    TEXT NOT NULL,
    answer     TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (scope, key)
);
INSERT INTO idempotency_keys (scope, key, request, answer, created_at)
    SELECT scope, key, request, answer, created_at FROM idempotency_keys_before ORDER BY created_at;
DROP TABLE idempotency_keys_before;

DROP INDEX deliveries_lane;
CREATE INDEX deliveries_lane ON deliveries (lane, target, id) WHERE state = 'pending';
