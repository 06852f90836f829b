"""Where a name of the catalogue leads: the models that could answer for it, each by an account of its provider."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias
from uuid import UUID

from mecum.rooms.models import Routed
from mecum.rooms.models.prices import FREE, Prices
from mecum.rooms.models.store.accounts import AccountRow
from mecum.rooms.models.store.catalogue import ModelRow, ProviderRow
from mecum.rooms.models.upstream import Endpoint


@dataclass(frozen=True, slots=True)
class Remote:
    """A connected model at one account: where to ask it, and what it costs.

    Args:
        price_id: the version of its prices; None: none were stated, and `prices` are nothing.
    """

    model: ModelRow
    provider: ProviderRow
    account: AccountRow
    endpoint: Endpoint
    prices: Prices = FREE
    price_id: UUID | None = None

    @property
    def speaks_openai(self) -> bool:
        """Whether requests in OpenAI's wires can be passed to it as they are."""
        return self.provider.kind in ("openai", "responses")

    @property
    def speaks_responses(self) -> bool | None:
        """Whether it has `/responses`; None: nobody has tried."""
        return True if self.provider.kind == "responses" else self.provider.speaks_responses


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """A model of the house itself.

    Args:
        name: by which it is asked for: its own, or that of an alias. model: its own name in the catalogue.
        provider: as which it stands at the gate.
        routed: how the router chose it, where it did.
        otherwise: who is asked where it can't answer.
    """

    name: str
    model: str
    provider: str
    routed: Routed | None = None
    otherwise: Found | None = None

    @property
    def pools(self) -> tuple[tuple[str, ...], ...]:
        """Where it is let in, as the gate knows it."""
        return ((self.provider,),)


@dataclass(frozen=True)
class Route:
    """Who could answer for `name`, in tiers: those of one share the load, a later one is asked when none of the
    earlier can. There is at least one.

    Args:
        routed: how the router chose it, where it did.
        otherwise: the built-in model, where that is asked when none of them can answer.
    """

    name: str
    tiers: tuple[tuple[Remote, ...], ...]
    routed: Routed | None = None
    otherwise: Found | None = None

    def __iter__(self) -> Iterator[Remote]:
        for tier in self.tiers:
            yield from tier

    @cached_property
    def first(self) -> Remote:
        return self.tiers[0][0]

    @cached_property
    def is_single(self) -> bool:
        """Whether there is nothing to choose."""
        return len(self.tiers) == 1 and len(self.tiers[0]) == 1

    @cached_property
    def pools(self) -> tuple[tuple[str, ...], ...]:
        """The accounts by tier, as the gate knows them; none twice."""
        seen: set[str] = set()
        found: list[tuple[str, ...]] = []
        for tier in self.tiers:
            names = tuple(dict.fromkeys(each.endpoint.pool for each in tier if each.endpoint.pool not in seen))
            seen.update(names)
            if names:
                found.append(names)
        return tuple(found)

    @cached_property
    def speaks_openai(self) -> bool:
        """Whether requests in OpenAI's wires can be passed as they are, whoever answers."""
        return all(each.speaks_openai for each in self)

    @cached_property
    def may_speak_responses(self) -> bool:
        """The same of `/responses`, where that is known, or may yet turn out."""
        return self.speaks_openai and all(each.speaks_responses is not False for each in self)

    @cached_property
    def native_tools(self) -> bool:
        """Whether tools can be passed as they are, whoever answers."""
        return all(each.model.native_tools for each in self)

    @cached_property
    def prices(self) -> Prices:
        """The most that each kind can cost, whoever answers."""
        return Prices(*(max(getattr(each.prices, kind) for each in self) for kind in Prices.__slots__))

    def without(self, tried: Collection[Remote]) -> Route | None:
        """What is left of it; None: nothing."""
        tiers = (tuple(each for each in tier if each not in tried) for tier in self.tiers)
        left = tuple(tier for tier in tiers if tier)
        return Route(self.name, left) if left else None


Found: TypeAlias = Route | BuiltIn
"""Where a name leads."""
