"""Pools that several replicas share: one of them, the writer, decides for all; the others are its guests. Pure.

Every replica has its own calls in pools of its own. The pools of a guest follow: nobody is let in there until the
writer says so. The writer has the calls of its guests beside its own, and the same rules for all. A guest that becomes
the writer, or is by itself, therefore knows at once what runs and waits here: it only stops following.

A guest that missed a word says anew all that it has (`Here`), and the writer forgets what it knew of it. That is how a
reign begins, too. A new writer lets nobody in before all have done so, or a moment has passed.

By itself, without the others in reach, a replica lets in for its share of the limit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

from mecum.rooms.models.gate.hosting import WORDS_MAX, HostPools, Peer
from mecum.rooms.models.gate.pool import Pool
from mecum.rooms.models.gate.pools import Told
from mecum.rooms.models.gate.standing import Asked, Standing
from mecum.rooms.models.gate.watching import Watch
from mecum.rooms.models.gate.words import (
    REQUEST,
    About,
    Again,
    Batch,
    Enters,
    Figures,
    First,
    Gone,
    Here,
    LetIn,
    Look,
    Over,
    Refused,
    Wanted,
    Word,
    carried,
)

OPENS_AFTER_S, OPENS_AFTER_AWAY_S = 0.4, 1.5
"""A new writer waits so long for its guests to say what they have; for longer when Valkey was away, because they find
out one after the other that it is back."""
SILENCE_S = 2.0
"""A guest that hears nothing for so long says anew what it has."""

Role: TypeAlias = Literal["alone", "guest", "writer"]


class SharedPools(HostPools):
    """
    Args:
        me: this replica.
        posted: there is something to send, see `drain`.
        doubts: there may be another writer than this replica thinks.
    """

    def __init__(
        self,
        new_pool: Callable[[str], Pool],
        told: Told,
        watch: Watch,
        *,
        me: str,
        posted: Callable[[], None],
        doubts: Callable[[], None],
        patience_s: float,
        starving_s: float,
    ) -> None:
        super().__init__(self._made, told, watch, posted=posted, patience_s=patience_s, starving_s=starving_s)
        self._make = new_pool
        self._me = me
        self._doubts = doubts
        self.role: Role = "alone"
        self.reign = ""
        self.members: Sequence[str] = (me,)
        self._own: dict[int, Standing] = {}
        self._last_number = 0
        self._is_shut = False
        self._share = 1.0
        self._writer: Peer | None = None
        self._round = 0
        self._is_behind = False
        self._heard_at = 0.0
        self._requests: list[tuple[str, Batch]] = []
        self._awaited: set[str] = set()
        self._opens_at = 0.0
        self._lease_until = 0.0

    # What is new of each call. Where another replica decides, it is told.

    def enter(self, asked: Asked, now: float) -> Standing:
        standing = super().enter(asked, now)
        if standing.state != "gone" and self.pool(standing.pool).slots is None:
            self._last_number += 1
            standing.number = self._last_number
            self._own[standing.number] = standing
            if self._writer is not None:
                standing.is_unheard = True
                self._say(Enters(carried(standing, now)))
        return standing

    def about_s(self, standing: Standing, now: float) -> float | None:
        if self._writer is not None and standing.number and standing.about_s is not None:
            return standing.about_s
        return super().about_s(standing, now)

    def first(self, standing: Standing, now: float) -> None:
        if standing.number and standing.first_at is None and standing.state == "running":
            self._say(First(standing.number, now - standing.sent_at))
        super().first(standing, now)

    def over(self, standing: Standing, input_tokens: int, output_tokens: int, now: float) -> None:
        if self._own.pop(standing.number, None) is not None:
            wrote_s = None if standing.first_at is None else now - standing.first_at
            self._say(Over(standing.number, input_tokens, output_tokens, wrote_s))
        super().over(standing, input_tokens, output_tokens, now)

    def again(self, standing: Standing, now: float, tiers: tuple[tuple[str, ...], ...] = ()) -> None:
        was_in = standing.state == "running"
        super().again(standing, now, tiers)
        if standing.state == "gone":
            self._leaves(standing)
        elif was_in and standing.number:
            self._say(Again(standing.number, tiers))

    def refused(self, name: str, retry_after_s: float | None, now: float) -> float:
        if self.pool(name).slots is None:
            self._say(Refused(name, retry_after_s))
        return super().refused(name, retry_after_s, now)

    def look(self, name: str, now: float) -> None:
        if self.pool(name).slots is None:
            self._say(Look(name))
        super().look(name, now)

    def tick(self, now: float) -> None:
        super().tick(now)
        self._open(now)

    # Who decides.

    def leads(self, reign: str, members: Sequence[str], lease_until: float, now: float) -> None:
        """This replica is the writer until then."""
        self._lease_until = lease_until
        known, self.members = self.members, members
        if (self.role, self.reign) != ("writer", reign):
            was_alone = self.role == "alone"
            self._becomes("writer", reign, now)
            self._awaited = {*members, *known} if was_alone else {*members}
            self._opens_at = now + (OPENS_AFTER_AWAY_S if was_alone else OPENS_AFTER_S)
            for name in members:
                if name != self._me:
                    self._request(name, 0)
        for name in self._guests.keys() - set(members):
            self._forget(self._guests.pop(name), now)
        self._open(now)
        self._greet(now)

    def follows(self, writer: str, reign: str, members: Sequence[str], now: float) -> None:
        """Another one is."""
        self.members = members
        is_new = (self.role, self.reign) != ("guest", reign)
        if is_new:
            self._becomes("guest", reign, now)
        if is_new or now - self._heard_at > SILENCE_S:
            self._say_all(writer, now)
        self._greet(now)

    def by_itself(self, now: float) -> None:
        """Nobody knows who is."""
        if self.role != "alone":
            self.members = list({*self.members, *self._guests})
            self._becomes("alone", "", now)
            self._divide(1 / len(self.members), now)
            self._shut(False, now)

    def drain(self, now: float) -> list[tuple[str, Batch]]:
        """What is to be sent, and to whom."""
        if self._is_behind and self._writer is not None:
            self._say_all(self._writer.name, now)
        batches, self._requests = self._requests, []
        for peer in self._peers():
            if peer.words or peer.is_due:
                batches.append((peer.name, Batch(self._me, self.reign, peer.round, peer.said, tuple(peer.words))))
                peer.said += 1
                peer.is_due = False
                peer.words.clear()
        return batches

    def heard(self, batch: Batch, now: float) -> None:
        """Another replica has said so."""
        if batch.reign != self.reign or self.role == "alone":
            self._doubts()
        elif self.role == "writer":
            self._heard_guest(batch, now)
        elif self._writer is not None and batch.sender == self._writer.name:
            self._heard_writer(self._writer, batch, now)

    def _peers(self) -> list[Peer]:
        return list(self._guests.values()) if self._writer is None else [self._writer]

    def _greet(self, now: float) -> None:
        """Say something to the other end, so that it sees what it has missed."""
        figures = [_figures(pool, now) for pool in self._measured()]
        for guest in self._guests.values():
            for word in figures:
                guest.say(word)
        for peer in self._peers():
            peer.is_due = True
        self._posted()

    def _becomes(self, role: Role, reign: str, now: float) -> None:
        self._shut(True, now)
        self.role, self.reign, self._writer = role, reign, None
        for guest in self._guests.values():
            self._forget(guest, now)
        self._guests.clear()
        self._requests.clear()
        self._divide(1.0, now)

    def _shut(self, is_shut: bool, now: float) -> None:
        """Let nobody in any more, or again."""
        self._is_shut = is_shut
        for pool in self._measured():
            pool.follows = is_shut
        if not is_shut:
            self._admit([pool.name for pool in self._measured()], now)

    def _divide(self, share: float, now: float) -> None:
        self._share = share
        for pool in self._measured():
            pool.divide(share, now)

    def _open(self, now: float) -> None:
        """As the writer: begin to let in, if all have said what they have, or could have."""
        if self.role != "writer" or not self._is_shut or now > self._lease_until:
            return
        if now >= self._opens_at or self._awaited <= {self._me, *self._guests}:
            self._shut(False, now)

    def _admit(self, names: list[str], now: float) -> None:
        if self.role == "writer" and not self._is_shut and now > self._lease_until:
            self._shut(True, now)  # The lease may be another's by now.
            self._doubts()
        super()._admit(names, now)

    def _measured(self) -> list[Pool]:
        return [pool for pool in self._pools.values() if pool.slots is None]

    def _made(self, name: str) -> Pool:
        pool = self._make(name)
        pool.follows, pool.share = self._is_shut, self._share
        return pool

    # As a guest.

    def _hears(self, standing: Standing) -> None:
        if standing.state == "gone" and standing not in self._guest_of:
            self._leaves(standing)
        super()._hears(standing)

    def _leaves(self, standing: Standing) -> None:
        """One's own call has lost its place here."""
        if self._own.pop(standing.number, None) is not None:
            self._say(Over(standing.number))

    def _say(self, word: Word) -> None:
        if self._writer is not None:
            if len(self._writer.words) >= WORDS_MAX:
                self._writer.words.clear()
                self._is_behind = True
            self._writer.words.append(word)
            self._posted()

    def _say_all(self, writer: str, now: float) -> None:
        """Begin a new round."""
        self._round += 1
        self._heard_at = now
        self._is_behind = False
        self._writer = Peer(writer, self._round)
        self._writer.words.append(Here(tuple(carried(each, now) for each in self._own.values())))
        self._posted()

    def _heard_writer(self, writer: Peer, batch: Batch, now: float) -> None:
        is_asked = batch.number == REQUEST and batch.round in (0, self._round)
        if batch.round != self._round and not is_asked:
            return  # It answers what was said before this round.
        self._heard_at = now
        if is_asked or batch.number != writer.heard:
            self._say_all(writer.name, now)
            return
        writer.heard += 1
        for word in batch.words:
            match word:
                case Figures():
                    _follow(self.pool(word.pool), word, now)
                case LetIn() | Gone() | Wanted() | About():
                    standing = self._own.get(word.number)
                    if standing is not None:  # It has not left meanwhile.
                        self._hear(standing, word, now)
                case _:
                    pass  # A guest's words are not the writer's.

    def _hear(self, standing: Standing, word: LetIn | Gone | Wanted | About, now: float) -> None:
        was_unheard, standing.is_unheard = standing.is_unheard, False
        match word:
            case LetIn() if standing.state == "waiting":
                self._let_in(standing, self.pool(word.pool), now)
            case Wanted() if standing.state == "running":
                standing.is_wanted = True
            case Gone():
                standing.about_s = word.about_s
                del self._own[standing.number]
                self._strike(standing, now)
            case About() if was_unheard:
                standing.about_s = word.about_s
            case About():
                standing.about_s = word.about_s
                return
            case _:
                return
        self._tell(standing)

    # As the writer.

    def _request(self, name: str, round_: int) -> None:
        """Ask a guest to say what it has."""
        self._requests.append((name, Batch(self._me, self.reign, round_, REQUEST)))
        self._posted()

    def _heard_guest(self, batch: Batch, now: float) -> None:
        guest, words = self._guests.get(batch.sender), batch.words
        if batch.number == 0 and words and isinstance(words[0], Here):
            was_shut = self._is_shut
            self._shut(True, now)
            guest = self._arrives(batch.sender, batch.round, words[0], now)
            self._shut(was_shut, now)
        elif guest is None or (guest.round, guest.heard) != (batch.round, batch.number):
            self._request(batch.sender, batch.round)
            return
        else:
            guest.heard += 1
        for word in words:
            self._does(guest, word, now)
        self._open(now)
        self._posted()


def _figures(pool: Pool, now: float) -> Figures:
    pressure = pool.pressure
    left = None if pool.rate is None else pool.rate.left(now)
    return Figures(pool.name, pressure.limit, pressure.slowdown, pressure.is_known, pressure.held_s(now), left)


def _follow(pool: Pool, said: Figures, now: float) -> None:
    pool.pressure.follow(said.limit, said.slowdown, said.is_known, said.held_s, now)
    if pool.rate is not None and said.left is not None:
        pool.rate.follow(said.left, now)
