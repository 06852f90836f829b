"""The router at work: who is asked, how hard to think, what is said of it, and what is learned from it."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import pytest
from sqlalchemy import text

from mecum.kit.db import Database
from mecum.kit.types import Actor, Tokens
from mecum.rooms.models import ANSWER_JUDGED, Routed, ToolSpec
from mecum.rooms.models.call import Call
from mecum.rooms.models.router.ledger import LEARN, Ledger
from mecum.rooms.models.router.scorer import PRIOR, gain
from mecum.rooms.models.settings import ModelsSettings
from mecum.rooms.people import PERSON_ERASED
from tests.rooms.models.asking import asking, finish_of
from tests.rooms.models.routes import Api, connected
from tests.rooms.models.world import World, answer, world
from tests.support.fake_provider import FakeProvider
from tests.support.jobs import HandJobs

QUICK = {"upstream_model": "fake-small", "name": "quick"}
DEEP = {"upstream_model": "fake", "name": "deep", "reasoning": True}
HARD, EASY, DOUBTFUL = "Prove that there is no largest prime.", "Hello!", "Tell me something about tea"

pytestmark = pytest.mark.anyio


@pytest.fixture
async def here(database: Database, jobs: HandJobs, tmp_path: Path) -> AsyncIterator[World]:
    async with world(database, jobs, tmp_path, router_explored=0, provider_first_byte_timeout_s=20) as built:
        yield built


@pytest.fixture
async def api(here: World) -> AsyncIterator[Api]:
    async with aiohttp.ClientSession() as session:
        yield Api(here.url, session)


async def two(api: Api, fake: FakeProvider) -> None:
    """A quick model and one that thinks, each at a provider of its own, under the two names."""
    await connected(api, fake, model=None, models=[QUICK], name="Quick")
    await connected(api, fake, model=None, models=[DEEP], name="Deep")
    for name, model in (("mecum-fast", "quick"), ("mecum-thinking", "deep")):
        assert (await api("POST", "aliases", {"name": name, "tiers": [[model]]}))[0] == 201


async def decisions(here: World) -> list[dict[str, Any]]:
    await here.parts.ledger.flush()
    async with here.kit.db.transaction() as connection:
        rows = await connection.execute(text("SELECT * FROM models.route_decision ORDER BY at, id"))
        return [dict(row) for row in rows.mappings()]


def for_run(here: World, run: UUID | None = None) -> World:
    """The same world, asked by a job."""
    return replace(here, caller=replace(here.caller, actor=Actor("job", run or uuid4())))


async def judge(here: World, run: UUID, what: str) -> None:
    async with here.kit.db.transaction() as connection:
        await here.kit.outbox.publish(connection, ANSWER_JUDGED, work=run.hex, what=what)
    await here.jobs.run_due(here.kit.clock.now())


async def names(api: Api) -> list[str]:
    return [model["name"] for model in (await api("GET", "models"))[1]["items"]]


async def test_the_router_is_listed_first_where_there_is_something_to_choose(api: Api, fake: FakeProvider) -> None:
    await connected(api, fake, model=None, models=[QUICK])
    assert "mecum-auto" not in await names(api)
    await two_more(api, fake)
    assert (await names(api))[0] == "mecum-auto"
    assert (await api("PUT", "models/router", {"mode": "off"}))[1] == {"mode": "off", "fast": "", "thinking": ""}
    assert "mecum-auto" not in await names(api)
    chosen = {"mode": "chosen", "fast": "quick", "thinking": "deep"}
    assert (await api("PUT", "models/router", chosen)) == (200, chosen)
    assert (await names(api))[0] == "mecum-auto"


async def two_more(api: Api, fake: FakeProvider) -> None:
    await connected(api, fake, model=None, models=[DEEP], name="Deep")
    for name, model in (("mecum-fast", "quick"), ("mecum-thinking", "deep")):
        await api("POST", "aliases", {"name": name, "tiers": [[model]]})


async def test_only_models_that_leave_a_choice_can_be_chosen(api: Api, fake: FakeProvider) -> None:
    await two(api, fake)
    one = {"mode": "chosen", "fast": "quick", "thinking": "quick"}
    assert (await api("PUT", "models/router", one))[1]["code"] == "models.router_one"
    assert (await api("PUT", "models/router", {**one, "thinking": "nobody"}))[0] == 404
    alone = {"mode": "chosen", "fast": "deep", "thinking": "deep"}
    assert (await api("PUT", "models/router", alone))[1] == alone


async def test_what_is_chosen_follows_a_new_name(api: Api, fake: FakeProvider) -> None:
    await two(api, fake)
    await api("PUT", "models/router", {"mode": "chosen", "fast": "quick", "thinking": "deep"})
    providers = (await api("GET", "providers"))[1]["items"]
    model = next(model for provider in providers for model in provider["models"] if model["name"] == "deep")
    assert (await api("PATCH", f"models/{model['id']}", {"name": "deeper"}))[0] == 200
    assert (await api("GET", "models/router"))[1]["thinking"] == "deeper"


async def test_whoever_names_no_model_gets_the_one_that_fits(api: Api, fake: FakeProvider, here: World) -> None:
    await two(api, fake)
    hard, easy = finish_of(await answer(here, asking(HARD))), finish_of(await answer(here, asking(EASY)))
    assert (hard.model, hard.routed) == ("deep", Routed("think", "maths"))
    assert (easy.model, easy.routed) == ("quick", Routed("fast", "greeting"))
    assert [sent.body.get("reasoning_effort") for sent in fake.requests] == ["high", None]
    wished = finish_of(await answer(here, asking(EASY, effort="think")))
    assert (wished.model, wished.routed) == ("deep", Routed("think", "asked"))


async def test_whoever_names_a_model_gets_it_and_nothing_is_decided(api: Api, fake: FakeProvider, here: World) -> None:
    await two(api, fake)
    finish = finish_of(await answer(here, asking(HARD, model="quick")))
    assert (finish.model, finish.routed) == ("quick", None)
    assert await decisions(here) == []


async def test_a_model_that_reasons_alone_is_told_how_hard(api: Api, fake: FakeProvider, here: World) -> None:
    await connected(api, fake, model=None, models=[DEEP])
    for said in (HARD, EASY):
        await answer(here, asking(said))
    assert [sent.body["reasoning_effort"] for sent in fake.requests] == ["high", "low"]


async def test_the_official_client_is_led_through_both_doors_and_told_so(
    api: Api, fake: FakeProvider, here: World
) -> None:
    await two(api, fake)
    chat, responses = here.openai.chat.completions.with_raw_response, here.openai.responses.with_raw_response
    said: Any = [{"role": "user", "content": HARD}]
    for stream in (False, True):
        given = await chat.create(model="mecum-auto", messages=said, stream=stream)
        assert (given.headers["x-mecum-routed"], given.headers["x-mecum-model"]) == ("think; why=maths", "deep")
        await given.http_response.aread()
    fast = await chat.create(model="mecum-auto", messages=said, reasoning_effort="low")
    assert (fast.headers["x-mecum-routed"], fast.headers["x-mecum-model"]) == ("fast; why=asked", "quick")
    medium = await chat.create(model="mecum-auto", messages=said, reasoning_effort="medium")
    assert medium.headers["x-mecum-routed"] == "think; why=asked"
    made = await responses.create(model="mecum-auto", input=EASY, reasoning={"effort": "high"})
    assert made.headers["x-mecum-routed"] == "think; why=asked"
    assert "x-mecum-degraded" not in made.headers
    sent = [each.body for each in fake.requests]
    efforts = [each.get("reasoning_effort") or (each.get("reasoning") or {}).get("effort") for each in sent]
    assert efforts == ["high", "high", None, "medium", "high"]
    assert {row["purpose"] for row in await decisions(here)} == {"relay.chat", "relay.responses"}
    assert "mecum-auto" in [model.id for model in (await here.openai.models.list()).data]


async def test_a_decision_keeps_no_word_of_the_message(api: Api, fake: FakeProvider, here: World) -> None:
    await two(api, fake)
    await answer(here, asking(f"{DOUBTFUL} zanzibar"))
    (row,) = await decisions(here)
    assert (row["effort"], row["why"], row["propensity"]) == ("fast", "score", 1.0)
    assert row["person_id"] == here.caller.person and row["space_id"] == here.caller.space
    assert "zanzibar" not in str(row) and row["features"]["bias"] == 1


async def test_all_steps_of_an_answer_go_the_same_way_and_are_one_decision(
    api: Api, fake: FakeProvider, here: World
) -> None:
    await two(api, fake)
    asked = for_run(here)
    for _ in range(3):
        assert finish_of(await answer(asked, asking(HARD))).model == "deep"
    assert len(await decisions(here)) == 1


async def test_before_a_refusal_the_smaller_model_answers_and_everybody_hears_of_it(
    api: Api, fake: FakeProvider, here: World
) -> None:
    await two(api, fake)
    here.parts.gate.pools.refused("Deep", 500.0, here.kit.clock.monotonic())
    finish = finish_of(await answer(here, asking(HARD, effort="think")))
    assert (finish.model, finish.routed) == ("quick", Routed("fast", "asked", "smaller"))
    said: Any = [{"role": "user", "content": HARD}]
    given = await here.openai.chat.completions.with_raw_response.create(model="mecum-auto", messages=said)
    assert (given.headers["x-mecum-degraded"], given.headers["x-mecum-routed"]) == ("smaller", "fast; why=maths")
    assert [record["degraded"] for record in await here.usage()] == ["smaller", "smaller"]
    assert [row["lowered"] for row in await decisions(here)] == ["smaller", "smaller"]


async def test_a_wait_that_a_thought_answer_is_not_worth_takes_the_thinking_away(
    fake: FakeProvider, database: Database, jobs: HandJobs, tmp_path: Path
) -> None:
    async with world(database, jobs, tmp_path, gate_wait_max_s=3.0, router_explored=0) as here:
        async with aiohttp.ClientSession() as session:
            await two(Api(here.url, session), fake)
        here.parts.gate.pools.refused("Deep", 2.0, here.kit.clock.monotonic())
        finish = finish_of(await answer(here, asking(HARD)))
    assert (finish.model, finish.routed) == ("deep", Routed("fast", "maths", "effort"))
    assert fake.requests[-1].body["reasoning_effort"] == "low"


async def test_what_people_do_with_answers_is_learned_once_and_outlives_a_restart(
    api: Api, fake: FakeProvider, here: World
) -> None:
    await two(api, fake)
    for _ in range(40):
        run = uuid4()
        await answer(for_run(here, run), asking(DOUBTFUL))
        await judge(here, run, "think_longer")
        await judge(here, run, "think_longer")
    rows = await decisions(here)
    assert {tuple(row["outcomes"]) for row in rows} == {("think_longer",)}
    features = rows[0]["features"]
    await here.parts.ledger.learn()
    after = gain(here.parts.ledger.weights, features)
    assert after > gain(PRIOR, features) + 0.1
    await here.parts.ledger.learn()
    assert here.parts.ledger.version == 1
    restarted = Ledger(here.kit.db, here.kit.clock, ModelsSettings())
    await restarted.start()
    assert (restarted.version, gain(restarted.weights, features)) == (1, after)
    await restarted.stop()


async def test_the_last_thumb_holds_and_one_that_was_taken_back_says_nothing(
    api: Api, fake: FakeProvider, here: World
) -> None:
    await two(api, fake)
    run = uuid4()
    await answer(for_run(here, run), asking(DOUBTFUL))
    for what, kept in (("up", ["up"]), ("down", ["down"]), ("none", [])):
        await judge(here, run, what)
        assert [row["outcomes"] for row in await decisions(here)] == [kept]
    await judge(here, uuid4(), "up")


async def test_a_fast_answer_that_nobody_minded_says_a_little(api: Api, fake: FakeProvider, here: World) -> None:
    await two(api, fake)
    await answer(for_run(here), asking(DOUBTFUL))
    (row,) = await decisions(here)
    async with here.kit.db.transaction() as connection:
        await connection.execute(text("UPDATE models.route_decision SET at = at - interval '2 days'"))
    await here.parts.ledger.learn()
    assert [row["outcomes"] for row in await decisions(here)] == [["settled"]]
    assert 0 < gain(PRIOR, row["features"]) - gain(here.parts.ledger.weights, row["features"]) < 0.01


async def test_decisions_are_exported_and_go_with_the_person_or_with_time(
    api: Api, fake: FakeProvider, here: World
) -> None:
    await two(api, fake)
    await answer(here, asking(HARD))
    assert len(await decisions(here)) == 1
    parts = [part async for part in here.face.exporting.export(here.caller)]
    (routing,) = [part for part in parts if part.path == "models/routing.ndjson"]
    assert b'"why": "maths"' in b"".join([chunk async for chunk in routing.content])
    async with here.kit.db.transaction() as connection:
        await connection.execute(text("UPDATE models.route_decision SET at = at - interval '89 days'"))
    await here.parts.ledger.sweep()
    assert len(await decisions(here)) == 1
    async with here.kit.db.transaction() as connection:
        await here.kit.outbox.publish(connection, PERSON_ERASED, person=here.caller.person.hex, erasure=uuid4().hex)
    await here.jobs.run_due(here.kit.clock.now() + dt.timedelta(seconds=1))
    assert await decisions(here) == []
    await answer(here, asking(HARD))
    await here.parts.ledger.flush()
    async with here.kit.db.transaction() as connection:
        await connection.execute(text("UPDATE models.route_decision SET at = at - interval '91 days'"))
    await here.parts.ledger.sweep()
    assert await decisions(here) == []


async def test_learning_is_a_job_with_a_schedule(here: World) -> None:
    assert [job.cron for job in here.room.jobs if job.name == LEARN] == ["*/5 * * * *"]


async def test_a_background_response_is_decided_once_and_a_wish_in_it_holds(
    api: Api, fake: FakeProvider, here: World
) -> None:
    await two(api, fake)
    made = await here.openai.responses.create(model="mecum-auto", input=DOUBTFUL, background=True)
    assert await decisions(here) == []
    await here.jobs.run_due(here.kit.clock.now())
    assert (await here.openai.responses.retrieve(made.id)).status == "completed"
    (decided,) = await decisions(here)
    assert (decided["purpose"], decided["why"]) == ("relay.responses", "score")
    wished = await here.openai.responses.create(
        model="mecum-auto", input=EASY, background=True, reasoning={"effort": "high"}
    )
    await here.jobs.run_due(here.kit.clock.now())
    assert (await here.openai.responses.retrieve(wished.id)).status == "completed"
    assert [(each["why"], each["model"]) for each in (await decisions(here))[1:]] == [("asked", "mecum-thinking")]


async def test_an_answer_of_the_entity_that_might_be_refused_reads_less_and_says_so(
    api: Api, fake: FakeProvider, here: World
) -> None:
    await two(api, fake)
    now, patience = here.kit.clock.monotonic(), here.parts.gate.patience_s("interactive")
    for provider in ("Quick", "Deep"):
        here.parts.gate.pools.refused(provider, patience * 0.9, now)
    spare = ToolSpec("sum", "Adds.", {}, cues=r"\bsum\b")
    led = await here.parts.face._answering._router.of_request(here.caller, asking(EASY, tools=(spare,)))
    assert led is not None
    assert list(led[1].tools) == []
    assert led[0].routed is not None and led[0].routed.lighter == ("tools",)
    call = Call.to(led[0], here.caller, "assistant.answer", Tokens(5))
    assert call.degraded == "tools"
