"""Every call to a model passes here, whichever door it came through: budget, gate, meter."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import AbstractAsyncContextManager, aclosing, contextmanager
from dataclasses import dataclass, field, replace
from math import inf
from types import TracebackType
from typing import TypeVar

from opentelemetry.trace import Span

from mecum.kit.clock import Clock
from mecum.kit.errors import MecumError, TooMany
from mecum.kit.ids import new_id
from mecum.kit.telemetry import failed
from mecum.kit.types import Tokens
from mecum.rooms.models import ModelEvent, ModelRequest, Usage, Waiting, metrics
from mecum.rooms.models.budgets.keeper import Keeper
from mecum.rooms.models.budgets.reservation import Reservation
from mecum.rooms.models.budgets.rules import Amounts
from mecum.rooms.models.call import Call
from mecum.rooms.models.gate.door import SAY_EVERY_S, Gate, Place, Wanted
from mecum.rooms.models.meter import Meter
from mecum.rooms.models.routes import Remote
from mecum.rooms.models.store.hourly import OVER_BUDGET, REFUSALS
from mecum.rooms.models.store.usage import UsageRecord
from mecum.rooms.models.tiers import QUEUE_FULL, offering_flex

OUTCOME_CHARS_MAX = 60
PURPOSE_CHARS_MAX = 60
LATENCY_MAX_MS = 2**31 - 1
Answered = TypeVar("Answered")
NOTHING = Usage(Tokens(0), Tokens(0))


@dataclass(slots=True)
class Ongoing:
    """A call that is going on: what the meter will want to know of it."""

    clock: Clock
    call: Call
    started: float
    span: Span
    reservation: Reservation = field(default_factory=Reservation)
    place: Place | None = None
    first_at: float | None = None
    usage: Usage | None = None
    made: int = 0
    outcome: str = "ok"
    queue_s: float = 0.0
    is_void: bool = False
    """It turned out that it has to be asked in another way, as another call: this one leaves no record."""

    def first(self) -> None:
        """Something of the answer has come."""
        if self.first_at is None:
            self.first_at = self.clock.monotonic()
            if self.place is not None:
                self.place.first()

    @property
    def pool(self) -> str:
        """Where it was let in."""
        return self.place.pool if self.place is not None else ""

    def asks(self, remote: Remote) -> None:
        """It is `remote` that answers from now on, and is paid for it."""
        if self.call.model != remote.model.name or self.call.price_id != remote.price_id:
            self.call = replace(
                self.call,
                model=remote.model.name,
                provider=remote.provider.name,
                prices=remote.prices,
                price_id=remote.price_id,
            )

    def elsewhere(self, tiers: tuple[tuple[str, ...], ...]) -> None:
        """Leave the place, in which nothing was answered, for one in these pools: see `turn` and `queue`."""
        if self.place is not None:
            self.place.again(tiers)

    @property
    def degraded(self) -> str | None:
        """What was taken away from it so that it could be served."""
        return self.call.degraded or ("shorter" if self.reservation.shortened else None)

    def limited(self, request: ModelRequest) -> ModelRequest:
        """`request`, with an answer no longer than budgets allow."""
        most = self.reservation.output_tokens
        return request if most is None or most == request.max_tokens else replace(request, max_tokens=most)

    async def queue(self) -> AsyncGenerator[Waiting, None]:
        """What there is to say until it is this call's turn. Raises TooMany."""
        place = self.place
        if place is None or place.is_in:
            return
        with self._waiting():
            while not place.is_in:
                yield Waiting("queued", about_seconds=place.about_s())
                await place.turn_within(SAY_EVERY_S)

    async def turn(self) -> None:
        """Wait for this call's turn. Raises TooMany."""
        if self.place is not None and not self.place.is_in:
            with self._waiting():
                await self.place.turn()

    async def undisturbed(self, work: Callable[[], Awaitable[Answered]], undo: Callable[[Answered], None]) -> Answered:
        """What comes of `work`, which ends with the first of the answer.

        A call of bulk whose place is wanted meanwhile stops it, waits for its turn and does it anew: in `place.pool`,
        which may be another one.

        Args:
            undo: lets go of what came of `work` just as the call was cancelled.
        """
        if self.place is None or not self.place.gives_way:
            return await work()
        while True:
            try:
                return await self.place.unless_wanted(work, undo)
            except Wanted:
                self.place.again()
                await self.turn()

    async def events(self, ask: Callable[[], AsyncGenerator[ModelEvent, None]]) -> AsyncGenerator[ModelEvent, None]:
        """The events of `ask()`, which waits for the turn itself, and is asked anew where `undisturbed` would be."""
        place, begun = self.place, False
        assert place is not None
        while True:
            try:
                async with aclosing(ask()) as events:
                    while event := await (anext(events, None) if begun else _next(events, place)):
                        begun = begun or not isinstance(event, Waiting)
                        yield event
                return
            except Wanted:
                place.again()

    @contextmanager
    def _waiting(self) -> Generator[None]:
        since = self.clock.monotonic()
        about = {"gen_ai.provider.name": self.call.provider, "mecum.gate.band": self.call.band}
        span = metrics.GATE_WAIT.begin(about, self.span)
        try:
            yield
        except MecumError as error:
            failed(span, error)
            raise
        finally:
            self.queue_s += self.clock.monotonic() - since
            span.end()

    def ends_with(self, error: BaseException | None) -> None:
        """Note the outcome, unless that is known already."""
        if error is None or self.outcome != "ok":
            return
        if isinstance(error, asyncio.CancelledError | GeneratorExit):
            self.outcome = "cancelled"
            return
        self.outcome = error.code if isinstance(error, MecumError) else "internal"
        failed(self.span, error)

    def settled(self) -> Usage:
        """What it took; an estimate where nobody has said. Nothing where it was never sent, or failed before its answer
        began: no provider takes money for that.
        """
        if self.usage is not None:
            return self.usage
        was_sent = self.place is None or self.place.is_in
        if not was_sent or (self.first_at is None and self.outcome not in ("ok", "cancelled")):
            return NOTHING
        return Usage(self.call.tokens, Tokens(self.made), estimated=True)


class Calls:
    def __init__(self, budgets: Keeper, gate: Gate, meter: Meter, clock: Clock) -> None:
        self._budgets = budgets
        self._gate = gate
        self._meter = meter
        self._clock = clock

    def open(self, call: Call) -> AbstractAsyncContextManager[Ongoing]:
        """Make a call inside this block: it has been let in, and is metered however it ends.

        Raises:
            TooMany: over a budget, or no place at the gate in time.
        """
        return _Block(self, call, has_turn=True)

    def line_up(self, call: Call) -> AbstractAsyncContextManager[Ongoing]:
        """As `open`, but inside the block the call still has to wait for its turn: see `Ongoing.queue`."""
        return _Block(self, call, has_turn=False)

    async def begin(self, call: Call, *, has_turn: bool) -> Ongoing:
        """What a block does first. Raises as `open` does: then the call is over."""
        ongoing = Ongoing(self._clock, call, self._clock.monotonic(), _begun(call))
        metrics.figures_of(call.provider, call.operation).open.inc()
        try:
            ongoing.reservation = await self._budgets.reserve(call.principal, call.need())
            if call.is_gated:
                ongoing.place = await self._gate.line_up(call.asked())
            if has_turn:
                await ongoing.turn()
        except BaseException as error:
            self.end(ongoing, error)
            raise
        return ongoing

    def end(self, ongoing: Ongoing, error: BaseException | None) -> None:
        """What a block does last, with the error that ended it.

        Raises:
            TooMany: in place of `error`, where there is something to offer.
        """
        call, place = ongoing.call, ongoing.place
        metrics.figures_of(call.provider, call.operation).open.dec()
        ongoing.ends_with(error)
        ongoing.usage = ongoing.settled()
        if place is not None:
            self._gate.leave(place, ongoing.usage)
        self._over(ongoing)
        if isinstance(error, TooMany) and self._may_flex(call, error):
            raise offering_flex(error) from error

    def _over(self, ongoing: Ongoing) -> None:
        record = self._record(ongoing)
        took = Amounts(record.input_tokens + record.output_tokens, record.cost_micros)
        charges = ongoing.reservation.settle(took, self._clock.monotonic())
        if not ongoing.is_void:
            self._meter.record(record, charges, self._demand(ongoing.call) if record.outcome in REFUSALS else 0)
        if record.outcome == OVER_BUDGET and ongoing.call.is_gated:
            self._gate.over_budget(ongoing.call.asked())
        if record.degraded is not None and ongoing.place is not None:
            self._gate.watch.degraded(ongoing.place.pool, record.input_tokens + record.output_tokens, self._gate.now())
        call, span, first_at = ongoing.call, ongoing.span, ongoing.first_at
        figures = metrics.figures_of(call.provider, call.operation)
        figures.seconds.observe(record.latency_ms / 1000)
        figures.read.inc(record.input_tokens)
        figures.written.inc(record.output_tokens)
        metrics.calls_total.labels(call.provider, call.operation, ongoing.outcome).inc()
        if first_at is not None:
            figures.first_token_seconds.observe(first_at - ongoing.started)
        if span.is_recording():
            span.set_attribute("gen_ai.usage.input_tokens", record.input_tokens)
            span.set_attribute("gen_ai.usage.output_tokens", record.output_tokens)
            if first_at is not None:
                span.set_attribute("gen_ai.response.time_to_first_chunk", first_at - ongoing.started)
        span.end()

    def _may_flex(self, call: Call, error: TooMany) -> bool:
        """Whether a program that was turned away would be let wait in the tier `flex`."""
        is_program = call.tier == "default" and call.band == "api" and call.purpose.startswith("relay.")
        if not is_program or error.code not in QUEUE_FULL:
            return False
        return self._gate.wait_s(replace(call, tier="flex").asked()) < inf

    def _demand(self, call: Call) -> int:
        """How many tokens it asked for, about."""
        return call.tokens + self._gate.pools.expects(call.asked())

    def _record(self, ongoing: Ongoing) -> UsageRecord:
        call, principal, usage = ongoing.call, ongoing.call.principal, ongoing.usage or NOTHING
        return UsageRecord(
            request_id=new_id(),
            at=self._clock.now(),
            person_id=principal.person,
            space_id=principal.space,
            organisation_id=principal.organisation,
            actor=principal.actor.kind,
            key_id=principal.paying_key,
            surface=principal.surface,
            purpose=call.purpose[:PURPOSE_CHARS_MAX],
            model=call.model,
            provider=call.provider,
            input_tokens=usage.input,
            output_tokens=usage.output,
            cached_tokens=usage.cached,
            cache_write_tokens=usage.cache_write,
            reasoning_tokens=usage.reasoning,
            estimated=usage.estimated,
            latency_ms=self._ms(ongoing.started, self._clock.monotonic()),
            ttft_ms=None if ongoing.first_at is None else self._ms(ongoing.started, ongoing.first_at),
            outcome=ongoing.outcome[:OUTCOME_CHARS_MAX],
            cost_micros=call.prices.cost(usage),
            price_id=call.price_id,
            band=call.band,
            tier=call.tier,
            queue_ms=self._ms(0.0, ongoing.queue_s),
            work_id=principal.actor.id if principal.actor.kind == "job" else None,
            degraded=ongoing.degraded,
        )

    @staticmethod
    def _ms(start: float, end: float) -> int:
        return max(0, min(LATENCY_MAX_MS, round((end - start) * 1000)))


class _Block:
    """A call from its beginning to its end. Not a generator: those took a thirtieth of what a relayed call takes."""

    __slots__ = ("_call", "_calls", "_has_turn", "_ongoing")

    def __init__(self, calls: Calls, call: Call, *, has_turn: bool) -> None:
        self._calls = calls
        self._call = call
        self._has_turn = has_turn
        self._ongoing: Ongoing | None = None

    async def __aenter__(self) -> Ongoing:
        self._ongoing = ongoing = await self._calls.begin(self._call, has_turn=self._has_turn)
        return ongoing

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._ongoing is not None
        self._calls.end(self._ongoing, error)


async def _next(events: AsyncGenerator[ModelEvent, None], place: Place) -> ModelEvent | None:
    """The next of `events`. Raises Wanted."""
    return await place.unless_wanted(lambda: anext(events, None))


def _begun(call: Call) -> Span:
    """The span of `call`, from now on that of the requests that are sent for it."""
    spec = metrics.EMBEDDINGS if call.operation == "embeddings" else metrics.CHAT
    about = {
        "gen_ai.operation.name": call.operation,
        "gen_ai.provider.name": call.provider,
        "gen_ai.request.model": call.model,
        "mecum.gate.band": call.band,
    }
    span = spec.begin(about)
    metrics.call_of.set(span)
    return span
