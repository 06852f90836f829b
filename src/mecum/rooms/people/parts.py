"""The parts of the room, put together once."""

from __future__ import annotations

from dataclasses import dataclass

from mecum.kit.http import Credentials
from mecum.kit.room import Kit
from mecum.kit.types import Principal
from mecum.rooms.people.accounts import Accounts, Arrivals
from mecum.rooms.people.audit import Audit
from mecum.rooms.people.edge import Edge
from mecum.rooms.people.factor import SecondFactor
from mecum.rooms.people.hashing import Hashing
from mecum.rooms.people.keys import Keys
from mecum.rooms.people.links import Links
from mecum.rooms.people.passkeys import Passkeys
from mecum.rooms.people.sessions import Sessions
from mecum.rooms.people.settings import PeopleSettings
from mecum.rooms.people.signing import Signing
from mecum.rooms.people.throttle import Throttling


@dataclass(frozen=True, slots=True)
class Parts:
    kit: Kit
    settings: PeopleSettings
    audit: Audit
    edge: Edge
    hashing: Hashing
    links: Links
    throttling: Throttling
    sessions: Sessions
    keys: Keys
    accounts: Accounts
    arrivals: Arrivals
    factor: SecondFactor
    signing: Signing
    passkeys: Passkeys

    async def authenticate(self, credentials: Credentials) -> Principal:
        """Who asks: by bearer key where there is one, else by session cookie. Raises like the face."""
        if credentials.bearer is not None:
            return await self.keys.authenticate(credentials)
        return await self.sessions.authenticate(credentials)


def put_together(kit: Kit, settings: PeopleSettings) -> Parts:
    audit = Audit(kit.db, kit.clock, kit.secrets)
    edge = Edge(kit, settings)
    hashing = Hashing(at_once=settings.password_hashes_at_once, waiting=settings.password_hashes_waiting)
    links = Links(kit, settings)
    throttling = Throttling(kit, settings)
    sessions = Sessions(kit, settings, audit, edge)
    accounts = Accounts(kit, settings, audit, hashing, links, kit.i18n.locales)
    factor = SecondFactor(kit, settings, audit, sessions, throttling)
    signing = Signing(kit, audit, sessions, hashing, throttling, factor)
    return Parts(
        kit=kit,
        settings=settings,
        audit=audit,
        edge=edge,
        hashing=hashing,
        links=links,
        throttling=throttling,
        sessions=sessions,
        keys=Keys(kit, settings, audit),
        accounts=accounts,
        arrivals=Arrivals(kit, accounts, links, sessions, throttling),
        factor=factor,
        signing=signing,
        passkeys=Passkeys(kit, settings, audit, sessions, signing),
    )
