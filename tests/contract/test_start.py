"""Asking for help is quick, because it loads next to nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bench.start import FORBIDDEN, environment, imported_by_help
from tests.contract.house import SOURCE


@pytest.fixture(autouse=True)
def found_in_the_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(SOURCE.parent))


@pytest.mark.skipif(not (SOURCE / "cli" / "main.py").is_file(), reason="the commands are not built yet")
def test_help_loads_no_heavy_library() -> None:
    heavy = imported_by_help()
    assert not heavy, f"Import {heavy} where it is used, or load the command lazily (mecum.cli.main)."


@pytest.mark.parametrize("part", ["mecum.kit.errors", "mecum.kit.types", "mecum.kit.ids", "mecum.kit.clock"])
def test_what_every_face_imports_is_light(part: str) -> None:
    program = f"import sys, {part}; print([name for name in {FORBIDDEN!r} if name in sys.modules])"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment())
    assert done.stdout.strip() == "[]", (
        f"Everybody imports {part}: keep heavy libraries out of it. It loads {done.stdout}"
    )
