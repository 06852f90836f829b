"""models: what models cost, in versions that hold from a moment on.

A version stays when its model is removed: records of use may name it.

Revision ID: 0042
"""

from alembic import op

revision = "0042"
down_revision = "0041"

STATEMENTS = """
CREATE TABLE models.price (
    id uuid PRIMARY KEY,
    model_id uuid NOT NULL,
    model varchar(128) NOT NULL,
    currency char(3) NOT NULL,
    since timestamptz NOT NULL,
    input bigint NOT NULL CHECK (input >= 0),
    cached bigint NOT NULL CHECK (cached >= 0),
    output bigint NOT NULL CHECK (output >= 0),
    reasoning bigint NOT NULL CHECK (reasoning >= 0),
    image bigint NOT NULL CHECK (image >= 0),
    second bigint NOT NULL CHECK (second >= 0),
    created_at timestamptz NOT NULL
);
CREATE INDEX price_in_force ON models.price (model_id, since DESC, id DESC);
COMMENT ON TABLE models.price IS 'No space: what models cost the whole installation';
COMMENT ON COLUMN models.price.input IS 'Micro-units of the currency per million tokens, as the next three';
COMMENT ON COLUMN models.price.image IS 'Micro-units of the currency';
COMMENT ON COLUMN models.price.second IS 'Micro-units of the currency per second of video';
COMMENT ON COLUMN models.price.model IS 'What the model was called'
"""


def upgrade() -> None:
    for statement in STATEMENTS.split(";\n"):
        op.execute(statement)
