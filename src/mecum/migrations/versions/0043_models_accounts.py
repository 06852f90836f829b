"""models: several keys for one provider, each an account with its own limits and health; timeouts of a provider.

A key that was a provider's becomes its first account, with the provider's id, by which it is sealed. `key_sealed`,
`state` and `fault` of a provider are no longer read or written, and the secret stands in one place only.

Revision ID: 0043
"""

from alembic import op

revision = "0043"
down_revision = "0042"

STATEMENTS = """
CREATE TABLE models.account (
    id uuid PRIMARY KEY,
    provider_id uuid NOT NULL REFERENCES models.provider (id) ON DELETE CASCADE,
    name varchar(100) NOT NULL,
    key_sealed bytea,
    paused boolean NOT NULL,
    calls_max integer CHECK (calls_max > 0),
    tokens_per_minute bigint CHECK (tokens_per_minute > 0),
    state varchar(10) NOT NULL CHECK (state IN ('ok', 'failing', 'unknown')),
    fault jsonb,
    used_at timestamptz,
    failed_at timestamptz,
    created_at timestamptz NOT NULL,
    UNIQUE (provider_id, name)
);
COMMENT ON TABLE models.account IS 'No space: keys of an operator for the whole installation';
COMMENT ON COLUMN models.account.key_sealed IS 'NULL: the provider is asked without a key';

INSERT INTO models.account (id, provider_id, name, key_sealed, paused, state, fault, created_at)
SELECT id, id, '', key_sealed, false, state, fault, created_at FROM models.provider;

UPDATE models.provider SET key_sealed = NULL, state = 'unknown', fault = NULL;
ALTER TABLE models.provider
    ALTER COLUMN state SET DEFAULT 'unknown',
    ADD COLUMN first_byte_s double precision CHECK (first_byte_s > 0),
    ADD COLUMN silence_s double precision CHECK (silence_s > 0),
    ADD COLUMN total_s double precision CHECK (total_s > 0)
"""


def upgrade() -> None:
    for statement in STATEMENTS.split(";\n"):
        op.execute(statement)
