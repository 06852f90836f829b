"""How a provider failed last is kept as an error with code and parameters; `last_error` is no longer written.

Revision ID: 0036
"""

from alembic import op

revision = "0036"
down_revision = "0035"

STATEMENTS = """
ALTER TABLE models.provider ADD COLUMN fault jsonb, ALTER COLUMN last_error SET DEFAULT '';
UPDATE models.provider SET fault = jsonb_build_object(
    'code', 'models.provider_failed', 'detail', last_error, 'hint', '', 'params', '{}'::jsonb, 'retryable', true
) WHERE last_error <> ''
"""


def upgrade() -> None:
    for statement in STATEMENTS.split(";\n"):
        op.execute(statement)
