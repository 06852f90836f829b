from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import psycopg
import pytest

from mecum.cli.link import EXIT_REFUSED
from mecum.cli.up import Options, require_safe_address
from mecum.kit.embedded_pg import EmbeddedPostgres, running_url
from mecum.kit.errors import StartError
from mecum.kit.i18n import I18n
from mecum.kit.process import wait_gone
from tests.support.data_directory import open_folder
from tests.support.processes import FAKE_SERVER, REPO, Process, environment, get

GONE_WITHIN_S = 20.0


@pytest.fixture(scope="module")
def data() -> Generator[Path]:
    with open_folder() as folder:
        with EmbeddedPostgres(folder / "data", durable=False):
            pass
        yield folder / "data"


def up(data: Path, *, json: bool = True, options: str = "", **env: str) -> Process:
    """`mecum up` with a small app in the server."""
    program = f"""
import sys
from pathlib import Path
from mecum.cli.up import Options, run_up
from mecum.cli.watch import Patience
options = Options(host="127.0.0.1", port=0, data=Path({str(data)!r}), {options})
sys.exit(run_up(options, json={json}, server={FAKE_SERVER!r}))
"""
    return Process([sys.executable, "-c", program], environment(**env))


def ask(port: int, path: str) -> None:
    """Send a request and wait for no answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())


def port_of(ready: dict[str, str]) -> int:
    return int(ready["address"].rpartition(":")[2])


def pid_of_server(port: int) -> int:
    return int(get(port, "/pid")[2])


def stop(process: Process) -> int:
    process.popen.send_signal(signal.SIGTERM)
    return process.wait()


def answers(url: str) -> bool:
    with psycopg.connect(url, connect_timeout=5) as connection:
        return connection.execute("SELECT 1").fetchone() == (1,)


def test_it_starts_database_and_server_says_where_and_stops_both_on_sigterm(data: Path) -> None:
    with up(data) as process:
        event = process.event("ready")
        port = port_of(event)
        assert event["address"] == f"http://localhost:{port}"
        assert event["setup_url"] == f"http://localhost:{port}/set-up#fake"
        assert get(port, "/healthz")[0] == 200
        url = get(port, "/database")[2].decode()
        assert url == running_url(data) and answers(url)
        server = pid_of_server(port)
        assert stop(process) == 0
        process.event("stopped")
        assert wait_gone(server, 0) and running_url(data) is None


def test_on_sigterm_the_server_finishes_before_the_database_stops(data: Path) -> None:
    with up(data) as process:
        port = port_of(process.event("ready"))
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(b"GET /slow HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            received = b""
            while b"begun" not in received:
                received += connection.recv(4096)
            process.popen.send_signal(signal.SIGTERM)
            while chunk := connection.recv(4096):
                received += chunk
        assert b"and finished" in received
        assert process.wait() == 0
    log = (data / "logs" / "postgres.log").read_text()
    assert log.rstrip().endswith("database system is shut down")


def test_a_crashed_server_is_started_again_on_the_same_database(data: Path) -> None:
    with up(data) as process:
        port = port_of(process.event("ready"))
        server, database = pid_of_server(port), process.events[-2:]
        with pytest.raises(ConnectionError):
            get(port, "/crash")
        crash = process.event("server_stopped")
        assert (crash["exit_code"], crash["restart_in_s"]) == (3, 1.0)
        again = port_of(process.event("ready"))
        assert pid_of_server(again) != server
        assert answers(get(again, "/database")[2].decode())
        assert database and [event["event"] for event in process.events].count("database") == 1
        assert stop(process) == 0


IMPATIENT = "patience=Patience(running_s=4)"  # two beats


def test_a_server_that_hangs_says_where_and_is_started_again(data: Path) -> None:
    with up(data, options=IMPATIENT) as process:
        port = port_of(process.event("ready"))
        server = pid_of_server(port)
        ask(port, "/hang")
        hung = process.event("server_hung")
        assert (hung["pid"], hung["silent_s"]) == (server, pytest.approx(4, abs=1))
        assert process.event("server_stopped")["how"] == "SIGABRT"
        again = port_of(process.event("ready"))
        assert pid_of_server(again) != server
        assert stop(process) == 0
        assert "hang_for_ever" in process.errors()


def test_a_server_that_was_stopped_by_a_signal_is_started_again(data: Path) -> None:
    with up(data, options=IMPATIENT) as process:
        server = pid_of_server(port_of(process.event("ready")))
        os.kill(server, signal.SIGSTOP)
        assert process.event("server_hung")["pid"] == server
        assert process.event("server_stopped")["how"] == "SIGABRT"
        assert pid_of_server(port_of(process.event("ready"))) != server
        assert stop(process) == 0


@pytest.mark.full
def test_a_server_that_hangs_and_does_not_even_end_when_asked_is_killed(data: Path) -> None:
    with up(data, options=IMPATIENT) as process:
        ask(port_of(process.event("ready")), "/hang/deaf")
        process.event("server_hung")
        assert process.event("server_stopped")["how"] == "SIGKILL"
        process.event("ready")
        assert stop(process) == 0


def test_a_crashed_database_is_started_again_under_the_running_server(data: Path) -> None:
    with up(data) as process:
        port = port_of(process.event("ready"))
        server = pid_of_server(port)
        first = next(event["pid"] for event in process.events if event["event"] == "database")
        os.kill(first, signal.SIGKILL)
        process.event("database_stopped")
        assert process.event("database")["pid"] != first
        assert answers(get(port, "/database")[2].decode())
        assert pid_of_server(port) == server
        assert stop(process) == 0


def test_a_server_that_refuses_is_not_started_again(data: Path) -> None:
    with up(data, FAKE_REFUSE="1") as process:
        assert process.event("refused")["code"] == "owner_needed"
        assert process.wait() == EXIT_REFUSED
        assert running_url(data) is None
        assert "server_stopped" not in [event["event"] for event in process.events]


def test_when_it_is_killed_its_children_end_and_it_can_be_started_again(data: Path) -> None:
    with up(data) as process:
        server = pid_of_server(port_of(process.event("ready")))
        database = next(event["pid"] for event in process.events if event["event"] == "database")
        process.popen.kill()
        process.popen.wait()
        assert wait_gone(server, GONE_WITHIN_S)
        assert wait_gone(database, GONE_WITHIN_S)
    with up(data) as process:
        assert answers(get(port_of(process.event("ready")), "/database")[2].decode())
        assert stop(process) == 0


def test_a_second_one_on_the_same_data_is_refused_and_names_the_first(data: Path) -> None:
    with up(data) as first:
        port = port_of(first.event("ready"))
        with up(data) as second:
            event = second.event("refused")
            assert (event["code"], second.wait()) == ("data_in_use", EXIT_REFUSED)
            assert str(first.pid) in event["detail"]
        assert get(port, "/healthz")[0] == 200
        assert stop(first) == 0


def test_it_waits_for_a_command_that_has_the_database(data: Path) -> None:
    with EmbeddedPostgres(data, durable=False, purpose="mecum backup") as command, up(data) as process:
        assert process.event("waiting_for")["purpose"] == "mecum backup"
        command.stop()
        process.event("ready")
        assert stop(process) == 0


def test_a_database_of_ones_own_is_used_and_none_is_started(pg_url: str) -> None:
    with open_folder() as folder:
        with up(folder / "data", options=f"database_url={pg_url!r}") as process:
            port = port_of(process.event("ready"))
            assert get(port, "/database")[2].decode() == pg_url
            assert stop(process) == 0
        assert {path.name for path in (folder / "data").iterdir()} == {"mecum.lock", "server.lock"}


def test_asked_twice_it_does_not_wait_for_a_server_that_hangs(data: Path) -> None:
    with up(data, FAKE_STUCK="1") as process:
        process.event("ready")
        process.popen.send_signal(signal.SIGINT)
        process.event("draining")
        process.popen.send_signal(signal.SIGINT)
        assert process.wait() == 0
        assert running_url(data) is None


def test_a_signal_while_it_starts_leaves_nothing_behind(data: Path) -> None:
    with up(data) as process:
        process.event("starting")
        assert stop(process) == 0
    assert running_url(data) is None


def test_it_speaks_to_people_in_their_language(data: Path) -> None:
    words = I18n()
    with up(data, json=False, LC_ALL="zh_CN.UTF-8", PYTHONIOENCODING="utf-8") as process:
        assert process.popen.stdout is not None
        lines = [process.popen.stdout.readline().decode().rstrip("\n") for _ in range(3)]
        address = lines[1].split("：")[-1]
        assert lines == [
            words.text("zh", "up.starting", data=str(data)),
            words.text("zh", "up.ready", address=address),
            words.text("zh", "up.set_up", url=f"{address}/set-up#fake"),
        ]
        assert stop(process) == 0


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (Options("0.0.0.0", 80, Path("/x")), "public_url_needed"),
        (Options("::", 80, Path("/x")), "public_url_needed"),
        (Options("192.168.1.7", 80, Path("/x"), public_url="https://m.example"), "tls_needed"),
        (Options("127.0.0.1", 80, Path("/x"), tls_cert=Path("/c")), "tls_half"),
    ],
)
def test_it_refuses_an_address_that_is_not_safe(options: Options, code: str) -> None:
    with pytest.raises(StartError) as refused:
        require_safe_address(options)
    assert refused.value.code == code and refused.value.hint


@pytest.mark.parametrize(
    "options",
    [
        Options("127.0.0.1", 80, Path("/x")),
        Options("::1", 80, Path("/x")),
        Options("localhost", 80, Path("/x")),
        Options("0.0.0.0", 80, Path("/x"), public_url="https://m.example", trusted_proxies="10.0.0.1"),
        Options("::", 80, Path("/x"), public_url="https://m.example", tls_cert=Path("/c"), tls_key=Path("/k")),
    ],
)
def test_it_accepts_this_machine_and_https_with_a_public_address(options: Options) -> None:
    require_safe_address(options)


def test_the_supervisor_imports_nothing_heavy() -> None:
    program = "import sys, mecum.cli.up; print(' '.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment(), capture_output=True, text=True, check=True, cwd=REPO
    )
    heavy = {
        "sqlalchemy",
        "fastapi",
        "starlette",
        "procrastinate",
        "asyncio",
        "pydantic",
        "uvicorn",
        "psycopg",
        "babel",
    }
    assert not heavy & set(done.stdout.split())
