"""SIGTERM to the whole installation while it answers: out within ten seconds, nothing lost, everything goes on later.

`mecum up` as people run it: supervisor, database, server, in processes of their own.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import psycopg
import pytest

from mecum.kit.embedded_pg import EmbeddedPostgres
from tests.support.data_directory import open_folder
from tests.support.fake_provider import running as running_provider
from tests.support.fake_replies import command
from tests.support.processes import Process, environment

T = TypeVar("T")

GONE_WITHIN_S = 10.0
FINISHED_WITHIN_S = 60.0
RUNS = 5
WORDS = " ".join(f"word{number}" for number in range(30))


def stuck_at_first(number: int) -> str:
    """Asks for an answer that goes silent in its middle, and when it is asked for again begins with `You said`."""
    return f"{number} {command(text=f'{WORDS} {number}', hang_after=10, times=1)}"


@pytest.fixture
def data() -> Generator[Path]:
    with open_folder() as folder:
        yield folder / "data"


def up(data: Path) -> Process:
    program = f"""
import sys
from pathlib import Path
from mecum.cli.up import Options, run_up
sys.exit(run_up(Options(host="127.0.0.1", port=0, data=Path({str(data)!r})), json=True))
"""
    return Process([sys.executable, "-c", program], _quiet())


def _quiet() -> dict[str, str]:
    return environment(MECUM_LOCAL_MODEL="none", MECUM_ALLOW_NETWORK="0", MECUM_LOG_LEVEL="error")


def owner_key(data: Path) -> str:
    def mecum(*words: str, given: str = "") -> str:
        line = [sys.executable, "-m", "mecum.cli.main", *words, "--data", str(data)]
        done = subprocess.run(line, env=_quiet(), input=given, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    mecum("people", "add", "owner@example.org", "--role", "owner", "--password-stdin", given="eight wooden lanterns\n")
    scopes = [word for scope in ("chat", "threads", "admin") for word in ("--scope", scope)]
    return mecum("keys", "add", "--person", "owner@example.org", "--name", "drain", *scopes)


def client(ready: dict[str, Any], key: str) -> httpx2.Client:
    headers = {"authorization": f"Bearer {key}"}
    return httpx2.Client(base_url=ready["address"], headers=headers, timeout=20, trust_env=False)


@dataclass
class Poster:
    """Somebody who goes on posting while it stops: what is accepted must be answered, all else must say to come again.

    Args:
        accepted: threads of messages that were taken.
        answers: the status of each attempt.
    """

    http: httpx2.Client
    accepted: list[str] = field(default_factory=list[str])
    answers: list[int] = field(default_factory=list[int])

    def post_until_it_is_gone(self) -> None:
        number = 0
        while True:
            number += 1
            text = f"Late {number} {command(text=WORDS)}"
            try:
                answer = self.http.post("/api/messages", json={"client_id": f"late-{number}", "text": text})
            except httpx2.TransportError:
                return
            self.answers.append(answer.status_code)
            if answer.status_code == 202:
                self.accepted.append(answer.json()["thread"])
            else:
                assert answer.headers["retry-after"]


def provide(http: httpx2.Client, base_url: str) -> None:
    provider = {"name": "Fake", "base_url": base_url, "models": ["fake"]}
    http.post("/api/providers", json=provider).raise_for_status()
    http.put("/api/models/default", json={"name": "fake"}).raise_for_status()


def post(http: httpx2.Client, client_id: str, text: str) -> str:
    posted = http.post("/api/messages", json={"client_id": client_id, "text": text})
    posted.raise_for_status()
    return posted.json()["thread"]


def answered(http: httpx2.Client, thread: str) -> str:
    """The one answer of a thread, which is done."""
    found = eventually(lambda: log_of_idle(http, thread), FINISHED_WITHIN_S)
    log = [event for event in found if event["type"] != "thread.titled"]  # A title may follow at any time.
    assert [event["type"] for event in log][-2:] == ["message.assistant", "run.finished"]
    assert [event["type"] for event in log].count("message.assistant") == 1
    assert log[-1]["payload"]["reason"] == "done"
    return log[-2]["payload"]["text"]


def eventually(look: Callable[[], T | None], within_s: float) -> T:
    end = time.monotonic() + within_s
    while (found := look()) is None:
        assert time.monotonic() < end, "not in time"
        time.sleep(0.05)
    return found


def log_of_idle(http: httpx2.Client, thread: str) -> list[dict[str, Any]] | None:
    if http.get(f"/api/threads/{thread}").json()["state"] != "idle":
        return None
    return http.get(f"/api/threads/{thread}/events?limit=1000").json()["items"]


def partial_is_kept(http: httpx2.Client, thread: str) -> bool | None:
    """Whether a new reader is given the beginning of the answer."""
    with http.stream("GET", f"/api/threads/{thread}/events", headers={"accept": "text/event-stream"}) as stream:
        for line in stream.iter_lines():
            if line.startswith("data: ") and json.loads(line[6:]).get("text", "").startswith("word0"):
                return True
    return None


def jobs_that_somebody_holds(data: Path) -> int:
    held = "SELECT count(*) FROM jobs.procrastinate_jobs WHERE status = 'doing'"
    with EmbeddedPostgres(data) as server, psycopg.connect(server.url()) as connection:
        (count,) = connection.execute(held).fetchone() or (0,)
    return count


@pytest.mark.timeout(180)
def test_on_sigterm_it_is_gone_within_ten_seconds_and_running_answers_are_finished_by_the_next_one(data: Path) -> None:
    with running_provider() as provider:
        with up(data) as first:
            ready = first.event("ready")
            key = owner_key(data)
            with client(ready, key) as http:
                provide(http, provider.base_url)
                threads = [post(http, f"{n}", stuck_at_first(n)) for n in range(RUNS)]
                for thread in threads:
                    assert partial_is_kept(http, thread)
            with client(ready, key) as http:
                poster = Poster(http)
                posting = threading.Thread(target=poster.post_until_it_is_gone)
                posting.start()
                began = time.monotonic()
                os.kill(first.pid, signal.SIGTERM)
                assert first.wait() == 0
                took = time.monotonic() - began
                posting.join()
        assert took <= GONE_WITHIN_S
        assert set(poster.answers) <= {202, 503}
        assert jobs_that_somebody_holds(data) == 0
        with up(data) as second, client(second.event("ready"), key) as http:
            for thread in threads:
                assert answered(http, thread).startswith("You said")
            for thread in poster.accepted:
                assert answered(http, thread) == WORDS
            second.popen.send_signal(signal.SIGTERM)
            assert second.wait() == 0
