"""Browsers at the door: the session cookie, the CSRF token, and where requests may come from."""

from __future__ import annotations

import hmac
import secrets
from typing import cast, get_args
from urllib.parse import urlsplit
from uuid import UUID

from starlette.responses import Response

from mecum.kit.http import Credentials
from mecum.kit.installation import kept
from mecum.kit.origins import origin_of
from mecum.kit.types import Surface
from mecum.rooms.people import errors
from mecum.rooms.people.ground import Ground, mac
from mecum.rooms.people.settings import PeopleSettings

SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))
DAY_SECONDS = 86_400
DEVICE_DAYS = 400
"""As long as browsers keep a cookie at most (RFC 6265bis, 5.5)."""
_SURFACES = frozenset(get_args(Surface))


class Edge:
    """The cookie has a random name per installation, because cookies do not know ports: two services on one host must
    not meet.

    With https it also has the prefix `__Host-` (RFC 6265bis, 4.1.3.2): no neighbour under the same domain can plant
    one.
    """

    def __init__(self, ground: Ground, settings: PeopleSettings) -> None:
        self._ground = ground
        self._secure = urlsplit(ground.public_url).scheme == "https"
        self._origins = frozenset((origin_of(ground.public_url), *settings.extra_origins))
        self._max_age = settings.session_days * DAY_SECONDS
        self._csrf_key = ground.secrets.derive("people.csrf")
        self._cookie: str | None = None

    async def cookie_name(self) -> str:
        if self._cookie is None:
            async with self._ground.db.transaction() as connection:
                suffix = await kept(connection, "people.cookie", secrets.token_hex(4))
            self._cookie = f"{'__Host-' if self._secure else ''}mecum_{suffix}"
        return self._cookie

    async def token(self, credentials: Credentials) -> str | None:
        """The session token that the browser sent."""
        return credentials.cookies.get(await self.cookie_name())

    async def set_cookie(self, response: Response, token: str) -> None:
        name = await self.cookie_name()
        response.set_cookie(
            name, token, max_age=self._max_age, path="/", secure=self._secure, httponly=True, samesite="lax"
        )

    async def device(self, credentials: Credentials) -> str | None:
        """What the browser carries to be known again."""
        return credentials.cookies.get(await self._device_name())

    async def set_device(self, response: Response, value: str) -> None:
        response.set_cookie(
            await self._device_name(), value, max_age=DEVICE_DAYS * DAY_SECONDS, path="/", secure=self._secure,
            httponly=True, samesite="lax",
        )  # fmt: skip

    async def _device_name(self) -> str:
        return f"{await self.cookie_name()}_device"

    async def clear_cookie(self, response: Response) -> None:
        response.delete_cookie(await self.cookie_name(), path="/", secure=self._secure, httponly=True, samesite="lax")

    def csrf(self, session: UUID) -> str:
        """The session's CSRF token: stays the same when the cookie rotates, so that open pages go on working."""
        return mac(self._csrf_key, session.bytes).hex()

    def check_csrf(self, credentials: Credentials, session: UUID) -> None:
        """Raises Forbidden when a state-changing request lacks the session's token or comes from elsewhere."""
        if credentials.method in SAFE_METHODS:
            return
        self.check_origin(credentials)
        if not hmac.compare_digest((credentials.csrf or "").encode(), self.csrf(session).encode()):
            raise errors.csrf_wrong()

    def check_origin(self, credentials: Credentials) -> None:
        """Raises Forbidden unless the page that sent the request is ours. Every browser names its origin on a POST."""
        try:
            known = origin_of(credentials.origin or "") in self._origins
        except ValueError:
            known = False
        if not known:
            raise errors.origin_wrong(self._ground.public_url)


def surface_of(credentials: Credentials, default: Surface) -> Surface:
    """The surface that the client says it is."""
    said = credentials.surface
    return cast("Surface", said) if said in _SURFACES and said != "none" else default
