"""Files of the API, batches of requests, and the results of their lines until they stand in files.

Revision ID: 0052
"""

from alembic import op

revision = "0052"
down_revision = "0050"

STATEMENTS = """
CREATE TABLE models.file (
    id uuid PRIMARY KEY,
    person_id uuid NOT NULL,
    space_id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    purpose varchar(20) NOT NULL CHECK (purpose IN ('batch', 'batch_output')),
    filename varchar(255) NOT NULL,
    blob_id uuid NOT NULL,
    size_bytes bigint NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX file_person ON models.file (person_id, space_id, id);
CREATE INDEX file_expires ON models.file (expires_at);

CREATE TABLE models.batch (
    id uuid PRIMARY KEY,
    person_id uuid NOT NULL,
    space_id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    key_id uuid,
    endpoint varchar(40) NOT NULL,
    input_file_id uuid NOT NULL,
    model varchar(128),
    status varchar(12) NOT NULL CHECK (status IN ('validating', 'failed', 'in_progress', 'finalizing', 'completed',
        'expired', 'cancelling', 'cancelled')),
    metadata jsonb NOT NULL,
    errors jsonb NOT NULL,
    total integer NOT NULL DEFAULT 0,
    completed integer NOT NULL DEFAULT 0,
    failed integer NOT NULL DEFAULT 0,
    input_tokens bigint NOT NULL DEFAULT 0,
    cached_tokens bigint NOT NULL DEFAULT 0,
    output_tokens bigint NOT NULL DEFAULT 0,
    reasoning_tokens bigint NOT NULL DEFAULT 0,
    output_bytes bigint NOT NULL DEFAULT 0,
    output_file_id uuid,
    error_file_id uuid,
    output_expires_s integer,
    epoch integer NOT NULL DEFAULT 0,
    resume_line integer NOT NULL DEFAULT 1,
    resume_byte bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    in_progress_at timestamptz,
    finalizing_at timestamptz,
    completed_at timestamptz,
    failed_at timestamptz,
    expired_at timestamptz,
    cancelling_at timestamptz,
    cancelled_at timestamptz
);
COMMENT ON COLUMN models.batch.epoch IS 'Whoever works on it raises this; results of an earlier worker are refused';
COMMENT ON COLUMN models.batch.resume_line IS 'All lines before this one have a result';
CREATE INDEX batch_person ON models.batch (person_id, space_id, id);
CREATE INDEX batch_input ON models.batch (input_file_id);
CREATE INDEX batch_created ON models.batch (created_at);

CREATE TABLE models.batch_line (
    batch_id uuid NOT NULL REFERENCES models.batch (id) ON DELETE CASCADE,
    number integer NOT NULL,
    space_id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    ok boolean NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (batch_id, number)
);
COMMENT ON COLUMN models.batch_line.body IS 'The line of the output file, or of the error file'
"""


def upgrade() -> None:
    for statement in STATEMENTS.split(";\n"):
        op.execute(statement)
