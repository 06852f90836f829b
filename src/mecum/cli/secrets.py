"""`mecum secrets`: what is sealed at rest, and the keys that it is sealed under."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mecum.cli.output import (
    DATA,
    EXIT_PROBLEM,
    DataOption,
    JsonOption,
    Progress,
    make_app,
    say,
    table,
    words,
    write_json,
)
from mecum.kit.errors import StartError

if TYPE_CHECKING:
    from mecum.cli.ground import Ground
    from mecum.kit.rotation import Census, Rotation

secrets = make_app("Secrets at rest: list, rotate the keys.")

ROTATE_LOCK = "secrets.lock"
PURPOSE = "mecum secrets rotate"


@secrets.command("list")
def list_secrets(data: DataOption = DATA, json: JsonOption = False) -> None:
    """List the keys of the key file, the newest first, and how many secrets are sealed under each."""
    from mecum.cli.ground import KEY_FILE, on_ground, require_installation, rotation
    from mecum.kit.key_file import read_keys

    require_installation(data)
    read_keys(data / KEY_FILE)

    async def work(ground: Ground) -> Census:
        return await rotation(ground).census()

    census = on_ground(data, "mecum secrets list", work, any_key=True)
    if json:
        write_json([_shown(census, key_id) for key_id in census.total])
        return
    rows = [
        (key_id, _state(census, key_id), str(count), _listed(_places(census, key_id)))
        for key_id, count in census.total.items()
    ]
    print(table(("KEY", "STATE", "SECRETS", "WHERE"), rows))


def _shown(census: Census, key_id: str) -> dict[str, object]:
    about = {"key": key_id, "state": _state(census, key_id), "secrets": census.total[key_id]}
    return {**about, "places": _places(census, key_id)}


def _places(census: Census, key_id: str) -> dict[str, int]:
    return {name: counts[key_id] for name, counts in census.places.items() if key_id in counts}


def _state(census: Census, key_id: str) -> str:
    if key_id not in census.keys:
        return "missing"
    return "in use" if key_id == census.sealing else "new" if key_id == census.keys[0] else "old"


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "-"


@dataclass(frozen=True, slots=True)
class Outcome:
    """Args: stuck: secrets that no key opens; removed, kept: ids of old keys; busy: a backup kept them from going."""

    key: str
    resumed: bool
    anew: Mapping[str, int]
    stuck: Mapping[str, int]
    removed: tuple[str, ...]
    kept: tuple[str, ...]
    busy: bool


@secrets.command("rotate")
def rotate(
    keep_keys: Annotated[
        bool, typer.Option("--keep-keys", help="Leave the old keys in the key file, though nothing needs them.")
    ] = False,
    leave_lost: Annotated[
        bool, typer.Option("--leave-lost", help="Go on although some secrets can't be opened any more; they stay lost.")
    ] = False,
    data: DataOption = DATA,
    json: JsonOption = False,
) -> None:
    """Seal everything anew under a fresh key, then take the old keys out of the key file.

    The server may run meanwhile. If it is interrupted, run it again: it goes on. A key goes only after a count has
    shown that no secret names it. Earlier backups hold the key file of their time and can still be restored. Exit code
    1 when an old key had to stay.
    """
    from mecum.cli.ground import on_ground, require_installation
    from mecum.kit.embedded_pg import DirectoryLock

    require_installation(data)
    lock = DirectoryLock(data / ROTATE_LOCK, PURPOSE)
    lock.acquire()
    progress = Progress(words("cli.sealing_anew"), shown=str)

    async def work(ground: Ground) -> Outcome:
        return await _rotated(ground, keep_keys, leave_lost, progress)

    try:
        outcome = on_ground(data, PURPOSE, work, any_key=leave_lost)
    finally:
        progress.end()
        lock.release()
    _report(outcome, json)
    if outcome.kept and not keep_keys:
        raise typer.Exit(EXIT_PROBLEM)


async def _rotated(ground: Ground, keep_keys: bool, leave_lost: bool, progress: Progress) -> Outcome:
    from mecum.cli.ground import people_commands, rotation

    rotating = rotation(ground)
    before = await rotating.census()
    key = await rotating.begin(before, leave_lost=leave_lost)
    anew: Counter[str] = Counter()
    stuck: Counter[str] = Counter()
    async for place, step in rotating.reseal(key):
        anew[place] += step.anew
        stuck[place] += step.stuck
        progress(anew.total())
    after = await rotating.census()
    removed, busy = (), False
    if not keep_keys:
        removed, busy = _retired(ground.data, rotating, after, stuck.total() if leave_lost else 0)
    with people_commands(ground) as people:
        async with ground.db.transaction() as connection:
            details = {"key": key, "sealed_anew": anew.total(), "keys_removed": len(removed)}
            await people.record(connection, None, "kit.keys_rotated", key, details)
    kept = tuple(key_id for key_id in after.old if key_id not in removed)
    return Outcome(key, before.unfinished, +anew, +stuck, removed, kept, busy)


def _retired(data: Path, rotating: Rotation, after: Census, given_up: int) -> tuple[tuple[str, ...], bool]:
    """The keys that were removed, and whether a backup that is being written still needs them."""
    from mecum.cli.backup import BACKUP_LOCK
    from mecum.kit.embedded_pg import DirectoryLock

    lock = DirectoryLock(data / BACKUP_LOCK, PURPOSE)
    try:
        lock.acquire()
    except StartError as error:
        if error.code != "data_in_use":
            raise
        return (), True
    try:
        return rotating.retire(after, given_up=given_up), False
    finally:
        lock.release()


def _report(outcome: Outcome, json: bool) -> None:
    if json:
        names = ("key", "resumed", "anew", "stuck", "removed", "kept")
        write_json({name: getattr(outcome, name) for name in names})
        return
    if outcome.resumed:
        say(words("cli.rotation_resumed"))
    say(words("cli.sealed_anew", count=sum(outcome.anew.values()), key=outcome.key, places=_listed(outcome.anew)))
    if outcome.stuck:
        say(words("cli.secrets_stuck", count=sum(outcome.stuck.values()), places=_listed(outcome.stuck)))
    if outcome.removed:
        say(words("cli.keys_removed", keys=", ".join(outcome.removed)))
    if outcome.busy:
        say(words("cli.keys_in_backup"))
    elif outcome.kept:
        say(words("cli.keys_kept", keys=", ".join(outcome.kept)))
