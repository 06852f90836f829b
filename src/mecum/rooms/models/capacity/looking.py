"""The pools as they are now, with the names of who waits. Names and load: never what anybody writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from mecum.kit.clock import Clock
from mecum.rooms.models.catalogue import LOCAL_PROVIDER, Catalogue
from mecum.rooms.models.gate.door import Gate
from mecum.rooms.models.gate.panorama import Panorama, Sight
from mecum.rooms.models.ports import Names


@dataclass(frozen=True, slots=True)
class Look:
    """Args: names: of people and keys, by id."""

    at: float
    sight: Sight
    names: Mapping[UUID, str]

    def who(self, tenant: str, key: UUID | None) -> tuple[str | None, str | None]:
        """The names of the person and of the key; None where there is none, or none any more."""
        return self.names.get(person_of(tenant)), None if key is None else self.names.get(key)


class Looking:
    def __init__(self, gate: Gate, catalogue: Catalogue, names: Names, clock: Clock) -> None:
        self._gate = gate
        self._panorama = Panorama(gate)
        self._catalogue = catalogue
        self._names = names
        self._clock = clock

    async def look(self) -> Look:
        """All pools at this moment."""
        sight = await self._panorama.now(await self._pools())
        snapshot = sight.snapshot
        seen = [(wait.tenant, wait.key) for wait in snapshot.waits]
        seen += [(pool.largest.tenant, pool.largest.key) for pool in snapshot.pools if pool.largest is not None]
        names: Mapping[UUID, str] = {}
        if seen:
            people = {person_of(tenant) for tenant, _ in seen}
            names = await self._names.names(people, {key for _, key in seen if key is not None})
        return Look(self._clock.now().timestamp(), sight, names)

    async def _pools(self) -> set[str]:
        """What there is: each account of a provider, asked or not yet, and the built-in model."""
        remotes = (await self._catalogue.snapshot()).remotes.values()
        names = {each.endpoint.pool for at_accounts in remotes for each in at_accounts if not each.account.paused}
        found = {self._gate.pools.pool(name).name for name in names}
        return found | ({LOCAL_PROVIDER} if self._catalogue.local_on else set())


def person_of(tenant: str) -> UUID:
    """Whose calls a tenant's are: the gate knows them as organisation and person."""
    return UUID(tenant.rpartition("/")[2])
