"""`mecum secrets`: what is sealed under which key, and the rotation of keys, while the house lives."""

from __future__ import annotations

import tarfile
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from pyotp.totp import TOTP

from mecum.cli.backup import BACKUP_LOCK
from mecum.cli.ground import sealed_places
from mecum.cli.secrets import ROTATE_LOCK
from mecum.kit.embedded_pg import DirectoryLock
from mecum.kit.key_file import read_keys
from tests.cli.conftest import Mecum
from tests.support.living_house import OWNER, House, living_house

NOWHERE = "http://127.0.0.1:9/v1"


@pytest.fixture
def sealed(owner: str, mecum: Mecum) -> str:
    """An installation with one secret: the key of a provider. Gives the id of the key that it is sealed under."""
    done = mecum("models", "add", "quick", "--url", NOWHERE, "--model", "x", "--key-stdin", given="sk-1\n")
    assert done.code == 0
    (only,) = mecum("secrets", "list", "--json").json
    return only["key"]


def test_keys_are_listed_with_what_is_sealed_under_them(sealed: str, mecum: Mecum) -> None:
    expected = {"key": sealed, "state": "in use", "secrets": 1, "places": {"models.account": 1}}
    assert mecum("secrets", "list", "--json").json == [expected]
    assert mecum("secrets", "list").out.splitlines()[1].split() == [sealed, "in", "use", "1", "models.account", "1"]


def test_a_rotation_seals_anew_and_removes_the_old_key(sealed: str, data: Path, mecum: Mecum) -> None:
    done = mecum("secrets", "rotate", "--json")
    new = done.json["key"]
    assert done.json == {
        "key": new,
        "resumed": False,
        "anew": {"models.account": 1},
        "stuck": {},
        "removed": [sealed],
        "kept": [],
    }
    assert tuple(read_keys(data / "keys").sealing) == (new,)
    said = mecum("secrets", "rotate").err
    assert "1 secret is sealed anew under the key" in said and f"Removed from the key file: {new}." in said
    assert mecum("people", "list").code == 0


def test_the_rotation_is_written_down_and_the_audit_log_holds(sealed: str, data: Path, mecum: Mecum) -> None:
    mecum("secrets", "rotate")
    checks = {check["name"]: check for check in mecum("doctor", "--json").json["checks"]}
    assert checks["Audit log"]["state"] == "ok"
    (key,) = read_keys(data / "keys").sealing
    assert checks["Secrets"] == {"name": "Secrets", "state": "ok", "detail": f"sealed, by key: {key} 1", "hint": ""}


def test_old_keys_stay_when_asked(sealed: str, data: Path, mecum: Mecum) -> None:
    done = mecum("secrets", "rotate", "--keep-keys")
    assert done.code == 0 and done.err.endswith(f"Still in the key file: {sealed}.\n")
    new = read_keys(data / "keys").newest
    states = {each["key"]: (each["state"], each["secrets"]) for each in mecum("secrets", "list", "--json").json}
    assert states == {new: ("in use", 1), sealed: ("old", 0)}


def test_no_key_is_removed_while_a_backup_is_written(sealed: str, data: Path, mecum: Mecum, tmp_path: Path) -> None:
    lock = DirectoryLock(data / BACKUP_LOCK, "mecum backup", shared=True)
    lock.acquire()
    done = mecum("secrets", "rotate")
    assert mecum("backup", str(tmp_path / "beside.tar")).code == 0, "backups do not keep each other waiting"
    lock.release()
    assert done.code == 1 and "A backup is being written" in done.err and sealed in read_keys(data / "keys").sealing


def test_one_rotation_at_a_time(sealed: str, data: Path, mecum: Mecum) -> None:
    lock = DirectoryLock(data / ROTATE_LOCK, "mecum secrets rotate")
    lock.acquire()
    done = mecum("secrets", "rotate")
    lock.release()
    assert done.code == 78 and "in use by `mecum secrets rotate`" in done.err


def test_a_key_file_that_is_not_the_one_is_refused(sealed: str, data: Path, mecum: Mecum) -> None:
    (data / "pg").mkdir()
    own = (data / "keys").read_bytes()
    (data / "keys").unlink()
    for command in (("people", "list"), ("secrets", "list"), ("secrets", "rotate")):
        missing = mecum(*command)
        assert missing.code == 78 and "is missing" in missing.err and not (data / "keys").exists()
    assert mecum("people", "add", "eve@example.org", "--data", str(data.parent / "other")).code == 78
    foreign = (data.parent / "other" / "keys").read_bytes()
    (data / "keys").write_bytes(foreign)
    (data / "keys").chmod(0o600)
    for command in (("people", "list"), ("secrets", "rotate")):
        refused = mecum(*command)
        assert refused.code == 78 and "The key file is not the one of this database" in refused.err
    assert [each["state"] for each in mecum("secrets", "list", "--json").json] == ["new", "missing"]
    checks = {check["name"]: check for check in mecum("doctor", "--json").json["checks"]}
    assert checks["Secrets"]["state"] == "bad" and (data / "keys").read_bytes() == foreign
    (data / "keys").write_bytes(own)
    assert mecum("people", "list").code == 0


def test_an_installation_goes_on_without_a_key_file_that_is_lost_for_good(
    sealed: str, data: Path, mecum: Mecum
) -> None:
    (data / "pg").mkdir()
    (data / "keys").unlink()
    done = mecum("secrets", "rotate", "--leave-lost", "--json")
    assert done.code == 0 and done.json["stuck"] == {"models.account": 1}
    assert mecum("people", "list").code == 0
    assert [each["state"] for each in mecum("secrets", "list", "--json").json] == ["in use", "missing"]


def test_a_backup_from_before_a_rotation_comes_back_with_its_own_keys(
    sealed: str, data: Path, mecum: Mecum, tmp_path: Path
) -> None:
    assert mecum("backup", str(tmp_path / "before.tar")).code == 0
    assert mecum("secrets", "rotate").code == 0
    with tarfile.open(tmp_path / "before.tar") as tar:
        assert tar.getnames()[-2:] == ["keys", "SHA256SUMS"], "keys that came meanwhile are in it"
    assert mecum("restore", str(tmp_path / "before.tar"), "--force").code == 0
    assert [(each["key"], each["secrets"]) for each in mecum("secrets", "list", "--json").json] == [(sealed, 1)]
    assert mecum("secrets", "rotate", "--json").json["removed"] == [sealed]


@pytest.fixture
def house(database_url: str) -> Generator[House]:
    """It has a mail server that never answers, so its mails stay sealed in the database."""
    mail = {"MECUM_SMTP_URL": "smtp://127.0.0.1:9", "MECUM_MAIL_FROM": "mecum@example.org"}
    with living_house(database_url, settings=mail) as house:
        yield house


class Secrets:
    """One secret of every kind, written and used through the house as people do."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.browser = house.browser(OWNER)
        self.totp = TOTP(self.browser.request("POST", "/api/me/totp").json()["secret"])
        self.shares: list[str] = []
        self.files: list[tuple[str, bytes]] = []
        self.write()

    def write(self) -> None:
        house, number = self.house, len(self.files)
        house.browser().request("POST", "/api/reset/request", json={"email": OWNER}).raise_for_status()
        provider: dict[str, Any] = {"name": f"P{number}", "base_url": house.fake.base_url, "key": f"sk-{number}"}
        provider["models"] = [{"upstream_model": "fake", "name": f"sealed-{number}", "kind": "chat"}]
        house.post("/api/providers", provider)
        thread = house.post("/api/threads", {"title": "a"})["id"]
        house.post(f"/api/threads/{thread}/messages", {"client_id": f"c{number}", "text": "hello"})
        house.until_idle(thread)
        self.shares.append(house.post(f"/api/threads/{thread}/shares")["url"])
        content = f"content {number}".encode()
        sent = house.request("POST", "/api/attachments", files={"file": ("a.txt", content, "text/plain")})
        self.files.append((sent.json()["id"], content))

    def require_all_open(self) -> None:
        assert {each["url"] for each in self.house.get("/api/shares")["items"]} == set(self.shares)
        for file, content in self.files:
            assert self.house.request("GET", f"/api/attachments/{file}/content").content == content
        for number in range(len(self.files)):
            body = {"model": f"sealed-{number}", "messages": [{"role": "user", "content": "hello"}]}
            self.house.post("/v1/chat/completions", body)
            assert self.house.fake.requests[-1].headers["authorization"] == f"Bearer sk-{number}"

    def confirm_second_factor(self) -> None:
        code = {"code": self.totp.now()}
        assert self.browser.request("POST", "/api/me/totp/confirm", json=code).status_code == 200


def test_a_living_house_is_rotated_twice_and_every_secret_of_every_place_opens(
    house: House, mecum: Mecum, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MECUM_DATABASE_URL", database_url)
    monkeypatch.setenv("MECUM_DATA", str(house.data))
    there = Secrets(house)
    (before,) = mecum("secrets", "list", "--json").json
    assert set(before["places"]) == {place.name for place in sealed_places(house.data)}
    ended, failures = threading.Event(), list[BaseException]()

    def use() -> None:
        try:
            while not ended.is_set():
                there.write()
                there.require_all_open()
        except BaseException as error:  # noqa: BLE001  told by the test
            failures.append(error)

    using = threading.Thread(target=use)
    using.start()
    rotations = [mecum("secrets", "rotate", "--json") for _ in range(2)]
    ended.set()
    using.join()
    assert not failures, failures
    assert [len(each.json["removed"]) for each in rotations] == [1, 1]
    assert all(not each.json["stuck"] for each in rotations)
    there.require_all_open()
    there.confirm_second_factor()
    (after,) = mecum("secrets", "list", "--json").json
    assert after["key"] == rotations[1].json["key"] and after["places"]["models.account"] == len(there.files)
