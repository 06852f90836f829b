"""The ground floor's tables: outbox, installation values; the queue's schema.

Revision ID: 0001
"""

from importlib.resources import files

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute("CREATE SCHEMA IF NOT EXISTS kit")
    op.execute(
        """
        CREATE TABLE kit.outbox (
            id uuid PRIMARY KEY,
            topic varchar(100) NOT NULL,
            payload jsonb NOT NULL,
            at timestamptz NOT NULL
        )
        """
    )
    op.execute("CREATE INDEX outbox_at ON kit.outbox (at)")
    op.execute("CREATE TABLE kit.installation (key varchar(100) PRIMARY KEY, value jsonb NOT NULL)")
    op.execute("CREATE SCHEMA jobs")
    op.execute("SET LOCAL search_path = jobs")
    script = files("procrastinate.sql").joinpath("schema.sql").read_text()
    connection = op.get_bind()
    for statement in split_sql(script):
        connection.exec_driver_sql(statement)
    op.execute("SET LOCAL search_path = public")
    # Its functions name tables without a schema: pinned, so that jobs can be deferred from any connection.
    op.execute(
        """
        DO $$ DECLARE f record; BEGIN
            FOR f IN SELECT p.oid::regprocedure AS signature FROM pg_proc p
                     JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = 'jobs'
            LOOP EXECUTE format('ALTER FUNCTION %s SET search_path = jobs, pg_temp', f.signature); END LOOP;
        END $$
        """
    )


def split_sql(script: str) -> list[str]:
    """Single statements of a script: asyncpg takes one at a time. Dollar-quoted bodies and comments are kept whole."""
    statements: list[str] = []
    current: list[str] = []
    quoted = False
    for line in script.splitlines():
        if not quoted and line.lstrip().startswith("--"):
            continue
        if line.count("$$") % 2:
            quoted = not quoted
        current.append(line.split(" --")[0] if not quoted else line)
        if not quoted and current[-1].rstrip().endswith(";"):
            statements.append("\n".join(current))
            current = []
    return [statement for statement in statements if statement.strip()]
