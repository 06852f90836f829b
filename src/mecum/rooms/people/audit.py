"""The audit log: a hash chain over envelopes.

Each envelope's hash is SHA-256 over the hash before it and the envelope as canonical JSON; the envelope holds the
salted hash of its
details, so that details can be erased and the chain still holds. The end of the chain carries a MAC under a key from
the key file, so
that cutting the log off at its end is found as well.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from uuid import UUID

from mecum.kit.clock import Clock
from mecum.kit.crypto import SecretBox
from mecum.kit.db import AsyncConnection, Database
from mecum.kit.types import Principal
from mecum.rooms.people import AuditCheck
from mecum.rooms.people.store import audit as store
from mecum.rooms.people.store import lock, persons
from mecum.rooms.people.store.audit import Entry, Envelope, Head

GENESIS = bytes(32)
SALT_BYTES = 16
ACTION_CHARS_MAX = 100
SUBJECT_CHARS_MAX = 100
DETAILS_BYTES_MAX = 8192
CHECK_PAGE = 1000

Details = Mapping[str, str | int | bool]


@dataclass(frozen=True, slots=True)
class Who:
    """Who acts when there is no principal yet: somebody who signs in, the house itself, or a command on the machine."""

    kind: str
    person: UUID | None = None
    id: UUID | None = None


class Audit:
    def __init__(self, database: Database, clock: Clock, secrets: SecretBox) -> None:
        self._database = database
        self._clock = clock
        self._seal_key = secrets.derive("people.audit")

    async def record(
        self,
        connection: AsyncConnection,
        who: Principal | Who | None,
        action: str,
        subject: str,
        details: Details | None = None,
    ) -> None:
        """Append in the caller's transaction; nobody else appends until it ends. So do it last, and end soon.

        Raises:
            ValueError: action, subject or details are longer than the log allows.
        """
        kept = dict(details or {})
        if (
            len(action) > ACTION_CHARS_MAX
            or len(subject) > SUBJECT_CHARS_MAX
            or len(canonical(kept)) > DETAILS_BYTES_MAX
        ):
            raise ValueError(f"The audit entry {action[:ACTION_CHARS_MAX]} is too long.")
        await lock(connection, "audit")
        before = await store.head(connection)
        salt = os.urandom(SALT_BYTES)
        envelope = await self._envelope(connection, who, action, subject, payload_hash(salt, kept), before)
        chained = chain(before.hash if before else GENESIS, envelope)
        await store.append(
            connection, envelope, salt, kept, Head(envelope.seq, chained, self._seal(envelope.seq, chained))
        )

    async def _envelope(
        self,
        connection: AsyncConnection,
        who: Principal | Who | None,
        action: str,
        subject: str,
        hashed: bytes,
        before: Head | None,
    ) -> Envelope:
        if isinstance(who, Principal):
            place = (who.organisation, who.space, who.person, who.actor.kind, who.actor.id)
        else:
            someone = who or Who("mecum")
            place = (await persons.home(connection), None, someone.person, someone.kind, someone.id)
        return Envelope((before.seq if before else 0) + 1, self._clock.now(), *place, action, subject, hashed)

    async def check(self) -> AuditCheck:
        """Walk the whole chain. The result names the first entry that does not fit."""
        async with self._database.transaction() as connection:
            end = await store.head(connection)
        if end is not None and not hmac.compare_digest(end.seal, self._seal(end.seq, end.hash)):
            return AuditCheck(False, 0, end.seq, "seal")
        last, checked = GENESIS, 0
        async for entry in self._entries(end.seq if end else 0):
            problem = fault(entry, last, checked + 1)
            if problem:
                return AuditCheck(False, checked, entry.envelope.seq, problem)
            last, checked = entry.hash, checked + 1
        if (checked, last) != ((end.seq, end.hash) if end else (0, GENESIS)):
            return AuditCheck(False, checked, checked + 1, "end_missing")
        return AuditCheck(True, checked, None, "")

    async def _entries(self, last: int) -> AsyncIterator[Entry]:
        """Entries up to the one with number `last`, and whatever stands there while none should."""
        after = 0
        while True:
            async with self._database.transaction() as connection:
                page = await store.entries_from(connection, after, CHECK_PAGE)
            for entry in page:
                if last and entry.envelope.seq > last:
                    return
                yield entry
            if len(page) < CHECK_PAGE:
                return
            after = page[-1].envelope.seq

    def _seal(self, seq: int, end: bytes) -> bytes:
        return hmac.new(self._seal_key, f"{seq}:".encode() + end, hashlib.sha256).digest()


def canonical(value: object) -> bytes:
    """JSON with sorted keys and no spaces.

    The same bytes for the same value (RFC 8785 for strings, integers and booleans).
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def payload_hash(salt: bytes, details: Details) -> bytes:
    return hashlib.sha256(salt + canonical(details)).digest()


def chain(before: bytes, envelope: Envelope) -> bytes:
    """The hash of `envelope` after `before`."""
    shown = {name: _plain(getattr(envelope, name)) for name in Envelope.__dataclass_fields__}
    return hashlib.sha256(before + canonical(shown)).digest()


def _plain(value: object) -> str | int | None:
    if value is None or isinstance(value, (int, str)):
        return value
    return value.hex() if isinstance(value, bytes) else str(value)


def fault(entry: Entry, before: bytes, seq: int) -> str:
    """What is wrong with `entry`, or ""."""
    if entry.envelope.seq != seq:
        return "entry_missing"
    if chain(before, entry.envelope) != entry.hash:
        return "envelope_changed"
    if entry.salt is not None and payload_hash(entry.salt, entry.details or {}) != entry.envelope.payload_hash:
        return "details_changed"
    return ""
