"""models: providers and their models, usage records, stored responses of the relay.

A table without a space says why in its comment, which begins with `No space:`.

Revision ID: 0020
"""

from alembic import op

revision = "0020"
down_revision = "0010"

STATEMENTS = """
CREATE SCHEMA models;

CREATE TABLE models.provider (
    id uuid PRIMARY KEY,
    name varchar(100) NOT NULL,
    name_key varchar(100) NOT NULL UNIQUE,
    kind varchar(20) NOT NULL,
    base_url varchar(500) NOT NULL,
    key_sealed bytea,
    speaks_responses boolean,
    state varchar(10) NOT NULL CHECK (state IN ('ok', 'failing', 'unknown')),
    last_error varchar(500) NOT NULL,
    created_at timestamptz NOT NULL
);
COMMENT ON TABLE models.provider IS 'No space: connected by an operator for the whole installation';

CREATE TABLE models.model (
    id uuid PRIMARY KEY,
    provider_id uuid NOT NULL REFERENCES models.provider (id) ON DELETE CASCADE,
    name varchar(128) NOT NULL UNIQUE,
    upstream_model varchar(256) NOT NULL,
    kind varchar(10) NOT NULL CHECK (kind IN ('chat', 'embedding')),
    context_tokens integer NOT NULL CHECK (context_tokens > 0),
    vision boolean NOT NULL,
    native_tools boolean NOT NULL,
    enabled boolean NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX model_provider ON models.model (provider_id);
COMMENT ON TABLE models.model IS 'No space: the catalogue of the whole installation';

CREATE TABLE models.setting (
    key varchar(100) PRIMARY KEY,
    value jsonb NOT NULL
);
COMMENT ON TABLE models.setting IS 'No space: choices of an operator for the whole installation';

CREATE TABLE models.usage (
    request_id uuid PRIMARY KEY,
    at timestamptz NOT NULL,
    person_id uuid NOT NULL,
    space_id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    actor varchar(10) NOT NULL,
    key_id uuid,
    surface varchar(20) NOT NULL,
    purpose varchar(60) NOT NULL,
    model varchar(128) NOT NULL,
    provider varchar(100) NOT NULL,
    input_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    cached_tokens bigint NOT NULL,
    reasoning_tokens bigint NOT NULL,
    estimated boolean NOT NULL,
    latency_ms integer NOT NULL,
    ttft_ms integer,
    outcome varchar(60) NOT NULL
);
CREATE INDEX usage_person ON models.usage (person_id, space_id, at);
CREATE INDEX usage_organisation ON models.usage (organisation_id, at);
CREATE INDEX usage_at ON models.usage (at);

CREATE TABLE models.stored_response (
    id varchar(128) PRIMARY KEY,
    person_id uuid NOT NULL,
    space_id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    key_id uuid,
    surface varchar(20) NOT NULL,
    model varchar(128) NOT NULL,
    background boolean NOT NULL,
    status varchar(20) NOT NULL,
    request jsonb NOT NULL,
    conversation jsonb NOT NULL,
    input_count integer NOT NULL,
    response jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX stored_response_expiry ON models.stored_response (expires_at);
CREATE INDEX stored_response_person ON models.stored_response (person_id, space_id, id);
CREATE INDEX stored_response_open ON models.stored_response (person_id) WHERE status IN ('queued', 'in_progress')
"""


def upgrade() -> None:
    for statement in STATEMENTS.split(";\n"):
        op.execute(statement)
