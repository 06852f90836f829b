"""The router at work: decides for one request, goes down the ladder where it has to, and says where to ask."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from math import inf
from uuid import UUID

from mecum.kit.clock import Clock
from mecum.kit.ids import new_id
from mecum.kit.types import Principal, Tokens
from mecum.rooms.models import ModelRequest, Routed
from mecum.rooms.models.call import Call
from mecum.rooms.models.catalogue import Catalogue
from mecum.rooms.models.gate.door import Gate
from mecum.rooms.models.router import decision as deciding
from mecum.rooms.models.router.decision import Decision, Terms
from mecum.rooms.models.router.ladder import Waits, stepped
from mecum.rooms.models.router.ledger import Ledger
from mecum.rooms.models.router.lighter import lighter
from mecum.rooms.models.router.question import Question, of_request
from mecum.rooms.models.router.rules import Effort
from mecum.rooms.models.router.targets import Targets
from mecum.rooms.models.routes import BuiltIn, Found
from mecum.rooms.models.service import ROUTER
from mecum.rooms.models.settings import ModelsSettings
from mecum.rooms.models.snapshot import Named
from mecum.rooms.models.store.routing import DecisionRow

ROUTED = frozenset((None, ROUTER))
"""Who names no model, or the router, leaves the choice."""
KEPT = frozenset(("assistant.answer", "assistant.background", "relay.chat", "relay.responses"))
"""What is decided for these is written down: there somebody says how the answer was."""
REMEMBERED = 5_000


@dataclass(frozen=True, slots=True)
class Lead:
    """Where to ask, whether it takes an effort, and whether it should read less."""

    route: Found
    reasons: bool
    lighter: bool = False

    @property
    def routed(self) -> Routed:
        assert self.route.routed is not None
        return self.route.routed


class Router:
    def __init__(
        self, catalogue: Catalogue, gate: Gate, ledger: Ledger, clock: Clock, settings: ModelsSettings
    ) -> None:
        self._catalogue = catalogue
        self._gate = gate
        self._ledger = ledger
        self._clock = clock
        self._terms = Terms(settings.router_worth, settings.router_explored)
        self._decided: OrderedDict[UUID, Decision] = OrderedDict()

    async def of_request(self, principal: Principal, request: ModelRequest) -> tuple[Found, ModelRequest] | None:
        """Where `request` goes, and how hard to think there. None: there is nothing to choose.

        Raises:
            Unavailable: no account of either model may be asked.
        """
        wish: Effort | None = None if request.effort == "auto" else request.effort
        lead = await self.lead(principal, of_request(request), wish)
        if lead is None:
            return None
        route = lead.route
        if lead.lighter:
            request, spared = lighter(request)
            route = replace(route, routed=replace(lead.routed, lighter=spared))
        return route, replace(request, effort=lead.routed.effort if lead.reasons else "auto")

    async def lead(
        self, principal: Principal, question: Question, wish: Effort | None, *, is_kept: bool = True
    ) -> Lead | None:
        """Where `question` goes. Raises as `of_request`.

        Args:
            is_kept: written down, and learned from. What only looks ahead is decided anew later.
        """
        targets = await self._catalogue.targets(principal)
        if targets is None:
            return None
        id_, work = _id(principal, question)
        decision, is_new = self._decision(id_, work, question, wish, targets)
        waits = self._waits(principal, question, targets)
        step = stepped(decision.effort, waits, is_wish=decision.is_wish)
        target = targets.thinking if step.on_thinking else targets.fast
        found = await self._catalogue.resolve(principal, target.name, "chat")
        routed = Routed(step.effort, decision.why, step.lowered)
        if is_new and is_kept and question.purpose in KEPT:
            self._ledger.record(self._row(id_, work, principal, question, decision, routed, target.name))
        return Lead(replace(found, routed=routed), target.shown.reasoning, step.lighter)

    def _decision(
        self, id_: UUID, work: UUID | None, question: Question, wish: Effort | None, targets: Targets
    ) -> tuple[Decision, bool]:
        """What is decided, and whether that is new: all steps of one answer go the same way."""
        known = self._decided.get(id_) if work is not None else None
        if known is not None:
            return known, False
        way = self._catalogue.way(targets.thinking)
        fullness = self._gate.pools.fullness(way.pools[0]) if way is not None else inf
        price = deciding.price(fullness)
        decision = deciding.decide(question, wish, self._ledger.weights, price, id_, self._terms)
        if work is not None:
            self._decided[id_] = decision
            if len(self._decided) > REMEMBERED:
                self._decided.popitem(last=False)
        return decision, True

    def _waits(self, principal: Principal, question: Question, targets: Targets) -> Waits:
        band = Call(principal, question.purpose, "", "", Tokens(0), tier=question.tier).band
        return Waits(
            thinking=self._wait_s(principal, question, targets.thinking),
            fast=None if targets.is_one else self._wait_s(principal, question, targets.fast),
            patience=self._gate.patience_s(band),
        )

    def _wait_s(self, principal: Principal, question: Question, target: Named) -> float:
        way = self._catalogue.way(target)
        if way is None or (isinstance(way, BuiltIn) and not self._catalogue.local_here):
            return inf
        if isinstance(way, BuiltIn) and not self._catalogue.local_ready:
            return 0.0  # Until it is loaded the gate knows of no slot.
        tokens, most = Tokens(question.tokens), question.output_tokens_max
        call = Call.to(way, principal, question.purpose, tokens, most, tier=question.tier)
        return self._gate.wait_s(call.asked())

    def _row(
        self,
        id_: UUID,
        work: UUID | None,
        principal: Principal,
        question: Question,
        decision: Decision,
        routed: Routed,
        model: str,
    ) -> DecisionRow:
        return DecisionRow(
            id=id_,
            at=self._clock.now(),
            person_id=principal.person,
            space_id=principal.space,
            organisation_id=principal.organisation,
            surface=principal.surface,
            purpose=question.purpose,
            work_id=work,
            model=model,
            effort=routed.effort,
            why=routed.why,
            lowered=routed.lowered,
            features=dict(decision.features),
            score=decision.score,
            price=decision.price,
            propensity=decision.propensity,
            version=self._ledger.version,
            outcomes=[],
            learned=0,
        )


def _id(principal: Principal, question: Question) -> tuple[UUID, UUID | None]:
    """Of a decision, and of the work for which it is made: the same answer of the same work has the same one."""
    if principal.actor.kind != "job":
        return new_id(), None
    work = principal.actor.id
    about = f"{question.purpose}/{question.turns}".encode()
    return UUID(bytes=blake2b(work.bytes + about, digest_size=16).digest()), work


WISHES: Mapping[str, Effort] = {
    "none": "fast",
    "minimal": "fast",
    "low": "fast",
    "medium": "think",
    "high": "think",
    "xhigh": "think",
}
"""`reasoning_effort` of a request as a wish."""


def wish_of(effort: object) -> Effort | None:
    return WISHES.get(effort) if isinstance(effort, str) else None
