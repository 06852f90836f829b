"""The parts of the room, put together once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from mecum.kit.db import AsyncConnection
from mecum.kit.http import Credentials
from mecum.kit.room import Kit
from mecum.kit.types import Principal
from mecum.rooms.people import Exporter
from mecum.rooms.people.accounts import Accounts, Arrivals
from mecum.rooms.people.address import Address
from mecum.rooms.people.admin import Admin
from mecum.rooms.people.audit import Audit
from mecum.rooms.people.devices import Devices
from mecum.rooms.people.edge import Edge
from mecum.rooms.people.erasure import Erasure
from mecum.rooms.people.export import Export
from mecum.rooms.people.factor import SecondFactor
from mecum.rooms.people.hashing import Hashing
from mecum.rooms.people.keys import Keys
from mecum.rooms.people.links import Links
from mecum.rooms.people.passkeys import Passkeys
from mecum.rooms.people.profile import Profile
from mecum.rooms.people.refusals import Refusals
from mecum.rooms.people.resets import Resets
from mecum.rooms.people.service import rp_id_of
from mecum.rooms.people.sessions import Sessions
from mecum.rooms.people.settings import PeopleSettings
from mecum.rooms.people.sign_ups import SignUps
from mecum.rooms.people.signing import Signing
from mecum.rooms.people.store import persons
from mecum.rooms.people.store.persons import Account
from mecum.rooms.people.throttle import Throttling
from mecum.rooms.people.verification import Verification
from mecum.rooms.people.words import Letters, Notices


@dataclass(frozen=True, slots=True)
class Parts:
    kit: Kit
    settings: PeopleSettings
    audit: Audit
    address: Address
    edge: Edge
    hashing: Hashing
    links: Links
    throttling: Throttling
    sessions: Sessions
    keys: Keys
    accounts: Accounts
    arrivals: Arrivals
    sign_ups: SignUps
    verification: Verification
    devices: Devices
    factor: SecondFactor
    refusals: Refusals
    signing: Signing
    passkeys: Passkeys
    letters: Letters
    profile: Profile
    resets: Resets
    erasure: Erasure
    admin: Admin
    export: Export

    async def account(self, connection: AsyncConnection, person: UUID) -> Account:
        """Raises NotFound."""
        found = await persons.account(connection, person, rp_id_of(self.kit.public_url))
        return replace(found, pending_email=await self.verification.pending(connection, found.person))

    async def authenticate(self, credentials: Credentials) -> Principal:
        """Who asks: by bearer key where there is one, else by session cookie. Raises like the face."""
        if credentials.bearer is not None:
            return await self.keys.authenticate(credentials)
        return await self.sessions.authenticate(credentials)


def put_together(kit: Kit, settings: PeopleSettings, exporters: Sequence[Exporter]) -> Parts:
    audit = Audit(kit.db, kit.clock, kit.secrets)
    edge = Edge(kit, settings)
    hashing = Hashing(at_once=settings.password_hashes_at_once, waiting=settings.password_hashes_waiting)
    links = Links(kit, settings)
    throttling = Throttling(kit, settings)
    notices = Notices(kit.notify, kit.clock)
    sessions = Sessions(kit, settings, audit, edge, notices)
    accounts = Accounts(kit, settings, audit, hashing, links, kit.i18n.locales)
    factor = SecondFactor(kit, settings, audit, sessions, throttling, notices)
    devices = Devices(kit, edge)
    refusals = Refusals(kit, kit.jobs, audit)
    signing = Signing(kit, audit, sessions, devices, hashing, throttling, factor, refusals)
    keys = Keys(kit, settings, audit)
    letters = Letters(kit.mail, kit.i18n, settings.installation_name)
    verification = Verification(kit, settings, audit, links, keys, throttling, letters)
    erasure = Erasure(kit, kit.outbox, kit.notify, audit, sessions, keys, hashing, throttling)
    locales = kit.i18n.locales
    return Parts(
        kit=kit,
        settings=settings,
        audit=audit,
        address=Address(kit, audit),
        edge=edge,
        hashing=hashing,
        links=links,
        throttling=throttling,
        sessions=sessions,
        keys=keys,
        accounts=accounts,
        arrivals=Arrivals(kit, accounts, links, sessions, throttling, verification),
        sign_ups=SignUps(kit, settings, kit.jobs, accounts, links, throttling, letters, locales),
        verification=verification,
        devices=devices,
        factor=factor,
        refusals=refusals,
        signing=signing,
        passkeys=Passkeys(kit, settings, audit, sessions, signing, throttling, notices),
        letters=letters,
        profile=Profile(kit, audit, accounts, sessions, keys, hashing, throttling, verification, notices, locales),
        resets=Resets(
            kit, settings, kit.jobs, audit, accounts, links, signing, throttling, verification, letters, notices
        ),
        erasure=erasure,
        admin=Admin(kit, settings, kit.outbox, audit, accounts, links, keys, erasure, verification, letters),
        export=Export(kit, settings, audit, kit.notify, verification, exporters),
    )
