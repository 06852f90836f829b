"""Why a file could not be read is kept as an error with code and parameters; `problem` is no longer written.

Revision ID: 0035
"""

from alembic import op

revision = "0035"
down_revision = "0034"

STATEMENTS = """
ALTER TABLE assistant.attachment ADD COLUMN fault jsonb;
UPDATE assistant.attachment SET fault = jsonb_build_object(
    'code', 'documents.unreadable', 'detail', problem, 'hint', '', 'params', '{}'::jsonb, 'retryable', false
) WHERE problem <> ''
"""


def upgrade() -> None:
    for statement in STATEMENTS.split(";\n"):
        op.execute(statement)
