"""Everything of a person as one archive, written while it is read: nothing of it is ever whole in memory or on disk."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import hmac
import io
import json
import zipfile
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from mecum.kit.ids import encode
from mecum.kit.notify import Notify
from mecum.kit.types import PersonId, Principal
from mecum.rooms.people import Exporter, ExportPart, Space, errors
from mecum.rooms.people.audit import Audit
from mecum.rooms.people.ground import Ground, mac
from mecum.rooms.people.service import rp_id_of
from mecum.rooms.people.settings import PeopleSettings
from mecum.rooms.people.store import audit as audit_store
from mecum.rooms.people.store import credentials, keys, persons, sessions
from mecum.rooms.people.verification import Verification

CHUNK_BYTES = 64 * 1024
OFFERED_FOR = dt.timedelta(minutes=5)
"""How long the address of an archive works: a browser fetches it at once."""
UNTIL_DIGITS_MAX = 12
PAGE = 200
FORMAT = 1


@dataclass(frozen=True, slots=True)
class _Written:
    path: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Offer:
    """What an archive can be fetched with, and until when."""

    ticket: str
    expires_at: dt.datetime


class Export:
    """Args: exporters: the other rooms' parts."""

    def __init__(
        self,
        ground: Ground,
        settings: PeopleSettings,
        audit: Audit,
        notify: Notify,
        verification: Verification,
        exporters: Sequence[Exporter],
    ) -> None:
        self._ground = ground
        self._audit = audit
        self._exporters = exporters
        self._slots = asyncio.Semaphore(settings.exports_at_once)
        self._reading: set[PersonId] = set()
        self._key = ground.secrets.derive("people.export")
        self._own = OwnPart(ground, settings, notify, verification)

    def offer(self, principal: Principal) -> Offer:
        """A ticket for the archive of the principal's person: what a browser fetches by itself is asked for by GET.

        Raises:
            TooMany: the person reads an archive already.
        """
        self._require_free(principal.person)
        until = self._ground.clock.now() + OFFERED_FOR
        return Offer(self._ticket(principal.person, int(until.timestamp())), until)

    async def redeem(self, principal: Principal, ticket: str) -> AsyncGenerator[bytes, None]:
        """The archive that was offered.

        Raises:
            NotFound: it was offered to nobody, to somebody else, or too long ago. TooMany: as `offer`.
        """
        until, _, _ = ticket.partition(".")
        known = until.isascii() and until.isdigit() and len(until) <= UNTIL_DIGITS_MAX
        if not known or not hmac.compare_digest(self._ticket(principal.person, int(until)).encode(), ticket.encode()):
            raise errors.export_unknown()
        if int(until) < self._ground.clock.now().timestamp():
            raise errors.export_unknown()
        return await self.archive(principal)

    async def archive(self, principal: Principal) -> AsyncGenerator[bytes, None]:
        """The archive of the principal's person over all their spaces, as a zip file in chunks.

        Raises:
            TooMany: the person reads an archive already.
        """
        self._require_free(principal.person)
        async with self._ground.db.transaction() as connection:
            spaces = await persons.spaces_of(connection, principal.person)
            await self._audit.record(connection, principal, "people.exported", encode("prs", principal.person))
        return self._in_turn(principal.person, self._zip(principal, spaces))

    async def _in_turn(self, person: PersonId, chunks: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
        """Work on the next chunk takes a place; waiting for a reader, however slow, takes none."""
        self._reading.add(person)
        try:
            async with aclosing(chunks):
                while True:
                    async with self._slots:
                        chunk = await anext(chunks, None)
                    if chunk is None:
                        return
                    yield chunk
        finally:
            self._reading.discard(person)

    def _require_free(self, person: PersonId) -> None:
        if person in self._reading:
            raise errors.export_busy()

    def _ticket(self, person: PersonId, until: int) -> str:
        return f"{until}.{mac(self._key, person.bytes, str(until).encode()).hex()}"

    async def _zip(self, principal: Principal, spaces: tuple[Space, ...]) -> AsyncGenerator[bytes, None]:
        sink = _Sink()
        written: list[_Written] = []
        with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, allowZip64=True) as archive:
            async with aclosing(self._parts(principal, spaces)) as parts:
                async for part in parts:
                    async with aclosing(self._add(archive, sink, part, written)) as chunks:
                        async for chunk in chunks:
                            yield chunk
            manifest = self._manifest(principal, written)
            archive.writestr(self._entry("manifest.json"), manifest)
        yield sink.taken()

    async def _add(
        self, archive: zipfile.ZipFile, sink: _Sink, part: ExportPart, written: list[_Written]
    ) -> AsyncGenerator[bytes, None]:
        size, digest = 0, hashlib.sha256()
        with archive.open(self._entry(part.path), "w", force_zip64=True) as file:
            async for content in part.content:
                for start in range(0, len(content), CHUNK_BYTES):
                    piece = content[start : start + CHUNK_BYTES]
                    file.write(piece)
                    digest.update(piece)
                    size += len(piece)
                    if sink.size >= CHUNK_BYTES:
                        yield sink.taken()
                    await asyncio.sleep(0)  # Compressing must not hold up the streams of others.
        written.append(_Written(part.path, size, digest.hexdigest()))

    def _entry(self, path: str) -> zipfile.ZipInfo:
        entry = zipfile.ZipInfo(path, self._ground.clock.now().timetuple()[:6])
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.external_attr = 0o600 << 16
        return entry

    async def _parts(self, principal: Principal, spaces: tuple[Space, ...]) -> AsyncGenerator[ExportPart, None]:
        async for part in self._own.export(principal):
            yield replace(part, path=f"people/{part.path}")
        for space in spaces:
            there = replace(principal, space=space.id, organisation=space.organisation)
            folder = "personal" if space.kind == "personal" else encode("org", space.organisation)
            for exporter in self._exporters:
                async for part in exporter.export(there):
                    inside = clean_path(part.path).removeprefix(f"{exporter.name}/")
                    yield replace(part, path=f"{exporter.name}/{folder}/{inside}")

    def _manifest(self, principal: Principal, written: list[_Written]) -> str:
        files = [{"path": each.path, "size_bytes": each.size_bytes, "sha256": each.sha256} for each in written]
        about = {"format": FORMAT, "person": encode("prs", principal.person), "made_at": str(self._ground.clock.now())}
        return json.dumps({**about, "files": files}, ensure_ascii=False, indent=2)


class OwnPart:
    """The room's own part: account, spaces, ways to sign in (never their secrets), the bell, and what the log says."""

    name = "people"

    def __init__(self, ground: Ground, settings: PeopleSettings, notify: Notify, verification: Verification) -> None:
        self._ground = ground
        self._settings = settings
        self._notify = notify
        self._verification = verification

    async def export(self, principal: Principal) -> AsyncGenerator[ExportPart, None]:
        yield ExportPart("account.json", _once(await self._account(principal.person)))
        yield ExportPart("notifications.json", _once(_json(await self._notify.export(principal.person))))
        yield ExportPart("audit.jsonl", self._audit_lines(principal.person))

    async def _account(self, person: PersonId) -> bytes:
        now, idle = self._ground.clock.now(), dt.timedelta(days=self._settings.session_idle_days)
        async with self._ground.db.transaction() as connection:
            account = await persons.account(connection, person, rp_id_of(self._ground.public_url))
            pending = await self._verification.pending(connection, account.person)
            spaces = await persons.spaces_of(connection, person)
            passkeys = await credentials.list_passkeys(connection, person, self._settings.passkeys_per_person)
            own_keys = await keys.list_keys(connection, person, limit=self._settings.keys_per_person)
            live = await sessions.live_sessions(connection, person, now, idle, limit=self._settings.sessions_per_person)
        about = account.person
        return _json(
            {
                "person": {
                    name: getattr(about, name) for name in ("id", "email", "name", "role", "locale", "timezone")
                },
                "email_verified": about.email_verified,
                "pending_email": pending,
                "created_at": about.created_at,
                "has_password": account.has_password,
                "authenticator_app": account.totp,
                "spaces": [{"id": each.id, "kind": each.kind, "name": each.organisation_name} for each in spaces],
                "passkeys": [
                    {"name": each.name, "host": each.rp_id, "created_at": each.created_at} for each in passkeys
                ],
                "keys": [
                    {"name": each.name, "scopes": sorted(each.scopes), "created_at": each.created_at}
                    for each in own_keys
                ],
                "sessions": [
                    {"address": each.address, "user_agent": each.user_agent, "created_at": each.created_at}
                    for each in live
                ],
            }
        )

    async def _audit_lines(self, person: PersonId) -> AsyncGenerator[bytes, None]:
        after = 0
        while True:
            async with self._ground.db.transaction() as connection:
                page = await audit_store.entries_about(connection, person, after, PAGE)
            for entry in page:
                what = entry.envelope
                line = {"at": what.at, "action": what.action, "subject": what.subject, "details": entry.details}
                yield _json(line, indent=None) + b"\n"
            if len(page) < PAGE:
                return
            after = page[-1].envelope.seq


class _Sink(io.RawIOBase):
    """Where the zip file is written to: it only grows, and what was written is taken away."""

    def __init__(self) -> None:
        super().__init__()
        self._buffer = bytearray()

    @property
    def size(self) -> int:
        return len(self._buffer)

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        self._buffer += data
        return len(data)

    def taken(self) -> bytes:
        chunk = bytes(self._buffer)
        self._buffer.clear()
        return chunk


def clean_path(path: str) -> str:
    """A path that stays inside its folder wherever the archive is unpacked."""
    parts = [part for part in PurePosixPath(path.replace("\\", "/")).parts if part not in ("/", "..", ".")]
    return "/".join(parts) or "unnamed"


def _json(value: object, indent: int | None = 2) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=indent, default=str).encode()


async def _once(content: bytes) -> AsyncGenerator[bytes, None]:
    yield content
