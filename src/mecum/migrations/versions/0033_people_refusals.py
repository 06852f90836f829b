"""people: refused sign-ins, on their way into the audit log.

Revision ID: 0033
"""

from alembic import op

revision = "0033"
down_revision = "0032"

STATEMENTS = """
CREATE TABLE people.refusals (
    id uuid PRIMARY KEY,
    person_id uuid,
    address varchar(64) NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX refusals_person ON people.refusals (person_id) WHERE person_id IS NOT NULL;
COMMENT ON TABLE people.refusals IS
    'No space: asked before anybody is signed in, gone into the audit log after a moment'
"""


def upgrade() -> None:
    for statement in STATEMENTS.split(";\n"):
        op.execute(statement)
