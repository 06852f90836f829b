"""The embedder as the house sees it: started on first use, one question at a time, started again when it fails."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from mecum.engines.backoff import Backoff
from mecum.engines.child import LINE_BYTES, Child
from mecum.engines.embeddings.frames import FRAME_BYTES_MAX, LENGTH, Ready, frame, question, read_answer
from mecum.engines.metrics import restarts
from mecum.kit.clock import Clock, SystemClock
from mecum.kit.errors import EngineUnavailable, TooLarge

if TYPE_CHECKING:
    from mecum.engines.embeddings.settings import EmbeddingSettings

logger = logging.getLogger(__name__)

Kind: TypeAlias = Literal["query", "passage"]

MODEL = "multilingual-e5-small"
DIMENSIONS = 384
MODULE = "mecum.engines.embeddings"
# Two threads cost more than they gain as soon as anything else runs (measured).
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive"}
MEMORY_BYTES = 2**30
START_TIMEOUT_S = 60.0
RESTART_FIRST_S, RESTART_MOST_S = 0.5, 60.0
# A pause before a new start that questions wait through; when it is longer, they are told.
HICCUP_S = 4.0
# Passages go in small handfuls, so that a query does not wait long behind a thousand of them.
BATCH_TEXTS = 4
_URGENCY: dict[Kind, int] = {"query": 0, "passage": 1}


@dataclass(frozen=True, slots=True)
class Embeddings:
    """Vectors of unit length, one per text, and the tokens that they took."""

    vectors: list[list[float]]
    tokens: int


@dataclass(order=True, slots=True)
class _Task:
    urgency: int
    number: int
    kind: Kind = field(compare=False)
    texts: list[str] = field(compare=False)
    done: asyncio.Future[Embeddings] = field(compare=False)


class EmbeddingEngine:
    """Owns the child process that embeds. All methods belong on one event loop."""

    model = MODEL
    dimensions = DIMENSIONS

    def __init__(self, settings: EmbeddingSettings, *, clock: Clock | None = None) -> None:
        self._settings = settings
        self._clock = clock or SystemClock()
        self._queue: asyncio.PriorityQueue[_Task] = asyncio.PriorityQueue()
        self._waiting: dict[Kind, int] = {"query": 0, "passage": 0}
        self._numbers = itertools.count()
        self._worker: asyncio.Task[None] | None = None
        self._child: Child | None = None
        self._restarts = Backoff(RESTART_FIRST_S, RESTART_MOST_S)
        self._not_before = 0.0

    @property
    def pid(self) -> int | None:
        """Process id of the child, for measurements; None while there is none."""
        return self._child.pid if self._child is not None and not self._child.gone else None

    async def embed(self, texts: Sequence[str], kind: Kind) -> list[list[float]]:
        """Vectors of unit length and 384 dimensions, one per text. See `embed_counted`."""
        return (await self.embed_counted(texts, kind)).vectors

    async def embed_counted(self, texts: Sequence[str], kind: Kind) -> Embeddings:
        """Vectors of unit length, one per text, and the tokens that they took.

        Args:
            kind: `query` for what is searched with, `passage` for what is searched in. Queries go first.

        Raises:
            TooLarge: more texts than may wait at all.
            EngineUnavailable: too many wait already, or the embedder failed; trying again helps.
        """
        if len(texts) > self._settings.embed_queue_texts:
            raise TooLarge(
                "embedder_too_many_texts",
                f"{len(texts):,} texts at once are more than {self._settings.embed_queue_texts:,}.",
                "Send them in several requests.",
                params={"limit": self._settings.embed_queue_texts},
            )
        if self._waiting[kind] + len(texts) > self._settings.embed_queue_texts:
            raise EngineUnavailable(
                "embedder_busy", "Too many texts wait for the embedder.", "Try again in a moment.", retry_after=10
            )
        tasks = [
            self._task([text[: self._settings.embed_text_chars] for text in texts[start : start + BATCH_TEXTS]], kind)
            for start in range(0, len(texts), BATCH_TEXTS)
        ]
        return await self._results(tasks, kind, len(texts))

    async def stop(self) -> None:
        """End the child; what waits fails."""
        if self._worker is not None:
            self._worker.cancel()
            await asyncio.wait({self._worker})
            self._worker = None
        while not self._queue.empty():
            _fail(self._queue.get_nowait(), _failed())
        if self._child is not None:
            await self._child.stop()
            self._child = None

    def _task(self, texts: list[str], kind: Kind) -> _Task:
        future = asyncio.get_running_loop().create_future()
        return _Task(_URGENCY[kind], next(self._numbers), kind, texts, future)

    async def _results(self, tasks: list[_Task], kind: Kind, texts: int) -> Embeddings:
        self._waiting[kind] += texts
        try:
            for task in tasks:
                self._queue.put_nowait(task)
            if self._worker is None:
                self._worker = asyncio.create_task(self._work(), name="embeddings")
            found = await asyncio.gather(*(task.done for task in tasks))
        finally:
            self._waiting[kind] -= texts
            for task in tasks:
                task.done.cancel()  # those that are still in the queue are passed over
        return Embeddings([vector for each in found for vector in each.vectors], sum(each.tokens for each in found))

    async def _work(self) -> None:
        while True:
            task = await self._queue.get()
            if task.done.done():
                continue
            try:
                found = await self._ask(task)
            except EngineUnavailable as error:
                _fail(task, error)
            except asyncio.CancelledError:
                _fail(task, _failed())
                raise
            except Exception:
                logger.exception("The embedder could not be asked")
                _fail(task, _failed())
            else:
                if not task.done.done():
                    task.done.set_result(found)

    async def _ask(self, task: _Task) -> Embeddings:
        child = self._child if self._child is not None and not self._child.gone else await self._started()
        try:
            async with asyncio.timeout(self._settings.embed_timeout_seconds):
                child.stdin.write(frame(question(task.kind, task.texts)))
                await child.stdin.drain()
                vectors, tokens = read_answer(await _read_frame(child), DIMENSIONS)
        except (OSError, EOFError, ValueError) as error:  # TimeoutError is an OSError
            raise await self._gave_up(child, error) from error
        except asyncio.CancelledError:
            # Its answer would be taken for that of the next question.
            await self._drop(child)
            raise
        self._restarts.reset()
        return Embeddings(vectors, tokens)

    async def _started(self) -> Child:
        """A new child that is ready.

        Raises:
            EngineUnavailable: it has failed several times just now, or does not start.
        """
        pause = self._not_before - self._clock.monotonic()
        if pause > HICCUP_S:
            raise _failed(pause)
        await asyncio.sleep(max(0.0, pause))
        child = self._child = await Child.start(
            MODULE, environment=ENVIRONMENT, memory_bytes=MEMORY_BYTES, limit=LINE_BYTES
        )
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                ready = Ready.from_bytes(await _read_frame(child))
            if ready.dimensions != DIMENSIONS:
                raise ValueError(f"the embedder has {ready.dimensions} dimensions")
        except (OSError, EOFError, ValueError) as error:
            raise await self._gave_up(child, error) from error
        return child

    async def _gave_up(self, child: Child, error: Exception) -> EngineUnavailable:
        how = await self._drop(child)
        logger.error("The embedder failed (%s: %s); it ended with %s", type(error).__name__, error, how)
        restarts.labels("embeddings").inc()
        pause = self._restarts.next_s()
        self._not_before = self._clock.monotonic() + pause
        return _failed(pause)

    async def _drop(self, child: Child) -> str:
        self._child = None
        child.kill()
        return await child.wait()


async def _read_frame(child: Child) -> bytes:
    (length,) = LENGTH.unpack(await child.stdout.readexactly(LENGTH.size))
    if length > FRAME_BYTES_MAX:
        raise ValueError(f"a frame of {length:,} bytes")
    return await child.stdout.readexactly(length)


def _fail(task: _Task, error: EngineUnavailable) -> None:
    if not task.done.done():
        task.done.set_exception(error)


def _failed(retry_after: float = 1.0) -> EngineUnavailable:
    return EngineUnavailable(
        "embedder_failed",
        "The embedder stopped unexpectedly; it is started again for the next question.",
        "Try again in a moment.",
        retry_after=max(1.0, retry_after),
    )
