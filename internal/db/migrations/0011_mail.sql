-- The mail server of the installation: one row or none, sealed.
CREATE TABLE mail_server (
    one        BIGINT PRIMARY KEY,
    settings   TEXT NOT NULL,
    updated_at BIGINT NOT NULL
);

-- What a widget says of mails. A widget without a row has the defaults. callback_token is sealed; texts are lines of JSON. missed_after is
-- in seconds, 0 for no such mails.
CREATE TABLE widget_mail (
    widget_id         BIGINT PRIMARY KEY REFERENCES widgets (id) ON DELETE CASCADE,
    inbound_url       TEXT NOT NULL,
    callback          BOOLEAN NOT NULL,
    callback_url      TEXT NOT NULL,
    callback_token    TEXT NOT NULL,
    context_as_text   BOOLEAN NOT NULL,
    transcript_on_end BOOLEAN NOT NULL,
    transcript_offer  BOOLEAN NOT NULL,
    sign_in           BOOLEAN NOT NULL,
    missed_after      BIGINT NOT NULL,
    from_name         TEXT NOT NULL,
    logo_url          TEXT NOT NULL,
    texts             TEXT NOT NULL,
    updated_at        BIGINT NOT NULL
);

-- The delivery target of a widget's mails. Its state says whether they go out: active, or waiting with a reason.
CREATE TABLE mail_targets (
    widget_id BIGINT PRIMARY KEY,
    target    BIGINT NOT NULL,
    state     TEXT NOT NULL,
    reason    TEXT NOT NULL
);

-- Mails to contacts. event_id is the event mail.queued, by which the delivery finds its mail; it and delivery_id are filled in the transaction
-- that makes the row. A transcript or a digest has the messages with numbers from first to last; reauth_id is the way in that it carries, 0 for
-- none. state: queued, sent, failed or dropped. receiver_hash is a keyed hash of the receiver: limits count by it, and it stays when the contact
-- deletes their data and receiver is blanked. ends_at is when the deliveries of such a mail are ended, 0 for not.
CREATE TABLE mails (
    id              {{id}},
    event_id        BIGINT UNIQUE,
    delivery_id     BIGINT NOT NULL,
    widget_id       BIGINT NOT NULL,
    contact_id      BIGINT NOT NULL,
    conversation_id BIGINT,
    kind            TEXT NOT NULL,
    receiver        TEXT NOT NULL,
    receiver_hash   TEXT NOT NULL,
    first           BIGINT NOT NULL,
    last            BIGINT NOT NULL,
    reauth_id       BIGINT NOT NULL,
    asked_by        TEXT NOT NULL,
    state           TEXT NOT NULL,
    reason          TEXT NOT NULL,
    created_at      BIGINT NOT NULL,
    done_at         BIGINT NOT NULL,
    ends_at         BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX mails_conversation ON mails (conversation_id, id) WHERE conversation_id IS NOT NULL;
CREATE INDEX mails_contact ON mails (contact_id, id);
CREATE INDEX mails_receiver ON mails (receiver_hash, created_at);
CREATE INDEX mails_ends ON mails (ends_at) WHERE ends_at > 0;
CREATE INDEX mails_created ON mails (created_at);
CREATE INDEX mails_failed ON mails (widget_id, done_at) WHERE state = 'failed';

-- Addresses that a mail server refused for good.
CREATE TABLE mail_bounces (
    address TEXT PRIMARY KEY,
    code    BIGINT NOT NULL,
    reason  TEXT NOT NULL,
    mail_id BIGINT NOT NULL,
    at      BIGINT NOT NULL
);

-- Answers that wait for their contact. due_at is when the contact gets a mail about those that they have not read by then, told up to which
-- message earlier mails went.
CREATE TABLE mail_missed (
    conversation_id BIGINT PRIMARY KEY,
    due_at          BIGINT NOT NULL,
    told            BIGINT NOT NULL
);
CREATE INDEX mail_missed_due ON mail_missed (due_at) WHERE due_at > 0;

-- Somebody wants to sign in by mail. Known and unknown addresses are put down alike; a worker looks at them.
CREATE TABLE mail_asked (
    id        {{id}},
    widget_id BIGINT NOT NULL,
    address   TEXT NOT NULL,
    asked_at  BIGINT NOT NULL
);

-- Ways to sign in by mail: a link and a code, of which only hashes are stored. Using either uses up both. conversation_id is where the
-- browser goes then. There is no reference to contacts: it would lock a contact behind its conversation, and others lock them the other way round.
CREATE TABLE contact_reauth (
    id              {{id}},
    contact_id      BIGINT NOT NULL,
    widget_id       BIGINT NOT NULL,
    conversation_id BIGINT,
    address         TEXT NOT NULL,
    link_hash       TEXT NOT NULL,
    code_hash       TEXT NOT NULL,
    created_at      BIGINT NOT NULL,
    expires_at      BIGINT NOT NULL,
    used_at         BIGINT NOT NULL
);
CREATE UNIQUE INDEX contact_reauth_link ON contact_reauth (link_hash) WHERE link_hash <> '';
CREATE UNIQUE INDEX contact_reauth_code ON contact_reauth (code_hash) WHERE code_hash <> '';
CREATE INDEX contact_reauth_contact ON contact_reauth (contact_id);

-- A contact's browsers, for the list in the widget. mailed tells that the browser came by a mail to the contact's address.
ALTER TABLE contact_tokens ADD COLUMN user_agent TEXT NOT NULL DEFAULT '';
ALTER TABLE contact_tokens ADD COLUMN mailed BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE contacts ADD COLUMN erased_at BIGINT NOT NULL DEFAULT 0;

-- Who turned out to be behind an anonymous contact and got its conversations. What is left of it is erased with them.
ALTER TABLE contacts ADD COLUMN handed_to BIGINT NOT NULL DEFAULT 0;
CREATE INDEX contacts_handed ON contacts (handed_to) WHERE handed_to > 0;

-- Contacts whose data was erased, while what is stored of it in events and deliveries goes. It is looked at again at due_at; events up to
-- the one with the id done are finished.
CREATE TABLE contact_erasures (
    contact_id BIGINT PRIMARY KEY,
    due_at     BIGINT NOT NULL,
    done       BIGINT NOT NULL
);
CREATE INDEX contact_erasures_due ON contact_erasures (due_at);

-- What somebody responsible may have to know later. by_whom and subject are words with ids ("operator:3", "contact:11", "address:203.0.113.7").
CREATE TABLE audit (
    id      {{id}},
    at      BIGINT NOT NULL,
    action  TEXT NOT NULL,
    by_whom TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail  TEXT NOT NULL
);
