"""The second factor: an authenticator app (TOTP, RFC 6238) and one-time recovery codes."""

from __future__ import annotations

import secrets
from typing import Literal
from uuid import UUID

from pyotp import random_base32
from pyotp.exceptions import OTPVerificationError
from pyotp.totp import TOTP

from mecum.kit.db import AsyncConnection
from mecum.kit.ids import encode
from mecum.kit.types import Principal
from mecum.rooms.people import errors
from mecum.rooms.people.audit import Audit
from mecum.rooms.people.ground import Ground, mac
from mecum.rooms.people.sessions import Sessions
from mecum.rooms.people.settings import PeopleSettings
from mecum.rooms.people.store import credentials as store
from mecum.rooms.people.store import persons
from mecum.rooms.people.throttle import Throttling
from mecum.rooms.people.words import Notices

RECOVERY_CODES = 10
RECOVERY_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
RECOVERY_CHARS = 12
STEPS_BESIDE = 1
CODE_CHARS_MAX = 40


class SecondFactor:
    def __init__(
        self,
        ground: Ground,
        settings: PeopleSettings,
        audit: Audit,
        sessions: Sessions,
        throttling: Throttling,
        notices: Notices,
    ) -> None:
        self._ground = ground
        self._settings = settings
        self._audit = audit
        self._sessions = sessions
        self._throttling = throttling
        self._notices = notices
        self._key = ground.secrets.derive("people.recovery")

    async def needed(self, connection: AsyncConnection, person: UUID) -> bool:
        known = await store.totp_of(connection, person)
        return known is not None and known.confirmed_at is not None

    async def take(
        self, connection: AsyncConnection, person: UUID, code: str
    ) -> Literal["totp", "recovery_code"] | None:
        """Use up a code of the app (each once, none older than the last) or a recovery code. None when it is wrong."""
        entered = "".join(c for c in code[:CODE_CHARS_MAX].lower() if c.isalnum())
        if await self._take_totp(connection, person, entered, confirmed=True):
            return "totp"
        hashed = self._code_hash(person, entered)
        if await store.take_recovery_code(connection, person, hashed, self._ground.clock.now()):
            return "recovery_code"
        return None

    async def begin(self, principal: Principal) -> tuple[str, str]:
        """A new secret and its `otpauth:` address, not in force before `confirm`.

        Raises:
            Forbidden: the sign-in is too old. Conflict: there is an authenticator app already.
        """
        secret = random_base32()
        async with self._ground.db.transaction() as connection:
            await self._sessions.require_fresh(connection, principal)
            if await self.needed(connection, principal.person):
                raise errors.totp_there()
            sealed = await store.TOTP_SECRET.seal(connection, self._ground.secrets, principal.person, secret.encode())
            await store.begin_totp(connection, principal.person, sealed, self._ground.clock.now())
            person = await persons.known_person(connection, principal.person)
        uri = TOTP(secret).provisioning_uri(name=person.email, issuer_name=self._settings.installation_name)
        return secret, uri

    async def confirm(self, principal: Principal, code: str) -> tuple[str, ...]:
        """Put the app in force with one of its codes. Returns the recovery codes, which are shown this once.

        Raises:
            Unauthenticated: wrong code. Conflict: nothing to confirm. TooMany: too many tries.
        """
        await self._throttling.attempt(session=principal.actor.id.hex)
        async with self._ground.db.transaction() as connection:
            await self._sessions.require_fresh(connection, principal)
            known = await store.totp_of(connection, principal.person)
            if known is None:
                raise errors.totp_missing()
            if known.confirmed_at is not None:
                raise errors.totp_there()
            if not await self._take_totp(connection, principal.person, code.strip(), confirmed=False):
                raise errors.code_wrong()
            await self._throttling.succeeded(connection, session=principal.actor.id.hex)
            codes = await self._fresh_codes(connection, principal.person)
            await self._notices.sign_in_changed(connection, principal.person)
            await self._audit.record(connection, principal, "people.totp_added", encode("prs", principal.person))
        return codes

    async def remove(self, principal: Principal, code: str) -> None:
        """Take the app and its recovery codes away. Raises like `confirm`."""
        await self._throttling.attempt(session=principal.actor.id.hex)
        async with self._ground.db.transaction() as connection:
            await self._sessions.require_fresh(connection, principal)
            if not await self.needed(connection, principal.person):
                raise errors.totp_missing()
            if await self.take(connection, principal.person, code) is None:
                raise errors.code_wrong()
            await self._throttling.succeeded(connection, session=principal.actor.id.hex)
            await store.remove_totp(connection, principal.person)
            await self._notices.sign_in_changed(connection, principal.person)
            await self._audit.record(connection, principal, "people.totp_removed", encode("prs", principal.person))

    async def renew_codes(self, principal: Principal) -> tuple[str, ...]:
        """New recovery codes in place of the old ones.

        Raises Conflict without an app, Forbidden when the sign-in is too old.
        """
        async with self._ground.db.transaction() as connection:
            await self._sessions.require_fresh(connection, principal)
            if not await self.needed(connection, principal.person):
                raise errors.totp_missing()
            codes = await self._fresh_codes(connection, principal.person)
            await self._audit.record(
                connection, principal, "people.recovery_codes_renewed", encode("prs", principal.person)
            )
        return codes

    async def _take_totp(self, connection: AsyncConnection, person: UUID, code: str, *, confirmed: bool) -> bool:
        known = await store.totp_of(connection, person)
        if known is None or (known.confirmed_at is not None) != confirmed:
            return False
        app = TOTP(store.TOTP_SECRET.open(self._ground.secrets, person, known.secret).decode())
        now = self._ground.clock.now()
        try:
            timecode = app.verify_and_get_timecode(code, for_time=now, valid_window=STEPS_BESIDE)
        except OTPVerificationError:
            return False
        if timecode <= known.last_timecode:
            return False
        await store.totp_used(connection, person, timecode, now)
        return True

    async def _fresh_codes(self, connection: AsyncConnection, person: UUID) -> tuple[str, ...]:
        codes = tuple(_recovery_code() for _ in range(RECOVERY_CODES))
        hashes = [self._code_hash(person, code.replace("-", "")) for code in codes]
        await store.replace_recovery_codes(connection, person, hashes)
        return codes

    def _code_hash(self, person: UUID, code: str) -> bytes:
        """Keyed, because a code has 59 bits only: the database alone does not let anybody try them out."""
        return mac(self._key, person.bytes, code.encode())


def _recovery_code() -> str:
    text = "".join(secrets.choice(RECOVERY_ALPHABET) for _ in range(RECOVERY_CHARS))
    return "-".join(text[i : i + 4] for i in range(0, RECOVERY_CHARS, 4))
