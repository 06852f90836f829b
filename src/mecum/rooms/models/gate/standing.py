"""What a call asks of the gate, and where it stands. Pure."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Literal, TypeAlias
from uuid import UUID

from mecum.kit.values import frozen
from mecum.rooms.models.gate.fair import Band, State, Ticket

GivesWay: TypeAlias = Literal["never", "before_first", "always"]
"""To whom a call leaves its place: to nobody; to somebody at a screen who finds no room, while nothing of its answer
has come; to anybody who comes."""

PREFIXES_KEPT = 20_000


@frozen
class Asked:
    """Who asks for what.

    Args:
        tiers: the pools that could serve it, each the account of a provider with its limits. A later tier is asked
            only when none of the earlier has room soon, or all are held.
        output_tokens_max: of the answer, where the caller set a limit.
        gives_way: such a call is told by `Place.wanted`.
        key: the API key that asks, for whoever looks at the line.
        prefix: a hash of how the conversation begins: whoever read that before reads it faster. "": unknown.
    """

    tiers: tuple[tuple[str, ...], ...]
    model: str
    tenant: str
    band: Band
    input_tokens: int
    output_tokens_max: int | None = None
    weight: float = 1.0
    gives_way: GivesWay = "never"
    prefix: str = ""
    key: UUID | None = None

    @property
    def is_single(self) -> bool:
        """Whether there is nothing to choose."""
        return len(self.tiers) == 1 and len(self.tiers[0]) == 1


@dataclass(slots=True, eq=False)
class Standing:
    """A call at the gate.

    Args:
        band: in which it waits, which may be lower than what was asked.
        expected: tokens of its answer.
        tickets: in which lines it waits, by pool; the one that let it in once it is in.
        pool: the one that let it in; until then the one that it asked first.
        tiers_asked: in the lines of so many tiers it stands.
        is_wanted: somebody is to have its place. has_returned: it has left a place to wait again.
        number: names it between replicas; 0: it concerns this one alone.
        is_unheard: another replica decides, and has not said anything yet. about_s: what it said of the wait.
    """

    asked: Asked
    band: Band
    arrived: float
    expected: int
    pool: str
    state: State = "waiting"
    tickets: dict[str, Ticket] = field(default_factory=dict[str, Ticket])
    tiers_asked: int = 0
    is_wanted: bool = False
    has_returned: bool = False
    sent_at: float = 0.0
    first_at: float | None = None
    number: int = 0
    is_unheard: bool = False
    about_s: float | None = None

    def ticket(self, lines: int) -> Ticket:
        """A ticket of this call for one of so many lines."""
        asked = self.asked
        return Ticket(
            asked.tenant, self.band, asked.input_tokens, self.expected, self.arrived, asked.weight, lines=lines
        )


class Sticky:
    """Which pool served a conversation last; the prompts read longest ago are forgotten."""

    def __init__(self) -> None:
        self._pools: OrderedDict[str, str] = OrderedDict()

    def of(self, prefix: str) -> str | None:
        return self._pools.get(prefix) if prefix else None

    def keep(self, prefix: str, pool: str) -> None:
        if not prefix:
            return
        self._pools[prefix] = pool
        self._pools.move_to_end(prefix)
        if len(self._pools) > PREFIXES_KEPT:
            self._pools.popitem(last=False)
