"""assistant: how much room a shared copy takes.

Revision ID: 0040
"""

from alembic import op

revision = "0040"
down_revision = "0039"


def upgrade() -> None:
    op.execute("""
        ALTER TABLE assistant.share ADD COLUMN size_bytes bigint NOT NULL
            GENERATED ALWAYS AS (octet_length(snapshot::text)) STORED
    """)
