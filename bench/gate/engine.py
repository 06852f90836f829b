"""A batch engine in virtual time: all that it has at once share its speed, and beyond a point it slows down for all.

Work is counted in tokens as written by an engine that has nothing else to do; READ of those that are read take as long.
The more it has, the longer each token takes (a batch is worth it nevertheless), and when the keys and values of all do
not fit into its memory any more, it throws some out and reads them again: the knee.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from math import inf
from typing import Literal

from bench.gate.load import Request

TOKEN_S = 0.011
READ = 60.0
BATCH = 48
"""With so many at once a token takes twice as long."""
MEMORY_TOKENS = 110_000


def slowdown(calls: float, tokens: float) -> float:
    """How many times longer a token takes beside so many calls with so many tokens, in one replica."""
    beyond = max(0.0, tokens / MEMORY_TOKENS - 1)
    return 1 + calls / BATCH + (2 * beyond) ** 2


def most_within(times: float, replicas: int, busy_per_s: float, tokens: float) -> float:
    """Of the most that an engine can do with calls of so many tokens, what it can do while nobody is served more than
    so many `times` slower than when it has `busy_per_s` alone to do. No order of a line can have more."""

    def done_per_s(calls: int) -> float:
        return calls / TOKEN_S / slowdown(calls / replicas, calls * tokens / replicas)

    calls = range(1, 10 * BATCH * replicas)
    alone = next(each / replicas for each in calls if done_per_s(each) >= busy_per_s)
    slowest = times * slowdown(alone, alone * tokens)
    within = (each for each in calls if slowdown(each / replicas, each * tokens / replicas) <= slowest)
    return max(map(done_per_s, within)) / max(map(done_per_s, calls))


@dataclass(slots=True, eq=False)
class _Job:
    request: Request
    began: float
    is_here: bool = True

    @property
    def reads(self) -> float:
        return self.request.input_tokens / READ

    def written(self, work: float) -> float:
        """Tokens of its answer, when every job has got so much work."""
        return min(float(self.request.output_tokens), max(0.0, work - self.began - self.reads))


class Engine:
    """So many `replicas`, seen as one. `work` is what each job that was here all the time has got."""

    def __init__(self, replicas: int) -> None:
        self._replicas = replicas
        self._jobs: dict[Request, _Job] = {}
        self._due: list[tuple[float, int, _Job, Literal["first", "end"]]] = []
        self._number = 0
        self._work = 0.0
        self._at = 0.0
        self._tokens = 0
        self.done_work = 0.0
        """All that was done, for all jobs; what was thrown away with a job that was taken back counts too."""

    @property
    def slowdown(self) -> float:
        return slowdown(len(self._jobs) / self._replicas, self._tokens / self._replicas)

    def next_at(self) -> float:
        """When the next first token comes, or the next answer ends."""
        while self._due and not self._due[0][2].is_here:
            heapq.heappop(self._due)
        if not self._due:
            return inf
        return self._at + max(0.0, self._due[0][0] - self._work) * TOKEN_S * self.slowdown

    def pop(self, now: float) -> tuple[Request, Literal["first", "end"]]:
        """What happens at `next_at`."""
        self._advance(now)
        _, _, job, what = heapq.heappop(self._due)
        if what == "end":
            self._take_out(job)
        return job.request, what

    def add(self, request: Request, now: float) -> None:
        self._advance(now)
        job = self._jobs[request] = _Job(request, self._work)
        self._tokens += request.input_tokens + request.output_tokens
        first = self._work + job.reads
        for due, what in ((first, "first"), (first + request.output_tokens, "end")):
            self._number += 1
            heapq.heappush(self._due, (due, self._number, job, what))  # pyright: ignore[reportArgumentType]

    def take_back(self, request: Request, now: float) -> None:
        self._advance(now)
        self._take_out(self._jobs[request])

    def running(self, now: float) -> dict[Request, float]:
        """What is here, and how many tokens of its answer are written."""
        self._advance(now)
        return {job.request: job.written(self._work) for job in self._jobs.values()}

    def _take_out(self, job: _Job) -> None:
        job.is_here = False
        del self._jobs[job.request]
        self._tokens -= job.request.input_tokens + job.request.output_tokens

    def _advance(self, now: float) -> None:
        if self._jobs:
            done = (now - self._at) / (TOKEN_S * self.slowdown)
            self._work += done
            self.done_work += done * len(self._jobs)
        self._at = now
