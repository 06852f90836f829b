"""`mecum public-url`: the address is shown and changed, and a start under another one is refused."""

from __future__ import annotations

import sys
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from mecum.cli.link import EXIT_REFUSED
from mecum.kit.db import psycopg_url
from tests.cli.conftest import OWNER, Mecum
from tests.support.processes import Process, environment

OLD, NEW = "https://old.example.org", "https://new.example.org"
SERVER = (sys.executable, "-m", "mecum.cli.serve")

PASSKEY = """
INSERT INTO people.passkeys (id, person_id, credential_id, public_key, sign_count, name, transports, backed_up, rp_id,
    created_at)
SELECT %s, id, %s, '', 0, 'Laptop', '[]', true, 'old.example.org', now() FROM people.persons WHERE email = %s
"""


@pytest.fixture
def passkey(owner: str, mecum: Mecum, database_url: str) -> None:
    """The owner has no password and a passkey of the old address."""
    assert mecum("public-url", "set", OLD).code == 0
    with psycopg.connect(psycopg_url(database_url), autocommit=True) as connection:
        assert connection.execute(PASSKEY, [uuid4(), uuid4().bytes, owner]).rowcount == 1


def test_nothing_is_asked_where_nothing_breaks(owner: str, mecum: Mecum) -> None:
    assert mecum("public-url", "show").err == "It is not known yet: it is remembered at the next start.\n"
    done = mecum("public-url", "set", f"{OLD}/")
    assert (done.code, done.err) == (0, f"Done. Start Mecum with: mecum up --public-url {OLD}\n")
    assert mecum("public-url", "show").out == f"{OLD}\n"
    assert mecum("public-url", "show", "--json").json == {"public_url": OLD}


@pytest.mark.parametrize("url", ["http://far.example.org", "new.example.org", "https://new.example.org/mecum", ""])
def test_an_address_that_nobody_could_use_is_a_mistake(owner: str, mecum: Mecum, url: str) -> None:
    assert mecum("public-url", "set", url).code == 2


def test_what_breaks_is_said_and_nothing_happens_without_consent(passkey: None, mecum: Mecum) -> None:
    done = mecum("public-url", "set", NEW)
    assert done.code == 1 and "Nothing was changed." in done.err
    assert f"From {OLD} to {NEW}:" in done.err and "- 1 passkey stops working, of 1 person(s)." in done.err
    assert f"- 1 person has nothing else to sign in with: {OWNER}." in done.err
    assert "- Browsers have to sign in again." in done.err
    assert mecum("public-url", "show").out == f"{OLD}\n"


def test_those_who_would_be_locked_out_get_links_of_the_new_address(passkey: None, mecum: Mecum) -> None:
    done = mecum("public-url", "set", NEW, "--yes", "--reset-links", "--json")
    move = done.json
    (link,) = move.pop("links")
    assert move == {
        "old": OLD,
        "new": NEW,
        "passkeys": 1,
        "persons": 1,
        "locked_out": [OWNER],
        "signed_out": True,
    }
    assert link["email"] == OWNER and link["url"].startswith(f"{NEW}/reset/")
    written = mecum("public-url", "set", OLD, "--yes")
    assert written.code == 0 and not written.out


def test_links_of_commands_lead_to_the_address_that_is_remembered(passkey: None, mecum: Mecum) -> None:
    assert mecum("people", "reset", OWNER).out.startswith(f"{OLD}/reset/")


def test_the_doctor_sees_a_setting_that_would_break_passkeys(
    passkey: None, mecum: Mecum, monkeypatch: pytest.MonkeyPatch
) -> None:
    def address() -> dict[str, str]:
        return next(check for check in mecum("doctor", "--json").json["checks"] if check["name"] == "Address")

    assert (address()["state"], address()["detail"]) == ("ok", OLD)
    monkeypatch.setenv("MECUM_PUBLIC_URL", NEW)
    found = address()
    assert found["state"] == "bad" and f"mecum public-url set {NEW}" in found["hint"]


def test_a_start_under_another_host_is_refused_until_the_command_was_given(
    passkey: None, mecum: Mecum, database_url: str, data: Path
) -> None:
    given = {"MECUM_DATABASE_URL": database_url, "MECUM_DATA": str(data), "MECUM_LOCAL_MODEL": "none"}
    env = environment(**given, MECUM_PORT="0", MECUM_ALLOW_NETWORK="0", MECUM_PUBLIC_URL=NEW)
    with Process(SERVER, env) as process:
        event = process.event("refused")
        assert (event["code"], process.wait()) == ("people.address_changed", EXIT_REFUSED)
        assert f"mecum public-url set {NEW}" in event["hint"]
    assert mecum("public-url", "set", NEW, "--yes").code == 0
    with Process(SERVER, env) as process:
        process.event("ready")
        process.popen.terminate()
        assert process.wait() == 0
