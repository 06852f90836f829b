"""`mecum budgets`."""

from __future__ import annotations

import asyncio
import datetime as dt
from pathlib import Path

from sqlalchemy import text

from mecum.kit.db import Database
from mecum.kit.ids import decode
from tests.cli.conftest import Mecum


def test_a_budget_is_set_changed_listed_and_removed(data: Path, mecum: Mecum) -> None:
    assert mecum("people", "add", "ada@example.com", "--password-stdin", given="correct horse battery\n").code == 0
    assert mecum("budgets", "list").err == "No budgets are set.\n"
    first = mecum("budgets", "set", "--tokens", "100000", "--per", "day", "--json").json
    again = mecum("budgets", "set", "--tokens", "200000", "--per", "day", "--json").json
    assert (again["id"], again["amount"], again["subject"]) == (first["id"], 200_000, "each_person")
    done = mecum("budgets", "set", "--money", "12.50", "--person", "ada@example.com", "--soft")
    assert done.code == 0, done.err
    _, each, hers = mecum("budgets", "list").out.splitlines()
    assert "each person" in each and "200000 tokens a day" in each
    assert "ada@example.com" in hers and "12.50 USD a month" in hers and "soft" in hers
    assert mecum("budgets", "remove", first["id"]).code == 0
    assert [one["unit"] for one in mecum("budgets", "list", "--json").json] == ["money"]


def test_what_is_no_budget_is_refused_with_a_word(data: Path, mecum: Mecum) -> None:
    assert mecum("people", "add", "ada@example.com", "--password-stdin", given="correct horse battery\n").code == 0
    assert mecum("budgets", "set").code == 2
    assert mecum("budgets", "set", "--tokens", "5", "--money", "5").code == 2
    assert mecum("budgets", "set", "--tokens", "5", "--person", "nobody@example.com").code == 1
    assert mecum("budgets", "set", "--tokens", "5", "--timezone", "Mars").code == 1
    assert mecum("budgets", "remove", "bud_1").code == 1


def test_what_a_killed_server_lost_is_seen_and_given_back(data: Path, mecum: Mecum, database_url: str) -> None:
    assert mecum("people", "add", "ada@example.com", "--password-stdin", given="correct horse battery\n").code == 0
    made = mecum("budgets", "set", "--tokens", "1000", "--per", "day", "--json").json
    asyncio.run(lose(database_url, made["id"], 120))
    assert "120" in mecum("budgets", "list").out.splitlines()[-1].split()
    assert mecum("budgets", "give-back", made["id"]).err == "120 tokens count as not spent again.\n"
    assert mecum("budgets", "give-back", made["id"]).err == "Nothing of it is unattributed.\n"
    assert mecum("budgets", "list", "--json").json[0]["unattributed"] == 0


async def lose(url: str, budget: str, amount: int) -> None:
    """Somebody's calls were under way when the server was killed."""
    now = dt.datetime.now(dt.UTC)
    values = {"budget": decode("bud", budget), "from": now - dt.timedelta(hours=1), "to": now + dt.timedelta(hours=1)}
    database = Database(url, pool_size=1)
    async with database.transaction() as connection:
        await connection.execute(
            text(
                "INSERT INTO models.budget_window (budget_id, owner_id, starts_at, ends_at, spent, unattributed)"
                " VALUES (:budget, gen_random_uuid(), :from, :to, :amount, :amount)"
            ),
            values | {"amount": amount},
        )
    await database.close()
