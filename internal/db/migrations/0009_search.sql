-- What has ended grows for ever and is read by page: an index for each of the ways to narrow it. A conversation that has not ended is in none of
-- them, so a message writes none of them.
CREATE INDEX conversations_ended_created ON conversations (created_at, id) WHERE status = 'ended';
CREATE INDEX conversations_ended_operator ON conversations (operator_id, updated_at, id) WHERE status = 'ended';
CREATE INDEX conversations_ended_group ON conversations (group_id, updated_at, id) WHERE status = 'ended';
CREATE INDEX conversations_ended_widget ON conversations (widget_id, updated_at, id) WHERE status = 'ended';
CREATE INDEX conversations_ended_rating ON conversations (rating, updated_at, id) WHERE status = 'ended' AND rating > 0;

-- How far messages are in the search index: all up to the id done. The rest is for PostgreSQL, where a message may become visible after one with a
-- greater id: what has an id up to upto can be indexed when every transaction older than upto_xact is over, or at last some time after upto_at.
CREATE TABLE search_progress (
    one       BIGINT PRIMARY KEY,
    done      BIGINT NOT NULL,
    upto      BIGINT NOT NULL,
    upto_xact BIGINT NOT NULL,
    upto_at   BIGINT NOT NULL
);

-- Contacts whose name or address changed since it was indexed. What was there before this migration counts as changed.
CREATE TABLE search_contacts (
    id         {{id}},
    contact_id BIGINT NOT NULL
);
INSERT INTO search_contacts (contact_id) SELECT id FROM contacts WHERE name <> '' OR email <> '' ORDER BY id;

-- The search index: the words of messages, and of contacts' names and addresses, folded by the program. The rows are numbered as the messages and
-- contacts. What is deleted leaves it.
{{sqlite}}
CREATE VIRTUAL TABLE message_words USING fts5 (words, content='', contentless_delete=1, prefix='2 3', tokenize='ascii');
-- The program merges its parts itself, a little at a time: nobody who writes should wait for a big one.
INSERT INTO message_words (message_words, rank) VALUES ('automerge', 0);
CREATE TRIGGER messages_forget_words AFTER DELETE ON messages BEGIN
    DELETE FROM message_words WHERE rowid = old.id;
END;
CREATE VIRTUAL TABLE contact_words USING fts5 (words, content='', contentless_delete=1, prefix='2 3', tokenize='ascii');
CREATE TRIGGER contacts_forget_words AFTER DELETE ON contacts BEGIN
    DELETE FROM contact_words WHERE rowid = old.id;
END;
CREATE TRIGGER contacts_new_words AFTER INSERT ON contacts WHEN new.name <> '' OR new.email <> '' BEGIN
    INSERT INTO search_contacts (contact_id) VALUES (new.id);
END;
CREATE TRIGGER contacts_other_words AFTER UPDATE OF name, email ON contacts WHEN new.name <> old.name OR new.email <> old.email BEGIN
    INSERT INTO search_contacts (contact_id) VALUES (new.id);
END;
{{postgres}}
CREATE TABLE message_words (
    message_id      BIGINT PRIMARY KEY REFERENCES messages (id) ON DELETE CASCADE,
    conversation_id BIGINT NOT NULL,
    words           TSVECTOR NOT NULL
);
CREATE INDEX message_words_words ON message_words USING gin (words);
CREATE TABLE contact_words (
    contact_id BIGINT PRIMARY KEY REFERENCES contacts (id) ON DELETE CASCADE,
    words      TSVECTOR NOT NULL
);
CREATE INDEX contact_words_words ON contact_words USING gin (words);
CREATE FUNCTION contact_has_other_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO search_contacts (contact_id) VALUES (new.id);
    RETURN NULL;
END;
$$;
CREATE TRIGGER contacts_new_words AFTER INSERT ON contacts FOR EACH ROW WHEN (new.name <> '' OR new.email <> '')
    EXECUTE FUNCTION contact_has_other_words();
CREATE TRIGGER contacts_other_words AFTER UPDATE OF name, email ON contacts FOR EACH ROW WHEN (new.name <> old.name OR new.email <> old.email)
    EXECUTE FUNCTION contact_has_other_words();
{{end}}
