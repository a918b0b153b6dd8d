-- One text for both engines: {{id}} is a generated 64-bit primary key, {{bytes}} a byte string.
-- Times are microseconds since 1970 in UTC, 0 or NULL for "not yet"; JSON is TEXT.

CREATE TABLE settings (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

-- The event feed. On SQLite seq is given by the insert, on PostgreSQL right after the commit.
CREATE TABLE events (
    id              {{id}},
    seq             BIGINT UNIQUE,
    type            TEXT NOT NULL,
    lane            TEXT NOT NULL,
    conversation_id BIGINT,
    contact_id      BIGINT,
    at              BIGINT NOT NULL,
    data            {{bytes}} NOT NULL
);
CREATE INDEX events_unnumbered ON events (id) WHERE seq IS NULL;

CREATE TABLE feed_counter (
    one  BIGINT PRIMARY KEY,
    last BIGINT NOT NULL
);
INSERT INTO feed_counter (one, last) VALUES (1, 0);

CREATE TABLE idempotency_keys (
    scope      TEXT NOT NULL,
    key        TEXT NOT NULL,
    request    TEXT NOT NULL,
    answer     TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE INDEX idempotency_keys_created ON idempotency_keys (created_at);

CREATE TABLE operators (
    id            {{id}},
    email         TEXT NOT NULL UNIQUE,
    username      TEXT NOT NULL,
    first_name    TEXT NOT NULL,
    last_name     TEXT NOT NULL,
    alias         TEXT NOT NULL,
    image_url     TEXT NOT NULL,
    lang          TEXT NOT NULL,
    locale        TEXT NOT NULL,
    timezone      TEXT NOT NULL,
    role          TEXT NOT NULL,
    active        BOOLEAN NOT NULL,
    slots         BIGINT NOT NULL,
    availability  TEXT NOT NULL,
    status        TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL
);

CREATE TABLE operator_groups (
    id         {{id}},
    name       TEXT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL
);

CREATE TABLE operator_group_members (
    group_id    BIGINT NOT NULL REFERENCES operator_groups (id) ON DELETE CASCADE,
    operator_id BIGINT NOT NULL REFERENCES operators (id) ON DELETE CASCADE,
    PRIMARY KEY (group_id, operator_id)
);
CREATE INDEX operator_group_members_operator ON operator_group_members (operator_id);

-- One row per open tab of an operator, on whichever node; rows that are not touched any more do not count.
CREATE TABLE operator_tabs (
    id          TEXT PRIMARY KEY,
    operator_id BIGINT NOT NULL REFERENCES operators (id) ON DELETE CASCADE,
    seen_at     BIGINT NOT NULL,
    closed      BOOLEAN NOT NULL
);
CREATE INDEX operator_tabs_operator ON operator_tabs (operator_id);

CREATE TABLE operator_sessions (
    token_hash  TEXT PRIMARY KEY,
    operator_id BIGINT NOT NULL REFERENCES operators (id) ON DELETE CASCADE,
    user_agent  TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    seen_at     BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL
);
CREATE INDEX operator_sessions_operator ON operator_sessions (operator_id);

CREATE TABLE sign_in_links (
    token_hash  TEXT PRIMARY KEY,
    operator_id BIGINT NOT NULL REFERENCES operators (id) ON DELETE CASCADE,
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    used_at     BIGINT NOT NULL
);

CREATE TABLE api_tokens (
    id           {{id}},
    name         TEXT NOT NULL,
    scope        TEXT NOT NULL,
    token_hash   TEXT NOT NULL UNIQUE,
    prefix       TEXT NOT NULL,
    created_by   BIGINT REFERENCES operators (id),
    created_at   BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    revoked_at   BIGINT NOT NULL
);

CREATE TABLE contacts (
    id          {{id}},
    uuid        TEXT NOT NULL UNIQUE,
    name        TEXT NOT NULL,
    email       TEXT NOT NULL,
    phone       TEXT NOT NULL,
    external_id TEXT NOT NULL,
    custom      TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL
);
CREATE UNIQUE INDEX contacts_external ON contacts (external_id) WHERE external_id <> '';
CREATE INDEX contacts_email ON contacts (email) WHERE email <> '';

CREATE TABLE contact_tokens (
    token_hash TEXT PRIMARY KEY,
    contact_id BIGINT NOT NULL REFERENCES contacts (id) ON DELETE CASCADE,
    widget_id  BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    seen_at    BIGINT NOT NULL,
    revoked_at BIGINT NOT NULL
);
CREATE INDEX contact_tokens_contact ON contact_tokens (contact_id);

CREATE TABLE widgets (
    id                      {{id}},
    key                     TEXT NOT NULL UNIQUE,
    name                    TEXT NOT NULL,
    lang                    TEXT NOT NULL,
    group_id                BIGINT REFERENCES operator_groups (id),
    domains                 TEXT NOT NULL,
    color                   TEXT NOT NULL,
    position                TEXT NOT NULL,
    title                   TEXT NOT NULL,
    subtitle                TEXT NOT NULL,
    greeting                TEXT NOT NULL,
    theme                   TEXT NOT NULL,
    session_timeout_seconds BIGINT NOT NULL,
    identity_required       BOOLEAN NOT NULL,
    identity_secret         TEXT NOT NULL,
    active                  BOOLEAN NOT NULL,
    created_at              BIGINT NOT NULL,
    updated_at              BIGINT NOT NULL
);

CREATE TABLE conversations (
    id                {{id}},
    uuid              TEXT NOT NULL UNIQUE,
    contact_id        BIGINT NOT NULL REFERENCES contacts (id),
    widget_id         BIGINT NOT NULL REFERENCES widgets (id),
    channel_type      TEXT NOT NULL,
    channel_id        BIGINT,
    group_id          BIGINT REFERENCES operator_groups (id),
    operator_id       BIGINT REFERENCES operators (id),
    status            TEXT NOT NULL,
    topic             TEXT NOT NULL,
    message_count     BIGINT NOT NULL,
    session_id        BIGINT,
    last_message      TEXT NOT NULL,
    operator_read     BIGINT NOT NULL,
    contact_delivered BIGINT NOT NULL,
    contact_read      BIGINT NOT NULL,
    unread            BIGINT NOT NULL,
    created_at        BIGINT NOT NULL,
    updated_at        BIGINT NOT NULL,
    ended_at          BIGINT NOT NULL
);
CREATE INDEX conversations_updated ON conversations (updated_at);
CREATE INDEX conversations_contact ON conversations (contact_id);
CREATE INDEX conversations_open ON conversations (operator_id, status);

CREATE TABLE sessions (
    id               {{id}},
    conversation_id  BIGINT NOT NULL REFERENCES conversations (id),
    number           BIGINT NOT NULL,
    first_number     BIGINT NOT NULL,
    started_at       BIGINT NOT NULL,
    ended_at         BIGINT NOT NULL,
    end_reason       TEXT NOT NULL,
    operator_created BIGINT,
    active_at        BIGINT NOT NULL,
    expires_at       BIGINT NOT NULL,
    visit            TEXT NOT NULL,
    UNIQUE (conversation_id, number)
);
CREATE INDEX sessions_expiry ON sessions (expires_at) WHERE ended_at = 0;

CREATE TABLE messages (
    id              {{id}},
    conversation_id BIGINT NOT NULL REFERENCES conversations (id),
    number          BIGINT NOT NULL,
    session_id      BIGINT NOT NULL REFERENCES sessions (id),
    type            TEXT NOT NULL,
    note            BOOLEAN NOT NULL,
    sender_type     TEXT NOT NULL,
    sender_id       BIGINT,
    sender_name     TEXT NOT NULL,
    body            TEXT NOT NULL,
    event           TEXT NOT NULL,
    reference_id    BIGINT,
    client_id       TEXT NOT NULL,
    sent_at         BIGINT NOT NULL,
    UNIQUE (conversation_id, number)
);
