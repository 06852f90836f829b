"""Passkeys: registered, used as the only credential, and refused when anything about them is off."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import cbor2
import pytest

from mecum.kit.clock import ManualClock
from mecum.kit.db import Database
from tests.rooms.people.authenticator import Authenticator, passkey_assertion, passkey_options, register_passkey
from tests.rooms.people.world import OWNER, PUBLIC_URL, World, after


async def test_the_options_ask_for_a_discoverable_credential_with_user_verification(world: World) -> None:
    browser = await world.set_up()
    options = (await passkey_options(browser))["options"]
    assert options["rp"] == {"id": "localhost", "name": "Mecum"}
    assert options["authenticatorSelection"] == {
        "residentKey": "required",
        "requireResidentKey": True,
        "userVerification": "required",
    }
    assert options["user"]["name"] == OWNER
    asked = (await world.browser().post("/api/sign-in/passkey/options")).json()["options"]
    assert asked["userVerification"] == "required" and asked["rpId"] == "localhost"
    assert not asked.get("allowCredentials")


async def test_a_passkey_signs_in_without_name_or_password(world: World) -> None:
    owner = await world.set_up()
    authenticator = await register_passkey(owner)
    browser = world.browser()
    answer = await browser.post("/api/sign-in/passkey", await passkey_assertion(browser, authenticator))
    assert answer.status_code == 200 and answer.json()["person"]["email"] == OWNER
    assert (await browser.session())["person"]["passkeys"] == 1
    listed = (await browser.get("/api/me/passkeys")).json()["items"]
    assert listed[0]["name"] == "Laptop" and listed[0]["last_used_at"] == "2026-03-02T09:00:00Z"


async def test_a_passkey_can_be_the_only_credential_from_the_beginning(world: World) -> None:
    owner = await world.set_up(password=None)
    authenticator = await register_passkey(owner)
    assert (await owner.session())["person"]["has_password"] is False
    await owner.post("/api/sign-out")
    answer = await owner.post("/api/sign-in/passkey", await passkey_assertion(owner, authenticator))
    assert answer.status_code == 200


async def test_the_password_can_go_when_a_passkey_is_there_and_the_passkey_cannot_go_then(world: World) -> None:
    browser = await world.set_up()
    refused = await browser.post("/api/me/password", {"new": None})
    assert refused.status_code == 409 and refused.json()["code"] == "people.last_credential"
    await register_passkey(browser)
    assert (await browser.post("/api/me/password", {"new": None})).status_code == 204
    assert (await world.browser().sign_in()).status_code == 401
    (passkey,) = (await browser.get("/api/me/passkeys")).json()["items"]
    refused = await browser.delete(f"/api/me/passkeys/{passkey['id']}")
    assert refused.status_code == 409 and refused.json()["code"] == "people.last_credential"
    await register_passkey(browser)
    assert (await browser.delete(f"/api/me/passkeys/{passkey['id']}")).status_code == 204


async def test_password_and_passkey_removed_at_the_same_time_leave_one_of_them(world: World) -> None:
    browser = await world.set_up()
    await register_passkey(browser)
    (passkey,) = (await browser.get("/api/me/passkeys")).json()["items"]
    answers = await asyncio.gather(
        browser.post("/api/me/password", {"new": None}), browser.delete(f"/api/me/passkeys/{passkey['id']}")
    )
    assert sorted(answer.status_code for answer in answers) == [204, 409]


async def test_a_challenge_is_good_once(world: World) -> None:
    browser = await world.set_up()
    authenticator = await register_passkey(browser)
    body = await passkey_assertion(browser, authenticator)
    assert (await browser.post("/api/sign-in/passkey", body)).status_code == 200
    again = await browser.post("/api/sign-in/passkey", body)
    assert again.status_code == 410 and again.json()["code"] == "people.challenge_gone"


async def test_a_challenge_expires_after_five_minutes(world: World) -> None:
    browser = await world.set_up()
    authenticator = await register_passkey(browser)
    body = await passkey_assertion(browser, authenticator)
    world.clock.advance(after(minutes=5))
    assert (await browser.post("/api/sign-in/passkey", body)).status_code == 410


async def test_a_challenge_for_signing_in_registers_nothing_and_the_other_way_round(world: World) -> None:
    browser = await world.set_up()
    authenticator = await register_passkey(browser)
    register, sign_in = await passkey_options(browser), (await browser.post("/api/sign-in/passkey/options")).json()
    mixed = {"challenge_id": register["challenge_id"], "credential": authenticator.get(sign_in["options"])}
    assert (await browser.post("/api/sign-in/passkey", mixed)).status_code == 410


async def test_one_persons_challenge_is_of_no_use_to_another(world: World) -> None:
    owner = await world.set_up()
    await world.open_sign_up()
    other = await world.member("bo@example.org")
    begun = await passkey_options(owner)
    credential = Authenticator(PUBLIC_URL).create(begun["options"])
    body = {"challenge_id": begun["challenge_id"], "name": "x", "credential": credential}
    assert (await other.post("/api/me/passkeys", body)).status_code == 410


async def test_a_copied_authenticator_is_found_by_its_counter(world: World) -> None:
    browser = await world.set_up()
    authenticator = await register_passkey(browser)
    await browser.post("/api/sign-in/passkey", await passkey_assertion(browser, authenticator))
    authenticator.counter -= 1
    answer = await browser.post("/api/sign-in/passkey", await passkey_assertion(browser, authenticator))
    assert answer.status_code == 401 and answer.json()["code"] == "people.passkey_wrong"


async def test_a_synced_passkey_without_counter_works_again_and_again(world: World) -> None:
    browser = await world.set_up()
    authenticator = await register_passkey(browser, Authenticator(PUBLIC_URL, counts=False))
    for _ in range(3):
        answer = await browser.post("/api/sign-in/passkey", await passkey_assertion(browser, authenticator))
        assert answer.status_code == 200


@pytest.mark.parametrize("wrong", ["origin", "rp", "unverified", "key", "handle"])
async def test_an_assertion_that_does_not_fit_is_refused(world: World, wrong: str) -> None:
    browser = await world.set_up()
    authenticator = await register_passkey(browser)
    match wrong:
        case "origin":
            authenticator.origin = "http://localhost:9999"
        case "rp":
            authenticator.rp_id = "evil.example"
        case "unverified":
            authenticator.verifies = False
        case "key":
            authenticator.key = Authenticator(PUBLIC_URL).key
        case _:
            authenticator.user_handle = b"\x00" * 16
    answer = await world.browser().post("/api/sign-in/passkey", await passkey_assertion(browser, authenticator))
    assert answer.status_code == 401 and answer.json()["code"] == "people.passkey_wrong"


async def test_an_unverified_registration_is_refused(world: World) -> None:
    browser = await world.set_up()
    begun = await passkey_options(browser)
    credential = Authenticator(PUBLIC_URL, verifies=False).create(begun["options"])
    body = {"challenge_id": begun["challenge_id"], "name": "x", "credential": credential}
    answer = await browser.post("/api/me/passkeys", body)
    assert answer.status_code == 400 and answer.json()["code"] == "people.passkey_not_registered"


async def test_the_same_credential_is_registered_once(world: World) -> None:
    browser = await world.set_up()
    authenticator = await register_passkey(browser)
    begun = await passkey_options(browser)
    assert [each["type"] for each in begun["options"]["excludeCredentials"]] == ["public-key"]
    body = {"challenge_id": begun["challenge_id"], "name": "x", "credential": authenticator.create(begun["options"])}
    assert (await browser.post("/api/me/passkeys", body)).status_code == 400


@pytest.mark.parametrize(
    "credential",
    [
        {},
        {"id": 3},
        {"id": "AAAA", "rawId": "AAAA", "type": "public-key", "response": {}},
        {"id": "\ud800", "rawId": "ü", "type": "public-key", "response": {"userHandle": "ü"}},
        {
            "id": "AAAA",
            "rawId": "AAAA",
            "type": "public-key",
            "response": {"clientDataJSON": "e30", "attestationObject": "oA"},
        },
    ],
)
async def test_nonsense_instead_of_a_credential_is_refused_not_an_error_of_ours(
    world: World, credential: dict[str, Any]
) -> None:
    browser = await world.set_up()
    begun = await passkey_options(browser)
    made = await browser.post(
        "/api/me/passkeys", {"challenge_id": begun["challenge_id"], "name": "x", "credential": credential}
    )
    assert made.status_code == 400
    asked = (await browser.post("/api/sign-in/passkey/options")).json()
    answer = await browser.post(
        "/api/sign-in/passkey", {"challenge_id": asked["challenge_id"], "credential": credential}
    )
    assert answer.status_code in (400, 401)


async def test_broken_bytes_in_a_good_credential_are_refused_not_an_error_of_ours(world: World) -> None:
    browser = await world.set_up()
    authenticator = await register_passkey(browser)
    for field in ("clientDataJSON", "authenticatorData", "signature"):
        for cut in (1, 7, 20):
            body = await passkey_assertion(browser, authenticator)
            whole = body["credential"]["response"][field]
            body["credential"]["response"][field] = whole[:-cut]
            answer = await browser.post("/api/sign-in/passkey", body)
            assert answer.status_code == 401, (field, cut, answer.text)
    for cut in (1, 30, 90, 150, 200):
        begun = await passkey_options(browser)
        made = Authenticator(PUBLIC_URL).create(begun["options"])
        made["response"]["attestationObject"] = made["response"]["attestationObject"][:-cut]
        body = {"challenge_id": begun["challenge_id"], "name": "x", "credential": made}
        answer = await browser.post("/api/me/passkeys", body)
        assert answer.status_code == 400, (cut, answer.text)


@pytest.mark.parametrize(
    "public_key", [{}, {1: 2}, {1: 2, 3: -7}, {1: 2, 3: -7, -1: 1, -2: b"", -3: b""}, {1: 9, 3: 9}]
)
async def test_a_public_key_that_lacks_a_part_is_refused_not_an_error_of_ours(
    world: World, public_key: dict[int, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = await world.set_up()
    authenticator = Authenticator(PUBLIC_URL)
    monkeypatch.setattr(authenticator, "_public_key", lambda: cbor2.dumps(public_key))
    begun = await passkey_options(browser)
    body = {"challenge_id": begun["challenge_id"], "name": "x", "credential": authenticator.create(begun["options"])}
    assert (await browser.post("/api/me/passkeys", body)).status_code in (400, 201)
    answer = await browser.post("/api/sign-in/passkey", await passkey_assertion(browser, authenticator))
    assert answer.status_code == 401


async def test_a_passkey_can_be_renamed_and_only_by_its_person(world: World) -> None:
    browser = await world.set_up()
    await register_passkey(browser)
    (passkey,) = (await browser.get("/api/me/passkeys")).json()["items"]
    renamed = await browser.request("PATCH", f"/api/me/passkeys/{passkey['id']}", {"name": "Phone"})
    assert renamed.json()["name"] == "Phone"
    await world.open_sign_up()
    other = await world.member("bo@example.org")
    assert (await other.request("PATCH", f"/api/me/passkeys/{passkey['id']}", {"name": "mine"})).status_code == 404
    assert (await other.delete(f"/api/me/passkeys/{passkey['id']}")).status_code == 404


async def test_a_new_passkey_needs_a_recent_sign_in_and_never_a_key(world: World) -> None:
    browser = await world.set_up()
    client = world.client((await browser.key("account"))["secret"])
    refused = await client.post("/api/me/passkeys/options", json={})
    assert refused.status_code == 403 and refused.json()["code"] == "people.session_needed"
    world.clock.advance(after(minutes=31))
    refused = await browser.post("/api/me/passkeys/options")
    assert refused.status_code == 403 and refused.json()["code"] == "people.sign_in_again"
    await browser.sign_in()
    await register_passkey(browser)


async def test_nobody_has_more_than_so_many_passkeys(database: Database, clock: ManualClock, tmp_path: Path) -> None:
    world = World(database, clock, tmp_path, passkeys_per_person=2)
    browser = await world.set_up()
    await register_passkey(browser)
    await register_passkey(browser)
    answer = await browser.post("/api/me/passkeys/options")
    assert answer.status_code == 409 and answer.json()["code"] == "people.too_many_passkeys"
    await world.close()


async def test_a_disabled_person_cannot_use_a_passkey(world: World) -> None:
    owner = await world.set_up()
    await world.open_sign_up()
    other = await world.member("bo@example.org")
    authenticator = await register_passkey(other)
    person = (await other.session())["person"]["id"]
    await owner.request("PATCH", f"/api/people/{person}", {"state": "disabled"})
    answer = await other.post("/api/sign-in/passkey", await passkey_assertion(other, authenticator))
    assert answer.status_code == 403 and answer.json()["code"] == "people.disabled"


async def test_behind_an_address_without_a_name_passkeys_say_what_to_do(
    database: Database, clock: ManualClock, tmp_path: Path
) -> None:
    world = World(database, clock, tmp_path, public_url="https://192.0.2.10")
    browser = await world.set_up()
    for path in ("/api/me/passkeys/options", "/api/sign-in/passkey/options"):
        answer = await browser.post(path)
        assert answer.status_code == 409 and answer.json()["code"] == "people.passkeys_need_name"
    await world.close()


async def test_on_the_standard_port_the_origin_has_none(database: Database, clock: ManualClock, tmp_path: Path) -> None:
    world = World(database, clock, tmp_path, public_url="https://mecum.example.org:443")
    browser = await world.set_up()
    authenticator = await register_passkey(browser, Authenticator("https://mecum.example.org"))
    answer = await browser.post("/api/sign-in/passkey", await passkey_assertion(browser, authenticator))
    assert answer.status_code == 200
    await world.close()
