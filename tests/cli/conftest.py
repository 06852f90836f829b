"""What tests of commands share: an installation of their own, and a way to call `mecum`."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mecum.cli.main import run
from tests.support.data_directory import open_folder

OWNER = "ada@example.org"


@dataclass(frozen=True, slots=True)
class Done:
    """What a command left: exit code and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Mecum = Callable[..., Done]


@pytest.fixture
def data(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Generator[Path]:
    """The data directory of an installation whose database is the test's own."""
    with open_folder() as folder:
        monkeypatch.setenv("MECUM_DATA", str(folder / "data"))
        monkeypatch.setenv("MECUM_DATABASE_URL", database_url)
        yield folder / "data"


@pytest.fixture
def mecum(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Mecum:
    """Call `mecum` with arguments, in English, and `given` on standard input."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)

    def call(*arguments: str, given: str = "") -> Done:
        monkeypatch.setattr("sys.stdin", io.StringIO(given))
        capsys.readouterr()
        code = run(arguments)
        out, err = capsys.readouterr()
        return Done(code, out, err)

    return call


@pytest.fixture
def owner(data: Path, mecum: Mecum) -> str:
    """The address of the owner of the installation, who has an account."""
    assert mecum("people", "add", OWNER, "--role", "owner").code == 0
    return OWNER
