"""What a provider may do while it answers: each run ends in one clear event, and its thread goes on.

Through `/api`, as a client sees it: providers that hang, break off, babble or refuse. What breaks below the house is in
`test_outages.py`.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.fake_replies import command
from tests.support.living_house import House, fresh_database, living_house
from tests.surfaces.things import ended, post, waited_for

ENDS_WITHIN_S = 30
WORDS = "one two three four five six seven eight"


@dataclass(frozen=True)
class Drill:
    """How the provider behaves, and how the run must end.

    Args:
        told: fields of the fake provider's reply.
        code: of the error when the run fails, None when it is done after all.
        keeps: what the answer must still say.
        model: who is asked, the default when empty.
    """

    told: dict[str, Any]
    code: str | None
    keeps: str = ""
    model: str = ""


DRILLS = {
    "hangs": Drill({"hang": True}, "models.provider_timeout"),
    "goes silent in the middle": Drill({"text": WORDS, "hang_after": 4}, "models.provider_timeout", "one two"),
    "hangs up at once": Drill({"text": WORDS, "close_after": 0}, "models.provider_closed"),
    "hangs up in the middle": Drill({"text": WORDS, "close_after": 4}, "models.provider_closed", "one two"),
    "hangs up once": Drill({"text": WORDS, "close_after": 4, "times": 1}, None),
    "sends garbage": Drill({"garbage": True}, "models.provider_garbage"),
    "sends a page": Drill({"body": "<html>Sign in</html>", "content_type": "text/html"}, "models.provider_garbage"),
    "sends an empty object": Drill({"body": "{}"}, "models.provider_garbage"),
    "sends a line of 5 MB": Drill({"line_bytes": 5_000_000}, "models.provider_too_long"),
    "asks to wait a little": Drill({"status": 429, "retry_after": "0.5", "times": 1}, None),
    "asks to wait long": Drill({"status": 429, "retry_after": "3600"}, "models.provider_limit"),
    "is overloaded": Drill({"status": 503}, "models.provider_busy"),
    "fails": Drill({"status": 500, "text": "It burns."}, "models.provider_failed"),
    "fails once": Drill({"status": 500, "times": 1}, None),
    "does not know the key": Drill({"status": 401}, "models.provider_key"),
    "does not know the model": Drill({"status": 404}, "models.provider_unknown_model"),
    "refuses the request": Drill({"status": 400}, "models.provider_refused"),
    "is not there": Drill({}, "models.provider_unreachable", model="unreachable"),
    "sends characters that nothing can keep": Drill({"text": "a\0b c"}, None, "a\ufffdb c"),
    "calls a tool that is not there": Drill({"tool": "no_such_tool", "arguments": "{}", "text": "So be it."}, None),
    "calls a tool with nonsense": Drill({"tool": "calculator", "arguments": "{nonsense", "text": "Well."}, None),
    "calls tools without end": Drill({"tool": "calculator", "arguments": '{"expression":"1+1"}', "endless": 1}, None),
}


@pytest.fixture(scope="module")
def house(pg_url: str, template: str) -> Generator[House]:
    with fresh_database(pg_url, template) as url, living_house(url) as running:
        nowhere = {"name": "Nowhere", "base_url": "http://127.0.0.1:9/v1"}
        models = [{"upstream_model": "fake", "name": "unreachable", "kind": "chat"}]
        running.post("/api/providers", {**nowhere, "models": models})
        yield running


@pytest.fixture(scope="module")
def threads(house: House) -> dict[str, str]:
    """A thread for each drill, all begun at the same moment."""
    found: dict[str, str] = {}
    for name, drill in DRILLS.items():
        told = dict(drill.told)
        if told.pop("endless", None):
            pairs = [(told["tool"], told["arguments"])] * 40
            text = command(tools=pairs)
        else:
            text = command(interval_ms=10, **told) if told else ""
        model = {"model": drill.model} if drill.model else {}
        found[name] = post(house, f"{name} {text}", **model)
    return found


@pytest.mark.parametrize("name", DRILLS)
def test_a_run_ends_in_one_clear_event_when_the_provider(house: House, threads: dict[str, str], name: str) -> None:
    drill, thread = DRILLS[name], threads[name]
    log = house.until_idle(thread, within_s=ENDS_WITHIN_S)
    end = ended(log)
    answer = next(event["payload"] for event in log if event["type"] == "message.assistant")
    assert drill.keeps in answer["text"]
    if drill.code is None:
        assert end["reason"] in ("done", "limit")
        assert "error" not in end
    else:
        assert (end["reason"], end["error"]["code"]) == ("failed", drill.code)
        assert end["error"]["detail"]
        assert end["error"]["hint"]
    assert house.get(f"/api/threads/{thread}")["state"] == "idle"


def test_the_conversation_goes_on_after_a_failure(house: House, threads: dict[str, str]) -> None:
    thread = threads["fails"]
    house.until_idle(thread, within_s=ENDS_WITHIN_S)
    again = {"client_id": "again", "text": f"Again, please. {command(text='Now it works.')}"}
    house.post(f"/api/threads/{thread}/messages", again)
    log = waited_for(lambda: _second_end(house.log(thread)), ENDS_WITHIN_S)
    assert log[-1]["payload"]["reason"] == "done"
    assert log[-2]["payload"]["text"] == "Now it works."


def _second_end(log: list[dict[str, Any]]) -> list[dict[str, Any]] | None:
    return log if [event["type"] for event in log].count("run.finished") == 2 else None


def test_a_failed_answer_can_be_made_anew(house: House, threads: dict[str, str]) -> None:
    thread = threads["hangs up in the middle"]
    log = house.until_idle(thread, within_s=ENDS_WITHIN_S)
    failed = next(event["message"] for event in log if event["type"] == "message.assistant")
    path = f"/api/threads/{thread}/messages/{failed}/regenerate"
    house.post(path, {"client_id": "anew", "model": "fake-small"})
    log = waited_for(lambda: _second_end(house.log(thread)), ENDS_WITHIN_S)
    parents = [event["parent"] for event in log if event["type"] == "message.assistant"]
    assert parents[0] == parents[1]
