"""Which passwords may be taken, and how they are hashed."""

from __future__ import annotations

import asyncio
import time

import pytest

from mecum.kit.errors import MecumError, Unavailable
from mecum.rooms.people.hashing import Hashing
from mecum.rooms.people.service import PASSWORD_CHARS_MAX, check_password

PERSONAL = ("ada.lovelace@example.org", "Ada Lovelace", "mecum", "Our Library")


def _verdict(password: str) -> str:
    try:
        check_password(password, least=10, personal=PERSONAL)
    except MecumError as error:
        return error.code.removeprefix("people.password_")
    return "taken"


@pytest.mark.parametrize(
    "password",
    [
        "correct horse",
        "seven green lanterns",
        "tr0ub4dor&3x",
        "我的密码是一个很长的句子",
        "password12",
        "ada likes trains",
        "xK9#mQ2$vL",
    ],
)
def test_a_password_that_nobody_tries_first_is_taken_without_further_rules(password: str) -> None:
    assert _verdict(password) == "taken"


@pytest.mark.parametrize("password", ["", "short", "123456789", "我的密码"])
def test_a_short_password_is_refused(password: str) -> None:
    assert _verdict(password) == "short"


def test_a_password_has_an_upper_limit_so_that_hashing_costs_the_same() -> None:
    assert _verdict("ab1 " * 200) in ("long", "pattern")
    assert _verdict("x" + "ab cd ef gh " * (PASSWORD_CHARS_MAX // 12 + 1)) == "long"


@pytest.mark.parametrize(
    "password",
    [
        "aaaaaaaaaa",
        "1234567890",
        "0987654321",
        "abcdefghijk",
        "qwertyuiop",
        "asdfghjkl;",
        "abcabcabcabc",
        "1212121212",
        "1111222233",
        "QWERTZUIOP",
        "９８７６５４３２１０",
    ],
)
def test_repetitions_and_sequences_are_refused(password: str) -> None:
    assert _verdict(password) == "pattern"


@pytest.mark.parametrize(
    "password",
    [
        "adalovelace",
        "ADA.Lovelace@example.org",
        "lovelace123",
        "mecummecum1",
        "Mecum-2026!",
        "our library 1",
        "ada example.org",
    ],
)
def test_passwords_made_of_the_person_or_the_product_are_refused(password: str) -> None:
    assert _verdict(password) == "personal"


async def test_two_keyboards_that_write_the_same_text_differently_give_the_same_password() -> None:
    hashing = Hashing(at_once=1, waiting=1, time_cost=1, memory_kib=64)
    hashed = await hashing.hash("caf\u00e9 au lait noir")
    assert await hashing.verify(hashed, "cafe\u0301 au lait noir")
    hashing.close()


async def test_the_hash_is_argon2id_with_the_parameters_of_owasp() -> None:
    hashing = Hashing(at_once=1, waiting=1)
    hashed = await hashing.hash("seven green lanterns")
    assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert not hashing.outdated(hashed)
    assert hashing.outdated(await Hashing(at_once=1, waiting=1, time_cost=1).hash("seven green lanterns"))
    hashing.close()


async def test_an_unknown_account_costs_a_whole_verification() -> None:
    hashing = Hashing(at_once=1, waiting=1)
    hashed = await hashing.hash("seven green lanterns")
    await hashing.verify(None, "warm up")
    spent: dict[bool, float] = {}
    for known in (True, False):
        began = time.process_time()
        for _ in range(5):
            assert not await hashing.verify(hashed if known else None, "wrong")
        spent[known] = time.process_time() - began
    assert spent[False] > spent[True] / 2
    hashing.close()


async def test_when_too_many_wait_for_a_hash_the_next_is_told_to_come_again() -> None:
    hashing = Hashing(at_once=1, waiting=2)
    answers = await asyncio.gather(*(hashing.hash("seven green lanterns") for _ in range(5)), return_exceptions=True)
    assert [isinstance(each, Unavailable) for each in answers] == [False, False, False, True, True]
    assert isinstance(await hashing.hash("seven green lanterns"), str)
    hashing.close()


async def test_the_event_loop_goes_on_while_passwords_are_hashed() -> None:
    hashing = Hashing(at_once=2, waiting=10)
    work = asyncio.gather(*(hashing.hash("seven green lanterns") for _ in range(8)))
    turns = 0
    while not work.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 20
    await work
    hashing.close()
