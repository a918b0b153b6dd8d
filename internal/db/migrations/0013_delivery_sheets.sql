-- What went well at its first attempt is kept in sheets, some dozens of calls in one value: a page written for each is most of what a
-- call costs. used is how many deliveries still refer to the sheet.
CREATE TABLE delivery_sheets (
    id      {{id}},
    used    BIGINT NOT NULL,
    entries {{bytes}} NOT NULL
);
ALTER TABLE deliveries ADD COLUMN sheet BIGINT NOT NULL DEFAULT 0;
