"""Building the room."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fastapi import APIRouter

from mecum.kit.room import Kit, Room
from mecum.rooms.people import Exporter, People
from mecum.rooms.people.api.account import account_routes, factor_routes, passkey_routes
from mecum.rooms.people.api.admin import installation_routes, organisation_routes, people_routes
from mecum.rooms.people.api.me import key_routes, me_routes
from mecum.rooms.people.api.session import SessionView, session_routes, sign_in_routes
from mecum.rooms.people.face import PeopleRoom
from mecum.rooms.people.jobs import job_specs
from mecum.rooms.people.parts import put_together
from mecum.rooms.people.settings import PeopleSettings
from mecum.rooms.people.words import KINDS


def build(
    kit: Kit, settings: PeopleSettings, exporters: Sequence[Exporter] = (), limits: Mapping[str, int] | None = None
) -> Room[People]:
    """The room.

    Args:
        exporters: the other rooms' parts of a person's export. It is read at each export: the rooms may be added to the
            sequence after this room was built.
        limits: of other rooms, that pages tell of; they go out with every session.
    """
    parts = put_together(kit, settings, exporters)
    face = PeopleRoom(parts)
    kit.notify.register(KINDS)
    kit.notify.bind_recipients(face.recipient)
    view = SessionView(parts, limits or {})
    router = APIRouter(tags=["people"])
    for with_session in (session_routes, sign_in_routes, me_routes, account_routes):
        with_session(router, parts, view)
    for routes in (key_routes, passkey_routes, factor_routes, people_routes, organisation_routes, installation_routes):
        routes(router, parts)

    async def stop() -> None:
        parts.hashing.close()

    return Room(name="people", face=face, router=router, jobs=job_specs(parts), start=parts.address.settle, stop=stop)
