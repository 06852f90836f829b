"""`/api` routes of the router: between which models it chooses."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter

from mecum.kit.http import Operator
from mecum.rooms.models.bodies import Body, Name, problems
from mecum.rooms.models.router.choosing import Choosing, Chosen


class RouterBody(Body):
    """`itself`: the names mecum-fast and mecum-thinking, or a default model that reasons. `chosen`: between `fast` and
    `thinking`. `off`: whoever names no model gets the default one.
    """

    mode: Literal["itself", "chosen", "off"]
    fast: Name = ""
    thinking: Name = ""


def build_routing_router(choosing: Choosing) -> APIRouter:
    router = APIRouter()

    @router.get("/api/models/router", responses=problems(401, 403))
    async def read_router(caller: Operator) -> dict[str, Any]:
        """Between which models `mecum-auto` chooses; names are empty where there is nothing to choose."""
        return chosen_out(await choosing.now())

    @router.put("/api/models/router", responses=problems(401, 403, 404, 422))
    async def change_router(caller: Operator, body: RouterBody) -> dict[str, Any]:
        """Say between which models `mecum-auto` chooses, or switch it off."""
        if body.mode == "chosen":
            await choosing.choose(caller, body.fast, body.thinking)
        elif body.mode == "off":
            await choosing.off(caller)
        else:
            await choosing.by_itself(caller)
        return chosen_out(await choosing.now())

    return router


def chosen_out(chosen: Chosen) -> dict[str, Any]:
    return {"mode": chosen.mode, "fast": chosen.fast, "thinking": chosen.thinking}
