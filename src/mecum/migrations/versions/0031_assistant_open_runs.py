"""What a post looks up: unfinished runs of a person, and what follows a message.

Revision ID: 0031
"""

from alembic import op

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    op.execute("CREATE INDEX run_open_person ON assistant.run (person_id) WHERE state <> 'finished'")
    op.execute("CREATE INDEX event_parent ON assistant.event (parent_id) WHERE parent_id IS NOT NULL")
