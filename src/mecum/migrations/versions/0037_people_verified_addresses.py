"""people: which addresses are proven, and the links that prove them.

Revision ID: 0037
"""

from alembic import op

revision = "0037"
down_revision = "0036"

STATEMENTS = """
ALTER TABLE people.persons ADD COLUMN email_verified_at timestamptz;
COMMENT ON COLUMN people.persons.email_verified_at IS
    'When the person proved to read mail at the address, or an operator vouched for it; NULL: not proven';
ALTER TABLE people.links ADD COLUMN mailed boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN people.links.mailed IS 'The link went to its address by mail: whoever follows it reads mail there';
ALTER TABLE people.links
    DROP CONSTRAINT links_kind_check,
    DROP CONSTRAINT links_check,
    ADD CONSTRAINT links_kind_check CHECK (kind IN ('setup', 'invitation', 'sign_up', 'reset', 'verification')),
    ADD CONSTRAINT links_check CHECK ((kind IN ('reset', 'verification')) = (person_id IS NOT NULL)),
    ADD CONSTRAINT links_address_check CHECK (kind NOT IN ('sign_up', 'verification') OR email IS NOT NULL)
"""


def upgrade() -> None:
    for statement in STATEMENTS.split(";\n"):
        op.execute(statement)
