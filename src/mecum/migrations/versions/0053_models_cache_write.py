"""models: what a provider keeps of a request for the next one has a price of its own, and is counted.

Until somebody states it, it costs what is read: what was reckoned before stays as it was.

Revision ID: 0053
"""

from alembic import op

revision = "0053"
down_revision = "0052"

STATEMENTS = """
ALTER TABLE models.price ADD COLUMN cache_write bigint NOT NULL DEFAULT 0 CHECK (cache_write >= 0);
UPDATE models.price SET cache_write = input;
ALTER TABLE models.price ALTER COLUMN cache_write DROP DEFAULT;
ALTER TABLE models.usage ADD COLUMN cache_write_tokens bigint NOT NULL DEFAULT 0
"""


def upgrade() -> None:
    for statement in STATEMENTS.split(";\n"):
        op.execute(statement)
