"""A call to a model, as budgets and the gate need to know it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Literal
from uuid import UUID

from mecum.kit.types import Principal, Tokens
from mecum.kit.values import frozen
from mecum.rooms.models import ModelRequest, Routed
from mecum.rooms.models.budgets.reservation import Need
from mecum.rooms.models.budgets.rules import Amounts
from mecum.rooms.models.gate.door import Asked
from mecum.rooms.models.gate.fair import Band
from mecum.rooms.models.gate.standing import GivesWay
from mecum.rooms.models.prices import FREE, Prices
from mecum.rooms.models.routes import BuiltIn, Found
from mecum.rooms.models.tiers import BANDS, Tier

ANSWER_TOKENS_MIN = 256
"""A budget that has not enough left for so short an answer refuses the call."""
PREFIX_MESSAGES, PREFIX_BYTES = 2, 8192

INTERACTIVE = frozenset(("assistant.answer", "models.embed_query"))
BACKGROUND = frozenset(("assistant.background", "assistant.title", "models.embed"))
BULK = frozenset(("models.bulk",))
EMBEDDING = frozenset(("models.embed_query", "models.embed", "relay.embeddings"))
PEOPLE = frozenset(("web", "terminal", "editor", "phone", "voice"))


@frozen
class Call:
    """A call to a model that asks to be let in.

    Args:
        tokens: its input, about.
        tiers: the pools that could serve it, see `Asked`; empty: its provider alone.
        prefix: of the conversation, see `Asked`.
        gives_way: nobody waits for it, see `ModelRequest`.
        is_gated: it waits for its turn at the gate. The built-in embedder has room for everybody.
        prices: what it costs, by the list `price_id`.
        is_counted: by budgets. What runs on the installation's own machine is not.
        tier: how soon it is to be served.
        degraded: what the router took away so that it could be served, or None.
    """

    principal: Principal
    purpose: str
    model: str
    provider: str
    tokens: Tokens
    output_tokens_max: int | None = None
    gives_way: bool = False
    is_gated: bool = True
    prices: Prices = FREE
    price_id: UUID | None = None
    is_counted: bool = True
    tiers: tuple[tuple[str, ...], ...] = ()
    prefix: str = ""
    tier: Tier = "default"
    degraded: str | None = None

    @classmethod
    def to(
        cls,
        found: Found,
        principal: Principal,
        purpose: str,
        tokens: Tokens,
        output_tokens_max: int | None = None,
        *,
        gives_way: bool = False,
        begins: Sequence[object] = (),
        tier: Tier = "default",
    ) -> Call:
        """A call that whoever is on a route may answer, or the built-in model, which no budget counts.

        Until somebody answers, it may cost as much as the dearest.

        Args:
            begins: the messages of the conversation; the first few tell who read it before.
        """
        degraded = _degraded(found.routed)
        if isinstance(found, BuiltIn):
            return cls(
                principal,
                purpose,
                found.model,
                found.provider,
                tokens,
                output_tokens_max,
                gives_way,
                is_counted=False,
                tier=tier,
                degraded=degraded,
            )
        first, is_single = found.first, found.is_single
        return cls(
            principal,
            purpose,
            first.model.name,
            first.provider.name,
            tokens,
            output_tokens_max,
            prices=found.prices,
            price_id=first.price_id if is_single else None,
            tiers=found.pools,
            prefix="" if is_single or not begins else _prefix(principal, begins),
            tier=tier,
            degraded=degraded,
        )

    @property
    def band(self) -> Band:
        """Somebody who waits at a screen, a program, nobody who waits, or nobody before tomorrow."""
        if self.tier != "default":
            return BANDS[self.tier]
        if self.purpose in BULK:
            return "bulk"
        if self.purpose in BACKGROUND:
            return "background"
        return "interactive" if self.purpose in INTERACTIVE and self.principal.surface in PEOPLE else "api"

    @property
    def operation(self) -> Literal["chat", "embeddings"]:
        """What is asked for, in the words of OpenTelemetry."""
        return "embeddings" if self.purpose in EMBEDDING else "chat"

    def need(self) -> Need:
        """What budgets need to know of it."""
        most = self.output_tokens_max
        least = ANSWER_TOKENS_MIN if most is None else min(ANSWER_TOKENS_MIN, most)
        return Need(self._bound, most, least, self.is_counted)

    def _bound(self, output_tokens: int) -> Amounts:
        return Amounts(self.tokens + output_tokens, self.prices.bound(self.tokens, output_tokens))

    def asked(self) -> Asked:
        """What the gate needs to know of it."""
        tenant = f"{self.principal.organisation.hex}/{self.principal.person.hex}"
        band = self.band
        gives_way: GivesWay = "always" if self.gives_way else "before_first" if band == "bulk" else "never"
        tiers = self.tiers or ((self.provider,),)
        return Asked(
            tiers,
            self.model,
            tenant,
            band,
            self.tokens,
            self.output_tokens_max,
            gives_way=gives_way,
            prefix=self.prefix,
            key=self.principal.paying_key,
        )


def named(principal: Principal, request: ModelRequest) -> str | None:
    """What the conversation of `request` is called outside: the same for all its turns, and telling nothing of it or
    of whose it is. One without a name is told by how it begins.
    """
    if request.conversation is None:
        return None
    if not request.conversation:
        return _prefix(principal, request.messages)
    return _hashed(principal, f"{principal.person.hex}/{request.conversation}")


def _degraded(routed: Routed | None) -> str | None:
    """All that the router took away, as records and headers say it."""
    taken = () if routed is None else (*((routed.lowered,) if routed.lowered else ()), *routed.lighter)
    return ", ".join(taken) or None


def _prefix(principal: Principal, begins: Sequence[object]) -> str:
    """Tells conversations by how they begin."""
    return _hashed(principal, str(begins[:PREFIX_MESSAGES]))


def _hashed(principal: Principal, text: str) -> str:
    begin = text.encode("utf-8", "replace")[:PREFIX_BYTES]
    return hashlib.blake2b(begin, digest_size=16, key=principal.organisation.bytes).hexdigest()
