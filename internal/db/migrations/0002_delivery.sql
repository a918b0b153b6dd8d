-- Durable deliveries. A target is anything that deliveries go to; which kind it is and what ref means, its executor knows.
-- The row is also the target's lease: owner and fence say which engine may attempt and acknowledge.

CREATE TABLE delivery_targets (
    id              {{id}},
    kind            TEXT NOT NULL,
    ref             BIGINT NOT NULL,
    in_flight_limit BIGINT NOT NULL,
    paused          BOOLEAN NOT NULL,
    pause_reason    TEXT NOT NULL,
    resumed_at      BIGINT NOT NULL,
    nudge           BIGINT NOT NULL,
    owner           TEXT NOT NULL,
    node            TEXT NOT NULL,
    fence           BIGINT NOT NULL,
    expires_at      BIGINT NOT NULL,
    wake_at         BIGINT NOT NULL,
    breaker         TEXT NOT NULL,
    failures        BIGINT NOT NULL,
    probe_at        BIGINT NOT NULL,
    last_status     BIGINT NOT NULL,
    last_attempt_at BIGINT NOT NULL,
    UNIQUE (kind, ref)
);

-- One row per (event, target). event_id 0 and lane '' mean: bound to no event, ordered with nothing.
CREATE TABLE deliveries (
    id           {{id}},
    target       BIGINT NOT NULL,
    event_id     BIGINT NOT NULL,
    lane         TEXT NOT NULL,
    name         TEXT NOT NULL,
    form         TEXT NOT NULL,
    test         BOOLEAN NOT NULL,
    state        TEXT NOT NULL,
    attempts     BIGINT NOT NULL,
    next_at      BIGINT NOT NULL,
    since        BIGINT NOT NULL,
    has_body     BOOLEAN NOT NULL,
    last_status  BIGINT NOT NULL,
    last_error   TEXT NOT NULL,
    replay_of    BIGINT,
    created_at   BIGINT NOT NULL,
    finished_at  BIGINT NOT NULL
);
CREATE INDEX deliveries_event ON deliveries (event_id);
CREATE INDEX deliveries_lane ON deliveries (lane, target, id);
CREATE INDEX deliveries_pending ON deliveries (target, id) WHERE state = 'pending';
CREATE INDEX deliveries_dead ON deliveries (target, id) WHERE state = 'dead';

-- What was sent, kept apart so that acknowledging does not move the small rows.
CREATE TABLE delivery_bodies (
    delivery_id BIGINT PRIMARY KEY,
    body        {{bytes}} NOT NULL
);

CREATE TABLE delivery_attempts (
    delivery_id      BIGINT NOT NULL,
    number           BIGINT NOT NULL,
    started_at       BIGINT NOT NULL,
    duration_us      BIGINT NOT NULL,
    outcome          TEXT NOT NULL,
    status           BIGINT NOT NULL,
    error            TEXT NOT NULL,
    retry_at         BIGINT NOT NULL,
    request_url      TEXT NOT NULL,
    request_headers  TEXT NOT NULL,
    response_headers TEXT NOT NULL,
    response_body    {{bytes}} NOT NULL,
    PRIMARY KEY (delivery_id, number)
);

CREATE TABLE endpoints (
    id                  {{id}},
    target              BIGINT NOT NULL,
    name                TEXT NOT NULL,
    url                 TEXT NOT NULL,
    dialect             TEXT NOT NULL,
    dialect_version     TEXT NOT NULL,
    events              TEXT NOT NULL,
    headers             TEXT NOT NULL,
    secret              TEXT NOT NULL,
    previous_secret     TEXT NOT NULL,
    previous_expires_at BIGINT NOT NULL,
    state               TEXT NOT NULL,
    state_reason        TEXT NOT NULL,
    in_flight_limit     BIGINT NOT NULL,
    timeout_ms          BIGINT NOT NULL,
    created_at          BIGINT NOT NULL,
    updated_at          BIGINT NOT NULL,
    deleted_at          BIGINT NOT NULL
);
