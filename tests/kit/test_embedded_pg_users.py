from __future__ import annotations

import os
import pwd
import shutil
import stat
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from mecum.kit.embedded_pg import EmbeddedPostgres, binaries, running_url, tool
from mecum.kit.embedded_pg.account import closed_parent
from mecum.kit.errors import StartError
from mecum.kit.process import Account, wait_gone
from tests.support.data_directory import open_folder
from tests.support.postgres_holder import end, fetch, holder, line

AS_ROOT = os.geteuid() == 0
REPO = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def cluster() -> Generator[Path]:
    """A data directory whose cluster is made once; tests start and stop servers on it."""
    with open_folder() as folder:
        with EmbeddedPostgres(folder / "data", durable=False):
            pass
        yield folder / "data"


def test_a_closed_parent_is_found_by_owner_group_and_others(tmp_path: Path) -> None:
    here = tmp_path.stat()
    closed = tmp_path / "closed"
    (closed / "inside").mkdir(parents=True)
    tmp_path.chmod(0o711)
    closed.chmod(0o710)
    parents = [parent for parent in tmp_path.parents if not parent.stat().st_mode & 0o001]
    stranger = Account("stranger", 54321, 54321)
    assert closed_parent(closed / "inside", stranger) == (parents[-1] if parents else closed)
    closed.chmod(0o711)
    assert closed_parent(closed / "inside", Account("us", here.st_uid, here.st_gid)) is None


@pytest.mark.skipif(not AS_ROOT, reason="as an ordinary user there is no other user that would have to get in")
def test_as_root_a_closed_parent_is_refused_with_advice_and_stays_closed() -> None:
    with open_folder() as folder:
        closed = folder / "closed"
        closed.mkdir(mode=0o700)
        with pytest.raises(StartError) as refused:
            EmbeddedPostgres(closed / "data").start()
        assert refused.value.code == "data_not_reachable"
        assert str(closed) in refused.value.detail and "chmod o+x" in refused.value.hint
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
        assert not (closed / "data" / "pg").exists()


@pytest.mark.skipif(not AS_ROOT, reason="only root runs the server as another user")
def test_as_root_the_server_runs_as_its_own_user_without_our_environment(
    cluster: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MECUM_SOME_SECRET", "do-not-leak")
    with EmbeddedPostgres(cluster, durable=False) as server:
        process = Path("/proc") / str(server.pid)
        assert process.stat().st_uid == pwd.getpwnam("mecum-postgres").pw_uid
        assert b"do-not-leak" not in (process / "environ").read_bytes()
        status = (process / "status").read_text()
        assert "NoNewPrivs:\t1" in status
        groups = next(entry for entry in status.splitlines() if entry.startswith("Groups:"))
        assert groups.split() == ["Groups:"]
    others = [path for path in cluster.iterdir() if path.name not in ("pg", "run")]
    assert {path.stat().st_uid for path in others} == {0}


@pytest.mark.skipif(not AS_ROOT, reason="the other tests already run as an ordinary user")
def test_an_ordinary_user_runs_the_server_as_themselves() -> None:
    stranger = pwd.getpwnam("nobody")
    account = Account(stranger.pw_name, stranger.pw_uid, stranger.pw_gid)
    for needed in (REPO / "src", tool("postgres")):
        if closed_parent(needed, account) is not None:
            pytest.skip(f"{needed} can't be reached by another user")
    interpreters = [
        Path(sys.executable),
        Path("/usr/bin/python3.11"),
        Path("/usr/bin/python3.12"),
        Path("/usr/bin/python3.13"),
    ]
    python = next((each for each in interpreters if each.exists() and not closed_parent(each, account)), None)
    if python is None:
        pytest.skip("there is no Python 3.11 or newer that another user can run")
    with open_folder() as folder:
        home = folder / "home"
        home.mkdir(mode=0o700)
        os.chown(home, stranger.pw_uid, stranger.pw_gid)
        process = holder(home / "data", dies_with_us=True, user="nobody", python=python)
        pid = int(line(process))
        assert (Path("/proc") / str(pid)).stat().st_uid == stranger.pw_uid
        url = running_url(home / "data")
        assert url is not None
        assert fetch(url, "SELECT 1") == "1"
        assert stat.S_IMODE((home / "data").stat().st_mode) == 0o700
        assert end(process) == 0
        assert wait_gone(pid, 0)


@pytest.mark.skipif(not AS_ROOT, reason="an ordinary user can always run what they installed")
def test_as_root_programs_that_its_user_can_not_reach_are_copied_once(
    cluster: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binaries, "closed_parent", lambda path, account: Path("/closed"))
    copies = cluster / "postgres-programs"
    try:
        with EmbeddedPostgres(cluster, durable=False) as server:
            assert fetch(server.url(), "SELECT '[1]'::vector") == "[1]"
            program = (Path("/proc") / str(server.pid) / "exe").resolve()
            assert program.is_relative_to(copies)
        made = program.stat()
        assert (made.st_uid, stat.S_IMODE(made.st_mode) & 0o022) == (0, 0)
        with EmbeddedPostgres(cluster, durable=False):
            assert program.stat().st_ino == made.st_ino
    finally:
        shutil.rmtree(copies, ignore_errors=True)
