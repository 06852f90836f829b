"""What breaks around the house while it answers: each run ends in one clear event, and its thread goes on.

Through `/api`, as a client sees it: providers that hang, break off, babble or refuse, a database that goes away and
comes back, a disk that is full.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from mecum.kit.embedded_pg import EmbeddedPostgres
from tests.support.data_directory import open_folder
from tests.support.fake_replies import command
from tests.support.living_house import House, fresh_database, living_house
from tests.surfaces.things import waited_for

ENDS_WITHIN_S = 30
AWAY_S = 8
WORDS = "one two three four five six seven eight"


@dataclass(frozen=True)
class Drill:
    """How the provider behaves, and how the run must end.

    Args:
        told: fields of the fake provider's reply.
        code: of the error when the run fails, None when it is done after all.
        keeps: what the answer must still say.
        model: who is asked, the default when empty.
    """

    told: dict[str, Any]
    code: str | None
    keeps: str = ""
    model: str = ""


DRILLS = {
    "hangs": Drill({"hang": True}, "models.provider_timeout"),
    "goes silent in the middle": Drill({"text": WORDS, "hang_after": 4}, "models.provider_timeout", "one two"),
    "hangs up at once": Drill({"text": WORDS, "close_after": 0}, "models.provider_closed"),
    "hangs up in the middle": Drill({"text": WORDS, "close_after": 4}, "models.provider_closed", "one two"),
    "hangs up once": Drill({"text": WORDS, "close_after": 4, "times": 1}, None),
    "sends garbage": Drill({"garbage": True}, "models.provider_garbage"),
    "sends a page": Drill({"body": "<html>Sign in</html>", "content_type": "text/html"}, "models.provider_garbage"),
    "sends an empty object": Drill({"body": "{}"}, "models.provider_garbage"),
    "sends a line of 5 MB": Drill({"line_bytes": 5_000_000}, "models.provider_too_long"),
    "asks to wait a little": Drill({"status": 429, "retry_after": "0.5", "times": 1}, None),
    "asks to wait long": Drill({"status": 429, "retry_after": "3600"}, "models.provider_limit"),
    "is overloaded": Drill({"status": 503}, "models.provider_busy"),
    "fails": Drill({"status": 500, "text": "It burns."}, "models.provider_failed"),
    "fails once": Drill({"status": 500, "times": 1}, None),
    "does not know the key": Drill({"status": 401}, "models.provider_key"),
    "does not know the model": Drill({"status": 404}, "models.provider_unknown_model"),
    "refuses the request": Drill({"status": 400}, "models.provider_refused"),
    "is not there": Drill({}, "models.provider_unreachable", model="unreachable"),
    "sends characters that nothing can keep": Drill({"text": "a\0b c"}, None, "a\ufffdb c"),
    "calls a tool that is not there": Drill({"tool": "no_such_tool", "arguments": "{}", "text": "So be it."}, None),
    "calls a tool with nonsense": Drill({"tool": "calculator", "arguments": "{nonsense", "text": "Well."}, None),
    "calls tools without end": Drill({"tool": "calculator", "arguments": '{"expression":"1+1"}', "endless": 1}, None),
}


@pytest.fixture(scope="module")
def house(pg_url: str, template: str) -> Generator[House]:
    with fresh_database(pg_url, template) as url, living_house(url) as running:
        nowhere = {"name": "Nowhere", "base_url": "http://127.0.0.1:9/v1"}
        models = [{"upstream_model": "fake", "name": "unreachable", "kind": "chat"}]
        running.post("/api/providers", {**nowhere, "models": models})
        yield running


def post(house: House, text: str, **more: Any) -> str:
    """The thread of a new message."""
    return house.post("/api/messages", {"client_id": f"{time.monotonic_ns()}", "text": text, **more})["thread"]


@pytest.fixture(scope="module")
def threads(house: House) -> dict[str, str]:
    """A thread for each drill, all begun at the same moment."""
    found: dict[str, str] = {}
    for name, drill in DRILLS.items():
        told = dict(drill.told)
        if told.pop("endless", None):
            pairs = [(told["tool"], told["arguments"])] * 40
            text = command(tools=pairs)
        else:
            text = command(interval_ms=10, **told) if told else ""
        model = {"model": drill.model} if drill.model else {}
        found[name] = post(house, f"{name} {text}", **model)
    return found


def ended(log: list[dict[str, Any]]) -> dict[str, Any]:
    """The payload of the one end of the one run in `log`."""
    ends = [event for event in log if event["type"] == "run.finished"]
    assert len(ends) == 1, [event["type"] for event in log]
    assert log[-1] is ends[0]
    assert [event["type"] for event in log].count("message.assistant") == 1
    return ends[0]["payload"]


@pytest.mark.parametrize("name", DRILLS)
def test_a_run_ends_in_one_clear_event_when_the_provider(house: House, threads: dict[str, str], name: str) -> None:
    drill, thread = DRILLS[name], threads[name]
    log = house.until_idle(thread, within_s=ENDS_WITHIN_S)
    end = ended(log)
    answer = next(event["payload"] for event in log if event["type"] == "message.assistant")
    assert drill.keeps in answer["text"]
    if drill.code is None:
        assert end["reason"] in ("done", "limit")
        assert "error" not in end
    else:
        assert (end["reason"], end["error"]["code"]) == ("failed", drill.code)
        assert end["error"]["detail"]
        assert end["error"]["hint"]
    assert house.get(f"/api/threads/{thread}")["state"] == "idle"


def test_the_conversation_goes_on_after_a_failure(house: House, threads: dict[str, str]) -> None:
    thread = threads["fails"]
    house.until_idle(thread, within_s=ENDS_WITHIN_S)
    again = {"client_id": "again", "text": f"Again, please. {command(text='Now it works.')}"}
    house.post(f"/api/threads/{thread}/messages", again)
    log = waited_for(lambda: _second_end(house.log(thread)), ENDS_WITHIN_S)
    assert log[-1]["payload"]["reason"] == "done"
    assert log[-2]["payload"]["text"] == "Now it works."


def _second_end(log: list[dict[str, Any]]) -> list[dict[str, Any]] | None:
    return log if [event["type"] for event in log].count("run.finished") == 2 else None


def test_a_failed_answer_can_be_made_anew(house: House, threads: dict[str, str]) -> None:
    thread = threads["hangs up in the middle"]
    log = house.until_idle(thread, within_s=ENDS_WITHIN_S)
    failed = next(event["message"] for event in log if event["type"] == "message.assistant")
    path = f"/api/threads/{thread}/messages/{failed}/regenerate"
    house.post(path, {"client_id": "anew", "model": "fake-small"})
    log = waited_for(lambda: _second_end(house.log(thread)), ENDS_WITHIN_S)
    parents = [event["parent"] for event in log if event["type"] == "message.assistant"]
    assert parents[0] == parents[1]


@dataclass
class Cluster:
    """A PostgreSQL of its own, as durable as in earnest, which is taken away and comes back."""

    server: EmbeddedPostgres

    def restart(self) -> None:
        self.server.stop()
        self.server.start()

    def stay_away(self) -> None:
        """Longer than a worker waits for what it is doing."""
        self.server.stop()
        time.sleep(AWAY_S)
        self.server.start()

    def crash(self) -> None:
        assert self.server.pid is not None
        os.kill(self.server.pid, signal.SIGKILL)
        self.server.stop()
        self.server.start()


@pytest.fixture
def cluster() -> Generator[Cluster]:
    with open_folder() as folder:
        server = EmbeddedPostgres(folder / "data", max_connections=60, purpose="restarts")
        server.start()
        try:
            yield Cluster(server)
        finally:
            server.stop()


@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    "how",
    [
        pytest.param(Cluster.restart, id="is restarted"),
        pytest.param(Cluster.crash, id="is killed"),
        pytest.param(Cluster.stay_away, id="stays away", marks=pytest.mark.full),
    ],
)
def test_every_run_is_finished_when_the_database(cluster: Cluster, how: Callable[[Cluster], None]) -> None:
    with living_house(cluster.server.url()) as house:
        key = house.key()
        slow = command(text=" ".join(["word"] * 60), interval_ms=50)
        running = [post(house, f"Number {number} {slow}") for number in range(4)]
        waited_for(lambda: True if len(house.fake.requests) >= len(running) else None)
        how(cluster)
        refused = _refusals(house, key)
        for thread in running:
            end = ended(waited_for(lambda thread=thread: _log_of_idle(house, thread), 90))
            assert end["reason"] in ("done", "failed")
        after = post(house, f"And now? {command(text='All is well.')}")
        log = waited_for(lambda: _log_of_idle(house, after), 60)
        assert log[-2]["payload"]["text"] == "All is well."
        assert all(status == 503 for status in refused)


def _refusals(house: House, key: str) -> list[int]:
    """What a client hears until the house answers again."""
    refused: list[int] = []

    def look() -> bool | None:
        answer = house.request("GET", "/api/threads", key=key)
        if answer.status_code == 200:
            return True
        refused.append(answer.status_code)
        assert "retry-after" in answer.headers, answer.text
        assert answer.json()["code"] == "database_unavailable"
        return None

    waited_for(look, 30)
    return refused


def _log_of_idle(house: House, thread: str) -> list[dict[str, Any]] | None:
    """The log once the thread is idle; a moment without a database is waited through."""
    state = house.request("GET", f"/api/threads/{thread}")
    if state.status_code != 200 or state.json()["state"] != "idle":
        return None
    return house.log(thread)


def test_health_is_told_apart_from_readiness_without_a_database(cluster: Cluster) -> None:
    with living_house(cluster.server.url()) as house:
        cluster.server.stop()
        assert httpx2.get(f"{house.url}/healthz", trust_env=False).status_code == 200
        assert httpx2.get(f"{house.url}/readyz", trust_env=False).status_code == 503
        cluster.server.start()
        waited_for(lambda: True if httpx2.get(f"{house.url}/readyz", trust_env=False).status_code == 200 else None)


@pytest.fixture
def full_house(pg_url: str, template: str) -> Generator[House]:
    """A house whose files lie on a disk of 300 KB."""
    mount, umount = shutil.which("mount"), shutil.which("umount")
    if os.geteuid() != 0 or not mount or not umount:
        pytest.skip("a small disk can be mounted by root only")
    with fresh_database(pg_url, template) as url, living_house(url) as house:
        blobs = house.data / "blobs"
        done = subprocess.run([mount, "-t", "tmpfs", "-o", "size=300k", "tmpfs", blobs], capture_output=True)
        if done.returncode != 0:
            pytest.skip("this machine lets nobody mount a small disk")
        try:
            (blobs / "new").mkdir()
            yield house
        finally:
            subprocess.run([umount, blobs], check=True)


def test_a_full_disk_is_said_clearly_and_hurts_nothing_else(full_house: House) -> None:
    def upload(size: int) -> httpx2.Response:
        file = ("notes.txt", b"x" * size, "text/plain")
        return full_house.request("POST", "/api/attachments", files={"file": file})

    small = upload(20_000)
    assert small.status_code == 201
    full = upload(600_000)
    assert full.status_code == 503
    assert full.json()["code"] == "disk_full"
    assert full.json()["hint"]
    assert not list((full_house.data / "blobs" / "new").iterdir())

    assert full_house.request("GET", f"/api/attachments/{small.json()['id']}/content").content == b"x" * 20_000
    assert upload(20_000).status_code == 201
    thread = post(full_house, f"Still there? {command(text='Yes.')}")
    assert ended(full_house.until_idle(thread))["reason"] == "done"
