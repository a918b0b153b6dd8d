-- What contacts say and do beside their messages, and what operators note about a conversation.
ALTER TABLE contacts ADD COLUMN additional TEXT NOT NULL DEFAULT '';

ALTER TABLE conversations ADD COLUMN flagged BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE conversations ADD COLUMN tags TEXT NOT NULL DEFAULT '';
ALTER TABLE conversations ADD COLUMN rating BIGINT NOT NULL DEFAULT 0;

-- The same tags again, to look for conversations by them.
CREATE TABLE conversation_tags (
    tag             TEXT NOT NULL,
    conversation_id BIGINT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    PRIMARY KEY (tag, conversation_id)
);
CREATE INDEX conversation_tags_conversation ON conversation_tags (conversation_id);

-- outcome is rating, feedback, survey and goals as JSON, '' while there is none; notes counts the internal notes.
ALTER TABLE sessions ADD COLUMN outcome TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN notes BIGINT NOT NULL DEFAULT 0;
UPDATE sessions SET notes = counted.n
FROM (SELECT session_id, COUNT(*) AS n FROM messages WHERE note GROUP BY session_id) AS counted WHERE counted.session_id = sessions.id;

ALTER TABLE widgets ADD COLUMN privacy_mode BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE widgets ADD COLUMN rating_form TEXT NOT NULL DEFAULT '';
ALTER TABLE widgets ADD COLUMN ask_feedback BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE widgets ADD COLUMN survey TEXT NOT NULL DEFAULT '';

-- The goals as text (see widget_sql.go): every message of a visitor reads its widget, so they come with the widget's own row.
ALTER TABLE widgets ADD COLUMN goals TEXT NOT NULL DEFAULT '';

-- Gives goals their ids, none of them twice: what was told of a deleted goal never means another one.
CREATE TABLE widget_goals (
    id        {{id}},
    widget_id BIGINT NOT NULL REFERENCES widgets (id) ON DELETE CASCADE
);
