"""What breaks below the house while it answers: a database that goes away and comes back, disks that are full.

Through `/api`, as clients see it: whoever asks hears what is wrong, every answer is finished when the trouble is over,
and whoever follows it misses nothing.
"""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest

from mecum.kit.embedded_pg import EmbeddedPostgres
from tests.support.data_directory import open_folder
from tests.support.fake_replies import command
from tests.support.living_house import House, fresh_database, living_house
from tests.surfaces.reader import Reader
from tests.surfaces.things import ended, post, waited_for

AWAY_S = 8
BACK_WITHIN_S = 90
RUNS = 4
WORDS = " ".join(["word"] * 60)
SLOW = command(text=WORDS, interval_ms=50)


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


@contextmanager
def running_cluster(data: Path) -> Generator[Cluster]:
    server = EmbeddedPostgres(data, max_connections=60, purpose="outages")
    server.start()
    try:
        yield Cluster(server)
    finally:
        server.stop()


@pytest.fixture
def cluster() -> Generator[Cluster]:
    with open_folder() as folder, running_cluster(folder / "data") as running:
        yield running


@contextmanager
def small_disk(place: Path, size: str) -> Generator[None]:
    """A disk of its own at `place`."""
    mount, umount = shutil.which("mount"), shutil.which("umount")
    if os.geteuid() != 0 or not mount or not umount:
        pytest.skip("a small disk can be mounted by root only")
    options = f"size={size},mode=0711"
    if subprocess.run([mount, "-t", "tmpfs", "-o", options, "tmpfs", place], capture_output=True).returncode != 0:
        pytest.skip("this machine lets nobody mount a small disk")
    try:
        yield
    finally:
        subprocess.run([umount, place], check=True)


def slow_runs(house: House) -> list[str]:
    """Threads whose answers are being written."""
    threads = [post(house, f"Number {number} {SLOW}") for number in range(RUNS)]
    waited_for(lambda: True if len(house.fake.requests) >= RUNS else None)
    return threads


def all_is_well(house: House, threads: list[str]) -> None:
    """Each of the slow answers is finished with all of its words, once, and new ones are given."""
    for thread in threads:
        log = waited_for(lambda thread=thread: log_of_idle(house, thread), BACK_WITHIN_S)
        assert ended(log)["reason"] == "done"
        assert log[-2]["payload"]["text"] == WORDS
    after = waited_for(lambda: accepted(house, f"And now? {command(text='All is well.')}"), BACK_WITHIN_S)
    log = waited_for(lambda: log_of_idle(house, after), BACK_WITHIN_S)
    assert log[-2]["payload"]["text"] == "All is well."


def log_of_idle(house: House, thread: str) -> list[dict[str, Any]] | None:
    """The log once the thread is idle; a moment without a database is waited through."""
    state = house.request("GET", f"/api/threads/{thread}")
    if state.status_code != 200 or state.json()["state"] != "idle":
        return None
    return house.log(thread)


def accepted(house: House, text: str) -> str | None:
    """The thread of a message that was taken; None when the client has to come again."""
    answer = house.request("POST", "/api/messages", json={"client_id": f"{time.monotonic_ns()}", "text": text})
    if answer.status_code == 503:
        return None
    assert answer.status_code == 202, answer.text
    return answer.json()["thread"]


@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    "how",
    [
        pytest.param(Cluster.restart, id="is restarted"),
        pytest.param(Cluster.crash, id="is killed"),
        pytest.param(Cluster.stay_away, id="stays away", marks=pytest.mark.full),
    ],
)
def test_every_answer_is_finished_and_every_reader_has_all_of_it_when_the_database(
    cluster: Cluster, how: Callable[[Cluster], None]
) -> None:
    with living_house(cluster.server.url()) as house:
        house.key()
        threads = slow_runs(house)
        with Reader(house, threads[0]) as reader:
            waited_for(lambda: True if reader.held else None)
            how(cluster)
            assert set(refusals(house)) <= {(503, "database_unavailable")}
            all_is_well(house, threads)
            reader.wait(BACK_WITHIN_S)
        assert reader.seqs == [event["seq"] for event in house.log(threads[0])]
        assert reader.whole == WORDS


def refusals(house: House) -> list[tuple[int, str]]:
    """What a client hears until the house answers again, each with the time to come back."""
    heard: list[tuple[int, str]] = []

    def look() -> bool | None:
        answer = house.request("GET", "/api/threads")
        if answer.status_code == 200:
            return True
        assert "retry-after" in answer.headers, answer.text
        heard.append((answer.status_code, answer.json()["code"]))
        return None

    waited_for(look, 30)
    return heard


def test_health_is_told_apart_from_readiness_without_a_database(cluster: Cluster) -> None:
    with living_house(cluster.server.url()) as house:
        cluster.server.stop()
        assert httpx2.get(f"{house.url}/healthz", trust_env=False).status_code == 200
        assert httpx2.get(f"{house.url}/readyz", trust_env=False).status_code == 503
        cluster.server.start()
        waited_for(lambda: True if httpx2.get(f"{house.url}/readyz", trust_env=False).status_code == 200 else None)


@dataclass
class FullCluster(Cluster):
    """A cluster on a disk that can be filled up and emptied again."""

    ballast: Path

    def fill(self) -> None:
        descriptor = os.open(self.ballast, os.O_WRONLY | os.O_CREAT)
        try:
            with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
                while True:
                    os.write(descriptor, bytes(4096))
        finally:
            os.close(descriptor)

    def write_ahead(self) -> None:
        """Fill what is left of the journal, until the server can't go on: it ends itself, by design."""
        note = "SELECT pg_logical_emit_message(false, 'drill', repeat('x', 1000000))"
        with psycopg.connect(self.server.url(), autocommit=True) as connection, pytest.raises(psycopg.Error):
            while True:
                connection.execute(note)

    def make_room(self) -> None:
        self.ballast.unlink()


@pytest.fixture
def full_cluster() -> Generator[FullCluster]:
    with open_folder() as folder:
        disk = folder / "disk"
        disk.mkdir()
        with small_disk(disk, "160m"), running_cluster(disk / "data") as running:
            yield FullCluster(running.server, disk / "ballast")


@pytest.mark.timeout(180)
def test_a_database_without_room_is_said_clearly_and_everything_goes_on_when_there_is_room(
    full_cluster: FullCluster,
) -> None:
    with living_house(full_cluster.server.url()) as house:
        threads = slow_runs(house)
        full_cluster.fill()
        refused = waited_for(lambda: refusal(house), 30)
        assert (refused.status_code, refused.json()["code"]) == (503, "disk_full")
        assert refused.json()["hint"] and "retry-after" in refused.headers
        assert house.get(f"/api/threads/{threads[0]}")["id"] == threads[0]
        full_cluster.make_room()
        all_is_well(house, threads)


@pytest.mark.timeout(180)
def test_a_database_that_ended_for_want_of_room_comes_back_with_everything_when_there_is_room(
    full_cluster: FullCluster,
) -> None:
    with living_house(full_cluster.server.url()) as house:
        threads = slow_runs(house)
        full_cluster.fill()
        full_cluster.write_ahead()
        refused = waited_for(lambda: refusal(house), 30)
        assert (refused.status_code, refused.json()["code"]) == (503, "database_unavailable")
        full_cluster.make_room()
        full_cluster.server.stop()
        full_cluster.server.start()
        all_is_well(house, threads)


def refusal(house: House) -> httpx2.Response | None:
    """What a client hears that wants to say more than there is room for; None while there is room."""
    much = "much " * 20_000
    answer = house.request("POST", "/api/messages", json={"client_id": f"{time.monotonic_ns()}", "text": much})
    return None if answer.status_code == 202 else answer


@pytest.fixture
def full_house(pg_url: str, template: str) -> Generator[House]:
    """A house whose files lie on a disk of 300 KB."""
    with fresh_database(pg_url, template) as url, living_house(url) as house:
        blobs = house.data / "blobs"
        with small_disk(blobs, "300k"):
            (blobs / "new").mkdir()
            yield house


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
