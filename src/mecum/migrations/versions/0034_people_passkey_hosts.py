"""people: under which host name a passkey works.

Revision ID: 0034
"""

from alembic import op

revision = "0034"
down_revision = "0033"


def upgrade() -> None:
    op.execute("ALTER TABLE people.passkeys ADD COLUMN rp_id varchar(253)")
    op.execute(
        "COMMENT ON COLUMN people.passkeys.rp_id IS "
        "'Host name that the passkey is bound to; NULL until the installation first knows its own'"
    )
