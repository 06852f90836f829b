"""`mecum budgets`."""

from __future__ import annotations

from pathlib import Path

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
