"""Service tiers: who is served how soon, and hears so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mecum.kit.db import Database
from mecum.kit.types import InstallationRole
from mecum.rooms.models.tiers import ForWhom, tier_of
from tests.rooms.models.budgets.keeping import limit
from tests.rooms.models.world import FakeEngine, world
from tests.support.fake_provider import FakeProvider
from tests.support.jobs import HandJobs
from tests.support.principals import principal

HI: Any = [{"role": "user", "content": "Hi"}]


@pytest.mark.parametrize(
    ("asked", "role", "priority_for", "served"),
    [
        (None, "member", "everybody", "default"),
        ("auto", "member", "everybody", "default"),
        ("flex", "member", "nobody", "flex"),
        ("priority", "member", "everybody", "priority"),
        ("priority", "member", "operators", "default"),
        ("priority", "operator", "operators", "priority"),
        ("priority", "owner", "operators", "priority"),
        ("priority", "owner", "nobody", "default"),
        ("scale", "owner", "everybody", "default"),
        (["flex"], "owner", "everybody", "default"),
        ("batch", "owner", "everybody", "default"),
    ],
)
def test_a_tier_is_served_to_whom_it_is_open(
    asked: object, role: InstallationRole, priority_for: ForWhom, served: str
) -> None:
    values = {} if asked is None else {"service_tier": asked}
    assert tier_of(values, principal(role=role), priority_for) == served


@pytest.mark.parametrize(
    ("asked", "band"), [("flex", "background"), ("priority", "interactive"), ("default", "api"), (None, "api")]
)
async def test_the_answer_and_the_record_say_in_which_tier_it_was_served(
    database: Database, jobs: HandJobs, tmp_path: Path, fake: FakeProvider, asked: str | None, band: str
) -> None:
    caller = principal(role="owner")
    more: dict[str, Any] = {} if asked is None else {"service_tier": asked}
    async with world(database, jobs, tmp_path, caller=caller) as here:
        await here.connect(fake)
        chat = here.openai.chat.completions.with_raw_response
        whole = await chat.create(model="fake", messages=HI, **more)
        streamed = [
            chunk.service_tier
            async for chunk in await here.openai.chat.completions.create(model="fake", messages=HI, stream=True, **more)
        ]
        response = await here.openai.responses.create(model="fake", input="Hi", **more)
        rows = await here.usage()
    tier = asked or "default"
    assert whole.headers["x-mecum-tier"] == tier
    assert whole.headers["x-mecum-model"] == "fake"
    assert whole.parse().service_tier == streamed[0] == asked
    assert response.service_tier == asked
    assert [(row["tier"], row["band"]) for row in rows] == [(tier, band)] * 3


async def test_a_translated_answer_says_its_tier_too(
    database: Database, jobs: HandJobs, tmp_path: Path, fake: FakeProvider
) -> None:
    async with world(database, jobs, tmp_path, engine=FakeEngine(fake)) as here:
        whole = await here.openai.chat.completions.create(model="mecum-local", messages=HI, service_tier="flex")
        plain = await here.openai.chat.completions.create(model="mecum-local", messages=HI)
        response = await here.openai.responses.create(model="mecum-local", input="Hi", service_tier="priority")
        rows = await here.usage()
    assert (whole.service_tier, plain.service_tier, response.service_tier) == ("flex", None, "priority")
    assert [row["tier"] for row in rows] == ["flex", "default", "priority"]


async def test_what_was_shortened_for_a_budget_is_said_in_a_header(
    database: Database, jobs: HandJobs, tmp_path: Path, fake: FakeProvider
) -> None:
    async with world(database, jobs, tmp_path) as here:
        await here.connect(fake)
        await limit(database, 1000, here.caller, subject="person")
        chat = here.openai.chat.completions.with_raw_response
        answer = await chat.create(model="fake", messages=HI, max_tokens=5000)
        (row,) = await here.usage()
    assert answer.headers["x-mecum-degraded"] == row["degraded"] == "shorter"
