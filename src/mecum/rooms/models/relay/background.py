"""Background responses: a durable job makes each, whichever process takes it up; cancelling reaches it over the bus."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from uuid import UUID

from mecum.kit.bus import Bus, Lagged
from mecum.kit.errors import DatabaseUnavailable, MecumError
from mecum.kit.types import PersonId, Principal, SpaceId
from mecum.rooms.models.ports import Persons
from mecum.rooms.models.relay.asked import Asked, Asking
from mecum.rooms.models.relay.responses import ResponsesDoor
from mecum.rooms.models.relay.shelf import Shelf, cancel_channel
from mecum.rooms.models.store.responses import StoredResponse
from mecum.rooms.models.wires.jsons import JsonObject, loads, obj, storable, text
from mecum.rooms.models.wires.responses_from_chat import error_of


class Background:
    def __init__(self, door: ResponsesDoor, asking: Asking, shelf: Shelf, persons: Persons, bus: Bus) -> None:
        self._door = door
        self._asking = asking
        self._shelf = shelf
        self._persons = persons
        self._bus = bus

    async def make(self, response: str) -> None:
        """The job: make the response of that id. Again is harmless: only one outcome is written.

        Raises:
            DatabaseUnavailable: it went away; the job is tried again.
        """
        stored = await self._shelf.open_one(response)
        if stored is None:
            return
        making = asyncio.create_task(self._made(stored))
        cancelling = asyncio.create_task(self._cancelled(stored.id))
        try:
            await asyncio.wait({making, cancelling}, return_when=asyncio.FIRST_COMPLETED)
            if making.done():
                await self._shelf.finish(stored.id, storable(making.result()))
        finally:
            making.cancel()
            cancelling.cancel()
            await asyncio.wait({making, cancelling})

    async def give_up(self, response: str) -> None:
        """Instead of the job, when it fails for good: the response has failed."""
        stored = await self._shelf.open_one(response)
        if stored is not None:
            error = MecumError("internal", "Something went wrong in Mecum itself.")
            await self._shelf.finish(stored.id, {**stored.response, **_failed(error)})

    async def _made(self, stored: StoredResponse) -> JsonObject:
        """The response object, finished or failed."""
        try:
            principal = await self._principal(stored)
            asked = await self._asking.again(principal, stored)
            made = await self._answered(principal, asked)
        except DatabaseUnavailable:
            raise
        except MecumError as error:
            made = _failed(error)
        kept = {"id": stored.id, "background": True, "store": True, "created_at": stored.response["created_at"]}
        kept["previous_response_id"] = stored.response.get("previous_response_id")
        return {**stored.response, **made, **kept}

    async def _answered(self, principal: Principal, asked: Asked) -> JsonObject:
        answer = await self._door.made(principal, asked)
        assert isinstance(answer.body, bytes), "what is made in the background is not streamed"
        value = obj(loads(answer.body))
        if answer.status == 200:
            return value
        error = obj(value.get("error"))
        return {"status": "failed", "error": {"code": "invalid_prompt", "message": text(error.get("message"))}}

    async def _principal(self, stored: StoredResponse) -> Principal:
        """Raises NotFound or Forbidden when the person may no longer."""
        principal = await self._persons.principal_for_job(
            PersonId(stored.person_id), SpaceId(stored.space_id), UUID(hex=stored.id.removeprefix("resp_")), "api"
        )
        return replace(principal, key=stored.key_id)

    async def _cancelled(self, response_id: str) -> None:
        """Return once somebody cancels it."""
        while True:
            try:
                async with self._bus.subscribe(cancel_channel(response_id)) as frames:
                    async for _ in frames:
                        return
            except Lagged:
                continue


def _failed(error: MecumError) -> JsonObject:
    return {"status": "failed", "error": error_of(error)}
