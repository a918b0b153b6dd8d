-- The inbox lists and routing look at conversations that have not ended: few, however many ended ones there are.
CREATE INDEX conversations_active_updated ON conversations (updated_at, id) WHERE status <> 'ended';
CREATE INDEX conversations_active_operator ON conversations (operator_id, status, id) WHERE status <> 'ended';
DROP INDEX conversations_open;
