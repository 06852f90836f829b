"""A request for a response, understood: which model, what was said before, whether it is kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mecum.kit.clock import Clock
from mecum.kit.errors import BadRequest, TooLarge
from mecum.kit.ids import new_id
from mecum.kit.types import Principal
from mecum.rooms.models.catalogue import Catalogue
from mecum.rooms.models.relay.leading import led_response
from mecum.rooms.models.relay.request import model_of, parsed
from mecum.rooms.models.relay.shelf import Shelf
from mecum.rooms.models.router.routing import Router
from mecum.rooms.models.routes import Found
from mecum.rooms.models.service import ROUTER
from mecum.rooms.models.settings import ModelsSettings
from mecum.rooms.models.store.responses import StoredResponse
from mecum.rooms.models.tiers import Tier, tier_of
from mecum.rooms.models.wires.chat_in import malformed
from mecum.rooms.models.wires.jsons import JsonObject, dumps, storable
from mecum.rooms.models.wires.responses_from_chat import skeleton
from mecum.rooms.models.wires.responses_to_chat import items_of, unsupported
from mecum.rooms.models.wires.splice import Spliced

NOT_HERE = ("conversation", "prompt")
NOT_KEPT = ("input", "background", "stream", "stream_options", "previous_response_id", "store")


@dataclass(frozen=True, slots=True)
class Asked:
    """
    Args:
        found: where its model leads.
        items: the whole conversation; the last `input_count` items came with this request.
        store: whether the answer is kept. size: of the request, in bytes. tier: in which it is served.
    """

    request: Spliced
    found: Found
    items: list[JsonObject]
    input_count: int
    response_id: str
    created_at: int
    store: bool
    size: int
    tier: Tier = "default"

    @property
    def values(self) -> dict[str, Any]:
        return self.request.values

    @property
    def streams(self) -> bool:
        return self.values.get("stream") is True

    @property
    def in_background(self) -> bool:
        return self.values.get("background") is True

    @property
    def model(self) -> str:
        """The name by which it was asked for, and is asked for again."""
        return ROUTER if self.found.routed is not None else self.found.name

    def skeleton(self) -> JsonObject:
        told = skeleton(self.values, self.response_id, self.created_at, store=self.store)
        return told | {"service_tier": self.tier}


class Asking:
    def __init__(
        self, catalogue: Catalogue, router: Router, shelf: Shelf, clock: Clock, settings: ModelsSettings
    ) -> None:
        self._catalogue = catalogue
        self._router = router
        self._shelf = shelf
        self._clock = clock
        self._settings = settings

    async def understood(self, principal: Principal, body: bytes, tier: Tier | None = None) -> Asked:
        """
        Args:
            tier: None: the one that the request asks for.

        Raises:
            BadRequest: it is malformed or asks for what the relay does not have.
            NotFound: no such model, or no such previous response. TooLarge: too large to be kept as it asks.
        """
        request = parsed(body)
        values = request.values
        for name in NOT_HERE:
            if values.get(name) is not None:
                raise unsupported(name, name)
        previous = values.get("previous_response_id")
        if previous is not None and not isinstance(previous, str):
            raise malformed("previous_response_id", "the id of a response")
        new = items_of(values.get("input"))
        items = [*await self._shelf.conversation(principal, previous), *new]
        tier = tier or tier_of(values, principal, self._settings.priority_tier)
        # What is made in the background is decided when it is made.
        is_now = values.get("background") is not True
        asked_as, found = await self._led(principal, request, items, len(body), tier, is_kept=is_now)
        request = asked_as if is_now else request
        values = request.values
        asked = Asked(
            request=request,
            found=found,
            items=items,
            input_count=len(new),
            response_id=f"resp_{new_id().hex}",
            created_at=int(self._clock.now().timestamp()),
            store=self._store(values, items),
            size=len(body),
            tier=tier,
        )
        if asked.in_background and (asked.streams or not asked.store):
            raise BadRequest(
                "models.background_alone",
                "A background response is stored and not streamed.",
                "Leave out stream and store, and read the response by its id.",
                params={"where": "background"},
            )
        return asked

    async def again(self, principal: Principal, stored: StoredResponse) -> Asked:
        """A stored request that is still to be answered. Raises NotFound when its model is gone."""
        again = Spliced(dumps({**stored.request, "background": True}))
        created_at = int(stored.created_at.timestamp())
        items, size = stored.conversation, len(dumps(stored.conversation))
        tier = tier_of(again.values, principal, self._settings.priority_tier)
        request, found = await self._led(principal, again, items, size, tier, stored.model)
        return Asked(request, found, items, stored.input_count, stored.id, created_at, True, size, tier)

    async def _led(
        self,
        principal: Principal,
        request: Spliced,
        items: list[JsonObject],
        size: int,
        tier: Tier,
        name: str = "",
        *,
        is_kept: bool = True,
    ) -> tuple[Spliced, Found]:
        """The request as it is asked, and where its model leads. `is_kept`: see `Router.lead`. Raises NotFound."""
        name = name or model_of(request)
        if name == ROUTER:
            led = await led_response(self._router, principal, request, items, size, tier, is_kept=is_kept)
            if led is not None:
                return led
        return request, await self._catalogue.resolve(principal, name, "chat")

    def kept(self, principal: Principal, asked: Asked, response: JsonObject) -> StoredResponse:
        """What is kept of a request and its answer."""
        return StoredResponse(
            id=str(response["id"]),
            person_id=principal.person,
            space_id=principal.space,
            organisation_id=principal.organisation,
            key_id=principal.paying_key,
            surface=principal.surface,
            model=asked.model,
            background=asked.in_background,
            status=str(response["status"])[:20],
            request=storable({name: value for name, value in asked.values.items() if name not in NOT_KEPT}),
            conversation=storable(asked.items),
            input_count=asked.input_count,
            response=storable(response),
            created_at=self._clock.now(),
            expires_at=self._shelf.expires_at(),
        )

    def _store(self, values: dict[str, Any], items: list[JsonObject]) -> bool:
        """Whether the answer is kept. What nobody asked to keep is not, when it is too large for it."""
        wanted = values.get("store")
        if wanted is False or (wanted is None and not self._settings.relay_store_default):
            return values.get("background") is True and wanted is None
        if self._shelf.fits(items, {}):
            return True
        limit = self._settings.stored_response_limit_bytes
        if wanted is None and values.get("background") is not True:
            return False
        raise TooLarge(
            "models.conversation_too_large",
            f"A conversation of more than {limit:,} bytes can't be stored.",
            "Set store to false, or send less.",
            params={"limit_bytes": limit, "where": "input"},
        )
