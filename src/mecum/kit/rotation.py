"""Rotating the keys of the installation: a new one, everything sealed anew under it, old ones taken away.

    begin     the key file gets a new key; the database names it, and whoever seals follows at once
    reseal    place by place, in small transactions
    finish    when no secret names an old key any more, it is removed from the key file

Every step may be cut off: the key file always holds what the secrets name, and the next rotation goes on with the
newest key instead of adding another one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mecum.kit.crypto import SecretBox
from mecum.kit.db import Database
from mecum.kit.errors import StartError
from mecum.kit.installation import value_of
from mecum.kit.key_file import add_key, read_keys, remove_keys
from mecum.kit.sealed import SEALING_KEY, Resealed, SealedPlace, name_sealing_key


@dataclass(frozen=True, slots=True)
class Census:
    """What is sealed under which key.

    Args:
        keys: ids of the keys in the file, the newest first. sealing: the one that new secrets are sealed under.
        places: name of the place to key id to how many secrets.
    """

    keys: tuple[str, ...]
    sealing: str
    places: Mapping[str, Mapping[str, int]]

    @property
    def total(self) -> Mapping[str, int]:
        """Key id to how many secrets, those of the file first, 0 among them."""
        counts = dict.fromkeys(self.keys, 0)
        for place in self.places.values():
            for key_id, count in place.items():
                counts[key_id] = counts.get(key_id, 0) + count
        return counts

    @property
    def lost(self) -> Mapping[str, int]:
        """Secrets that nobody can open: their key is not in the file."""
        return {key_id: count for key_id, count in self.total.items() if key_id not in self.keys}

    @property
    def old(self) -> Mapping[str, int]:
        """Secrets under keys of the file other than its newest, by key id; 0 for a key that may go."""
        return {key_id: self.total[key_id] for key_id in self.keys[1:]}

    @property
    def unfinished(self) -> bool:
        """Whether a rotation was begun and not ended: then it goes on with the newest key."""
        return self.sealing != self.keys[0] or any(self.old.values())


class Rotation:
    """Args: file: the key file; places: all of the house where sealed secrets stand."""

    def __init__(self, database: Database, box: SecretBox, file: Path, places: Sequence[SealedPlace]) -> None:
        self._database = database
        self._box = box
        self._file = file
        self._places = places

    async def census(self) -> Census:
        """Count. Reads every secret's key id, and the head of every file."""
        keys = tuple(read_keys(self._file).sealing)
        async with self._database.transaction() as connection:
            named = await value_of(connection, SEALING_KEY)
        places = {place.name: await place.census(self._database, self._box) for place in self._places}
        return Census(keys, named or keys[0], places)

    async def begin(self, before: Census, *, leave_lost: bool = False) -> str:
        """The key to seal under: a new one, or that of a rotation that was cut off.

        Args:
            leave_lost: go on although some secrets can't be opened.

        Raises:
            StartError: a key that is in use is not in the file.
        """
        lost = sum(before.lost.values())
        if not leave_lost and (lost or before.sealing not in before.keys):
            raise StartError(
                "crypto.keys_lost",
                f"The key file lacks keys that are in use; {lost} stored secrets are sealed under them.",
                "Put the key file back that belongs to this database. If it is lost for good, say --leave-lost.",
                params={"count": lost},
            )
        key_id = before.keys[0] if before.unfinished else add_key(self._file)
        if not self._box.knows(key_id):
            raise AssertionError("a key that was just written can be read")
        async with self._database.transaction() as connection:
            await name_sealing_key(connection, key_id)
        return key_id

    async def reseal(self, key_id: str) -> AsyncIterator[tuple[str, Resealed]]:
        """Seal everything anew under `key_id`: name of the place and what a step did."""
        for place in self._places:
            async for step in place.reseal(self._database, self._box, key_id):
                yield place.name, step

    def retire(self, after: Census, *, given_up: int = 0) -> tuple[str, ...]:
        """Remove the keys of the file that no secret names any more. Returns their ids.

        Args:
            after: counted when everything was sealed anew.
            given_up: how many secrets no key opens, if their keys may go as well.
        """
        all_may_go = sum(after.old.values()) <= given_up
        gone = tuple(key_id for key_id, count in after.old.items() if all_may_go or count == 0)
        if gone:
            remove_keys(self._file, gone)
        return gone
