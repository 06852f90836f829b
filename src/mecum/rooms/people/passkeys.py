"""Passkeys (WebAuthn Level 3).

They are registered as discoverable credentials with user verification, so that one alone is enough to sign in.
"""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit
from uuid import UUID

from mecum.kit.http import Credentials
from mecum.kit.ids import encode, new_id
from mecum.kit.lazy import LazyModule
from mecum.kit.types import Principal
from mecum.rooms.people import errors
from mecum.rooms.people.audit import Audit
from mecum.rooms.people.ground import Ground
from mecum.rooms.people.service import clean_name, rp_id_of
from mecum.rooms.people.sessions import Issued, Sessions
from mecum.rooms.people.settings import PeopleSettings
from mecum.rooms.people.signing import Signing
from mecum.rooms.people.store import credentials as store
from mecum.rooms.people.store import lock, persons
from mecum.rooms.people.store.credentials import Passkey
from mecum.rooms.people.throttle import Throttling
from mecum.rooms.people.words import Notices

if TYPE_CHECKING:
    from mecum.rooms.people import ceremony
else:
    ceremony = LazyModule("mecum.rooms.people.ceremony")

CHALLENGE_BYTES = 32
CHALLENGE_LASTS = dt.timedelta(minutes=5)
TIMEOUT_MS = 300_000

Json = Mapping[str, Any]


class Passkeys:
    """The relying party.

    Its id is the host name of the public URL, its origins are those the edge accepts on that host.
    """

    def __init__(
        self,
        ground: Ground,
        settings: PeopleSettings,
        audit: Audit,
        sessions: Sessions,
        signing: Signing,
        throttling: Throttling,
        notices: Notices,
    ) -> None:
        self._ground = ground
        self._settings = settings
        self._audit = audit
        self._sessions = sessions
        self._signing = signing
        self._throttling = throttling
        self._notices = notices
        self._rp_id = rp_id_of(ground.public_url)
        self._origins = [browser_origin(ground.public_url)]
        self._origins += [
            browser_origin(each) for each in settings.extra_origins if urlsplit(each).hostname == self._rp_id
        ]

    async def registration(self, principal: Principal) -> tuple[UUID, Json]:
        """A challenge id and creation options for a new passkey.

        Raises:
            Forbidden: the sign-in is too old. Conflict: too many passkeys, or the address has no name.
        """
        self._require_name()
        async with self._ground.db.transaction() as connection:
            await self._sessions.require_fresh(connection, principal)
            person = await persons.known_person(connection, principal.person)
            known = await store.list_passkeys(connection, person.id, self._settings.passkeys_per_person)
            if len(known) >= self._settings.passkeys_per_person:
                raise errors.too_many_passkeys(self._settings.passkeys_per_person)
            challenge, challenge_id = secrets.token_bytes(CHALLENGE_BYTES), new_id()
            until = self._ground.clock.now() + CHALLENGE_LASTS
            await store.add_challenge(connection, challenge_id, "register", challenge, until, person.id)
        options = ceremony.generate_registration_options(
            rp_id=self._rp_id,
            rp_name=self._settings.installation_name,
            user_id=person.id.bytes,
            user_name=person.email,
            user_display_name=person.name,
            challenge=challenge,
            timeout=TIMEOUT_MS,
            authenticator_selection=ceremony.AuthenticatorSelectionCriteria(
                resident_key=ceremony.ResidentKeyRequirement.REQUIRED,
                user_verification=ceremony.UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=[ceremony.PublicKeyCredentialDescriptor(id=each.credential_id) for each in known],
        )
        return challenge_id, ceremony.options_to_json_dict(options)

    async def register(self, principal: Principal, challenge_id: UUID, name: str, credential: Json) -> Passkey:
        """Keep a passkey that the browser made.

        Raises:
            Gone: the challenge has expired or was used. BadRequest: the answer does not verify. Conflict: known or too
            many.
        """
        self._require_name()
        async with self._ground.db.transaction() as connection:
            now = self._ground.clock.now()
            await self._sessions.require_fresh(connection, principal)
            challenge = await store.take_challenge(connection, challenge_id, "register", now, principal.person)
        if challenge is None:
            raise errors.challenge_gone()
        passkey = self._verified(principal, challenge, name, credential)
        async with self._ground.db.transaction() as connection:
            await lock(connection, f"passkeys.{principal.person}")
            if await store.count_passkeys(connection, principal.person) >= self._settings.passkeys_per_person:
                raise errors.too_many_passkeys(self._settings.passkeys_per_person)
            if not await store.add_passkey(connection, passkey):
                raise errors.passkey_not_registered("known")
            await self._notices.sign_in_changed(connection, principal.person)
            details = {"name": passkey.name}
            await self._audit.record(connection, principal, "people.passkey_added", encode("pky", passkey.id), details)
        return passkey

    def _verified(self, principal: Principal, challenge: bytes, name: str, credential: Json) -> Passkey:
        try:
            verified = ceremony.verify_registration_response(
                credential=dict(credential),
                expected_challenge=challenge,
                expected_rp_id=self._rp_id,
                expected_origin=self._origins,
                require_user_verification=True,
            )
        except ceremony.MALFORMED as error:
            raise errors.passkey_not_registered(type(error).__name__) from error
        return Passkey(
            id=new_id(),
            person_id=principal.person,
            credential_id=verified.credential_id,
            public_key=verified.credential_public_key,
            sign_count=verified.sign_count,
            name=clean_name(name)[:100],
            transports=transports_of(credential),
            backed_up=verified.credential_backed_up,
            rp_id=self._rp_id,
            created_at=self._ground.clock.now(),
        )

    async def challenge(self, credentials: Credentials) -> tuple[UUID, Json]:
        """A challenge id and request options for somebody who signs in.

        Raises:
            Conflict: the address has no name. TooMany: too many tries from this network address.
        """
        self._require_name()
        await self._throttling.attempt(challenge_address=credentials.address)
        challenge, challenge_id = secrets.token_bytes(CHALLENGE_BYTES), new_id()
        async with self._ground.db.transaction() as connection:
            until = self._ground.clock.now() + CHALLENGE_LASTS
            await store.add_challenge(connection, challenge_id, "sign_in", challenge, until)
        options = ceremony.generate_authentication_options(
            rp_id=self._rp_id,
            challenge=challenge,
            timeout=TIMEOUT_MS,
            user_verification=ceremony.UserVerificationRequirement.REQUIRED,
        )
        return challenge_id, ceremony.options_to_json_dict(options)

    async def sign_in(self, challenge_id: UUID, credential: Json, credentials: Credentials) -> Issued:
        """A session for the person whose passkey answered. It verified the person itself, so no second factor is asked.

        Raises:
            Gone: the challenge has expired or was used. Unauthenticated: unknown passkey, or its answer does not
            verify.
            Forbidden: the account is disabled. TooMany: too many tries from this network address.
        """
        await self._throttling.attempt(passkey_address=credentials.address)
        async with self._ground.db.transaction() as connection:
            now = self._ground.clock.now()
            challenge = await store.take_challenge(connection, challenge_id, "sign_in", now)
        if challenge is None:
            raise errors.challenge_gone()
        credential_id = _credential_id(credential)
        async with self._ground.db.transaction() as connection:
            passkey = await store.passkey_by_credential(connection, credential_id)
            if passkey is None:
                raise errors.passkey_wrong()
            count, backed_up = self._answered(passkey, challenge, credential)
            person = await persons.known_person(connection, passkey.person_id)
            if person.state != "active":
                raise errors.disabled()
            now = self._ground.clock.now()
            await store.passkey_used(connection, passkey.id, count, backed_up, self._rp_id, now)
            here = credentials.address
            await self._throttling.succeeded(connection, challenge_address=here, passkey_address=here)
            return await self._signing.complete(connection, person, credentials, "passkey")

    def _answered(self, passkey: Passkey, challenge: bytes, credential: Json) -> tuple[int, bool]:
        """The new sign count, which must have grown unless the authenticator has none, and whether the passkey is
        backed up.
        """
        try:
            verified = ceremony.verify_authentication_response(
                credential=dict(credential),
                expected_challenge=challenge,
                expected_rp_id=self._rp_id,
                expected_origin=self._origins,
                credential_public_key=passkey.public_key,
                credential_current_sign_count=passkey.sign_count,
                require_user_verification=True,
            )
        except ceremony.MALFORMED as error:
            raise errors.passkey_wrong() from error
        handle = _user_handle(credential)
        if handle is not None and handle != passkey.person_id.bytes:
            raise errors.passkey_wrong()
        return verified.new_sign_count, verified.credential_backed_up

    async def list(self, principal: Principal) -> tuple[Passkey, ...]:
        async with self._ground.db.transaction() as connection:
            return await store.list_passkeys(connection, principal.person, self._settings.passkeys_per_person)

    async def rename(self, principal: Principal, passkey_id: UUID, name: str) -> Passkey:
        """Raises NotFound."""
        async with self._ground.db.transaction() as connection:
            renamed = await store.rename_passkey(connection, principal.person, passkey_id, clean_name(name)[:100])
        if renamed is None:
            raise errors.no_passkey()
        return renamed

    async def remove(self, principal: Principal, passkey_id: UUID) -> None:
        """Raises NotFound; Conflict when nothing to sign in with would be left; Forbidden when the sign-in is old."""
        async with self._ground.db.transaction() as connection:
            await self._sessions.require_fresh(connection, principal)
            await lock(connection, f"credentials.{principal.person}")
            if not await store.remove_passkey(connection, principal.person, passkey_id):
                raise errors.no_passkey()
            if not (await persons.account(connection, principal.person, self._rp_id)).credentials:
                raise errors.last_credential()
            await self._notices.sign_in_changed(connection, principal.person)
            await self._audit.record(connection, principal, "people.passkey_removed", encode("pky", passkey_id))

    def _require_name(self) -> None:
        if not self._rp_id or self._rp_id.replace(".", "").isdigit() or ":" in self._rp_id:
            raise errors.passkeys_need_name()


def browser_origin(url: str) -> str:
    """The origin as a browser writes it into what an authenticator signs: without the scheme's own port."""
    parts = urlsplit(url)
    usual = {"https": 443, "http": 80}.get(parts.scheme)
    port = f":{parts.port}" if parts.port not in (None, usual) else ""
    return f"{parts.scheme}://{parts.hostname}{port}"


def transports_of(credential: Json) -> tuple[str, ...]:
    """How the browser says the authenticator is reached; unknown ways are left out."""
    said: object = _part(credential, "response").get("transports")
    named = cast("list[object]", said) if isinstance(said, list) else []
    return tuple(each for each in named if isinstance(each, str) and each in ceremony.TRANSPORTS)


def _part(credential: Json, name: str) -> Json:
    part: object = credential.get(name)
    return cast("Json", part) if isinstance(part, dict) else {}


def _credential_id(credential: Json) -> bytes:
    """Raises Unauthenticated when it is malformed."""
    return _decoded(credential.get("id")) or b""


def _user_handle(credential: Json) -> bytes | None:
    return _decoded(_part(credential, "response").get("userHandle"))


def _decoded(text: object) -> bytes | None:
    if not isinstance(text, str) or not text:
        return None
    try:
        return ceremony.base64url_to_bytes(text)
    except ValueError:
        raise errors.passkey_wrong() from None
