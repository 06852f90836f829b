"""Titles and files are searched beside messages, each person's by an index of their own.

What was written before has rows without terms: a job of the room makes them, so that no start waits for it.

Revision ID: 0041
"""

from alembic import op

revision = "0041"
down_revision = "0040"

STATEMENTS = """
CREATE TABLE assistant.title_text (
    thread_id uuid PRIMARY KEY REFERENCES assistant.thread (id) ON DELETE CASCADE,
    person_id uuid NOT NULL,
    space_id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    terms tsvector
);
CREATE INDEX title_text_terms ON assistant.title_text USING gin (terms);
CREATE INDEX title_text_person ON assistant.title_text (space_id, person_id);
CREATE INDEX title_text_lacking ON assistant.title_text (thread_id) WHERE terms IS NULL;

CREATE TABLE assistant.file_text (
    attachment_id uuid NOT NULL REFERENCES assistant.attachment (id) ON DELETE CASCADE,
    number integer NOT NULL,
    part integer,
    start integer NOT NULL,
    person_id uuid NOT NULL,
    space_id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    terms tsvector,
    PRIMARY KEY (attachment_id, number)
);
COMMENT ON COLUMN assistant.file_text.part IS 'Which of the attachment''s parts holds the piece; NULL: it is the name';
CREATE INDEX file_text_terms ON assistant.file_text USING gin (terms);
CREATE INDEX file_text_person ON assistant.file_text (space_id, person_id);
CREATE INDEX file_text_lacking ON assistant.file_text (attachment_id) WHERE terms IS NULL;

CREATE INDEX message_text_person ON assistant.message_text (space_id, person_id);

ALTER TABLE assistant.attachment ADD COLUMN message_id uuid;
COMMENT ON COLUMN assistant.attachment.message_id IS 'The message that it came with last; NULL: said before the thread';

INSERT INTO assistant.title_text (thread_id, person_id, space_id, organisation_id)
SELECT id, person_id, space_id, organisation_id FROM assistant.thread WHERE NOT temporary;

INSERT INTO assistant.file_text (attachment_id, number, start, person_id, space_id, organisation_id)
SELECT id, 0, 0, person_id, space_id, organisation_id FROM assistant.attachment;

UPDATE assistant.attachment AS file SET message_id = sent.message_id
FROM (
    SELECT e.thread_id, e.message_id, replace(named.value ->> 'id', 'att_', '')::uuid AS attachment_id
    FROM assistant.event e
    JOIN assistant.payload p ON p.event_id = e.id
    CROSS JOIN LATERAL jsonb_array_elements(p.body -> 'attachments') AS named (value)
    WHERE e.thread_id IN (SELECT thread_id FROM assistant.attachment WHERE thread_id IS NOT NULL)
        AND e.type = 'message.user' AND jsonb_typeof(p.body -> 'attachments') = 'array'
) AS sent
WHERE sent.attachment_id = file.id AND sent.thread_id = file.thread_id
"""


def upgrade() -> None:
    for statement in STATEMENTS.split(";\n"):
        op.execute(statement)
