"""Every call to a model passes here, whichever door it came through: budget, gate, meter."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from mecum.kit.clock import Clock
from mecum.kit.errors import MecumError
from mecum.kit.ids import new_id
from mecum.kit.types import Tokens
from mecum.rooms.models import Usage
from mecum.rooms.models.meter import Meter
from mecum.rooms.models.ports import Call, Ports
from mecum.rooms.models.store.usage import UsageRecord

OUTCOME_CHARS_MAX = 60
PURPOSE_CHARS_MAX = 60
LATENCY_MAX_MS = 2**31 - 1


@dataclass(slots=True)
class Ongoing:
    """A call that is going on: what the meter will want to know of it."""

    clock: Clock
    call: Call
    started: float
    first_at: float | None = None
    usage: Usage | None = None
    made: int = 0
    outcome: str = "ok"

    def first(self) -> None:
        """Something of the answer has come."""
        if self.first_at is None:
            self.first_at = self.clock.monotonic()

    def settled(self) -> Usage:
        """What it took; an estimate where nobody has said."""
        return self.usage or Usage(self.call.tokens, Tokens(self.made), estimated=True)


class Calls:
    def __init__(self, ports: Ports, meter: Meter, clock: Clock) -> None:
        self._ports = ports
        self._meter = meter
        self._clock = clock

    @asynccontextmanager
    async def open(self, call: Call) -> AsyncGenerator[Ongoing, None]:
        """Make a call inside this block: it is let in when there is room, and metered however it ends.

        Raises:
            TooMany: over a budget, or no place in the line.
        """
        ongoing = Ongoing(self._clock, call, self._clock.monotonic())
        await self._ports.budget.reserve(call.principal, call.principal.organisation, call.tokens)
        try:
            async with self._ports.gate.admit(call):
                yield ongoing
        except MecumError as error:
            ongoing.outcome = error.code
            raise
        except (asyncio.CancelledError, GeneratorExit):
            ongoing.outcome = "cancelled"
            raise
        except BaseException:
            ongoing.outcome = "internal"
            raise
        finally:
            self._meter.record(self._record(ongoing))

    def _record(self, ongoing: Ongoing) -> UsageRecord:
        principal, usage = ongoing.call.principal, ongoing.settled()
        return UsageRecord(
            request_id=new_id(),
            at=self._clock.now(),
            person_id=principal.person,
            space_id=principal.space,
            organisation_id=principal.organisation,
            actor=principal.actor.kind,
            key_id=principal.actor.id if principal.actor.kind == "key" else None,
            surface=principal.surface,
            purpose=ongoing.call.purpose[:PURPOSE_CHARS_MAX],
            model=ongoing.call.model,
            provider=ongoing.call.provider,
            input_tokens=usage.input,
            output_tokens=usage.output,
            cached_tokens=usage.cached,
            reasoning_tokens=usage.reasoning,
            estimated=usage.estimated,
            latency_ms=self._ms(ongoing.started, self._clock.monotonic()),
            ttft_ms=None if ongoing.first_at is None else self._ms(ongoing.started, ongoing.first_at),
            outcome=ongoing.outcome[:OUTCOME_CHARS_MAX],
        )

    @staticmethod
    def _ms(start: float, end: float) -> int:
        return max(0, min(LATENCY_MAX_MS, round((end - start) * 1000)))
