"""The gates of several replicas joined through Valkey: who is the writer, and what replicas say to each other.

The lease is a key that only its holder renews; with it goes a number that grows with each new holder, and both name
the reign. Who sends something names the reign it knows: words of another one are not heard, so a writer that lost its
lease without knowing lets nobody in elsewhere, and by the clock of its lease nobody here.

Words go over Valkey's channels, one for each replica: nothing is kept there, and a batch that is lost is missed by
its number. All that was said in one turn of the event loop goes in one batch.

Whoever is looked at asks the others what they see, on a channel that all hear; each answers to the one that asked.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, cast, get_args

from valkey.asyncio import Valkey
from valkey.exceptions import ValkeyError

from mecum.rooms.models import metrics
from mecum.rooms.models.gate.door import Join
from mecum.rooms.models.gate.reporting import (
    Question,
    Report,
    Reports,
    read_question,
    read_report,
    report,
    written_question,
    written_report,
)
from mecum.rooms.models.gate.shared import Role, SharedPools
from mecum.rooms.models.gate.watching import Watch
from mecum.rooms.models.gate.words import Batch, read, written

logger = logging.getLogger(__name__)

PREFIX = "mecum:gate:1:"
"""The number changes with the words: replicas that would not understand each other do not meet."""
DOUBT_S = 0.01
"""Who doubts looks again after this, not sooner."""
BEAT = """
local held = redis.call('GET', KEYS[1])
if not held then
  held = ARGV[1] .. ' ' .. redis.call('INCR', KEYS[2])
  redis.call('SET', KEYS[1], held, 'PX', ARGV[2])
elseif string.sub(held, 1, #ARGV[1] + 1) == ARGV[1] .. ' ' then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
local now = redis.call('TIME')
local now_ms = now[1] * 1000 + math.floor(now[2] / 1000)
redis.call('ZADD', KEYS[3], now_ms, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now_ms - ARGV[3])
redis.call('PUBLISH', ARGV[4], '')
return {held, redis.call('ZRANGE', KEYS[3], 0, -1)}
"""
"""Take the lease where nobody has it, renew one's own, and say that one is here. Also to oneself: so a replica knows
that it hears."""
LEAVE = """
local held = redis.call('GET', KEYS[1])
if held and string.sub(held, 1, #ARGV[1] + 1) == ARGV[1] .. ' ' then redis.call('DEL', KEYS[1]) end
redis.call('ZREM', KEYS[2], ARGV[1])
"""


SEEN_WITHIN_S = 0.5
"""So long others may take to say what they see."""
SEPARATOR = b" "


@dataclass(slots=True)
class _Asking:
    """A question to the others, until so many have answered."""

    awaited: int
    heard: list[Report] = field(default_factory=list[Report])
    is_answered: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True, slots=True)
class Pace:
    """
    Args:
        beat_s: a replica says that it is here. lease_s: the writer is the writer for so long after its last beat.
        dead_s: a replica that was silent for so long is dead. timeout_s: of one thing asked of Valkey.
    """

    beat_s: float = 0.5
    lease_s: float = 2.0
    dead_s: float = 5.0
    timeout_s: float = 1.0


class Link:
    """
    Args:
        url: as of `ValkeyBus.connect`.
    """

    def __init__(self, url: str, *, prefix: str = PREFIX, pace: Pace = Pace()) -> None:
        address = url.replace("redis", "valkey", 1) if url.startswith("redis") else url
        self.me = secrets.token_hex(6)
        self._pace = pace
        self._prefix = prefix
        self._client = Valkey.from_url(address, socket_connect_timeout=pace.timeout_s)
        self._beat_script = self._client.register_script(BEAT)
        self._leave_script = self._client.register_script(LEAVE)
        self._soon, self._something, self._listens = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._is_away = False
        self._pools: SharedPools | None = None
        self._watch = Watch()
        self._now: Callable[[], float] = time.monotonic
        self._last_ticket = 0
        self._asking: dict[int, _Asking] = {}
        self._answers: deque[tuple[str, bytes]] = deque()

    def pools(self, join: Join) -> SharedPools:
        """The pools of this replica, which this joins to those of the others."""
        self._now, self._watch = join.now, join.watch
        self._pools = SharedPools(
            join.new_pool,
            join.told,
            join.watch,
            me=self.me,
            posted=self._something.set,
            doubts=self._soon.set,
            patience_s=join.patience_s,
            starving_s=join.starving_s,
        )
        return self._pools

    @property
    def _shared(self) -> SharedPools:
        assert self._pools is not None
        return self._pools

    async def start(self) -> None:
        """Join the others, or go on without them where Valkey is not there."""
        works = (self._hear, self._say, self._beat_on)
        self._tasks = [asyncio.create_task(self._go_on(work), name="models.gate.link") for work in works]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._pace.timeout_s):
                await self._listens.wait()
                await self._beat()

    async def stop(self) -> None:
        """Leave: another replica decides at once."""
        while unfinished := {task for task in self._tasks if not task.done()}:
            for task in unfinished:
                task.cancel()  # Again and again: while it connects, the client takes a cancellation for a failure.
            await asyncio.wait(unfinished, timeout=0.05)
        others = [name for name in self._shared.members if name != self.me]
        self._shared.by_itself(self._now())
        farewell = written(Batch(self.me, "", 0, 0))
        with contextlib.suppress(ValkeyError, OSError, TimeoutError):
            async with asyncio.timeout(self._pace.timeout_s):
                await self._leave_script(keys=[self._key("writer"), self._key("members")], args=[self.me])
                for name in others:
                    await self._publish(name, farewell)
        await self._client.aclose()

    async def reports(self, question: Question) -> Reports:
        """What the other replicas see. Those that say nothing within a moment are missing."""
        others = len(self._shared.members) - 1
        if not others or self._shared.role == "alone":
            return Reports(others, [])
        self._last_ticket += 1
        ticket, asking = self._last_ticket, _Asking(others)
        self._asking[ticket] = asking
        try:
            async with asyncio.timeout(SEEN_WITHIN_S):
                head = f"{self.me} {ticket} ".encode()
                await self._client.publish(self._key("looks"), head + written_question(question))  # pyright: ignore[reportUnknownMemberType]
                await asking.is_answered.wait()
        except (ValkeyError, OSError, TimeoutError) as error:
            missing = others - len(asking.heard)
            logger.warning("%d of %d replicas did not say what they see (%s)", missing, others, type(error).__name__)
        finally:
            del self._asking[ticket]
        return Reports(others, asking.heard)

    def _asked(self, text: bytes) -> None:
        """A replica is looked at, and asks."""
        sender, ticket, question = text.split(SEPARATOR, 2)
        if sender.decode() == self.me:
            return
        is_writer = self._shared.role == "writer"
        seen = report(read_question(question), self._shared, self._watch, self._now(), is_whole=is_writer)
        answer = ticket + SEPARATOR + written_report(seen)
        self._answers.append((self._key(f"seen:{sender.decode()}"), answer))
        self._something.set()

    def _answered(self, text: bytes) -> None:
        ticket, seen = text.split(SEPARATOR, 1)
        asking = self._asking.get(int(ticket))
        if asking is not None:
            asking.heard.append(read_report(seen))
            if len(asking.heard) >= asking.awaited:
                asking.is_answered.set()

    def _key(self, name: str) -> str:
        return f"{self._prefix}{name}"

    def _channel(self, replica: str) -> str:
        return self._key(f"to:{replica}")

    async def _publish(self, replica: str, text: bytes) -> None:
        await self._client.publish(self._channel(replica), text)  # pyright: ignore[reportUnknownMemberType]

    async def _go_on(self, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await work()
            except (ValkeyError, OSError, TimeoutError) as error:
                self._lost(error)
            except Exception as error:
                logger.exception("Something is wrong in what joins the gates of replicas.")
                self._lost(error)
            await asyncio.sleep(self._pace.beat_s)

    async def _beat_on(self) -> None:
        while True:
            await self._listens.wait()
            await self._beat()
            await asyncio.sleep(DOUBT_S)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._pace.beat_s):
                    await self._soon.wait()
            self._soon.clear()

    async def _beat(self) -> None:
        """Say that one is here, and hear who decides."""
        at = self._now()
        pace = self._pace
        keys = [self._key(name) for name in ("writer", "reigns", "members")]
        args = [self.me, round(pace.lease_s * 1000), round(pace.dead_s * 1000), self._channel(self.me)]
        try:
            async with asyncio.timeout(pace.timeout_s):
                found = cast("tuple[bytes, list[bytes]]", await self._beat_script(keys=keys, args=args))
        except (ValkeyError, OSError, TimeoutError) as error:
            self._lost(error)
            return
        held, members = found
        self._found(held.decode(), [name.decode() for name in members], at)

    def _found(self, reign: str, members: list[str], asked_at: float) -> None:
        if self._is_away:
            self._is_away = False
            logger.warning("Valkey is back: the replicas share one gate again.")
        writer = reign.partition(" ")[0]
        if writer == self.me:
            self._shared.leads(reign, members, asked_at + self._pace.lease_s, self._now())
        else:
            self._shared.follows(writer, reign, members, self._now())
        self._show(len(members))

    def _lost(self, error: Exception) -> None:
        """Valkey is away, for this replica at least."""
        if not self._is_away:
            self._is_away = True
            metrics.gate_lost.inc()
            logger.warning(
                "The gate can't reach Valkey (%s): this replica goes on with its share of what providers take.",
                type(error).__name__,
            )
        self._shared.by_itself(self._now())
        self._show(len(self._shared.members))

    def _show(self, replicas: int) -> None:
        metrics.gate_replicas.set(replicas)
        for role in get_args(Role):
            metrics.gate_role.labels(role).set(role == self._shared.role)

    async def _hear(self) -> None:
        """Hear what is said to this replica. Its own beats are among that: without them the connection is broken."""
        silence_s = self._pace.lease_s + self._pace.timeout_s
        hear: dict[str, Callable[[bytes], None]] = {
            self._channel(self.me): lambda text: self._shared.heard(read(text), self._now()),
            self._key("looks"): self._asked,
            self._key(f"seen:{self.me}"): self._answered,
        }
        async with self._client.pubsub() as channel:
            await channel.subscribe(*hear)  # pyright: ignore[reportUnknownMemberType]
            try:
                while True:
                    message = cast("dict[str, Any] | None", await channel.get_message(timeout=silence_s))
                    if message is None:
                        raise TimeoutError
                    if message["type"] == "subscribe":
                        self._listens.set()
                    elif message["data"]:
                        hear[message["channel"].decode()](message["data"])
            finally:
                self._listens.clear()

    async def _say(self) -> None:
        """Send what there is to say, one batch for each replica at a time, and answers to those who look."""
        while True:
            await self._something.wait()
            self._something.clear()
            texts = [(self._channel(name), written(batch)) for name, batch in self._shared.drain(self._now())]
            while self._answers:
                texts.append(self._answers.popleft())
            if not texts:
                continue
            pipe = self._client.pipeline(transaction=False)
            for channel, text in texts:
                pipe.publish(channel, text)  # pyright: ignore[reportUnknownMemberType]
            async with asyncio.timeout(self._pace.timeout_s):
                await pipe.execute()
