"""How many event streams one person may have open, over real connections."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx2
import pytest

from tests.support.living_house import MEMBER, House, fresh_database, living_house
from tests.surfaces.things import post, waited_for

MOST = 2


@pytest.fixture(scope="module")
def house(pg_url: str, template: str) -> Generator[House]:
    settings = {"MECUM_STREAMS_PER_PERSON_MAX": str(MOST)}
    with fresh_database(pg_url, template) as url, living_house(url, settings=settings) as house:
        yield house


@contextmanager
def opened(house: House, path: str, **more: Any) -> Generator[httpx2.Response]:
    headers = {"authorization": f"Bearer {house.key(**more)}", "accept": "text/event-stream"}
    with httpx2.stream("GET", f"{house.url}{path}", headers=headers, timeout=30, trust_env=False) as answer:
        yield answer


def nobody_reads(house: House) -> bool | None:
    shown = httpx2.get(f"{house.url}/metrics", trust_env=False).text
    counts = [line.rpartition(" ")[2] for line in shown.splitlines() if line.startswith("mecum_streams_open{")]
    return set(counts) <= {"0.0"} or None


def test_who_has_too_many_streams_is_told_when_to_come_again_and_others_are_not_held_up(house: House) -> None:
    thread = f"/api/threads/{post(house, 'Hello.')}/events"
    with ExitStack() as stack:
        for path in (thread, "/api/me/stream"):
            assert stack.enter_context(opened(house, path)).status_code == 200
        refused = house.request("GET", thread, headers={"accept": "text/event-stream", "accept-language": "zh-CN"})
        assert refused.status_code == 429
        assert refused.headers["retry-after"] == "30"
        problem = refused.json()
        assert (problem["code"], problem["params"], problem["retryable"]) == ("too_many_streams", {"limit": MOST}, True)
        assert "事件流" in problem["detail"]
        assert stack.enter_context(opened(house, "/api/me/stream", person=MEMBER)).status_code == 200
        assert house.get(f"{thread}?limit=1")["items"]
    waited_for(lambda: nobody_reads(house))
    with opened(house, thread) as again:
        assert again.status_code == 200


def test_an_answer_that_could_not_be_streamed_is_not_begun(house: House) -> None:
    asked = {"model": "mecum", "stream": True, "messages": [{"role": "user", "content": "Hello."}]}
    waited_for(lambda: nobody_reads(house))
    before = len(house.fake.requests)
    with opened(house, "/api/me/stream"), opened(house, "/api/me/stream"):
        refused = house.request("POST", "/v1/chat/completions", json=asked)
        assert refused.status_code == 429
        assert refused.json()["error"]["code"] == "too_many_streams"
        assert len(house.fake.requests) == before
        whole = house.post("/v1/chat/completions", {**asked, "stream": False})
        assert whole["choices"][0]["message"]["content"]
    waited_for(lambda: nobody_reads(house))
    streamed = house.request("POST", "/v1/chat/completions", json=asked)
    assert streamed.text.rstrip().endswith("data: [DONE]")
    assert len(house.fake.requests) == before + 2


def test_streams_end_in_order_when_the_house_does(pg_url: str, template: str) -> None:
    with fresh_database(pg_url, template) as url, ExitStack() as outlives:
        with living_house(url) as house:
            answer = outlives.enter_context(opened(house, "/api/me/stream"))
            pieces = answer.iter_bytes()
            assert next(pieces).startswith(b"event: notification")
        # A body that is cut off would raise here.
        assert b"event: notification" not in b"".join(pieces)
