"""What a person has: sessions, API keys, the space in use."""

from __future__ import annotations

import datetime as dt
from typing import Any

from fastapi import APIRouter

from mecum.kit.http import AccountCaller, Signed
from mecum.kit.ids import decode, encode
from mecum.kit.types import SpaceId
from mecum.rooms.people import errors
from mecum.rooms.people.api.bodies import (
    LIMIT,
    Cursor,
    Limit,
    NewKeyBody,
    SpaceBody,
    cursor_id,
    key_out,
    moment,
    page_out,
    person_out,
    problems,
)
from mecum.rooms.people.api.session import SessionView
from mecum.rooms.people.parts import Parts
from mecum.rooms.people.store import sessions as session_store


def me_routes(router: APIRouter, parts: Parts, view: SessionView) -> None:
    db = parts.kit.db

    @router.get("/api/me", responses=problems(401, 403))
    async def read_me(caller: Signed) -> dict[str, Any]:
        """The caller's account."""
        async with db.transaction() as connection:
            return person_out(await parts.account(connection, caller.person))

    @router.put("/api/me/space", responses=problems(401, 403, 404))
    async def choose_space(caller: AccountCaller, body: SpaceBody) -> dict[str, Any]:
        """Go to another space in this session."""
        await parts.sessions.choose_space(caller, SpaceId(decode("spc", body.space)))
        async with db.transaction() as connection:
            session = await session_store.session(connection, caller.actor.id)
        return await view.body(session)

    @router.get("/api/me/sessions", responses=problems(401, 403))
    async def list_sessions(caller: AccountCaller, cursor: Cursor = None, limit: Limit = LIMIT) -> dict[str, Any]:
        """Where the caller is signed in, newest first."""
        found = await parts.sessions.live(caller, limit, cursor_id(cursor))
        items = [session_out(each, current=each.id == caller.actor.id) for each in found]
        return page_out(items, limit, found[-1].id.hex if found else None)

    @router.delete("/api/me/sessions", status_code=204, responses=problems(401, 403))
    async def revoke_other_sessions(caller: AccountCaller) -> None:
        """Sign out everywhere else."""
        await parts.sessions.revoke_others(caller)

    @router.delete("/api/me/sessions/{session}", status_code=204, responses=problems(401, 403, 404))
    async def revoke_session(caller: AccountCaller, session: str) -> None:
        """Sign out there."""
        await parts.sessions.revoke(caller, decode("ses", session))


def key_routes(router: APIRouter, parts: Parts) -> None:

    @router.get("/api/me/keys", responses=problems(401, 403))
    async def list_keys(caller: AccountCaller, cursor: Cursor = None, limit: Limit = LIMIT) -> dict[str, Any]:
        """The caller's API keys, newest first, without their secrets."""
        found = await parts.keys.list(caller, limit, cursor_id(cursor))
        return page_out([key_out(each) for each in found], limit, found[-1].id.hex if found else None)

    @router.post("/api/me/keys", status_code=201, responses=problems(401, 403, 409, 422))
    async def create_key(caller: AccountCaller, body: NewKeyBody) -> dict[str, Any]:
        """A new API key for the space in use. Its secret is in this answer and nowhere else."""
        key, issued = await parts.keys.create(caller, body.name, body.scopes, zoned(body.expires_at))
        return key_out(key) | {"secret": issued.secret}

    @router.delete("/api/me/keys/{key}", status_code=204, responses=problems(401, 403, 404))
    async def revoke_key(caller: AccountCaller, key: str) -> None:
        """Take a key out of force."""
        await parts.keys.revoke(caller.person, caller, decode("key", key))


def zoned(at: dt.datetime | None) -> dt.datetime | None:
    """A time without a zone is UTC. Raises Unprocessable when it can't be told in UTC."""
    if at is None:
        return None
    try:
        return at.replace(tzinfo=dt.UTC) if at.tzinfo is None else at.astimezone(dt.UTC)
    except OverflowError:
        raise errors.expiry_past() from None


def session_out(session: session_store.Session, *, current: bool) -> dict[str, Any]:
    return {
        "id": encode("ses", session.id),
        "created_at": moment(session.created_at),
        "last_seen_at": moment(session.last_seen_at),
        "address": session.address,
        "user_agent": session.user_agent,
        "surface": session.surface,
        "current": current,
    }
