"""What a room shows to others is decided, not happened upon."""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path

import pytest

from tests.contract.house import ROOMS, SOURCE, tree

PINNED = Path(__file__).with_name("faces.txt")


def pinned(room: str) -> set[str]:
    lines = PINNED.read_text().split()
    return {line.removeprefix(f"{room}.") for line in lines if line.startswith(f"{room}.")}


@pytest.mark.parametrize("room", ROOMS)
def test_the_face_of_a_room_is_what_was_agreed(room: str) -> None:
    shown = set(import_module(f"mecum.rooms.{room}").__all__)
    new = sorted(f"{room}.{name}" for name in shown - pinned(room))
    gone = sorted(f"{room}.{name}" for name in pinned(room) - shown)
    assert not new and not gone, f"If others are meant to use it, change {PINNED.name}: add {new}, remove {gone}."


@pytest.mark.parametrize("room", ROOMS)
def test_a_face_shows_everything_public_that_it_defines_and_nothing_else(room: str) -> None:
    module = tree(SOURCE / "rooms" / room / "__init__.py")
    face = import_module(f"mecum.rooms.{room}")
    absent = [name for name in face.__all__ if not hasattr(face, name)]
    hidden = sorted(name for name in _defined(module) if not name.startswith("_") and name not in face.__all__)
    assert not absent, f"In __all__ but not defined: {absent}"
    assert not hidden, f"Public by name but not in __all__: show it, or begin its name with an underscore: {hidden}"


def test_the_list_of_faces_is_sorted_and_names_only_rooms_that_exist() -> None:
    lines = PINNED.read_text().split()
    assert lines == sorted(lines), f"Sort {PINNED.name}."
    assert {line.split(".")[0] for line in lines} <= set(ROOMS)


def _defined(module: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in module.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
        elif isinstance(node, ast.Assign):
            names.update(target.id for target in node.targets if isinstance(target, ast.Name))
    return names
