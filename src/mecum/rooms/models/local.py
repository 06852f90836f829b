"""The built-in model behind the same seam: who asks while it arrives waits in line instead of failing."""

from __future__ import annotations

import asyncio
import dataclasses
from collections import deque
from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing, contextmanager

from mecum.kit.clock import Clock
from mecum.kit.errors import EngineUnavailable, MecumError, TooMany
from mecum.rooms.models import ImagePart, LocalModel, Message, ModelEvent, ModelRequest, TextPart, Waiting
from mecum.rooms.models.catalogue import LOCAL_PROVIDER
from mecum.rooms.models.failures import AUTOMATIC
from mecum.rooms.models.planning.planner import Planner
from mecum.rooms.models.ports import LocalEngine
from mecum.rooms.models.service import LOCAL_CHAT
from mecum.rooms.models.settings import ModelsSettings
from mecum.rooms.models.upstream import Endpoint
from mecum.rooms.models.wires.openai_chat import OpenAiChat, Target

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


class Line:
    """First come, first served, for so many at once; a limit on how many may stand in it."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._standing = 0
        self._active = 0
        self._aside: asyncio.Event | None = None
        self._next: deque[asyncio.Future[None]] = deque()

    @contextmanager
    def place(self) -> Generator[None, None, None]:
        """Stand in the line.

        Raises:
            TooMany: it is as long as it may be.
        """
        if self._standing >= self._limit:
            raise TooMany(
                "models.local_line_full",
                "Too many messages wait for the built-in model.",
                "Try again later, or connect another model.",
                params={"waiting": self._standing},
                retry_after=RETRY_AFTER_S,
            )
        self._standing += 1
        try:
            yield
        finally:
            self._standing -= 1

    @contextmanager
    def aside(self) -> Generator[asyncio.Event, None, None]:
        """A place for work that nobody waits for. The event says that somebody has come who does: then leave at once.

        Raises:
            EngineUnavailable: somebody is here, or another one stands aside.
        """
        if self._active:
            raise _wanted()
        self._active += 1
        self._aside = asyncio.Event()
        try:
            yield self._aside
        finally:
            self._aside = None
            self.leave()

    def is_busy(self, slots: int) -> bool:
        return self._active >= slots

    async def turn(self, slots: int) -> None:
        """Wait for one of `slots` places; `leave` gives it back. Who stands aside is told to leave."""
        if self._aside is not None:
            self._aside.set()
        if self._active < slots:
            self._active += 1
            return
        mine = asyncio.get_running_loop().create_future()
        self._next.append(mine)
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():
                self.leave()
            raise

    def leave(self) -> None:
        while self._next:
            following = self._next.popleft()
            if not following.done():
                following.set_result(None)
                return
        self._active -= 1


class Local:
    def __init__(
        self, engine: LocalEngine, chat: OpenAiChat, planner: Planner, clock: Clock, settings: ModelsSettings
    ) -> None:
        self._engine = engine
        self._chat = chat
        self._planner = planner
        self._clock = clock
        self._line = Line(settings.local_queue_max)

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

    def pause(self) -> None:
        self._engine.pause()

    def resume(self) -> None:
        self._engine.resume()

    async def stream(
        self, request: ModelRequest, wait_s: float, timezone: str = "UTC"
    ) -> AsyncGenerator[ModelEvent, None]:
        """Ask the built-in model.

        Args:
            wait_s: how long it may take until the model is here.
            timezone: of the person, whose words about dates are read for tools.

        Raises:
            TooMany: the line is full. EngineUnavailable: it is off, paused or broken, or not here in time.
            ProviderError: it broke in the middle of the answer; trying again helps.
        """
        if request.gives_way:
            for event in await self._aside(request, timezone):
                yield event
            return
        deadline = self._clock.monotonic() + wait_s
        for attempt in (1, 2):
            started = False
            try:
                async with aclosing(self._once(request, deadline, timezone)) as events:
                    async for event in events:
                        started = started or not isinstance(event, Waiting)
                        yield event
                return
            except MecumError as error:
                # A crash before the first word: it is started again, elsewhere.
                if started or attempt == 2 or error.code not in AUTOMATIC:
                    raise

    async def _once(self, request: ModelRequest, deadline: float, timezone: str) -> AsyncGenerator[ModelEvent, None]:
        with self._line.place():
            async with aclosing(self._arrival(deadline)) as waits:
                async for waiting in waits:
                    yield waiting
            slots = (await self._engine.ready(SAY_EVERY_S)).slots
            if self._line.is_busy(slots):
                yield Waiting("queued")
            await self._line.turn(slots)
        try:
            async with aclosing(self._answer(request, deadline, timezone)) as events:
                async for event in events:
                    yield event
        finally:
            self._line.leave()

    async def _aside(self, request: ModelRequest, timezone: str) -> list[ModelEvent]:
        """The events of an answer that nobody waits for.

        Raises:
            EngineUnavailable: somebody needs the model, before or in the middle, or it is not loaded.
        """
        if self._engine.state.phase != "ready":
            raise _wanted()
        with self._line.aside() as wanted:
            asking = asyncio.create_task(self._whole(request, timezone))
            waiting = asyncio.create_task(wanted.wait())
            try:
                await asyncio.wait({asking, waiting}, return_when=asyncio.FIRST_COMPLETED)
                if not asking.done():
                    raise _wanted()
                return asking.result()
            finally:
                asking.cancel()
                waiting.cancel()
                await asyncio.gather(asking, waiting, return_exceptions=True)

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
            return self._chat.stream(target, asked)

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
