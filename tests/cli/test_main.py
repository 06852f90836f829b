"""The command line itself: help, mistakes, exit codes, and what it loads."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import typer.main

from mecum import __version__
from mecum.cli.main import COMMANDS, Entry
from mecum.cli.output import size, table, width
from tests.cli.conftest import Mecum
from tests.support.codes import SOURCE

HEAVY = {"sqlalchemy", "procrastinate", "mcp", "fastapi", "textual", "pydantic", "aiohttp", "rich", "babel", "asyncio"}


def test_help_names_every_command_and_loads_none_of_them(mecum: Mecum) -> None:
    done = mecum("--help")
    assert done.code == 0
    assert all(re.search(rf"^  {entry.name} +{re.escape(entry.help)}$", done.out, re.MULTILINE) for entry in COMMANDS)
    program = (
        "import sys; from mecum.cli.main import run; run(['--help'])\n"
        f"print(sorted(name for name in sys.modules if name.split('.')[0] in {HEAVY!r}"
        " or name in {'mecum.cli.up', 'mecum.cli.ground', 'mecum.cli.people'}))"
    )
    done_alone = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(SOURCE.parent), "PATH": "/usr/bin:/bin"},
    )
    assert done_alone.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("entry", COMMANDS, ids=lambda entry: entry.name)
def test_the_list_of_commands_says_what_the_command_says_itself(entry: Entry) -> None:
    assert entry.load().help.split("\n")[0] == entry.help


@pytest.mark.parametrize("entry", COMMANDS, ids=lambda entry: entry.name)
def test_every_command_has_help_for_each_of_its_options(entry: Entry, mecum: Mecum) -> None:
    module, _, attribute = entry.where.partition(":")
    names = [each.name for each in getattr(import_module(module), attribute).registered_commands]
    for name in names:
        done = mecum(entry.name, *([name] if len(names) > 1 else []), "--help")
        assert done.code == 0
        assert done.out.startswith("Usage: mecum ")
    command = typer.main.get_command(getattr(import_module(module), attribute))
    for each in getattr(command, "commands", {"": command}).values():
        assert each.help
        lacking = [parameter.name for parameter in each.params if not getattr(parameter, "help", None)]
        assert not lacking, f"mecum {entry.name} {each.name}: say what {lacking} are for"


def test_without_arguments_it_shows_the_help_and_a_mistake_is_code_2(mecum: Mecum) -> None:
    assert "Commands:" in mecum().out + mecum().err
    done = mecum("poeple", "list")
    assert done.code == 2
    assert "Did you mean 'people'?" in done.err
    assert mecum("people", "add").code == 2
    assert mecum("people", "add", "x@example.org", "--role", "king").code == 2


def test_it_knows_its_version(mecum: Mecum) -> None:
    assert mecum("--version").out == f"mecum {__version__}\n"
    assert mecum("version").out.startswith(f"mecum {__version__} ")
    assert mecum("version", "--json").json["mecum"] == __version__


def test_a_data_directory_without_mecum_is_refused_and_left_alone(mecum: Mecum, tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    done = mecum("people", "list", "--data", str(nowhere))
    assert done.code == 78
    assert done.err == (
        f"mecum: There is no Mecum in {nowhere}.\nName its data directory with --data, or start a new one: mecum up\n"
    )
    assert not nowhere.exists()


def test_errors_are_json_for_programs_and_chinese_for_chinese(
    mecum: Mecum, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    done = mecum("people", "list", "--json", "--data", str(tmp_path))
    assert (done.code, done.out) == (78, "")
    error = json.loads(done.err)["error"]
    assert error["code"] == "cli.no_installation" and error["params"] == {"data": str(tmp_path)}
    assert "里没有 Mecum" in error["detail"]


def test_up_refuses_a_certificate_that_can_not_be_read(mecum: Mecum, tmp_path: Path) -> None:
    done = mecum("up", "--data", str(tmp_path), "--tls-cert", str(tmp_path / "no.pem"), "--tls-key", "no.key")
    assert done.code == 78
    assert "no.pem can't be read" in done.err


def test_columns_hold_chinese_too() -> None:
    assert width("你好") == 4
    assert table(("A", "B"), [("你好", "x"), ("abcdef", "y")]).splitlines() == ["A       B", "你好    x", "abcdef  y"]


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (123_456, "123 kB"), (4_200_000_000, "4.2 GB")]
)
def test_sizes_are_short(count: int, words: str) -> None:
    assert size(count) == words
