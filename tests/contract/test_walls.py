"""Walls that the import linter can't see: faces, the composition root, and whose tables are whose."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.contract.house import (
    ROOMS,
    ROOT,
    SOURCE,
    files,
    imports,
    is_sql,
    is_standard,
    modules_named,
    schemas_declared,
    schemas_named,
    texts,
    tree,
    where,
)

MAY_IMPORT_APP = ("cli/up.py", "cli/serve.py")


def contracts() -> dict[str, Any]:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    return {contract["id"]: contract for contract in config}


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_has_a_wall(room: str) -> None:
    wall = contracts().get(f"room-{room}")
    assert wall, f"Add an import-linter contract with id room-{room} to pyproject.toml; copy the one of a neighbour."
    allowed = {f"mecum.rooms.{room}"} | ({"mecum.app"} if (SOURCE / "app.py").is_file() else set[str]())
    assert wall["type"] == "protected" and wall["protected_modules"] == [f"mecum.rooms.{room}.**"]
    assert set(wall["allowed_importers"]) == allowed, (
        f"Only {sorted(allowed)} may reach into {room}: bind the rest in mecum.app."
    )


def test_no_wall_stands_for_a_room_that_is_gone() -> None:
    walls = {name.removeprefix("room-") for name in contracts() if name.startswith("room-")}
    assert walls == set(ROOMS), "Remove the contracts of rooms that are gone from pyproject.toml."


def test_only_the_commands_that_start_the_server_import_the_composition_root() -> None:
    allowed = {SOURCE / name for name in MAY_IMPORT_APP} | {SOURCE / "app.py"}
    wrong = [
        where(file, line)
        for file in files(SOURCE)
        if file not in allowed
        for line, name in (*imports(tree(file)), *modules_named(tree(file)))
        if name == "mecum.app" or name.startswith("mecum.app.")
    ]
    assert not wrong, (
        f"mecum.app builds the house and nothing builds on it; take what is needed as an argument: {wrong}"
    )


def test_nothing_inside_a_room_is_imported_by_its_name_in_a_string() -> None:
    wrong = [
        f"{where(file, line)}: {name}"
        for file in files(SOURCE)
        for line, name in modules_named(tree(file))
        if name.startswith("mecum.rooms.") and name.count(".") > 2 and not _is_inside(file, name)
    ]
    assert not wrong, f"This walks around the walls that the import linter watches; use the face: {wrong}"


@pytest.mark.parametrize("room", ROOMS)
def test_a_face_imports_kit_and_the_standard_library_only(room: str) -> None:
    face = SOURCE / "rooms" / room / "__init__.py"
    wrong = [
        f"{where(face, line)}: {name}"
        for line, name in imports(tree(face))
        if not is_standard(name) and not name.startswith("mecum.kit.")
    ]
    assert not wrong, f"Whoever imports a face must load nothing else; declare a Protocol or a dataclass here: {wrong}"


@pytest.mark.parametrize("room", ROOMS)
def test_the_sql_of_a_room_is_in_its_store(room: str) -> None:
    home = SOURCE / "rooms" / room
    wrong = [
        where(file, line)
        for file in files(home)
        if not _is_store(file, home)
        for line in (
            *(line for line, text in texts(tree(file)) if is_sql(text)),
            *(line for line, name in imports(tree(file)) if name.split(".")[0] in {"sqlalchemy", "asyncpg", "psycopg"}),
        )
    ]
    assert not wrong, f"Move statements into the room's store; a connection's type comes from mecum.kit.db: {wrong}"


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_names_no_schema_but_its_own(room: str) -> None:
    wrong = [found for file in files(SOURCE / "rooms" / room) for found in foreign_schemas(tree(file), room, file)]
    assert not wrong, f"Another room's tables are private: ask its face, or listen to its events: {wrong}"


def test_surfaces_engines_and_commands_speak_no_sql() -> None:
    wrong = [
        where(file, line)
        for part in ("surfaces", "engines", "cli")
        for file in files(SOURCE / part)
        for line, text in texts(tree(file))
        if is_sql(text)
    ]
    assert not wrong, f"Ask the face of the room that owns the table: {wrong}"


def foreign_schemas(module: ast.AST, room: str, file: Path) -> list[str]:
    """Where `module` names the schema of somebody else."""
    named = [(line, schema) for line, text in texts(module) if is_sql(text) for schema in schemas_named(text)]
    declared = list(schemas_declared(module))
    return [f"{where(file, line)}: {schema}" for line, schema in (*named, *declared) if schema != room]


def _is_inside(file: Path, name: str) -> bool:
    return file == SOURCE / "app.py" or file.is_relative_to(SOURCE / "rooms" / name.split(".")[2])


def _is_store(file: Path, home: Path) -> bool:
    return file == home / "store.py" or file.is_relative_to(home / "store")


@pytest.mark.parametrize(
    "statement",
    [
        'text("SELECT id FROM people.persons WHERE id = :id")',
        'text(f"DELETE FROM people.keys WHERE {condition}")',
        'text("SELECT 1 FROM assistant.threads t JOIN people.spaces s ON s.id = t.space_id")',
        'text("""\nINSERT INTO kit.outbox\n  (id) VALUES (:id)\n""")',
        'room_metadata("people")',
        'Table("persons", metadata, schema="people")',
    ],
)
def test_the_rule_about_schemas_sees(statement: str) -> None:
    assert foreign_schemas(ast.parse(statement), "assistant", ROOT / "example.py")


@pytest.mark.parametrize(
    "harmless",
    [
        'raise NotFound("people.not_found", "Update people.name from the page.")',
        'text("SELECT t.id FROM assistant.threads t")',
        '"""Reads from people.persons by asking: SELECT it FROM people.persons."""',
        'room_metadata("assistant")',
    ],
)
def test_the_rule_about_schemas_lets_pass(harmless: str) -> None:
    assert not foreign_schemas(ast.parse(harmless), "assistant", ROOT / "example.py")
