"""`mecum-auto` at the relay: where a request goes, how it says how hard to think, and how the answer says so."""

from __future__ import annotations

from dataclasses import replace

from mecum.kit.types import Principal
from mecum.rooms.models import RelayResponse, Routed
from mecum.rooms.models.router.question import of_body
from mecum.rooms.models.router.routing import Router, wish_of
from mecum.rooms.models.routes import Found
from mecum.rooms.models.tiers import Tier
from mecum.rooms.models.wires.chat_request import EFFORTS
from mecum.rooms.models.wires.jsons import JsonObject, arr, obj
from mecum.rooms.models.wires.splice import Spliced


async def led_chat(
    router: Router, principal: Principal, request: Spliced, size: int, tier: Tier
) -> tuple[Spliced, Found] | None:
    """A request for chat completions as it is asked, and where. None: the router has nothing to choose."""
    values = request.values
    said = values.get("reasoning_effort")
    question = of_body(values, arr(values.get("messages")), "relay.chat", size, tier)
    lead = await router.lead(principal, question, wish_of(said))
    if lead is None:
        return None
    effort = _effort(lead.routed, said, reasons=lead.reasons)
    return (request if effort == said else Spliced(request.changed({"reasoning_effort": effort}))), lead.route


async def led_response(
    router: Router,
    principal: Principal,
    request: Spliced,
    items: list[JsonObject],
    size: int,
    tier: Tier,
    *,
    is_kept: bool = True,
) -> tuple[Spliced, Found] | None:
    """The same for a request for a response, `items` its whole conversation. `is_kept`: see `Router.lead`."""
    reasoning = obj(request.values.get("reasoning"))
    said = reasoning.get("effort")
    question = of_body(request.values, [*items], "relay.responses", size, tier)
    lead = await router.lead(principal, question, wish_of(said), is_kept=is_kept)
    if lead is None:
        return None
    effort = _effort(lead.routed, said, reasons=lead.reasons)
    if effort == said:
        return request, lead.route
    return Spliced(request.changed({"reasoning": {**reasoning, "effort": effort}})), lead.route


def _effort(routed: Routed, said: object, *, reasons: bool) -> object:
    """What the provider is told: what the caller said while that is done, nothing where the model takes none."""
    if not reasons:
        return None
    return said if wish_of(said) == routed.effort else EFFORTS[routed.effort]


def with_routed(answer: RelayResponse, found: Found) -> RelayResponse:
    """`answer`, which says how the router had it made, where it did."""
    routed = found.routed
    if routed is None:
        return answer
    return replace(answer, headers={**answer.headers, "x-mecum-routed": f"{routed.effort}; why={routed.why}"})
