"""Before and at the door: the session, set-up, sign-up, sign-in, sign-out.

Public routes: each checks the page's origin itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request, Response

import mecum
from mecum.kit.http import Credentials, credentials
from mecum.kit.ids import decode, encode
from mecum.kit.types import SpaceId
from mecum.rooms.people.api.bodies import (
    CodeBody,
    PasskeySignInBody,
    SetUpBody,
    SignInBody,
    SignUpBody,
    SignUpRequestBody,
    moment,
    person_out,
    problems,
    space_out,
)
from mecum.rooms.people.parts import Parts
from mecum.rooms.people.service import email_key
from mecum.rooms.people.sessions import Issued
from mecum.rooms.people.store import persons
from mecum.rooms.people.store.sessions import Session


class SessionView:
    """The answer that tells a client where it is and who is there."""

    def __init__(self, parts: Parts, limits: Mapping[str, int]) -> None:
        self._parts = parts
        settings = parts.settings
        self._limits = {
            "password_chars": settings.password_min_length,
            "reset_mail_hours": settings.reset_mail_hours,
            **limits,
        }

    async def body(self, session: Session | None) -> dict[str, Any]:
        """The session as JSON; None for nobody."""
        async with self._parts.kit.db.transaction() as connection:
            answer: dict[str, Any] = {
                "installation": {
                    "name": self._parts.settings.installation_name,
                    "version": mecum.__version__,
                    "languages": list(self._parts.kit.i18n.locales),
                    "sign_up": await self._parts.accounts.policy(connection),
                    "needs_owner": await persons.count_owners(connection) == 0,
                    "mail": self._parts.kit.mail.configured,
                    "public_url": self._parts.kit.public_url,
                    "limits": self._limits,
                },
                "person": None,
                "csrf": None,
                "space": None,
                "spaces": [],
                "second_factor_needed": session is not None and session.state == "second_factor",
            }
            if session is None or session.state != "active":
                return answer
            spaces = await persons.spaces_of(connection, session.person_id)
            here = [space for space in spaces if space.id == SpaceId(session.space_id)]
            return answer | {
                "person": person_out(await self._parts.account(connection, session.person_id)),
                "csrf": self._parts.edge.csrf(session.id),
                "space": space_out((here or list(spaces))[0]),
                "spaces": [space_out(space) for space in spaces],
            }

    async def begun(self, response: Response, issued: Issued, given: Credentials) -> dict[str, Any]:
        """The same for a session that has just begun, with its cookies."""
        await self._parts.edge.set_cookie(response, issued.token)
        if issued.session.state == "active":
            await self._parts.devices.remember(response, given, email_key(issued.person.email))
        return await self.body(issued.session)


def same_page(parts: Parts, request: Request) -> Credentials:
    """The request's credentials. Raises Forbidden unless it was sent by one of our own pages."""
    given = credentials(request)
    parts.edge.check_origin(given)
    return given


def session_routes(router: APIRouter, parts: Parts, view: SessionView) -> None:

    @router.get("/api/session", responses=problems())
    async def read_session(request: Request, response: Response) -> dict[str, Any]:
        """Where the client is, and who is signed in. Always 200."""
        given = credentials(request)
        response.headers["cache-control"] = "no-store"
        visit = await parts.sessions.visit(given)
        if visit is None and await parts.edge.token(given):
            await parts.edge.clear_cookie(response)
        if visit is not None and visit.fresh_token is not None:
            await parts.edge.set_cookie(response, visit.fresh_token)
        return await view.body(visit.session if visit else None)

    @router.get("/api/links/{token}", responses=problems(404, 410))
    async def read_link(token: str) -> dict[str, Any]:
        """What a one-time link is for."""
        async with parts.kit.db.transaction() as connection:
            link = await parts.links.find(connection, token)
            person = await persons.person(connection, link.person_id) if link.person_id else None
        email = link.email or (person.email if person else None)
        return {"kind": link.kind, "email": email, "expires_at": moment(link.expires_at)}

    @router.post("/api/setup", responses=problems(403, 404, 409, 410, 422))
    async def set_up(request: Request, response: Response, body: SetUpBody) -> dict[str, Any]:
        """Make the first owner and sign in."""
        given = same_page(parts, request)
        return await view.begun(response, await parts.arrivals.set_up(body.token, body.account(), given), given)

    @router.post("/api/sign-up/request", status_code=202, responses=problems(403, 409, 422))
    async def request_sign_up(request: Request, body: SignUpRequestBody) -> dict[str, Any]:
        """Ask for a link to make an account. The answer is the same for every address."""
        await parts.sign_ups.request(body.email, body.locale, same_page(parts, request))
        return {}

    @router.post("/api/sign-up", responses=problems(403, 404, 409, 410, 422))
    async def sign_up(request: Request, response: Response, body: SignUpBody) -> dict[str, Any]:
        """Make an account and sign in."""
        given = same_page(parts, request)
        return await view.begun(response, await parts.arrivals.sign_up(body.token, body.account(), given), given)

    @router.post("/api/sign-out", status_code=204, responses=problems(403))
    async def sign_out(request: Request, response: Response) -> None:
        """End the session of this browser."""
        await parts.signing.out(same_page(parts, request))
        await parts.edge.clear_cookie(response)


def sign_in_routes(router: APIRouter, parts: Parts, view: SessionView) -> None:

    @router.post("/api/sign-in", responses=problems(401, 403))
    async def sign_in(request: Request, response: Response, body: SignInBody) -> dict[str, Any]:
        """Sign in with a password; `second_factor_needed` says whether a code has to follow."""
        given = same_page(parts, request)
        issued = await parts.signing.by_password(body.email, body.password, given)
        return await view.begun(response, issued, given)

    @router.post("/api/sign-in/second-factor", responses=problems(401, 403))
    async def second_factor(request: Request, response: Response, body: CodeBody) -> dict[str, Any]:
        """Finish a sign-in with a code of the authenticator app, or a recovery code."""
        given = same_page(parts, request)
        return await view.begun(response, await parts.signing.second_factor(body.code, given), given)

    @router.post("/api/sign-in/passkey/options", responses=problems(403, 409))
    async def passkey_options(request: Request) -> dict[str, Any]:
        """Options for `navigator.credentials.get()`."""
        challenge, options = await parts.passkeys.challenge(same_page(parts, request))
        return {"challenge_id": encode("cha", challenge), "options": options}

    @router.post("/api/sign-in/passkey", responses=problems(401, 403, 404, 410))
    async def passkey(request: Request, response: Response, body: PasskeySignInBody) -> dict[str, Any]:
        """Sign in with a passkey; it needs no second factor."""
        given, challenge = same_page(parts, request), decode("cha", body.challenge_id)
        return await view.begun(response, await parts.passkeys.sign_in(challenge, body.credential, given), given)
