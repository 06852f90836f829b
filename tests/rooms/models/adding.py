"""Random calls through every door, to a provider that misbehaves, and the sums that have to agree."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

from sqlalchemy import text

from mecum.kit.errors import MecumError
from mecum.kit.types import Actor, Principal
from mecum.rooms.models import Message, ModelRequest, RelayResponse, TextPart
from mecum.rooms.models.budgets.rules import Rule
from mecum.rooms.models.pricing.amounts import prices_of
from mecum.rooms.models.providers import NewModel
from mecum.rooms.models.wires.jsons import dumps
from tests.rooms.models.world import World
from tests.support.fake_provider import FakeProvider
from tests.support.fake_replies import command
from tests.support.principals import principal

AT_ONCE = 24
FAULTS: tuple[dict[str, Any], ...] = (
    {"status": 500},
    {"status": 429, "retry_after": "0.02"},
    {"status": 429, "retry_after": "0.02", "times": 1},
    {"status": 400},
    {"close_after": 3},
    {"garbage": True},
    {"usage": "missing"},
    {"usage": "wrong"},
    {"body": '{"no": "answer'},
    {"body": "not found", "content_type": "text/html", "status": 404},
    {"first_byte_ms": 40},
    {"odd": True},
    {"done": False},
    {"finish": "length"},
    {"as_json": True},
)
LEAVES: dict[str, Any] = {"interval_ms": 30}
"""So slow that whoever leaves after the first part never hears the end."""
DOORS = ("chat", "chat_stream", "responses", "responses_stream", "embeddings", "seam", "seam_by_responses")
BY_RESPONSES = "fake-by-responses"
"""The same provider, asked at the seam in its other wire."""


@dataclass
class Ledger:
    """What callers saw."""

    calls: int = 0
    outcomes: Counter[str] = field(default_factory=Counter[str])


class Crowd:
    """People, keys, and their random calls.

    Args:
        faulty: the share of calls that meet a fault. leaving: the share whose caller goes in the middle.
    """

    def __init__(self, here: World, seed: int, *, faulty: float = 0.3, leaving: float = 0.05) -> None:
        self.chance = random.Random(seed)
        self.ledger = Ledger()
        self._here = here
        self._faulty = faulty
        self._leaving = leaving
        home = here.caller
        people = [principal(organisation=home.organisation) for _ in range(4)]
        keys = [replace(people[each], actor=Actor("key", uuid4()), surface="api") for each in (0, 1)]
        self.callers: list[Principal] = [*people, *keys]

    async def call(self, many: int) -> None:
        """Make so many calls, some at a time; each ends."""
        left = iter(range(many))

        async def one_after_the_other() -> None:
            for number in left:
                async with asyncio.timeout(30):
                    await self._one(number)

        await asyncio.gather(*(one_after_the_other() for _ in range(AT_ONCE)))

    async def _one(self, number: int) -> None:
        self.ledger.calls += 1
        caller, door = self.chance.choice(self.callers), self.chance.choice(DOORS)
        fields: dict[str, Any] = dict(self.chance.choice(FAULTS)) if self.chance.random() < self._faulty else {}
        leaves = (
            not fields and self.chance.random() < self._leaving and door in ("chat_stream", "seam", "seam_by_responses")
        )
        said = f"call {number} {' '.join(['word'] * self.chance.randrange(40))}"
        if leaves:
            said = f"{command(**LEAVES)} {said}"
        elif fields:
            said = f"{command(**fields, text=f'{number}')} {said}"
        try:
            if door.startswith("seam"):
                model = "fake" if door == "seam" else BY_RESPONSES
                await self._through_the_seam(caller, model, said, leaves=leaves)
            else:
                await self._through_the_relay(caller, door, said, leaves=leaves)
        except MecumError as error:
            self.ledger.outcomes[error.code] += 1
        else:
            self.ledger.outcomes["left" if leaves else "answered"] += 1

    async def _through_the_seam(self, caller: Principal, model: str, said: str, *, leaves: bool) -> None:
        request = ModelRequest([Message("user", (TextPart(said),))], model=model)
        async with aclosing(self._here.face.stream(caller, request)) as events:
            async for _ in events:
                if leaves:
                    return

    async def _through_the_relay(self, caller: Principal, door: str, said: str, *, leaves: bool) -> None:
        relay = self._here.face.relay
        body: dict[str, Any] = {"model": "embed-fake" if door == "embeddings" else "fake"}
        if door.startswith("chat"):
            body |= {"messages": [{"role": "user", "content": said}]}
        else:
            body |= {"input": said}
        if door.endswith("_stream"):
            body["stream"] = True
        ask = {"chat": relay.chat_completions, "responses": relay.responses, "embeddings": relay.embeddings}
        await read(await ask[door.removesuffix("_stream")](caller, dumps(body)), leaves=leaves)


async def read(answer: RelayResponse, *, leaves: bool) -> None:
    if isinstance(answer.body, bytes):
        return
    body: AsyncGenerator[bytes, None] = answer.body
    async with aclosing(body):
        async for _ in body:
            if leaves:
                return


async def priced(here: World, fake: FakeProvider) -> None:
    """Connect the provider, in each of OpenAI's wires, and say what it costs."""
    await here.connect(fake, "fake", "embed-fake")
    await here.connect(fake, NewModel("fake", BY_RESPONSES), name="Other wire", kind="responses")
    for connected in await here.parts.providers.connected():
        for model in connected.models:
            await here.parts.prices.state(None, model.id, prices_of({"input": "3.00", "output": "15.00"}))


async def sums(here: World) -> dict[str, int]:
    """What the records say altogether."""
    async with here.kit.db.transaction() as connection:
        row = await connection.execute(
            text(
                "SELECT count(*) AS records, count(DISTINCT request_id) AS ids,"
                " coalesce(sum(input_tokens + output_tokens) FILTER (WHERE NOT estimated), 0)::bigint AS told,"
                " coalesce(sum(input_tokens * 3 + output_tokens * 15 - cost_micros), 0)::bigint AS unpaid"
                " FROM models.usage"
            )
        )
        return dict(row.mappings().one())


async def used_by(here: World, rule: Rule) -> tuple[int, int]:
    """What the records say of whom a budget limits, and what the budget says, in its unit."""
    measure = "cost_micros" if rule.unit == "money" else "input_tokens + output_tokens"
    column = {"person": "person_id", "key": "key_id", "organisation": "organisation_id"}[rule.subject]
    async with here.kit.db.transaction() as connection:
        query = f"SELECT coalesce(sum({measure}), 0)::bigint FROM models.usage WHERE {column} = :who"
        used = (await connection.execute(text(query), {"who": rule.subject_id})).scalar_one()
        counted = await connection.execute(
            text("SELECT coalesce(sum(spent), 0)::bigint FROM models.budget_window WHERE budget_id = :rule"),
            {"rule": rule.id},
        )
        return int(used), int(counted.scalar_one())


def told_by(fake: FakeProvider) -> int:
    """The provider's own count: tokens that it named in answers that were heard to their end."""
    return sum(sum(record.told) for record in fake.requests if record.told is not None and not record.gone)
