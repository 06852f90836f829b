"""models: an alias may also stand for the built-in model, which has no row of its own.

Revision ID: 0055
"""

from alembic import op

revision = "0055"
down_revision = "0053"

STATEMENTS = """
ALTER TABLE models.alias ADD COLUMN built_in_tier smallint CHECK (built_in_tier >= 0);
COMMENT ON COLUMN models.alias.built_in_tier IS 'The tier in which the built-in model is asked, alone; null: in none'
"""


def upgrade() -> None:
    for statement in STATEMENTS.split(";\n"):
        op.execute(statement)
