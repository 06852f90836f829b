"""A run knows the API key that asked for it: its budget pays for what the run asks models.

Revision ID: 0046
"""

from alembic import op

revision = "0046"
down_revision = "0045"


def upgrade() -> None:
    op.execute("ALTER TABLE assistant.run ADD COLUMN key_id uuid")
