-- A message on a channel has a state of its own; on the website it follows from the conversation's marks (-1).
ALTER TABLE messages ADD COLUMN state BIGINT NOT NULL DEFAULT -1;
ALTER TABLE messages ADD COLUMN state_code TEXT NOT NULL DEFAULT '';
ALTER TABLE messages ADD COLUMN state_reason TEXT NOT NULL DEFAULT '';
ALTER TABLE messages ADD COLUMN media_id BIGINT;
ALTER TABLE messages ADD COLUMN link_id BIGINT;
ALTER TABLE messages ADD COLUMN edited_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN deleted_at BIGINT NOT NULL DEFAULT 0;
-- Whether a link card is still shown anywhere.
CREATE INDEX messages_link ON messages (link_id) WHERE link_id IS NOT NULL;

-- From which message on browsers of contacts who are not signed in see nothing, because it happened elsewhere.
ALTER TABLE conversations ADD COLUMN hidden_from BIGINT NOT NULL DEFAULT 0;
-- Where the contact is reached on the conversation's channel (channel_contacts); answers go nowhere else.
ALTER TABLE conversations ADD COLUMN address_id BIGINT;
CREATE INDEX conversations_channel ON conversations (channel_id, updated_at, id) WHERE channel_id IS NOT NULL;

-- The e-mail address that the site's server vouched for when it signed the contact in, or an operator or the API. What a browser types
-- proves nothing.
ALTER TABLE contacts ADD COLUMN signed_email TEXT NOT NULL DEFAULT '';
CREATE INDEX contacts_signed_email ON contacts (signed_email) WHERE signed_email <> '';

-- Files. The bytes are in the store, under the key, and thumb is the size of the small picture beside them, 0 for none. A row that is
-- still loose or being written when it is due goes, with its bytes; so do those that were removed. host is whom a file is fetched from, and tries
-- how often somebody began to.
CREATE TABLE media (
    id              {{id}},
    key             TEXT NOT NULL UNIQUE,
    state           TEXT NOT NULL,
    kind            TEXT NOT NULL,
    name            TEXT NOT NULL,
    content_type    TEXT NOT NULL,
    size            BIGINT NOT NULL,
    width           BIGINT NOT NULL,
    height          BIGINT NOT NULL,
    duration_ms     BIGINT NOT NULL,
    peaks           TEXT NOT NULL,
    thumb           BIGINT NOT NULL,
    owner           TEXT NOT NULL,
    conversation_id BIGINT,
    message_id      BIGINT,
    source_url      TEXT NOT NULL,
    host            TEXT NOT NULL DEFAULT '',
    tries           BIGINT NOT NULL DEFAULT 0,
    error           TEXT NOT NULL,
    due_at          BIGINT NOT NULL,
    created_at      BIGINT NOT NULL
);
CREATE INDEX media_fetching ON media (due_at, id, host) WHERE state = 'fetching';
CREATE INDEX media_purge ON media (due_at) WHERE state IN ('loose', 'writing', 'removed');

-- What pages say about themselves, by address, and the messages that wait for it. conversation_id is the conversation that asked last for
-- the page to be read, at asked_at: one conversation gets only so many in a while. tries counts as in media; in link_waits, how often a
-- message could not be told.
CREATE TABLE link_cards (
    id              {{id}},
    url             TEXT NOT NULL UNIQUE,
    state           TEXT NOT NULL,
    title           TEXT NOT NULL,
    description     TEXT NOT NULL,
    site            TEXT NOT NULL,
    image_id        BIGINT,
    host            TEXT NOT NULL DEFAULT '',
    tries           BIGINT NOT NULL DEFAULT 0,
    conversation_id BIGINT NOT NULL DEFAULT 0,
    asked_at        BIGINT NOT NULL DEFAULT 0,
    due_at          BIGINT NOT NULL,
    fetched_at      BIGINT NOT NULL
);
CREATE INDEX link_cards_waiting ON link_cards (due_at, id, host) WHERE state = 'waiting';
CREATE INDEX link_cards_asked ON link_cards (conversation_id, asked_at);
CREATE TABLE link_waits (
    message_id      BIGINT PRIMARY KEY,
    conversation_id BIGINT NOT NULL,
    card_id         BIGINT NOT NULL,
    tries           BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX link_waits_card ON link_waits (card_id);

-- drop_to and drop_at: what waits up to that delivery and was queued until that moment is not sent.
CREATE TABLE channels (
    id           {{id}},
    type         TEXT NOT NULL,
    name         TEXT NOT NULL,
    target       BIGINT NOT NULL,
    widget_id    BIGINT NOT NULL REFERENCES widgets (id),
    widgets      TEXT NOT NULL,
    settings     TEXT NOT NULL,
    inbound_key  TEXT NOT NULL UNIQUE,
    merge        BOOLEAN NOT NULL,
    auto_reply   BOOLEAN NOT NULL,
    state        TEXT NOT NULL,
    state_reason TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL,
    deleted_at   BIGINT NOT NULL,
    drop_to      BIGINT NOT NULL DEFAULT 0,
    drop_at      BIGINT NOT NULL DEFAULT 0
);

-- Who stands behind an address on a channel. merged tells that the contact was known before from elsewhere by the same e-mail
-- address; separated_at, that somebody took the two apart again. One address of a contact on a channel is current: who begins a
-- conversation with the contact begins it there.
-- A contact that is alone is never found by its e-mail address.
CREATE TABLE channel_contacts (
    id           {{id}},
    channel_id   BIGINT NOT NULL REFERENCES channels (id),
    address      TEXT NOT NULL,
    contact_id   BIGINT NOT NULL REFERENCES contacts (id),
    email        TEXT NOT NULL,
    current      BOOLEAN NOT NULL,
    alone        BOOLEAN NOT NULL,
    merged       BOOLEAN NOT NULL,
    created_at   BIGINT NOT NULL,
    separated_at BIGINT NOT NULL,
    separated_by TEXT NOT NULL,
    UNIQUE (channel_id, address)
);
CREATE INDEX channel_contacts_contact ON channel_contacts (contact_id);

-- Which message has a sender's own id: a message is stored once, however long its sender repeats it.
CREATE TABLE channel_messages (
    channel_id      BIGINT NOT NULL,
    external_id     TEXT NOT NULL,
    message_id      BIGINT NOT NULL,
    conversation_id BIGINT NOT NULL,
    contact_id      BIGINT NOT NULL,
    PRIMARY KEY (channel_id, external_id)
);

-- What came in at a channel's door, let in or not; the newest of each channel are kept.
CREATE TABLE channel_inbound (
    id         {{id}},
    channel_id BIGINT NOT NULL,
    at         BIGINT NOT NULL,
    ip         TEXT NOT NULL,
    status     BIGINT NOT NULL,
    code       TEXT NOT NULL,
    detail     TEXT NOT NULL,
    message_id BIGINT,
    duplicate  BOOLEAN NOT NULL
);
CREATE INDEX channel_inbound_channel ON channel_inbound (channel_id, id);
