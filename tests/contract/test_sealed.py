"""Whatever is sealed is known to the rotation of keys, and is sealed in the one way that a rotation can follow."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from mecum.cli.ground import sealed_places
from tests.contract.house import SOURCE, files, tree, where

MAY_SEAL = ("kit/sealed.py", "kit/blobs/header.py")


def calls(name: str) -> Iterator[tuple[Path, ast.Call]]:
    """Calls of a function or a method of that name."""
    for file in files(SOURCE):
        for node in ast.walk(tree(file)):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) == name:
                yield file, node


def test_every_sealed_column_is_a_place_of_the_rotation() -> None:
    declared = {ast.literal_eval(call.args[0]) for _, call in calls("SealedColumn")}
    known = {place.name for place in sealed_places(Path())}
    assert known == declared | {"kit.blob"}, "List it in the cli_ops of its room, and that in mecum.cli.ground."


def test_secrets_are_sealed_in_sealed_columns_and_files_alone() -> None:
    wrong = [
        where(file, call.lineno)
        for file, call in calls("seal")
        if str(file.relative_to(SOURCE)) not in MAY_SEAL and ast.unparse(call.args[0]) != "connection"
    ]
    assert not wrong, f"Declare a SealedColumn in the store of the room and call its `seal`: {wrong}"
