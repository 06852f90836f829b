"""models: how much room a stored response takes.

Revision ID: 0039
"""

from alembic import op

revision = "0039"
down_revision = "0037"


def upgrade() -> None:
    op.execute("""
        ALTER TABLE models.stored_response ADD COLUMN size_bytes bigint NOT NULL
            GENERATED ALWAYS AS (octet_length(conversation::text) + octet_length(response::text)) STORED
    """)
