"""`mecum doctor`: everything looked at, and how to mend it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from mecum.cli.output import DATA, DataOption, JsonOption, make_app, say, width, words, write_json
from mecum.kit.errors import MecumError, StartError

if TYPE_CHECKING:
    from mecum.cli.checks import Finding, State
    from mecum.cli.ground import Ground

doctor = make_app()

MARKS: dict[State, str] = {"ok": "✓", "note": "!", "bad": "✗"}
COLOURS: dict[State, str] = {"ok": "32", "note": "33", "bad": "31"}


@doctor.command()
def doctor_command(
    data: DataOption = DATA,
    json: JsonOption = False,
) -> None:
    """Check everything and say how to mend it.

    Python, settings, data directory, disk, key file, database, its schema and its listening, what is sealed under which
    key, the audit log, the server, models, mail. It changes nothing. Exit code 1 when something must be mended.
    """
    findings: list[Finding] = []
    for finding in _look(data):
        findings.append(finding)
        if not json:
            print(_line(finding), flush=True)
    well = all(finding.state != "bad" for finding in findings)
    if json:
        names = ("name", "state", "detail", "hint")
        write_json({"ok": well, "checks": [{name: getattr(each, name) for name in names} for each in findings]})
    else:
        bad = sum(finding.state == "bad" for finding in findings)
        say(words("doctor.all_well") if well else words("doctor.to_mend", count=bad))
    if not well:
        raise typer.Exit(1)


def _look(data: Path) -> Iterator[Finding]:
    from mecum.cli import checks
    from mecum.cli.ground import KEY_FILE
    from mecum.settings import load

    yield from checks.check_python()
    yield from checks.check_settings()
    try:
        settings = load(data=data)
    except StartError as error:
        yield checks.trouble(words("doctor.settings"), error)
        return
    here = list(checks.check_data(data))
    yield from here
    yield from checks.check_disk(data)
    if here[0].state == "bad" and not data.is_dir():
        return
    key = list(checks.check_key_file(data / KEY_FILE))
    yield from key
    yield from _database(data, key_is_well=key[0].state == "ok")
    yield from checks.check_port(settings.kit, _is_running(data))
    yield from checks.check_local_model(settings)
    yield from checks.check_certificate(settings.kit)
    yield from checks.check_mail(settings.kit)
    yield from checks.check_valkey(settings.kit)


def _database(data: Path, *, key_is_well: bool) -> list[Finding]:
    from mecum.cli.checks import trouble
    from mecum.cli.checks_database import check_database
    from mecum.cli.ground import on_ground

    async def work(ground: Ground) -> list[Finding]:
        return [finding async for finding in check_database(ground, key_is_well=key_is_well)]

    try:
        return on_ground(data, "mecum doctor", work, migrated=False, sealed=key_is_well)
    except MecumError as error:
        return [trouble(words("doctor.database"), error)]


def _is_running(data: Path) -> bool:
    """Whether `mecum up` has the data directory."""
    from mecum.cli.up import LOCK_FILE
    from mecum.kit.embedded_pg import DirectoryLock

    lock = DirectoryLock(data / LOCK_FILE, "mecum doctor")
    try:
        lock.acquire()
    except StartError as error:
        return error.code == "data_in_use"
    lock.release()
    return False


def _line(finding: Finding) -> str:
    mark = MARKS[finding.state]
    if sys.stdout.isatty() and not os.environ.get("NO_COLOR"):
        mark = f"\x1b[{COLOURS[finding.state]}m{mark}\x1b[0m"
    name = finding.name + " " * max(0, 16 - width(finding.name))
    lines = [f"{mark} {name}  {finding.detail}"]
    if finding.hint:
        lines.append(f"{'':18}  → {finding.hint}")
    return "\n".join(lines)
