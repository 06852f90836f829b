from __future__ import annotations

import stat
from collections.abc import Generator
from pathlib import Path

import psycopg
import pytest

from mecum.kit.dump import dump_database, restore_database
from mecum.kit.embedded_pg import EmbeddedPostgres
from mecum.kit.errors import BadRequest, Conflict, Unavailable
from tests.support.data_directory import open_folder

ROWS = 20_000


@pytest.fixture(scope="module")
def server() -> Generator[EmbeddedPostgres]:
    with open_folder() as folder, EmbeddedPostgres(folder / "data", durable=False) as started:
        yield started


@pytest.fixture
def url(server: EmbeddedPostgres) -> Generator[str]:
    """A database with two schemas: one with vectors, one whose name needs quotes."""
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE dumped")
    run(
        server.url("dumped"),
        "CREATE SCHEMA memory",
        "CREATE TABLE memory.episodes (id int PRIMARY KEY, words text, place vector(2))",
        f"INSERT INTO memory.episodes SELECT n, 'words ' || n, '[1,2]' FROM generate_series(1, {ROWS}) n",
        'CREATE SCHEMA "My ""room"""',
        'CREATE TABLE "My ""room""".notes AS SELECT $$CREATE SCHEMA trap;$$ AS line',
        "COMMENT ON SCHEMA memory IS 'what it knows'",
    )
    yield server.url("dumped")
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("DROP DATABASE dumped WITH (FORCE)")


def run(url: str, *statements: str) -> None:
    with psycopg.connect(url) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def rows(url: str) -> tuple[int, str, str]:
    with psycopg.connect(url) as connection:
        found = connection.execute(
            'SELECT count(*), max(place::text), (SELECT line FROM "My ""room""".notes) FROM memory.episodes'
        ).fetchone()
    assert found is not None
    return found


def test_a_restore_brings_back_what_was_dumped_and_removes_what_came_later(url: str, tmp_path: Path) -> None:
    file = tmp_path / "mecum.dump"
    told: list[int] = []
    dump_database(url, file, progress=told.append)
    assert told[-1] == file.stat().st_size
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    run(url, "DELETE FROM memory.episodes", "CREATE TABLE memory.later (id int)", 'DROP TABLE "My ""room""".notes')
    restore_database(url, file)
    assert rows(url) == (ROWS, "[1,2]", "CREATE SCHEMA trap;")
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT to_regclass('memory.later')").fetchone() == (None,)


def test_a_dump_goes_into_an_empty_database(server: EmbeddedPostgres, url: str, tmp_path: Path) -> None:
    dump_database(url, tmp_path / "mecum.dump")
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE empty")
        restore_database(server.url("empty"), tmp_path / "mecum.dump")
        assert rows(server.url("empty")) == rows(url)
        connection.execute("DROP DATABASE empty WITH (FORCE)")


def test_schemas_that_the_dump_does_not_know_are_dropped_only_when_asked(url: str, tmp_path: Path) -> None:
    dump_database(url, tmp_path / "mecum.dump")
    run(url, "CREATE SCHEMA somebody_else")
    with pytest.raises(Conflict, match="somebody_else"):
        restore_database(url, tmp_path / "mecum.dump")
    restore_database(url, tmp_path / "mecum.dump", drop_others=True)
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT to_regnamespace('somebody_else')").fetchone() == (None,)


def test_a_damaged_dump_changes_nothing(url: str, tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    dump_database(url, whole)
    run(url, "DELETE FROM memory.episodes WHERE id > 7")
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(BadRequest):
        restore_database(url, cut)
    assert rows(url)[0] == 7


def test_a_statement_that_the_database_refuses_changes_nothing(url: str, tmp_path: Path) -> None:
    run(url, "CREATE TABLE public.in_the_way (id int)")
    dump_database(url, tmp_path / "mecum.dump")
    run(url, "DELETE FROM memory.episodes WHERE id > 7")
    with pytest.raises(Unavailable, match="in_the_way"):
        restore_database(url, tmp_path / "mecum.dump")
    assert rows(url)[0] == 7


def test_any_other_file_is_refused_before_anything_happens(url: str, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear database,")
    with pytest.raises(BadRequest) as refused:
        restore_database(url, tmp_path / "letter.txt")
    assert refused.value.code == "backup_not_a_dump"


def test_a_dump_that_fails_leaves_no_file_and_no_password_in_the_error(url: str, tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as failed:
        dump_database(url.replace("/dumped", "/missing"), tmp_path / "mecum.dump")
    assert "missing" in failed.value.detail
    assert url.split(":")[2].split("@", maxsplit=1)[0] not in str(failed.value)
    assert not list(tmp_path.iterdir())
