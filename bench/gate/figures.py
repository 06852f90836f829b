"""Figures of a run."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from bench.gate.load import WELL_BEHAVED, Request
from bench.gate.replay import Ran

SOON_S = 5.0
"""An answer that begins within so long is a good one."""


@dataclass(frozen=True, slots=True)
class Figures:
    """
    Args:
        rejected: calls of the well-behaved, bulk included. noisy_rejected: of the neighbour.
        goodput: tokens a second, read or written, of answers to the well-behaved that began within `SOON_S`.
        jain: Jain's index of what share of its calls each well-behaved tenant got answered soon.
        first_p95: seconds from a call to its first token, by kind; people: of all who wait at a screen; beside: of
            those who come while the neighbour asks, or would.
    """

    rejected: int
    noisy_rejected: int
    goodput: float
    jain: float
    first_p95: dict[str, float]
    bulk_done: int
    work: float
    gap: float
    bound: float


def figures(ran: Ran) -> Figures:
    good = [each for each in ran.requests if each.kind in WELL_BEHAVED]
    soon = [each for each in good if _is_soon(each)]
    kinds = {kind: [each for each in ran.requests if each.kind == kind] for kind in (*WELL_BEHAVED, "noisy", "bulk")}
    kinds["people"] = [each for each in good if each.band == "interactive"]
    begins, ends = ran.scene.noise
    kinds["beside"] = [each for each in kinds["people"] if begins <= each.at < ends]
    bulk = kinds["bulk"]
    seconds = ran.scene.seconds
    return Figures(
        rejected=sum(_is_lost(each) for each in good) + sum(each.is_rejected for each in bulk),
        noisy_rejected=sum(_is_lost(each) for each in kinds["noisy"]),
        goodput=sum(each.input_tokens + each.output_tokens for each in soon) / seconds,
        jain=jain(_shares(good)),
        first_p95={kind: p95(_first_s(each) for each in asked) for kind, asked in kinds.items()},
        bulk_done=sum(each.ended_at is not None and each.ended_at <= seconds for each in bulk),
        work=ran.work,
        gap=ran.gap,
        bound=ran.bound,
    )


def jain(shares: list[float]) -> float:
    """1 where all have the same, 1/n where one has all."""
    squares = sum(each * each for each in shares)
    return sum(shares) ** 2 / (len(shares) * squares) if squares else 0.0


def p95(values: Iterable[float | None]) -> float:
    kept = [each for each in values if each is not None]
    return statistics.quantiles(kept, n=20, method="inclusive")[18] if len(kept) > 1 else float("nan")


def _shares(requests: list[Request]) -> list[float]:
    asked: defaultdict[str, int] = defaultdict(int)
    got: defaultdict[str, int] = defaultdict(int)
    for each in requests:
        asked[each.tenant] += 1
        got[each.tenant] += _is_soon(each)
    return [got[tenant] / many for tenant, many in asked.items()]


def _first_s(request: Request) -> float | None:
    return None if request.first_at is None else request.first_at - request.at


def _is_soon(request: Request) -> bool:
    first_s = _first_s(request)
    return first_s is not None and first_s <= SOON_S


def _is_lost(request: Request) -> bool:
    """Rejected, or never answered at all."""
    return request.is_rejected or request.ended_at is None
