"""How much a pool of servers takes at once before it slows down. Pure: time is given.

The limit is in tokens, because requests differ a thousandfold. Once a second the time per token that is written, and
the time to the first token per token that is read, are compared with what this pool would do with nothing else to do
(`speed.py`); both are normalised, raw latency would say how long the answers were. The limit follows the gradient as
in Netflix's Gradient2 (concurrency-limits): down in steps of which each comes into force before the next, up by the
root of what a request holds while it is used. Until a pool has slowed down or refused for the first time, nothing is
known of its bounds and the limit grows by half each time that answers were seen to begin under the last one, as a slow
start (RFC 5681) does. A refusal (429, 529) takes 30 % at once and holds everything until the time that the provider
named; a further one makes that later, never sooner. Where it names no time the holds double until something is
answered again.

A pool that is fast enough for whoever reads along is not pressed, however much faster it was before: short answers,
cached prompts and speculative decoding make it many times faster than its own usual.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import chain
from typing import Literal, TypeAlias

from mecum.rooms.models.gate.speed import SAMPLES_MIN, Speed

Phase: TypeAlias = Literal["read", "write"]

TOLERANCE: Mapping[Phase, float] = {"write": 2.0, "read": 1.45}
"""So many times slower than with nothing else to do is fine: batching is worth it. Beside a neighbour who asks for far
too much the median wait for a first word is so much longer, and with the swings of the limit the 95th percentile 1.5
times."""
SMOOTHING = 0.2
DOWN = 0.4
REFUSED_FACTOR = 0.7
REFUSED_HOLD_S = 1.0
REFUSED_HOLD_MAX_S = 30.0
USED_ENOUGH, WANTED_ENOUGH = 0.9, 0.5
"""So much of the limit is used, alone or while somebody waits, before it grows. Who waits before an emptier pool waits
for something else: what the operator states of it."""
START_GROWTH = 1.5
FAST_S: Mapping[Phase, float] = {"write": 0.02, "read": 0.0002}
"""Seconds per token that are fast enough: 50 are written in a second, which is faster than anybody reads; 1,000 are
read in a fifth of one, because whoever waits for the first word feels each."""
READ_TOKENS_MIN = 64
"""A short prompt is not read faster than this: what it takes is the way there and back. How much of the time that is
differs with the size, so prompts are compared with those of about their own size."""


class Pressure:
    """The limit of one pool.

    Args:
        start, least, most: tokens in flight.
    """

    def __init__(self, *, start: float, least: float, most: float, held_at_most_s: float = REFUSED_HOLD_MAX_S) -> None:
        self.limit = start
        self._held_at_most_s = held_at_most_s
        self.slowdown = 0.0
        """Times slower than is fine; above 1 it is pressed."""
        self._least = least
        self._most = most
        self._reads: dict[str, Speed] = {}
        self._writes: dict[str, Speed] = {}
        self._request_tokens = 500.0
        self._is_known = False
        self._held_until = float("-inf")
        self._refusals = 0
        self._seen_since_growth = 0
        self._grown_at = float("-inf")

    def held_s(self, now: float) -> float:
        """Seconds until the provider takes anything again."""
        return max(0.0, self._held_until - now)

    def began(
        self, model: str, first_token_s: float, input_tokens: int, now: float, calls: int = 1, at_a_screen: int = 0
    ) -> None:
        """The first token came so long after the request was sent.

        Args:
            calls: in flight now, with this one. at_a_screen: of these, for whom somebody waits at a screen.
        """
        self._refusals = 0
        self._seen_since_growth += now - first_token_s >= self._grown_at
        tokens = max(READ_TOKENS_MIN, input_tokens)
        speed = self._reads.get(model) or self._new(self._reads, model, "read")
        speed.add(tokens.bit_length(), first_token_s / tokens, calls, at_a_screen)

    def ended(
        self,
        model: str,
        writing_s: float,
        output_tokens: int,
        held_tokens: int,
        calls: int = 1,
        at_a_screen: int = 0,
    ) -> None:
        """The rest of the answer took so long after its first token; of the limit the request held so much.

        Args:
            calls, at_a_screen: as in `began`.
        """
        self._request_tokens += 0.05 * (held_tokens - self._request_tokens)
        if output_tokens > 1:
            speed = self._writes.get(model) or self._new(self._writes, model, "write")
            speed.add(0, writing_s / (output_tokens - 1), calls, at_a_screen)

    def refused(self, now: float, retry_after_s: float | None) -> None:
        """The provider said that it is too much. Those that come while it is held are of the same moment: they take
        nothing more of the limit, and make the hold longer where they name a later time."""
        if now >= self._held_until:
            self.limit = self._within(self.limit * REFUSED_FACTOR)
            self._is_known = True
            self._refusals += 1
        doubled_s = min(self._held_at_most_s, REFUSED_HOLD_S * 2.0 ** min(10, self._refusals - 1))
        self._held_until = max(self._held_until, now + (retry_after_s or doubled_s))

    @property
    def is_known(self) -> bool:
        """Whether it has slowed down or refused before, so that something is known of its bounds."""
        return self._is_known

    def follow(self, limit: float, slowdown: float, is_known: bool, held_s: float, now: float) -> None:
        """Take over what somebody else has measured."""
        self.limit, self.slowdown, self._is_known = self._within(limit), slowdown, is_known
        if held_s > 0:
            self._held_until = max(self._held_until, now + held_s)

    def tick(self, used_tokens: float, running: int, is_wanted: bool, now: float) -> None:
        """Once a second: follow what was measured. Without anything that was, the limit stays.

        Args:
            used_tokens, running: of all calls that were let in, and how many these are.
            is_wanted: somebody waits who would be let in if the limit were higher.
        """
        speeds = chain(self._reads.values(), self._writes.values())
        slowdowns = [found for speed in speeds if (found := speed.slowdown(now)) is not None]
        if slowdowns:
            self.slowdown = max(slowdowns)
        if slowdowns and self.slowdown > 1.0:
            self._is_known = True
            if used_tokens <= self.limit:
                # More than that is in flight until the last step down has come into force.
                self.limit = self._within(self.limit * (1 - DOWN * (1 - max(0.5, 1 / self.slowdown))))
        elif used_tokens <= (WANTED_ENOUGH if is_wanted else USED_ENOUGH) * self.limit:
            return
        elif not self._is_known and self._seen_since_growth >= max(1, min(SAMPLES_MIN, running)):
            self.limit = self._within(self.limit * START_GROWTH)
            self._seen_since_growth, self._grown_at = 0, now
        elif self._is_known and slowdowns:
            self.limit = self._within(self.limit + SMOOTHING * math.sqrt(self.limit * self._request_tokens))

    def _new(self, speeds: dict[str, Speed], model: str, phase: Phase) -> Speed:
        speed = speeds[model] = Speed(FAST_S[phase], TOLERANCE[phase])
        return speed

    def _within(self, limit: float) -> float:
        return max(self._least, min(self._most, limit))
