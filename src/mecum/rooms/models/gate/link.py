"""The gates of several replicas joined through Valkey: who is the writer, and what replicas say to each other.

The lease is a key that only its holder renews; with it goes a number that grows with each new holder, and both name
the reign. Who sends something names the reign it knows: words of another one are not heard, so a writer that lost its
lease without knowing lets nobody in elsewhere, and by the clock of its lease nobody here.

Words go over Valkey's channels, one for each replica: nothing is kept there, and a batch that is lost is missed by
its number. All that was said in one turn of the event loop goes in one batch.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, cast, get_args

from valkey.asyncio import Valkey
from valkey.exceptions import ValkeyError

from mecum.rooms.models import metrics
from mecum.rooms.models.gate.door import Join
from mecum.rooms.models.gate.shared import Role, SharedPools
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
        self._now: Callable[[], float] = time.monotonic

    def pools(self, join: Join) -> SharedPools:
        """The pools of this replica, which this joins to those of the others."""
        self._now = join.now
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
        async with self._client.pubsub() as channel:
            await channel.subscribe(self._channel(self.me))  # pyright: ignore[reportUnknownMemberType]
            try:
                while True:
                    message = cast("dict[str, Any] | None", await channel.get_message(timeout=silence_s))
                    if message is None:
                        raise TimeoutError
                    if message["type"] == "subscribe":
                        self._listens.set()
                    elif message["data"]:
                        self._shared.heard(read(message["data"]), self._now())
            finally:
                self._listens.clear()

    async def _say(self) -> None:
        """Send what there is to say, one batch for each replica at a time."""
        while True:
            await self._something.wait()
            self._something.clear()
            batches = self._shared.drain(self._now())
            if not batches:
                continue
            pipe = self._client.pipeline(transaction=False)
            for name, batch in batches:
                pipe.publish(self._channel(name), written(batch))  # pyright: ignore[reportUnknownMemberType]
            async with asyncio.timeout(self._pace.timeout_s):
                await pipe.execute()
