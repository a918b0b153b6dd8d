-- The generated name of a contact, fixed for life (those of today's contacts have no place in them), and what a page's script calls its user.
ALTER TABLE contacts ADD COLUMN handle TEXT NOT NULL DEFAULT '';
ALTER TABLE contacts ADD COLUMN claimed_id TEXT NOT NULL DEFAULT '';
UPDATE contacts SET handle = 'visitor-' || id;

-- When somebody is there, and what happens when nobody is. hours is lines of text, '' for always.
ALTER TABLE widgets ADD COLUMN presence TEXT NOT NULL DEFAULT 'auto';
ALTER TABLE widgets ADD COLUMN hours TEXT NOT NULL DEFAULT '';
ALTER TABLE widgets ADD COLUMN offline_form BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE widgets ADD COLUMN unanswered_seconds BIGINT NOT NULL DEFAULT 0;
ALTER TABLE widgets ADD COLUMN transcript_hook TEXT NOT NULL DEFAULT '';
ALTER TABLE widgets ADD COLUMN show_visitors BOOLEAN NOT NULL DEFAULT FALSE;

-- The alarm about messages that nobody answers: unanswered_due is when it rings, 0 for not; unanswered_message is the message that
-- it is about; unanswered_at is when it rang, 0 once somebody has answered.
ALTER TABLE conversations ADD COLUMN unanswered_due BIGINT NOT NULL DEFAULT 0;
ALTER TABLE conversations ADD COLUMN unanswered_message BIGINT NOT NULL DEFAULT 0;
ALTER TABLE conversations ADD COLUMN unanswered_at BIGINT NOT NULL DEFAULT 0;
CREATE INDEX conversations_unanswered_due ON conversations (unanswered_due) WHERE unanswered_due > 0;
CREATE INDEX conversations_unanswered ON conversations (unanswered_at) WHERE unanswered_at > 0;

-- A transcript that waits for the contact's review: transcript_due is when it goes at the latest, 0 for none.
ALTER TABLE conversations ADD COLUMN transcript_due BIGINT NOT NULL DEFAULT 0;
CREATE INDEX conversations_transcript_due ON conversations (transcript_due) WHERE transcript_due > 0;

-- offline tells that the session began with a form; review_due is when a rating without a comment is told as a whole, 0 for nothing to tell.
ALTER TABLE sessions ADD COLUMN offline BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE sessions ADD COLUMN review_due BIGINT NOT NULL DEFAULT 0;
CREATE INDEX sessions_review_due ON sessions (review_due) WHERE review_due > 0;

-- Answers that the contact may give with a click, one per line, '' for none.
ALTER TABLE messages ADD COLUMN choices TEXT NOT NULL DEFAULT '';

-- An endpoint that is one of a widget's five webhooks, and switches of its dialect that are on (a JSON list).
ALTER TABLE endpoints ADD COLUMN hook_widget BIGINT NOT NULL DEFAULT 0;
ALTER TABLE endpoints ADD COLUMN hook TEXT NOT NULL DEFAULT '';
ALTER TABLE endpoints ADD COLUMN switches TEXT NOT NULL DEFAULT '[]';
CREATE UNIQUE INDEX endpoints_hook ON endpoints (hook_widget, hook) WHERE hook_widget > 0 AND deleted_at = 0;

-- Texts that operators send with a few keys, and questions whose answers contacts can click. options is a JSON list, '[]' for a reply.
CREATE TABLE saved_replies (
    id         {{id}},
    kind       TEXT NOT NULL,
    shortcut   TEXT NOT NULL,
    title      TEXT NOT NULL,
    body       TEXT NOT NULL,
    options    TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX saved_replies_shortcut ON saved_replies (kind, shortcut);

-- Who is on a site now. secret_hash is of what the page shows when it calls again, from_key a digest of address and browser; visit and trail
-- (a list of pages) are JSON; told is the invitation that the page has got, left_at when it was left, 0 for not. A row goes two minutes after
-- its last call.
CREATE TABLE site_visitors (
    id          {{id}},
    widget_id   BIGINT NOT NULL,
    secret_hash TEXT NOT NULL UNIQUE,
    contact_id  BIGINT NOT NULL,
    from_key    TEXT NOT NULL,
    started_at  BIGINT NOT NULL,
    seen_at     BIGINT NOT NULL,
    left_at     BIGINT NOT NULL,
    told        BIGINT NOT NULL,
    visit       TEXT NOT NULL,
    trail       TEXT NOT NULL
);
CREATE INDEX site_visitors_seen ON site_visitors (seen_at);
CREATE INDEX site_visitors_widget ON site_visitors (widget_id, seen_at);
CREATE INDEX site_visitors_from ON site_visitors (from_key, left_at);

-- Messages that operators sent to visitors who have not written yet. answered_at is when the visitor wrote back, 0 until then.
CREATE TABLE site_invitations (
    id          {{id}},
    visitor_id  BIGINT NOT NULL,
    widget_id   BIGINT NOT NULL,
    operator_id BIGINT NOT NULL,
    body        TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    answered_at BIGINT NOT NULL
);
CREATE INDEX site_invitations_visitor ON site_invitations (visitor_id);
CREATE INDEX site_invitations_expires ON site_invitations (expires_at);
