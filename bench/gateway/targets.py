"""What is measured: the bare upstream, the barest relay, Mecum from this checkout, LiteLLM's proxy."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from bench.gateway.load import Door
from bench.gateway.processes import (
    LOAD_CORE,
    TARGET_CORE,
    NotStarted,
    boost,
    command_of,
    cpu_s,
    family,
    running,
    settle,
    until_healthy,
)
from bench.start import data_directory, environment, free_port

ROOT = Path(__file__).resolve().parent.parent.parent
TOOLS = ROOT / ".tools"
LITELLM = TOOLS / "litellm"
PINNED = Path(__file__).with_name("litellm.txt")
MODEL, PACED_MODEL = "fake", "fake-paced"
PERSON, PASSWORD = "owner@example.org", "seven paper boats"


@dataclass(frozen=True, slots=True)
class Running:
    """A target that answers.

    Args:
        start_s: until it did; None where that says nothing.
        serving: the processes whose time and memory are counted. database: those of its database.
    """

    door: Door
    start_s: float | None
    serving: tuple[int, ...]
    database: tuple[int, ...] = ()

    def cpu_s(self) -> tuple[float, float]:
        """What both have used so far; connections of the database come and go below its first process."""
        database = [pid for first in self.database for pid in family(first)]
        return cpu_s(self.serving), cpu_s(database)


@dataclass(frozen=True, slots=True)
class Setting:
    """Where a target is started: beside which upstream, with its log in which folder, how far before others."""

    upstream: str
    upstream_pid: int
    folder: Path
    niceness: int = 0

    def log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    @property
    def paced(self) -> str:
        return self.upstream.removesuffix("/v1") + "/paced/v1"


Target: TypeAlias = Callable[[Setting], AbstractContextManager[Running]]


@contextmanager
def upstream(folder: Path, niceness: int) -> Iterator[tuple[str, int]]:
    """The fake upstream on the core of the load: its address up to /v1, and its process."""
    port = free_port()
    command = uvicorn("bench.gateway.upstream:app", port)
    with running(command, LOAD_CORE, folder / "upstream.log", python_environment(), niceness) as process:
        until_healthy(f"http://127.0.0.1:{port}/v1/models", process)
        yield f"http://127.0.0.1:{port}/v1", process.pid


@contextmanager
def direct(setting: Setting) -> Iterator[Running]:
    """Nothing between: what is added is counted from here."""
    yield Running(Door(setting.upstream, "none", MODEL, paced_url=setting.paced), None, (setting.upstream_pid,))


@contextmanager
def floor(setting: Setting) -> Iterator[Running]:
    port = free_port()
    env = {**python_environment(), "UPSTREAM": setting.upstream.removesuffix("/v1")}
    command = uvicorn("bench.gateway.floor:app", port)
    with running(command, TARGET_CORE, setting.log("floor"), env, setting.niceness) as process:
        start_s = until_healthy(f"http://127.0.0.1:{port}/", process)
        here = f"http://127.0.0.1:{port}"
        yield Running(Door(f"{here}/v1", "none", MODEL, paced_url=f"{here}/paced/v1"), start_s, (process.pid,))


@contextmanager
def mecum(setting: Setting) -> Iterator[Running]:
    """A new installation: a person with a key, both providers connected, its database on the core of the load."""
    port = free_port()
    with data_directory() as data:
        env = {**environment(), "MECUM_DATA": str(data), "MECUM_LOG_LEVEL": "warning"}
        program = [sys.executable, "-m", "mecum.cli.main"]
        # Once, so that what is timed below is a start and not the making of a database.
        said(program, env, "people", "add", PERSON, "--role", "owner", "--password-stdin", given=f"{PASSWORD}\n")
        for name, url in ((MODEL, setting.upstream), (PACED_MODEL, setting.paced)):
            said(program, env, "models", "add", name, "--url", url, "--model", MODEL)
        # A hard budget that is never used up: every call is held to it.
        said(program, env, "budgets", "set", "--tokens", str(10**12), "--per", "month")
        key = said(program, env, "keys", "add", "--person", PERSON, "--name", "bench", "--scope", "models")
        command = [*program, "up", "--port", str(port)]
        with running(command, TARGET_CORE, setting.log("mecum"), env, setting.niceness) as process:
            start_s = until_healthy(f"http://localhost:{port}/readyz", process)
            members = family(process.pid)
            serving = tuple(pid for pid in members if "mecum.cli.serve" in command_of(pid))
            database = tuple(pid for pid in members if "postgres" in command_of(pid))
            for pid in database:
                settle(LOAD_CORE, pid)
            for pid in members:  # each has a session of its own
                boost(pid, setting.niceness)
            door = Door(f"http://127.0.0.1:{port}/v1", key, MODEL, PACED_MODEL)
            yield Running(door, start_s, serving, database[:1])


@contextmanager
def litellm(setting: Setting) -> Iterator[Running]:
    """LiteLLM's proxy with one worker, a master key and no database, as quiet as its documents say.

    Raises:
        NotStarted: it can't be installed, or does not start.
    """
    port, key = free_port(), "sk-bench"
    program = installed_litellm()
    # Names that it knows prices of: its cost tracking would fail on any other with each request.
    models = [
        {
            "model_name": name,
            "litellm_params": {"model": "openai/gpt-4o-mini", "api_base": url, "api_key": "sk-upstream"},
        }
        for name, url in ((MODEL, setting.upstream), (PACED_MODEL, setting.paced))
    ]
    config = setting.folder / "litellm.json"
    quiet = {"litellm_settings": {"telemetry": False}, "general_settings": {"master_key": key}}
    config.write_text(json.dumps({"model_list": models, **quiet}))
    env = {
        **python_environment(),
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_LOG": "ERROR",
        "LITELLM_MODE": "PRODUCTION",
    }
    where = ["--host", "127.0.0.1", "--port", str(port), "--num_workers", "1"]
    command = [str(program), "--config", str(config), *where]
    with running(command, TARGET_CORE, setting.log("litellm"), env, setting.niceness) as process:
        start_s = until_healthy(f"http://127.0.0.1:{port}/health/liveliness", process)
        door = Door(f"http://127.0.0.1:{port}/v1", key, MODEL, PACED_MODEL)
        yield Running(door, start_s, tuple(family(process.pid)))


TARGETS: Mapping[str, Target] = {"direct": direct, "floor": floor, "mecum": mecum, "litellm": litellm}


def installed_litellm() -> Path:
    """Its program, in an environment of its own, installed at the first call. Raises NotStarted."""
    program, uv, wanted = LITELLM / "bin" / "litellm", TOOLS / "bin" / "uv", PINNED.read_text()
    stamp = LITELLM / "stamp"
    if program.is_file() and stamp.is_file() and stamp.read_text() == wanted:
        return program
    print("Installing LiteLLM, about 500 MB ...", flush=True)
    python = LITELLM / "bin" / "python"
    for command in (
        [sys.executable, "-m", "venv", str(LITELLM)],
        [str(uv), "pip", "install", "--quiet", "--python", str(python), "-r", str(PINNED)],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise NotStarted(f"it can't be installed: {done.stderr.strip().splitlines()[-1:]}")
    stamp.write_text(wanted)
    return program


def uvicorn(app: str, port: int) -> list[str]:
    options = ["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--lifespan", "off", "--ws", "none"]
    return [sys.executable, "-m", "uvicorn", app, "--port", str(port), "--log-level", "warning", *options]


def python_environment() -> dict[str, str]:
    return {**environment(), "PYTHONPATH": str(ROOT)}


def said(program: list[str], env: Mapping[str, str], *words: str, given: str = "") -> str:
    """What a command writes."""
    done = subprocess.run([*program, *words], env=env, input=given, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotStarted(f"{' '.join(words[:2])} failed: {done.stderr.strip()[-300:]}")
    return done.stdout.strip()
