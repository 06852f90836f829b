"""The accounts of providers: keys that are added, named, limited, paused and removed, and never shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from mecum.kit.clock import Clock
from mecum.kit.crypto import SecretBox
from mecum.kit.db import AsyncConnection, Database
from mecum.kit.errors import Conflict, MecumError, NotFound, StartError, TooLarge, Unprocessable
from mecum.kit.ids import new_id
from mecum.kit.types import Principal
from mecum.rooms.models import service
from mecum.rooms.models.catalogue import Catalogue
from mecum.rooms.models.ports import Audit
from mecum.rooms.models.settings import ModelsSettings
from mecum.rooms.models.store import accounts as store
from mecum.rooms.models.store.accounts import AccountRow

KEY_CHARS_MAX = 2000
TAIL_CHARS = 4
TAIL_OF_CHARS_MIN = 16
"""Of a shorter key nothing is shown: it would be too much of it."""


@dataclass(frozen=True, slots=True)
class KnownAccount:
    """An account with the end of its key, by which an operator tells keys apart; "" where none is shown."""

    row: AccountRow
    tail: str


@dataclass(frozen=True, slots=True)
class Limits:
    """What the operator states of an account; None: nothing, it is measured alone."""

    calls_max: int | None = None
    tokens_per_minute: int | None = None


@dataclass(frozen=True, slots=True)
class AccountChange:
    """None keeps a value."""

    name: str | None = None
    key: str | None = None
    paused: bool | None = None
    limits: Limits | None = None


class Accounts:
    def __init__(
        self,
        db: Database,
        secrets: SecretBox,
        clock: Clock,
        audit: Audit,
        catalogue: Catalogue,
        settings: ModelsSettings,
    ) -> None:
        self._db = db
        self._secrets = secrets
        self._clock = clock
        self._audit = audit
        self._catalogue = catalogue
        self._most = settings.provider_keys_max

    def known(self, row: AccountRow) -> KnownAccount:
        """`row` for an operator's eyes."""
        if row.key_sealed is None:
            return KnownAccount(row, "")
        try:
            key = store.KEY.open(self._secrets, row.id, row.key_sealed).decode()
        except StartError:
            return KnownAccount(row, "")  # Calls with it say that it is wrong.
        return KnownAccount(row, key[-TAIL_CHARS:] if len(key) >= TAIL_OF_CHARS_MIN else "")

    async def begin(self, connection: AsyncConnection, provider_id: UUID, key: str) -> None:
        """The first account of a new provider."""
        await store.add(connection, await self._new(connection, provider_id, provider_id, "", key, Limits()))

    async def follow(self, connection: AsyncConnection, provider_id: UUID, key: str | None, *, moved: bool) -> None:
        """What a change of their provider means for its accounts.

        Args:
            key: for the first account; "" takes all keys away, None keeps them. moved: to another origin.
        """
        if moved or key == "":
            await store.forget_keys(connection, provider_id)
        for number, row in enumerate(await store.of_provider(connection, provider_id)):
            values: dict[str, object] = {"state": "unknown", "fault": None}
            if key and number == 0:
                values["key_sealed"] = await store.KEY.seal(connection, self._secrets, row.id, key.encode())
            await store.change(connection, row.id, **values)

    async def add(
        self, principal: Principal | None, provider_id: UUID, key: str, name: str = "", limits: Limits | None = None
    ) -> UUID:
        """A further key of a provider; where it had none, its first.

        Raises:
            NotFound: no such provider. Unprocessable: not a key, or a name is not possible. Conflict: the name is
            taken. TooLarge: too many keys.
        """
        key, wanted = _needed_key(key), _name(name)
        async with self._db.transaction() as connection:
            there = await store.of_provider(connection, provider_id)
            if not there:
                raise _no_provider()
            if len(there) >= self._most:
                raise TooLarge(
                    "models.too_many_keys",
                    f"This provider has {self._most} keys already.",
                    "Remove one first.",
                    params={"limit": self._most},
                )
            bare = next((row for row in there if row.key_sealed is None), None)
            account_id = bare.id if bare is not None else new_id()
            if bare is not None:
                await store.remove(connection, bare.id)
            if not wanted and len(there) > (bare is not None):
                taken = {row.name for row in there}
                wanted = next(name for number in range(2, self._most + 3) if (name := f"key {number}") not in taken)
            row = await self._new(connection, provider_id, account_id, wanted, key, limits or Limits())
            if not await store.add(connection, row):
                raise _name_taken(wanted)
            await self._record(connection, principal, "models.key_added", provider_id, wanted)
        self._catalogue.forget()
        return account_id

    async def change(
        self, principal: Principal | None, provider_id: UUID, account_id: UUID, change: AccountChange
    ) -> None:
        """Name, limit, pause an account, or give it another key. Raises as `add`."""
        values: dict[str, object] = {}
        if change.name is not None:
            values["name"] = _name(change.name)
        if change.paused is not None:
            values["paused"] = change.paused
        if change.limits is not None:
            values |= {
                "calls_max": change.limits.calls_max,
                "tokens_per_minute": change.limits.tokens_per_minute,
            }
        key = _needed_key(change.key) if change.key is not None else None
        async with self._db.transaction() as connection:
            rows = await store.of_provider(connection, provider_id)
            row = _found(rows, account_id)
            if any(each.name == values.get("name", row.name) and each.id != row.id for each in rows):
                raise _name_taken(str(values["name"]))
            if key is not None:
                sealed = await store.KEY.seal(connection, self._secrets, account_id, key.encode())
                values |= {"key_sealed": sealed, "state": "unknown", "fault": None}
            if values:
                await store.change(connection, account_id, **values)
            action = "models.key_changed"
            if change.paused is not None and change.paused != row.paused:
                action = "models.key_paused" if change.paused else "models.key_resumed"
            await self._record(connection, principal, action, provider_id, str(values.get("name", row.name)))
        self._catalogue.forget()

    async def remove(self, principal: Principal | None, provider_id: UUID, account_id: UUID) -> None:
        """Forget a key. Without its last one the provider is asked without any. Raises NotFound."""
        async with self._db.transaction() as connection:
            rows = await store.of_provider(connection, provider_id)
            row = _found([each for each in rows if each.key_sealed is not None], account_id)
            if len(rows) == 1:
                await store.forget_keys(connection, provider_id)
            else:
                await store.remove(connection, account_id)
            await self._record(connection, principal, "models.key_removed", provider_id, row.name)
        self._catalogue.forget()

    async def note(self, connection: AsyncConnection, account_id: UUID, problem: MecumError | None) -> None:
        """Write down how a trial of an account went."""
        now = self._clock.now()
        values: dict[str, object] = {"state": "ok", "fault": None, "used_at": now}
        if problem is not None:
            values = {"state": "failing", "fault": problem.problem(), "used_at": now, "failed_at": now}
        await store.change(connection, account_id, **values)

    async def _new(
        self, connection: AsyncConnection, provider_id: UUID, account_id: UUID, name: str, key: str, limits: Limits
    ) -> AccountRow:
        sealed = await store.KEY.seal(connection, self._secrets, account_id, key.encode()) if key else None
        return AccountRow(
            id=account_id,
            provider_id=provider_id,
            name=name,
            key_sealed=sealed,
            paused=False,
            calls_max=limits.calls_max,
            tokens_per_minute=limits.tokens_per_minute,
            state="unknown",
            fault=None,
            used_at=None,
            failed_at=None,
            created_at=self._clock.now(),
        )

    async def _record(
        self, connection: AsyncConnection, principal: Principal | None, action: str, provider_id: UUID, name: str
    ) -> None:
        await self._audit.record(connection, principal, action, f"prv_{provider_id.hex}", {"key": name})


def checked_key(key: str) -> str:
    """Raises Unprocessable."""
    if len(key) > KEY_CHARS_MAX or not key.isascii() or not key.isprintable():
        raise Unprocessable("models.key_malformed", "That is not an API key.", "Copy it again, without line breaks.")
    return key.strip()


def _needed_key(key: str) -> str:
    found = checked_key(key)
    if not found:
        raise Unprocessable("models.key_malformed", "That is not an API key.", "Copy it again, without line breaks.")
    return found


def _name(name: str) -> str:
    return service.provider_name(name) if name.strip() else ""


def _found(rows: Sequence[AccountRow], account_id: UUID) -> AccountRow:
    for row in rows:
        if row.id == account_id:
            return row
    raise NotFound("models.key_unknown", "There is no such key.")


def _no_provider() -> NotFound:
    return NotFound("models.provider_unknown", "There is no such provider.")


def _name_taken(name: str) -> Conflict:
    return Conflict(
        "models.key_name_taken",
        f"This provider has a key called {name} already.",
        "Choose another name.",
        params={"name": name},
    )
