"""Browsers in which a person signed in before: what others try elsewhere does not keep them out.

Such a browser carries a number of its own and, for each account that signed in there, a MAC over both. Tries with it
are counted apart (OWASP, "slow down online guessing attacks with device cookies"). It opens nothing: whoever steals
it may guess as slowly as everybody else.
"""

from __future__ import annotations

import base64
import hmac
import secrets

from starlette.responses import Response

from mecum.kit.http import Credentials
from mecum.rooms.people.edge import Edge
from mecum.rooms.people.ground import Ground, mac

NUMBER_BYTES = 16
MAC_BYTES = 16
ACCOUNTS_MAX = 5
"""Accounts for which one browser is known; the one that signed in longest ago is forgotten first."""


class Devices:
    def __init__(self, ground: Ground, edge: Edge) -> None:
        self._edge = edge
        self._key = ground.secrets.derive("people.device")

    async def known(self, credentials: Credentials, account: str) -> str | None:
        """The number of the browser, when `account` (its address key) signed in there before."""
        number, macs = await self._carried(credentials)
        wanted = self._mac(number, account).encode()
        known = [hmac.compare_digest(wanted, each.encode()) for each in macs]
        return number if any(known) else None

    async def remember(self, response: Response, credentials: Credentials, account: str) -> None:
        """The browser is known for `account` from now on."""
        number, macs = await self._carried(credentials)
        number = number or _text(secrets.token_bytes(NUMBER_BYTES))
        mine = self._mac(number, account)
        others = [each for each in macs if each != mine]
        await self._edge.set_device(response, ".".join((number, mine, *others[: ACCOUNTS_MAX - 1])))

    async def _carried(self, credentials: Credentials) -> tuple[str, list[str]]:
        number, *macs = (await self._edge.device(credentials) or "").split(".")
        return number, macs[:ACCOUNTS_MAX]

    def _mac(self, number: str, account: str) -> str:
        return _text(mac(self._key, number.encode(), account.encode())[:MAC_BYTES])


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
