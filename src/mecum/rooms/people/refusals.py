"""Sign-ins that were refused: written down by a job, so that the time of the answer does not tell whether the address
has an account."""

from __future__ import annotations

from uuid import UUID

from mecum.kit.http import Credentials
from mecum.kit.ids import encode, new_id
from mecum.kit.jobs import Jobs
from mecum.rooms.people import Person
from mecum.rooms.people.audit import Audit, Who
from mecum.rooms.people.ground import Ground
from mecum.rooms.people.store import links as store

WRITE = "people.write_refusal"


class Refusals:
    def __init__(self, ground: Ground, jobs: Jobs, audit: Audit) -> None:
        self._ground = ground
        self._jobs = jobs
        self._audit = audit

    async def note(self, person: Person | None, credentials: Credentials) -> None:
        """Somebody was refused who said to be `person`, or somebody without an account."""
        refusal, of = new_id(), None if person is None else person.id
        async with self._ground.db.transaction() as connection:
            await store.add_refusal(connection, refusal, of, credentials.address[:64], self._ground.clock.now())
            await self._jobs.defer(connection, WRITE, refusal=refusal.hex)

    async def write(self, refusal: str) -> None:
        """The job: what the person should be able to see goes into the log; what concerns no account goes away."""
        async with self._ground.db.transaction() as connection:
            found = await store.take_refusal(connection, UUID(hex=refusal))
            if found is None or found.person_id is None:
                return
            details = {"address": found.address}
            subject = encode("prs", found.person_id)
            await self._audit.record(connection, Who("nobody"), "people.sign_in_refused", subject, details)
