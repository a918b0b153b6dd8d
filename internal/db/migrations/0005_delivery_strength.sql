-- per_second: attempts that may start in a second, 0 for any number. failing_since and warned: since when nothing has succeeded and
-- how many warnings were given. gone: what the target stood for was deleted. drop_to and drop_at: pending rows up to that id
-- and time are being dropped, a few at a time.
ALTER TABLE delivery_targets ADD COLUMN per_second BIGINT NOT NULL DEFAULT 0;
ALTER TABLE delivery_targets ADD COLUMN failing_since BIGINT NOT NULL DEFAULT 0;
ALTER TABLE delivery_targets ADD COLUMN warned BIGINT NOT NULL DEFAULT 0;
ALTER TABLE delivery_targets ADD COLUMN gone BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE delivery_targets ADD COLUMN drop_to BIGINT NOT NULL DEFAULT 0;
ALTER TABLE delivery_targets ADD COLUMN drop_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE delivery_targets ADD COLUMN drop_reason TEXT NOT NULL DEFAULT '';
UPDATE delivery_targets SET gone = TRUE WHERE id IN (SELECT target FROM endpoints WHERE deleted_at > 0);

-- What waits for a retry: a resume lets it go at once. What succeeds is never in it.
CREATE INDEX deliveries_waiting ON deliveries (target) WHERE state = 'pending' AND next_at > 0;

-- What was attempted, per target and minute: sums over attempts, and the longest wait of one that arrived.
CREATE TABLE delivery_minutes (
    target     BIGINT NOT NULL,
    minute     BIGINT NOT NULL,
    delivered  BIGINT NOT NULL,
    failed     BIGINT NOT NULL,
    took_us    BIGINT NOT NULL,
    max_us     BIGINT NOT NULL,
    max_lag_us BIGINT NOT NULL,
    PRIMARY KEY (target, minute)
);
