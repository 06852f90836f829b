"""The built-in model as the house sees it: fetched, loaded, watched and started again by itself.

engine = LlmEngine(settings, directory, sources=Sources(network=allow_network))
await engine.start()                       # returns at once; the server is usable meanwhile
async with engine.use() as endpoint:       # waits until it is ready
    ...                                    # OpenAI's wire at endpoint.base_url
await engine.stop()
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from mecum.engines.backoff import Backoff
from mecum.engines.llm.choice import (
    CACHE_BYTES_PER_TOKEN_UNKNOWN,
    ModelCard,
    card_of,
    choose,
    threads_for,
)
from mecum.engines.llm.order import ServeOrder
from mecum.engines.llm.server import Endpoint, LlamaServer, memory_limit
from mecum.engines.llm.state import WAITING, Board, EngineState
from mecum.engines.llm.watch import until_silent
from mecum.engines.machine import available_memory_bytes, usable_cpus
from mecum.engines.metrics import restarts
from mecum.engines.weights import LARGE, Model, Progress, Sources, fetch, is_present
from mecum.kit.clock import Clock, SystemClock
from mecum.kit.errors import EngineUnavailable, MecumError, ProviderError

if TYPE_CHECKING:
    from mecum.engines.llm.settings import LlmSettings

logger = logging.getLogger(__name__)

FETCH_RETRY_FIRST_S, FETCH_RETRY_MOST_S = 30.0, 900.0
RESTART_FIRST_S, RESTART_MOST_S = 0.5, 300.0
# So many ends in a row are a hiccup that people wait through; after that they are told.
HICCUPS = 3
STEADY_AFTER_S = 60.0
# A broken connection is seen a moment before the child's end is.
END_SEEN_WITHIN_S = 1.0


Over: TypeAlias = Literal["idle", "ended", "silent"]


class LlmEngine:
    """Owns the child process that serves the built-in model. All methods belong on one event loop.

    Args:
        directory: where models are kept, unless the settings name another.
        sources: where models may come from.
    """

    def __init__(
        self,
        settings: LlmSettings,
        directory: Path,
        *,
        sources: Sources | None = None,
        clock: Clock | None = None,
        restart_first_s: float = RESTART_FIRST_S,
    ) -> None:
        self._settings = settings
        self._directory = settings.models_dir or directory
        self._sources = sources or Sources(hub_url=settings.models_hub_url, packages=settings.models_packages)
        self._clock = clock or SystemClock()
        self._board = Board()
        self._model: Model | Path | None = None
        self._server: LlamaServer | None = None
        self._supervisor: asyncio.Task[None] | None = None
        self._fetching: asyncio.Task[Path] | None = None
        self._fetch_retries = Backoff(FETCH_RETRY_FIRST_S, FETCH_RETRY_MOST_S)
        self._restarts = Backoff(restart_first_s, RESTART_MOST_S)
        self._paused = False
        self._poked = asyncio.Event()
        self._users = 0
        self._used_at = 0.0

    @property
    def state(self) -> EngineState:
        return self._board.state

    @property
    def card(self) -> ModelCard | None:
        """What to tell people about the chosen model; None before `start` and without one."""
        return card_of(self._model) if self._model is not None else None

    @property
    def base_url(self) -> str | None:
        """Where it listens now, ending with `/v1`; None while it does not."""
        return self._server.endpoint.base_url if self._server else None

    @property
    def api_key(self) -> str | None:
        return self._server.endpoint.api_key if self._server else None

    @property
    def pid(self) -> int | None:
        """Process id of the child, for measurements."""
        return self._server.pid if self._server else None

    async def changed(self, seen: EngineState) -> EngineState:
        """The state, as soon as it is not `seen` any more."""
        return await self._board.after(seen)

    async def start(self) -> None:
        """Choose a model and bring it up in the background. Does nothing when started already or not wanted."""
        if self._supervisor is not None:
            return
        self._model = await asyncio.to_thread(self._chosen)
        if self._model is None:
            return
        self._board.show(EngineState("fetching"))
        self._supervisor = asyncio.create_task(self._supervise(self._model), name="llm-engine")

    async def stop(self) -> None:
        """End the child and all work on it. What has arrived of a model is kept."""
        if self._supervisor is not None:
            self._supervisor.cancel()
            await asyncio.wait({self._supervisor})
            self._supervisor = None
        self._board.show(EngineState("off"))

    def pause(self) -> None:
        """Stop fetching until `resume`; without effect once the model is here."""
        self._paused = True
        if self._fetching is not None:
            self._fetching.cancel()

    def resume(self) -> None:
        """Go on after `pause`, or try again now after a failure."""
        self._paused = False
        self._poked.set()

    async def ready(self, timeout_s: float | None = None) -> Endpoint:
        """Wait until it can be asked. An idle one is loaded again.

        Raises:
            EngineUnavailable: it is off, paused or has failed, or `timeout_s` seconds were not enough.
        """
        try:
            async with asyncio.timeout(timeout_s):
                while (state := self.state).phase in WAITING or (self._server is not None and self._server.gone):
                    if state.phase == "idle":
                        self._poked.set()
                    await self._board.after(state)
        except TimeoutError:
            raise EngineUnavailable(
                "engine_loading", "The built-in model is not ready yet.", "Try again in a moment.", retry_after=10
            ) from None
        if self._server is None:
            raise _refusal(state)
        return self._server.endpoint

    @asynccontextmanager
    async def use(self, timeout_s: float | None = None) -> AsyncGenerator[Endpoint]:
        """The endpoint, kept loaded inside the block.

        Raises:
            EngineUnavailable: as `ready`; or the child ended inside the block and something in it failed by that.
                Errors of Mecum other than ProviderError pass as they are.
        """
        self._users += 1
        try:
            endpoint = await self.ready(timeout_s)
            server = self._server
            try:
                yield endpoint
            except Exception as error:
                own = isinstance(error, MecumError) and not isinstance(error, ProviderError)
                if not own and server is not None and await _has_ended(server):
                    raise _crashed() from error
                raise
        finally:
            self._users -= 1
            self._used_at = self._clock.monotonic()

    def _chosen(self) -> Model | Path | None:
        return choose(
            self._settings.local_model,
            available_bytes=available_memory_bytes(),
            large_is_here=is_present(LARGE, self._directory),
        )

    async def _supervise(self, model: Model | Path) -> None:
        """Bring the model up and keep it up. After a mistake that nobody thought of it is begun again."""
        while True:
            try:
                path = await self._obtain(model)
                while True:
                    await self._serve_once(model, path)
            except Exception:
                logger.exception("The supervisor of the built-in model failed")
                await self._failed(_crashed(), self._restarts.next_s())

    async def _obtain(self, model: Model | Path) -> Path:
        """The weights' path, however long it takes: fetched again after failures, waiting while paused."""
        while True:
            if self._paused:
                await self._rest(EngineState("paused", progress=self.state.progress))
                continue
            try:
                path = await self._fetch(model)
            except EngineUnavailable as problem:
                logger.warning("%s", problem)
                await self._failed(problem, self._fetch_retries.next_s())
            else:
                if path is not None:
                    return path

    async def _fetch(self, model: Model | Path) -> Path | None:
        """The weights' path; None when a person paused it."""

        def show(progress: Progress) -> None:
            self._board.show(EngineState("fetching", progress=progress))

        self._board.show(EngineState("fetching"))
        task = self._fetching = asyncio.create_task(
            fetch(model, self._directory, on_progress=show, sources=self._sources)
        )
        try:
            await asyncio.wait({task})
        finally:
            self._fetching = None
            await _end(task)
        return None if task.cancelled() else task.result()

    async def _serve_once(self, model: Model | Path, path: Path) -> None:
        """Load, be ready, and see it end: by itself, or because nobody needs it."""
        self._board.show(EngineState("loading"))
        order, limit = await asyncio.to_thread(self._order, model, path)
        try:
            server = await LlamaServer.start(order, memory_bytes=limit, timeout_s=self._settings.local_load_seconds)
        except EngineUnavailable as problem:
            logger.warning("%s", problem)
            restarts.labels("llm").inc()
            await self._failed(problem, self._restarts.next_s())
            return
        started_at = self._used_at = self._clock.monotonic()
        self._server = server
        self._board.show(EngineState("ready"))
        try:
            why = await self._until_over(server)
        finally:
            self._server = None
            self._board.show(EngineState("loading"))
            await server.stop()
        if why == "idle":
            await self._rest(EngineState("idle"))
            return
        restarts.labels("llm").inc()
        if self._clock.monotonic() - started_at >= STEADY_AFTER_S:
            self._restarts.reset()
        if why == "silent":
            logger.error("The built-in model hung for %.0f s and was ended", self._settings.local_silent_seconds)
        else:
            logger.error("The built-in model ended unexpectedly: %s", await server.ended())
        await self._crashed_again(self._restarts.next_s())

    async def _crashed_again(self, pause_s: float) -> None:
        if self._restarts.failures <= HICCUPS:
            await self._rest(EngineState("loading"), pause_s)
        else:
            await self._failed(_crashed(), pause_s)

    async def _until_over(self, server: LlamaServer) -> Over:
        """Why it is not to be used any longer."""
        idle_s = self._settings.local_idle_minutes * 60
        ended = asyncio.create_task(server.ended())
        silence = asyncio.create_task(until_silent(server.endpoint, self._settings.local_silent_seconds, self._clock))
        try:
            while True:
                left = idle_s - (self._clock.monotonic() - self._used_at) if idle_s else None
                if left is not None and self._users:
                    left = idle_s
                if left is not None and left <= 0:
                    return "idle"
                await asyncio.wait({ended, silence}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
                if ended.done():
                    return "ended"
                if silence.done():
                    silence.result()
                    return "silent"
        finally:
            await _end(ended)
            await _end(silence)

    def _order(self, model: Model | Path, path: Path) -> tuple[ServeOrder, int]:
        settings = self._settings
        known = model if isinstance(model, Model) else None
        context = min(settings.local_context, known.context_tokens) if known else settings.local_context
        order = ServeOrder(
            path=str(path),
            alias=known.name if known else path.stem,
            api_key=secrets.token_urlsafe(32),
            context_tokens=context,
            slots=settings.local_slots,
            max_tokens=settings.local_max_tokens,
            threads=threads_for(settings.local_threads, usable_cpus()),
        )
        per_token = known.cache_bytes_per_token if known else CACHE_BYTES_PER_TOKEN_UNKNOWN
        return order, memory_limit(path.stat().st_size, per_token, context * settings.local_slots)

    async def _failed(self, problem: EngineUnavailable, retry_in_s: float) -> None:
        await self._rest(EngineState("failed", problem=problem, retry_in_s=retry_in_s), retry_in_s)

    async def _rest(self, state: EngineState, at_most_s: float | None = None) -> None:
        """Show `state` until somebody asks to go on, or the time is over."""
        self._poked.clear()
        self._board.show(state)
        try:
            async with asyncio.timeout(at_most_s):
                await self._poked.wait()
        except TimeoutError:
            pass  # the time is over, which is one of the two things waited for


def _refusal(state: EngineState) -> EngineUnavailable:
    problem = state.problem
    if problem is not None:
        return EngineUnavailable(
            problem.code, problem.detail, problem.hint, params=problem.params, retry_after=state.retry_in_s
        )
    if state.phase == "paused":
        return EngineUnavailable(
            "model_paused", "Fetching the built-in model is paused.", "Let it go on, or connect a model server."
        )
    return EngineUnavailable(
        "engine_off", "The built-in model is switched off.", "Connect a model server.", retryable=False
    )


def _crashed() -> EngineUnavailable:
    return EngineUnavailable(
        "engine_crashed",
        "The built-in model stopped unexpectedly and is started again.",
        "Try again in a moment.",
        retry_after=5,
    )


async def _has_ended(server: LlamaServer) -> bool:
    try:
        async with asyncio.timeout(END_SEEN_WITHIN_S):
            await server.ended()
    except TimeoutError:
        return False
    return True


async def _end(task: asyncio.Task[Any]) -> None:
    """Cancel `task` and wait until it has ended, whatever its result."""
    task.cancel()
    await asyncio.wait({task})
