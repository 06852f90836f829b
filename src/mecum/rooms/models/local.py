"""The built-in model behind the same seam: who asks while it arrives waits in line instead of failing."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncGenerator
from contextlib import aclosing

from mecum.kit.clock import Clock
from mecum.kit.errors import EngineUnavailable, MecumError, TooMany
from mecum.rooms.models import ImagePart, LocalModel, Message, ModelEvent, ModelRequest, TextPart, Waiting
from mecum.rooms.models.catalogue import LOCAL_PROVIDER
from mecum.rooms.models.failures import AUTOMATIC
from mecum.rooms.models.gate.door import Place, Wanted
from mecum.rooms.models.planning.planner import Planner
from mecum.rooms.models.ports import LocalEngine
from mecum.rooms.models.service import LOCAL_CHAT
from mecum.rooms.models.upstream import Endpoint, Target
from mecum.rooms.models.wires.wires import Wires

SAY_EVERY_S = 1.0
RETRY_AFTER_S = 30.0
RESULT_CHARS = 6000
"""Of a tool's result: a small model reads some 40 tokens a second and loses the thread of long texts."""
NOT_YET = frozenset(("fetching", "loading", "idle"))
STATES = {
    "off": "off",
    "paused": "paused",
    "fetching": "arriving",
    "loading": "loading",
    "ready": "ready",
    "idle": "ready",
    "failed": "failed",
}


class Local:
    def __init__(self, engine: LocalEngine, wires: Wires, planner: Planner, clock: Clock) -> None:
        self._engine = engine
        self._wires = wires
        self._planner = planner
        self._clock = clock
        self._slots = 0

    def status(self) -> LocalModel:
        """The state of the engine, for people."""
        state, card = self._engine.state, self._engine.card
        progress = state.progress
        return LocalModel(
            name=card.name if card is not None else "",
            licence=card.licence if card is not None else "",
            publisher=card.publisher if card is not None else "",
            sha256=card.sha256 if card is not None else "",
            state=STATES.get(state.phase, "failed"),  # pyright: ignore[reportArgumentType]
            bytes_done=progress.bytes_done if progress is not None else None,
            bytes_total=progress.bytes_total if progress is not None else None,
            seconds_left=progress.seconds_left if progress is not None else None,
            problem=state.problem.problem() if state.problem is not None else None,
        )

    def slots(self) -> int:
        """How many answers the engine makes at once; none while it is not here, one until it has said."""
        return max(1, self._slots) if self._engine.state.phase == "ready" else 0

    def pause(self) -> None:
        self._engine.pause()

    def resume(self) -> None:
        self._engine.resume()

    async def stream(
        self, request: ModelRequest, place: Place, wait_s: float, timezone: str = "UTC"
    ) -> AsyncGenerator[ModelEvent, None]:
        """Ask the built-in model.

        Args:
            place: at the gate, which is let in once there is a slot.
            wait_s: how long it may take until the model is here.
            timezone: of the person, whose words about dates are read for tools.

        Raises:
            TooMany: somebody of a higher band took the last place. EngineUnavailable: it is off, paused or broken, or
                not here in time.
            ProviderError: it broke in the middle of the answer; trying again helps.
        """
        if request.gives_way:
            for event in await self._aside(request, place, timezone):
                yield event
            return
        deadline = self._clock.monotonic() + wait_s
        for attempt in (1, 2):
            started = False
            try:
                async with aclosing(self._once(request, place, deadline, timezone)) as events:
                    async for event in events:
                        started = started or not isinstance(event, Waiting)
                        yield event
                return
            except MecumError as error:
                # A crash before the first word: it is started again, elsewhere.
                if started or attempt == 2 or error.code not in AUTOMATIC:
                    raise

    async def _once(
        self, request: ModelRequest, place: Place, deadline: float, timezone: str
    ) -> AsyncGenerator[ModelEvent, None]:
        async with aclosing(self._turn(place, deadline)) as waits:
            async for waiting in waits:
                yield waiting
        async with aclosing(self._answer(request, deadline, timezone)) as events:
            async for event in events:
                yield event

    async def _turn(self, place: Place, deadline: float) -> AsyncGenerator[Waiting, None]:
        """What there is to say until the model is here and it is one's turn. It may go and come again meanwhile."""
        while True:
            async with aclosing(self._arrival(deadline)) as waits:
                async for waiting in waits:
                    yield waiting
            self._slots = (await self._engine.ready(SAY_EVERY_S)).slots
            place.look()
            if place.is_in:
                return
            yield Waiting("queued", about_seconds=place.about_s())
            await place.turn_within(SAY_EVERY_S)

    async def _aside(self, request: ModelRequest, place: Place, timezone: str) -> list[ModelEvent]:
        """The events of an answer that nobody waits for.

        Raises:
            EngineUnavailable: somebody needs the model, before or in the middle, or it is not loaded.
        """
        if self._engine.state.phase != "ready":
            raise _wanted()
        self._slots = (await self._engine.ready(SAY_EVERY_S)).slots
        place.look()
        if not place.is_alone:
            raise _wanted()
        try:
            return await place.unless_wanted(lambda: self._whole(request, timezone))
        except Wanted as wanted:
            raise _wanted() from wanted

    async def _whole(self, request: ModelRequest, timezone: str) -> list[ModelEvent]:
        async with aclosing(self._answer(request, self._clock.monotonic(), timezone)) as events:
            return [event async for event in events]

    async def _answer(self, request: ModelRequest, deadline: float, timezone: str) -> AsyncGenerator[ModelEvent, None]:
        async with self._engine.use(max(SAY_EVERY_S, deadline - self._clock.monotonic())) as here:
            target = Target(Endpoint(LOCAL_PROVIDER, here.base_url, here.api_key), here.model, LOCAL_CHAT)
            async with aclosing(self._planned(target, request, timezone)) as events:
                async for event in events:
                    yield event

    def _planned(self, target: Target, request: ModelRequest, timezone: str) -> AsyncGenerator[ModelEvent, None]:
        def ask(asked: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
            return self._wires.stream(target, asked)

        light = dataclasses.replace(request, effort="auto", messages=[_light(each) for each in request.messages])
        return self._planner.answer(light, ask, timezone)

    async def _arrival(self, deadline: float) -> AsyncGenerator[Waiting, None]:
        """What there is to say until the model is here.

        Raises:
            EngineUnavailable: off, paused or failed, or not here before the deadline.
        """
        if self._engine.state.phase == "ready":
            return
        while True:
            yield self._waiting()
            left = deadline - self._clock.monotonic()
            if left <= 0:
                raise EngineUnavailable(
                    "models.local_arriving",
                    "The built-in model is not here yet.",
                    "Try again later, or connect another model.",
                    retry_after=RETRY_AFTER_S,
                )
            try:
                await self._engine.ready(min(SAY_EVERY_S, left))
                return
            except EngineUnavailable:
                if self._engine.state.phase not in NOT_YET:
                    raise

    def _waiting(self) -> Waiting:
        state = self._engine.state
        progress = state.progress
        if state.phase != "fetching":
            return Waiting("model_loading")
        if progress is None or not progress.bytes_total:
            return Waiting("model_arriving")
        return Waiting("model_arriving", progress.bytes_done / progress.bytes_total, progress.seconds_left)


def line_full(about_s: float | None) -> TooMany:
    """What somebody hears for whom there is no place in the line for the built-in model."""
    return TooMany(
        "models.local_line_full",
        "Too many messages wait for the built-in model.",
        "Try again later, or connect another model.",
        retry_after=RETRY_AFTER_S if about_s is None else max(1.0, about_s),
    )


def _wanted() -> EngineUnavailable:
    return EngineUnavailable(
        "models.local_wanted",
        "The built-in model is needed for answers.",
        "Try again later.",
        retry_after=RETRY_AFTER_S,
    )


def _light(message: Message) -> Message:
    """`message` as a small model can read it: images in a word, a tool's result not too long."""
    parts = (TextPart("[an image]") if isinstance(part, ImagePart) else part for part in message.content)
    if message.role == "tool":
        parts = (TextPart(part.text[:RESULT_CHARS]) for part in parts)
    return dataclasses.replace(message, content=tuple(parts))
