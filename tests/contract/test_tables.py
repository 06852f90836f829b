"""Every table says whose its rows are, and no table reaches into another room's."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg
import pytest

from mecum.kit.db import psycopg_url
from tests.contract.house import ROOMS

EXEMPT = {
    "kit.alembic_version": "the version of the schema",
    "kit.installation": "values of the installation, not of a person",
    "kit.outbox": "ids on their way from one room to another; removed when delivered",
}
"""Tables without a space, with the reason. A table may say it itself: COMMENT ON TABLE ... IS 'No space: reason'."""

EXEMPT_SCHEMAS = {"jobs": "the queue's own tables: arguments of jobs are ids alone"}
NAMED = ("space_id", "organisation_id")

TABLES = """
SELECT n.nspname, c.relname, coalesce(obj_description(c.oid, 'pg_class'), ''),
       coalesce(array_agg(a.attname::text) FILTER (WHERE a.attnotnull), '{}')
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^(pg_|information_schema$)'
GROUP BY 1, 2, 3
ORDER BY 1, 2
"""

FOREIGN_KEYS = """
SELECT con.conname, con.conrelid::regclass::text, con.confrelid::regclass::text
FROM pg_constraint con
JOIN pg_class here ON here.oid = con.conrelid
JOIN pg_class there ON there.oid = con.confrelid
WHERE con.contype = 'f' AND here.relnamespace <> there.relnamespace
"""

TIMES_WITHOUT_ZONE = """
SELECT table_schema || '.' || table_name || '.' || column_name
FROM information_schema.columns
WHERE data_type IN ('timestamp without time zone', 'time without time zone') AND table_schema = ANY(%s)
"""


@dataclass(frozen=True, slots=True)
class Table:
    schema: str
    name: str
    comment: str
    not_null: frozenset[str]

    @property
    def full_name(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def is_exempt(self) -> bool:
        says_why = self.comment.startswith("No space:") and len(self.comment) > len("No space: why")
        return says_why or self.full_name in EXEMPT or self.schema in EXEMPT_SCHEMAS


@pytest.fixture
def tables(database_url: str) -> list[Table]:
    with psycopg.connect(psycopg_url(database_url)) as connection:
        rows = connection.execute(TABLES).fetchall()
    return [Table(schema, name, comment, frozenset(columns)) for schema, name, comment, columns in rows]


def test_every_table_has_a_space_and_an_organisation_or_says_why_not(tables: list[Table]) -> None:
    wrong = [
        f"{table.full_name} lacks {sorted(set(NAMED) - table.not_null)}"
        for table in tables
        if not table.is_exempt and not table.not_null.issuperset(NAMED)
    ]
    assert not wrong, (
        "Add space_id and organisation_id, both NOT NULL. Where that makes no sense say why in the migration: "
        f"COMMENT ON TABLE room.name IS 'No space: ...'. {wrong}"
    )


def test_no_exemption_outlives_its_table(tables: list[Table]) -> None:
    gone = (
        (set(EXEMPT) | set(EXEMPT_SCHEMAS)) - {table.full_name for table in tables} - {table.schema for table in tables}
    )
    assert not gone, f"Remove from EXEMPT: {sorted(gone)}"


def test_every_table_lives_in_the_schema_of_a_room(tables: list[Table]) -> None:
    homeless = [table.full_name for table in tables if table.schema not in (*ROOMS, "kit", "jobs")]
    assert not homeless, f"Create it in the schema of the room that owns it: {homeless}"


def test_no_foreign_key_crosses_a_wall(database_url: str) -> None:
    with psycopg.connect(psycopg_url(database_url)) as connection:
        crossing = connection.execute(FOREIGN_KEYS).fetchall()
    assert not crossing, f"Between rooms go ids and events, so that each can be erased and moved by itself: {crossing}"


def test_every_time_has_a_zone(database_url: str) -> None:
    with psycopg.connect(psycopg_url(database_url)) as connection:
        wrong = connection.execute(TIMES_WITHOUT_ZONE, [[*ROOMS, "kit"]]).fetchall()
    assert not wrong, f"Use timestamptz: {wrong}"
