"""Migrations are one line, each in one room."""

from __future__ import annotations

import ast
import re

import pytest

from mecum.kit.migrate import head
from mecum.kit.upgrade import scripts
from tests.contract.house import ROOMS, SOURCE, files, schemas_declared, schemas_named, texts, tree

VERSIONS = tuple(file for file in files(SOURCE / "migrations" / "versions") if file.name != "__init__.py")
NAME = re.compile(rf"(\d{{4}})_({'|'.join((*ROOMS, 'kit'))})_[a-z0-9_]+\.py")
NAMES = [file.name for file in VERSIONS]
ALSO_TOUCHES = {"0001_kit_ground.py": {"jobs"}}
"""The queue's schema belongs to the ground floor and is made with it."""


@pytest.mark.parametrize("name", NAMES)
def test_a_migration_is_named_by_number_room_and_what_it_does(name: str) -> None:
    found = NAME.fullmatch(name)
    assert found, f"Name it NNNN_<room>_<what>.py, room being one of {(*ROOMS, 'kit')}."
    revision = _constant(name, "revision")
    assert revision == found[1], f'Write revision = "{found[1]}": the number in the name is the revision.'


def test_migrations_are_one_line_with_one_head() -> None:
    heads = scripts().get_heads()
    assert len(heads) == 1, (
        f"Two migrations follow the same one. Give the later one the other as down_revision: {heads}"
    )
    numbers = [revision.revision for revision in scripts().walk_revisions()]
    assert numbers == sorted(numbers, reverse=True), "A migration has a higher number than the one that it follows."
    assert len(numbers) == len(VERSIONS), "A file in migrations/versions is not part of the line."
    assert heads == [head()], "mecum.kit.migrate.head() reads the head from the file names: it must be the same."


@pytest.mark.parametrize("name", NAMES)
def test_a_migration_touches_one_schema(name: str) -> None:
    module = tree(SOURCE / "migrations" / "versions" / name)
    room = name.split("_")[1]
    touched = {schema for _, text in texts(module) for schema in schemas_named(text)}
    touched |= {schema for _, schema in schemas_declared(module)}
    foreign = touched - {room} - ALSO_TOUCHES.get(name, set())
    assert not foreign, (
        f"Split it: one migration per room, so that a room can be followed by itself. Also touched: {foreign}"
    )


def _constant(name: str, wanted: str) -> str | None:
    for node in tree(SOURCE / "migrations" / "versions" / name).body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == wanted for t in node.targets):
            return ast.literal_eval(node.value)
    return None
