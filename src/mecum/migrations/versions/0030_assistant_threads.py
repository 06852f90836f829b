"""Threads, their logs, runs and what hangs on them.

Revision ID: 0030
"""

from alembic import op

revision = "0030"
down_revision = "0020"

STATEMENTS = """
CREATE SCHEMA assistant;

CREATE TABLE assistant.thread (
    id uuid PRIMARY KEY,
    person_id uuid NOT NULL,
    space_id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    title varchar(200) NOT NULL,
    title_by varchar(10) NOT NULL,
    origin varchar(20) NOT NULL,
    state varchar(10) NOT NULL DEFAULT 'idle',
    temporary boolean NOT NULL DEFAULT false,
    pinned boolean NOT NULL DEFAULT false,
    archived boolean NOT NULL DEFAULT false,
    head_seq bigint NOT NULL DEFAULT 0,
    read_seq bigint NOT NULL DEFAULT 0,
    selected_message uuid,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz
);
CREATE INDEX thread_listed ON assistant.thread (space_id, person_id, pinned DESC, updated_at DESC, id DESC)
    WHERE deleted_at IS NULL;
CREATE INDEX thread_deleted ON assistant.thread (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX thread_temporary ON assistant.thread (updated_at) WHERE temporary;

CREATE TABLE assistant.event (
    thread_id uuid NOT NULL REFERENCES assistant.thread (id) ON DELETE CASCADE,
    seq bigint NOT NULL,
    id uuid NOT NULL UNIQUE,
    type varchar(40) NOT NULL,
    v smallint NOT NULL,
    at timestamptz NOT NULL,
    actor varchar(10) NOT NULL,
    run_id uuid,
    message_id uuid,
    parent_id uuid,
    PRIMARY KEY (thread_id, seq)
);
CREATE INDEX event_message ON assistant.event (message_id) WHERE message_id IS NOT NULL;

CREATE TABLE assistant.payload (
    event_id uuid PRIMARY KEY REFERENCES assistant.event (id) ON DELETE CASCADE,
    thread_id uuid NOT NULL,
    space_id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    body jsonb NOT NULL
);
CREATE INDEX payload_thread ON assistant.payload (thread_id);

CREATE TABLE assistant.run (
    id uuid PRIMARY KEY,
    thread_id uuid NOT NULL REFERENCES assistant.thread (id) ON DELETE CASCADE,
    person_id uuid NOT NULL,
    space_id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    state varchar(10) NOT NULL,
    epoch integer NOT NULL DEFAULT 0,
    attempt integer NOT NULL DEFAULT 0,
    answer_message uuid NOT NULL,
    answer_parent uuid NOT NULL,
    surface varchar(20) NOT NULL,
    options jsonb NOT NULL,
    stop_requested boolean NOT NULL DEFAULT false,
    reason varchar(10),
    created_at timestamptz NOT NULL,
    active_seconds double precision NOT NULL DEFAULT 0,
    finished_at timestamptz
);
CREATE INDEX run_answer ON assistant.run (answer_message);
CREATE INDEX run_open ON assistant.run (thread_id) WHERE state <> 'finished';
CREATE INDEX run_space ON assistant.run (space_id, person_id, id);

CREATE TABLE assistant.checkpoint (
    run_id uuid PRIMARY KEY REFERENCES assistant.run (id) ON DELETE CASCADE,
    thread_id uuid NOT NULL,
    space_id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    message_id uuid NOT NULL,
    attempt integer NOT NULL,
    text text NOT NULL,
    reasoning text NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX checkpoint_thread ON assistant.checkpoint (thread_id);

CREATE TABLE assistant.posted (
    person_id uuid NOT NULL,
    space_id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    client_id varchar(100) NOT NULL,
    thread_id uuid NOT NULL REFERENCES assistant.thread (id) ON DELETE CASCADE,
    message_id uuid NOT NULL,
    run_id uuid NOT NULL,
    seq bigint NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (person_id, space_id, client_id)
);
CREATE INDEX posted_thread ON assistant.posted (thread_id);

CREATE TABLE assistant.wait (
    id uuid PRIMARY KEY,
    thread_id uuid NOT NULL REFERENCES assistant.thread (id) ON DELETE CASCADE,
    run_id uuid NOT NULL,
    space_id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    kind varchar(20) NOT NULL,
    call_id varchar(100),
    answered_at timestamptz
);
CREATE INDEX wait_thread ON assistant.wait (thread_id) WHERE answered_at IS NULL;

CREATE TABLE assistant.message_text (
    message_id uuid PRIMARY KEY,
    thread_id uuid NOT NULL REFERENCES assistant.thread (id) ON DELETE CASCADE,
    person_id uuid NOT NULL,
    space_id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    at timestamptz NOT NULL,
    terms tsvector NOT NULL
);
CREATE INDEX message_text_terms ON assistant.message_text USING gin (terms);
CREATE INDEX message_text_thread ON assistant.message_text (thread_id);

CREATE TABLE assistant.attachment (
    id uuid PRIMARY KEY,
    person_id uuid NOT NULL,
    space_id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    thread_id uuid REFERENCES assistant.thread (id) ON DELETE CASCADE,
    blob_id uuid NOT NULL,
    name varchar(255) NOT NULL,
    kind varchar(20) NOT NULL,
    media_type varchar(200) NOT NULL,
    size_bytes bigint NOT NULL,
    state varchar(10) NOT NULL,
    problem varchar(500) NOT NULL DEFAULT '',
    parts jsonb,
    created_at timestamptz NOT NULL
);
CREATE INDEX attachment_thread ON assistant.attachment (thread_id);
CREATE INDEX attachment_space ON assistant.attachment (space_id, person_id, created_at);
CREATE INDEX attachment_loose ON assistant.attachment (created_at) WHERE thread_id IS NULL;

CREATE TABLE assistant.share (
    id uuid PRIMARY KEY,
    thread_id uuid NOT NULL REFERENCES assistant.thread (id) ON DELETE CASCADE,
    person_id uuid NOT NULL,
    space_id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    token_hash bytea NOT NULL UNIQUE,
    sealed_token bytea NOT NULL,
    title varchar(200) NOT NULL,
    snapshot jsonb NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX share_space ON assistant.share (space_id, person_id, id);
CREATE INDEX share_thread ON assistant.share (thread_id);

CREATE TABLE assistant.schedule (
    id uuid PRIMARY KEY,
    person_id uuid NOT NULL,
    space_id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    title varchar(200) NOT NULL,
    text text NOT NULL,
    cron varchar(100) NOT NULL,
    once boolean NOT NULL,
    timezone varchar(60) NOT NULL,
    enabled boolean NOT NULL,
    thread_id uuid,
    next_at timestamptz,
    last_at timestamptz,
    created_at timestamptz NOT NULL
);
CREATE INDEX schedule_due ON assistant.schedule (next_at) WHERE enabled;
CREATE INDEX schedule_space ON assistant.schedule (space_id, person_id, id);

CREATE TABLE assistant.schedule_fire (
    schedule_id uuid NOT NULL REFERENCES assistant.schedule (id) ON DELETE CASCADE,
    due_at timestamptz NOT NULL,
    run_id uuid NOT NULL,
    PRIMARY KEY (schedule_id, due_at)
);

COMMENT ON TABLE assistant.event IS 'No space: envelopes only, their thread and their payload rows have it.';
COMMENT ON TABLE assistant.schedule_fire IS 'No space: its schedule has it.'
"""


def upgrade() -> None:
    for statement in STATEMENTS.split(";\n"):
        op.execute(statement)
