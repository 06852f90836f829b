"""A task that is done once has a moment, not cron fields, which know no year; a due time that was missed is kept.

`schedule_fire` goes: what keeps a due time from being served twice is the client id of its message, in `posted`.

Revision ID: 0032
"""

from alembic import op

revision = "0032"
down_revision = "0031"

STATEMENTS = """
ALTER TABLE assistant.schedule ADD COLUMN at timestamptz, ADD COLUMN missed_at timestamptz,
    ALTER COLUMN cron DROP NOT NULL;
UPDATE assistant.schedule SET at = coalesce(next_at, last_at, created_at), cron = NULL WHERE once;
ALTER TABLE assistant.schedule DROP COLUMN once,
    ADD CONSTRAINT schedule_repeats_or_not CHECK ((cron IS NULL) <> (at IS NULL));
DROP TABLE assistant.schedule_fire
"""


def upgrade() -> None:
    for statement in STATEMENTS.split(";\n"):
        op.execute(statement)
