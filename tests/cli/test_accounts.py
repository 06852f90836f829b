"""`mecum people` and `mecum keys`."""

from __future__ import annotations

from pathlib import Path

import pytest

from mecum.kit.embedded_pg import EmbeddedPostgres
from tests.cli.conftest import OWNER, Mecum
from tests.support.data_directory import open_folder


def test_an_account_with_a_password_needs_no_link(data: Path, mecum: Mecum) -> None:
    done = mecum("people", "add", OWNER, "--role", "owner", "--password-stdin", given="seven green lanterns\n")
    assert (done.code, done.out) == (0, "")
    assert done.err == f"{OWNER} has an account now (owner).\n"
    (person,) = mecum("people", "list", "--json").json
    assert (person["email"], person["name"], person["role"], person["state"]) == (OWNER, "ada", "owner", "active")


def test_an_account_without_a_password_comes_with_a_link_alone_on_standard_output(data: Path, mecum: Mecum) -> None:
    done = mecum("people", "add", OWNER, "--name", "Ada")
    assert done.out.startswith("http://localhost:8080/reset/") and done.out.count("\n") == 1
    listed = mecum("people", "list").out.splitlines()
    assert listed[0].split() == ["EMAIL", "NAME", "ROLE", "STATE", "SINCE"]
    assert listed[1].split()[:4] == [OWNER, "Ada", "member", "active"]


def test_a_second_account_with_the_same_address_is_refused(owner: str, mecum: Mecum) -> None:
    done = mecum("people", "add", owner.upper())
    assert done.code == 1
    assert done.err.startswith("mecum: ")


def test_a_reset_gives_a_new_link(owner: str, mecum: Mecum) -> None:
    link = mecum("people", "reset", owner, "--json").json
    assert link["url"].startswith("http://localhost:8080/reset/")
    assert mecum("people", "reset", "nobody@example.org").code == 1


def test_a_password_must_come_on_standard_input(data: Path, mecum: Mecum) -> None:
    done = mecum("people", "add", OWNER, "--password-stdin")
    assert done.code == 1
    assert done.err.startswith("mecum: There is no password on standard input.")


def test_a_key_is_written_alone_and_listed_by_how_it_begins(owner: str, mecum: Mecum) -> None:
    secret = mecum("keys", "add", "--person", owner, "--name", "laptop").out
    assert secret.startswith("mk_") and secret.count("\n") == 1
    (key,) = mecum("keys", "list", "--json").json
    assert key["name"] == "laptop" and key["person"] == owner
    assert key["scopes"] == ["chat", "models", "threads"]
    assert secret.startswith(key["prefix"]) and secret.strip() not in mecum("keys", "list").out


def test_a_key_has_the_scopes_that_were_asked_for(owner: str, mecum: Mecum) -> None:
    made = mecum("keys", "add", "--person", owner, "--name", "ci", "--scope", "models", "--scope", "admin", "--json")
    assert made.json["scopes"] == ["admin", "models"] and made.json["secret"].startswith("mk_")
    assert mecum("keys", "add", "--person", owner, "--name", "ci", "--scope", "everything").code == 2


def test_a_revoked_key_is_gone(owner: str, mecum: Mecum) -> None:
    mecum("keys", "add", "--person", owner, "--name", "laptop")
    assert mecum("keys", "revoke", "--person", owner, "--name", "laptop").err == "Revoked 1 key called laptop.\n"
    done = mecum("keys", "list")
    assert (done.out, done.err) == ("", "There are no keys.\n")
    assert mecum("keys", "revoke", "--person", owner, "--name", "laptop").code == 1


def test_commands_use_the_embedded_database_whether_or_not_it_runs(
    mecum: Mecum, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MECUM_DATABASE_URL", raising=False)
    with open_folder() as folder:
        at = ("--data", str(folder / "data"))
        assert mecum("people", "add", OWNER, "--role", "owner", *at).code == 0
        assert mecum("people", "list", "--json", *at).json[0]["email"] == OWNER
        with EmbeddedPostgres(folder / "data", purpose="mecum up"):
            assert mecum("keys", "add", "--person", OWNER, "--name", "while it runs", *at).code == 0
            assert len(mecum("keys", "list", "--json", *at).json) == 1
