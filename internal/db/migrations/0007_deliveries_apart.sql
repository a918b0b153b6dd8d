-- Test calls and single replays of a target, which do not wait behind its backlog.
CREATE INDEX deliveries_apart ON deliveries (target, id) WHERE state = 'pending' AND lane = '';
