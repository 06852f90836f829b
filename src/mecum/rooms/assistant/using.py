"""What a person's conversations used in a month."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from mecum.kit.db import Database
from mecum.kit.types import Principal
from mecum.rooms.assistant.store import using as store


class WorkUse(Protocol):
    """What models were asked for one piece of work. `cost`: in micro-units of the currency."""

    @property
    def work(self) -> UUID: ...

    @property
    def calls(self) -> int: ...

    @property
    def input_tokens(self) -> int: ...

    @property
    def output_tokens(self) -> int: ...

    @property
    def cost(self) -> int: ...


class Works(Protocol):
    """Pieces of work of a month like 2026-11, the dearest first."""

    @property
    def month(self) -> str: ...

    @property
    def currency(self) -> str: ...

    @property
    def items(self) -> Sequence[WorkUse]: ...


class Metered(Protocol):
    """Who knows what models were asked for; the models room's face does."""

    async def works(self, principal: Principal, month: str | None) -> Works:
        """What the person's pieces of work took in a month, or in this one. Raises BadRequest."""
        ...


@dataclass(slots=True)
class ThreadUse:
    """What the answers of one conversation took.

    Args:
        thread, title: None where it is not in the space that its owner is in, or is deleted or temporary.
        cost_micros: in micro-units of the currency.
    """

    thread: UUID | None = None
    title: str | None = None
    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_micros: int = 0


@dataclass(frozen=True, slots=True)
class ThreadsUse:
    """The dearest conversations of a month like 2026-11. `conversations`: how many there were."""

    month: str
    currency: str
    conversations: int
    items: tuple[ThreadUse, ...]


class Using:
    def __init__(self, db: Database, metered: Metered) -> None:
        self._db = db
        self._metered = metered

    async def threads(self, principal: Principal, month: str | None, limit: int) -> ThreadsUse:
        """The person's own conversations that took most. Raises BadRequest: not a month."""
        works = await self._metered.works(principal, month)
        found: dict[UUID, ThreadUse] = {}
        async with self._db.transaction() as connection:
            of_run = await store.threads_of(connection, principal, [each.work for each in works.items])
            for each in works.items:
                if each.work in of_run:
                    use = found.setdefault(of_run[each.work], ThreadUse())
                    use.calls += each.calls
                    use.input_tokens += each.input_tokens
                    use.output_tokens += each.output_tokens
                    use.cost_micros += each.cost
            dearest = sorted(found, key=lambda thread: _weight(found[thread]), reverse=True)[:limit]
            titles = await store.titles(connection, principal, dearest)
        for thread, title in titles.items():
            found[thread].thread, found[thread].title = thread, title
        return ThreadsUse(works.month, works.currency, len(found), tuple(found[thread] for thread in dearest))


def _weight(use: ThreadUse) -> tuple[int, int]:
    return use.cost_micros, use.input_tokens + use.output_tokens
