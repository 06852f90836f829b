"""models: names that stand for several models in an order; who may use and who sees a model; what it is.

Revision ID: 0044
"""

from alembic import op

revision = "0044"
down_revision = "0043"

STATEMENTS = """
ALTER TABLE models.model
    ADD COLUMN reasoning boolean NOT NULL DEFAULT false,
    ADD COLUMN licence varchar(200) NOT NULL DEFAULT '',
    ADD COLUMN hidden boolean NOT NULL DEFAULT false,
    ADD COLUMN access jsonb NOT NULL DEFAULT '{"kind": "everybody"}';

CREATE TABLE models.alias (
    id uuid PRIMARY KEY,
    name varchar(128) NOT NULL UNIQUE,
    kind varchar(10) NOT NULL CHECK (kind IN ('chat', 'embedding')),
    note varchar(300) NOT NULL,
    enabled boolean NOT NULL,
    hidden boolean NOT NULL,
    access jsonb NOT NULL,
    created_at timestamptz NOT NULL
);
COMMENT ON TABLE models.alias IS 'No space: the catalogue of the whole installation';

CREATE TABLE models.alias_member (
    alias_id uuid NOT NULL REFERENCES models.alias (id) ON DELETE CASCADE,
    model_id uuid NOT NULL REFERENCES models.model (id) ON DELETE CASCADE,
    tier smallint NOT NULL CHECK (tier >= 0),
    place smallint NOT NULL CHECK (place >= 0),
    PRIMARY KEY (alias_id, model_id)
);
CREATE INDEX alias_member_model ON models.alias_member (model_id);
COMMENT ON TABLE models.alias_member IS 'No space: the catalogue of the whole installation';
COMMENT ON COLUMN models.alias_member.tier IS 'Members of one tier share the load; a later tier stands by'
"""


def upgrade() -> None:
    for statement in STATEMENTS.split(";\n"):
        op.execute(statement)
