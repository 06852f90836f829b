"""What is asked: calls of many tenants, with a neighbour who asks for far too much and a dump of work for the night.

The public traces of Azure (2023, CC-BY) say when somebody asked, with how long a prompt, and how long the answer was.
They name no tenants: those are drawn. Without the traces a load with the same rates, means and 95th percentiles is
drawn from a seed.
"""

from __future__ import annotations

import csv
import datetime as dt
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from mecum.rooms.models.gate.fair import Band

Kind: TypeAlias = Literal["free", "paid", "enterprise", "program", "noisy", "bulk"]
WELL_BEHAVED: tuple[Kind, ...] = ("free", "paid", "enterprise", "program")
CONVERSATION, CODE = "azure_llm_2023_conv.csv", "azure_llm_2023_code.csv"
WEIGHTS: dict[Kind, float] = {"free": 1, "paid": 4, "enterprise": 10, "program": 4, "noisy": 1, "bulk": 1}
BANDS: dict[Kind, Band] = {
    "free": "interactive",
    "paid": "interactive",
    "enterprise": "interactive",
    "program": "api",
    "noisy": "api",
    "bulk": "bulk",
}
PLANS: tuple[tuple[Kind, float, int], ...] = (("free", 0.6, 40), ("paid", 0.3, 20), ("enterprise", 0.1, 4))
"""Of the conversations, how many each plan has, and how many tenants."""
BURSTS = 0.5
"""Shape of the times between two calls (gamma): below 1 they come in bursts."""
NOISY = 2_500, 350
"""Tokens that a call of the neighbour reads, and writes."""
INPUT_MAX, OUTPUT_MAX = 16_000, 2_000


@dataclass(slots=True, eq=False)
class Request:
    """One call: when, of whom, how many tokens are read and written."""

    at: float
    tenant: str
    kind: Kind
    input_tokens: int
    output_tokens: int
    sent_at: float | None = None
    first_at: float | None = None
    ended_at: float | None = None
    is_rejected: bool = False
    at_a_screen: bool = False
    """Of the neighbour: whether it is a person's and not a key's."""

    @property
    def band(self) -> Band:
        return "interactive" if self.at_a_screen else BANDS[self.kind]

    @property
    def weight(self) -> float:
        return WEIGHTS[self.kind]


@dataclass(frozen=True, slots=True)
class Moments:
    """Calls a second; mean and 95th percentile of tokens read, and written."""

    rate: float
    read: tuple[float, float]
    written: tuple[float, float]


MOMENTS = {
    CONVERSATION: Moments(5.53, (1155, 4083), (211, 451)),
    CODE: Moments(2.57, (2048, 7315), (28, 90)),
}


@dataclass(frozen=True, slots=True)
class Scene:
    """
    Args:
        seconds: so long calls arrive. rate: of the traces' calls, how many are taken.
        noisy: the neighbour's calls a second, from the first quarter to the middle of the time; 0: there is none.
        at_a_screen: whether the neighbour's calls are a person's; otherwise they are a key's.
        bulk: calls that are dumped at the beginning.
        begins: so many seconds of the traces are passed over. seed: of what is drawn.
    """

    seconds: float = 1_200.0
    rate: float = 1.0
    noisy: float = 25.0
    at_a_screen: bool = False
    bulk: int = 3_000
    begins: float = 0.0
    seed: int = 1

    def requests(self, traces: Path | None) -> list[Request]:
        """All calls, in order; the same with and without the neighbour."""
        chance = random.Random(self.seed)  # noqa: S311  a load, no secret
        found: list[Request] = []
        for name in (CONVERSATION, CODE):
            asked = (
                _traced(traces / name, self.begins)
                if traces is not None
                else _drawn(MOMENTS[name], chance, self.seconds)
            )
            for at, read, written in asked:
                if at >= self.seconds:
                    break
                if chance.random() < self.rate:
                    kind: Kind = "program"
                    tenant = "program"
                    if name == CONVERSATION:
                        kind, tenant = _person(chance)
                    found.append(Request(at, tenant, kind, read, written))
        found += (Request(number * 1e-3, "bulk", "bulk", 1_200, 250) for number in range(self.bulk))
        begins, ends = self.noise
        count = int(self.noisy * (ends - begins))
        found += (
            Request(begins + number / self.noisy, "noisy", "noisy", *NOISY, at_a_screen=self.at_a_screen)
            for number in range(count)
        )
        return sorted(found, key=lambda each: each.at)

    @property
    def noise(self) -> tuple[float, float]:
        """When the neighbour begins and ends."""
        return self.seconds / 4, self.seconds / 2


def _person(chance: random.Random) -> tuple[Kind, str]:
    kind, _, tenants = chance.choices(PLANS, weights=[share for _, share, _ in PLANS])[0]
    return kind, f"{kind}{chance.randrange(tenants)}"


def _traced(path: Path, begins: float) -> Iterator[tuple[float, int, int]]:
    began: float | None = None
    with path.open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            at = dt.datetime.fromisoformat(row["TIMESTAMP"][:26]).replace(tzinfo=dt.UTC).timestamp()
            began = at if began is None else began
            if at - began >= begins:
                yield at - began - begins, int(row["ContextTokens"]), int(row["GeneratedTokens"])


def _drawn(moments: Moments, chance: random.Random, seconds: float) -> Iterator[tuple[float, int, int]]:
    at = 0.0
    while at < seconds:
        at += chance.gammavariate(BURSTS, 1 / (BURSTS * moments.rate))
        read = min(INPUT_MAX, _tokens(moments.read, chance))
        yield at, read, min(OUTPUT_MAX, _tokens(moments.written, chance))


def _tokens(of: tuple[float, float], chance: random.Random) -> int:
    """Drawn from the lognormal distribution with this mean and 95th percentile."""
    mean, high = of
    z = 1.6449
    sigma = z - math.sqrt(z * z - 2 * math.log(high / mean))
    return max(1, round(chance.lognormvariate(math.log(mean) - sigma * sigma / 2, sigma)))
