"""`mecum models`, against a provider over loopback."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from tests.cli.conftest import Mecum
from tests.support.fake_provider import FakeProvider, running


@pytest.fixture
def provider() -> Generator[FakeProvider]:
    with running() as fake:
        yield fake


def test_a_model_is_connected_tried_chosen_and_removed(data: Path, mecum: Mecum, provider: FakeProvider) -> None:
    done = mecum("models", "add", "quick", "--url", provider.base_url, "--model", "fake", "--key-stdin", given="sk-1\n")
    assert (done.code, done.err) == (0, "quick is connected. Try it: mecum models test quick\n")
    assert not provider.requests, "adding calls nobody"

    tried = mecum("models", "test", "quick")
    assert tried.code == 0 and tried.out.strip() and "quick answered in" in tried.err
    assert provider.requests[-1].headers["authorization"] == "Bearer sk-1"

    assert mecum("models", "default", "quick").code == 0
    first, *_ = mecum("models", "list", "--json").json
    assert (first["name"], first["upstream_model"], first["default"]) == ("quick", "fake", True)
    assert mecum("models", "list").out.splitlines()[1].split()[:3] == ["quick", "*", "chat"]

    assert mecum("models", "remove", "quick").err == "quick is removed.\n"
    assert "quick" not in mecum("models", "list").out
    assert mecum("models", "remove", "quick").code == 1


def test_the_protocol_of_a_provider_can_be_told(data: Path, mecum: Mecum, provider: FakeProvider) -> None:
    added = mecum("models", "add", "other", "--url", provider.base_url, "--model", "fake", "--kind", "anthropic")
    assert added.code == 0
    assert mecum("models", "test", "other").code == 1, "it does not speak that"
    assert provider.requests[-1].path == "/v1/messages"
    assert mecum("models", "add", "x", "--url", provider.base_url, "--model", "y", "--kind", "morse").code == 2


def test_a_model_that_does_not_answer_says_why(data: Path, mecum: Mecum) -> None:
    assert mecum("models", "add", "gone", "--url", "http://127.0.0.1:9/v1", "--model", "x").code == 0
    done = mecum("models", "test", "gone")
    assert done.code == 1 and done.err.startswith("mecum: ") and done.out == ""
    found = mecum("models", "test", "gone", "--json")
    assert found.code == 1 and found.json["ok"] is False and found.json["problem"]["detail"]


def test_a_name_or_an_address_that_is_not_possible_is_refused(data: Path, mecum: Mecum) -> None:
    assert mecum("models", "add", "mecum", "--url", "http://localhost:1/v1", "--model", "x").code == 1
    assert mecum("models", "add", "fine", "--url", "nonsense", "--model", "x").code == 1
    assert mecum("models", "add", "fine", "--model", "x").code == 2
    assert mecum("models", "test", "nobody").code == 1


def test_prices_are_stated_listed_and_brought_in_from_a_file(data: Path, mecum: Mecum, tmp_path: Path) -> None:
    assert mecum("models", "add", "quick", "--url", "http://127.0.0.1:9/v1", "--model", "x").code == 0
    kinds = ("--in", "2.50", "--out", "10", "--cached", "0.25", "--cache-write", "3.12")
    stated = mecum("models", "prices", "set", "quick", *kinds)
    assert stated.code == 0 and stated.err.startswith("quick has its price, from ")
    assert mecum("models", "prices", "list").out.splitlines()[1].split()[:5] == [
        "quick",
        "2.50",
        "0.25",
        "3.12",
        "10.00",
    ]
    file = tmp_path / "prices.csv"
    file.write_text(mecum("models", "prices", "export").out.replace("2.50", "3.00"))
    looked = mecum("models", "prices", "import", str(file), "--dry-run")
    assert looked.err == "1 price would be stated. Nothing was changed.\n"
    assert "2.50/10.00 > 3.00/10.00" in looked.out
    assert mecum("models", "prices", "import", str(file), "--from", "2099-01-01").err == "1 price was stated.\n"
    history = mecum("models", "prices", "history", "quick", "--json").json
    assert [row["input"] for row in history] == ["3.00", "2.50"]
    assert mecum("models", "prices", "set", "quick", "--in", "much", "--out", "1").code == 1
    assert mecum("models", "prices", "set", "ghost", "--in", "1", "--out", "1").code == 1
    assert mecum("models", "prices", "set", "quick", "--in", "1", "--out", "1", "--from", "soon").code == 2


def test_keys_are_added_listed_tried_limited_paused_and_removed(
    data: Path, mecum: Mecum, provider: FakeProvider
) -> None:
    added = mecum(
        "models", "add", "quick", "--url", provider.base_url, "--model", "fake", "--key-stdin", given="sk-1\n"
    )
    assert added.code == 0
    key = "sk-a-second-key-0042"
    assert mecum("models", "keys", "add", "quick", "--name", "team", "--calls", "4", given=f"{key}\n").code == 0
    listed = mecum("models", "keys", "list").out
    assert listed.splitlines()[2].split()[:6] == ["quick", "team", "…0042", "unknown", "4", "-"]
    assert key not in listed
    assert mecum("models", "keys", "test", "quick", "team").code == 0
    assert provider.requests[-1].headers["authorization"] == f"Bearer {key}"
    assert mecum("models", "keys", "change", "quick", "0042", "--pause", "--no-limits").code == 0
    team = mecum("models", "keys", "list", "--json").json[1]
    assert (team["paused"], team["limits"]["calls_max"]) == (True, None)
    assert mecum("models", "keys", "remove", "quick", "team").code == 0
    assert len(mecum("models", "keys", "list", "--json").json) == 1
    assert mecum("models", "keys", "remove", "quick", "team").code == 1
    assert mecum("models", "timeouts", "quick", "--silence", "20").code == 0


def test_a_name_stands_for_several_models_and_is_kept_from_others(data: Path, mecum: Mecum) -> None:
    for name in ("a", "b", "c"):
        assert mecum("models", "add", name, "--url", "http://127.0.0.1:9/v1", "--model", name).code == 0
    assert mecum("models", "aliases", "list").err == "No name stands for several models.\n"
    made = mecum("models", "aliases", "set", "mecum-fast", "a,b", "c", "--note", "Quick.")
    assert made.err == "mecum-fast stands for: a b > c\n"
    assert mecum("models", "aliases", "set", "mecum-fast", "c", "a").code == 0
    (alias,) = mecum("models", "aliases", "list", "--json").json
    assert (alias["tiers"], alias["note"]) == ([["c"], ["a"]], "Quick.")
    assert mecum("models", "access", "mecum-fast", "roles", "owner", "operator", "--hide").code == 0
    assert mecum("models", "access", "a", "operators").code == 0
    (alias,) = mecum("models", "aliases", "list", "--json").json
    assert (alias["hidden"], alias["access"]["roles"]) == (True, ["operator", "owner"])
    assert mecum("models", "access", "a", "roles").code == 1
    assert mecum("models", "access", "ghost", "everybody").code == 1
    assert mecum("models", "aliases", "set", "mecum-auto", "a").code == 1
    assert mecum("models", "aliases", "remove", "mecum-fast").code == 0
    assert mecum("models", "aliases", "remove", "mecum-fast").code == 1


def test_what_a_model_is_can_be_told(data: Path, mecum: Mecum, provider: FakeProvider) -> None:
    assert mecum("models", "add", "quick", "--url", provider.base_url, "--model", "fake").code == 0
    done = mecum("models", "change", "quick", "--licence", "Apache-2.0, for  research", "--reasoning", "--json").json
    assert (done["licence"], done["reasoning"]) == ("Apache-2.0, for research", True)
    assert mecum("models", "change", "quick", "--no-reasoning").err == "quick is changed.\n"
    (quick,) = [each for each in mecum("models", "list", "--json").json if each["name"] == "quick"]
    assert (quick["licence"], quick["reasoning"]) == ("Apache-2.0, for research", False)
    assert mecum("models", "change", "quick", "--licence", "").code == 0
    assert mecum("models", "change", "quick").code == 2
    assert mecum("models", "change", "nobody", "--reasoning").code == 1
