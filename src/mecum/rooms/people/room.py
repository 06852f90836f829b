"""Building the room."""

from __future__ import annotations

from fastapi import APIRouter

from mecum.kit.room import Kit, Room
from mecum.rooms.people import People
from mecum.rooms.people.api.me import key_routes, me_routes
from mecum.rooms.people.api.session import SessionView, session_routes, sign_in_routes
from mecum.rooms.people.face import PeopleRoom
from mecum.rooms.people.parts import put_together
from mecum.rooms.people.settings import PeopleSettings


def build(kit: Kit, settings: PeopleSettings) -> Room[People]:
    """The room."""
    parts = put_together(kit, settings)
    view = SessionView(parts)
    router = APIRouter()
    for routes in (session_routes, sign_in_routes, me_routes):
        router.include_router(routes(parts, view))
    router.include_router(key_routes(parts))

    async def stop() -> None:
        parts.hashing.close()

    return Room(name="people", face=PeopleRoom(parts), router=router, stop=stop)
