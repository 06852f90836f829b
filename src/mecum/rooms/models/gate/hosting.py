"""Pools with guests: other replicas, whose calls stand here beside one's own and follow the same rules. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice

from mecum.rooms.models.gate.pool import Pool
from mecum.rooms.models.gate.pools import Pools, Told
from mecum.rooms.models.gate.standing import Standing
from mecum.rooms.models.gate.watching import Watch
from mecum.rooms.models.gate.words import (
    About,
    Again,
    Carried,
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
    stands,
)

WORDS_MAX = 16_384
"""What waits to be sent to one replica, about. The writer leaves out beyond it what it says again anyway, and what is
left are a few words for each call of the guest; a guest begins a new round."""
ABOUTS_MAX = 256
"""So many of the calls of one guest that wait hear in a second how long it will take."""


@dataclass(slots=True, eq=False)
class Peer:
    """The other end: to a guest the writer, to the writer one of its guests.

    Args:
        standings: of the guest, by their numbers.
        words: not sent yet. said, heard: how many batches of this round were sent and heard.
        is_due: a batch is to be sent, with words or without.
    """

    name: str
    round: int
    heard: int = 0
    said: int = 0
    is_due: bool = True
    words: list[Word] = field(default_factory=list[Word])
    standings: dict[int, Standing] = field(default_factory=dict[int, Standing])

    def say(self, word: Word) -> None:
        """Say it in the next batch."""
        if len(self.words) < WORDS_MAX or not isinstance(word, About | Figures):
            self.words.append(word)


class HostPools(Pools):
    """
    Args:
        told: of calls of this replica alone.
        watch: hears of the guests' calls.
        posted: there is something to send to a guest.
    """

    def __init__(
        self,
        new_pool: Callable[[str], Pool],
        told: Told,
        watch: Watch,
        *,
        posted: Callable[[], None],
        patience_s: float,
        starving_s: float,
    ) -> None:
        super().__init__(new_pool, self._hears, patience_s=patience_s, starving_s=starving_s)
        self._tell = told
        self._watch = watch
        self._posted = posted
        self._guests: dict[str, Peer] = {}
        self._guest_of: dict[Standing, Peer] = {}

    def tick(self, now: float) -> None:
        super().tick(now)
        for guest in self._guests.values():
            waiting = (each for each in guest.standings.values() if each.state == "waiting")
            for standing in islice(waiting, ABOUTS_MAX):
                guest.say(About(standing.number, super().about_s(standing, now)))

    def _hears(self, standing: Standing) -> None:
        guest = self._guest_of.get(standing)
        if guest is None:
            self._tell(standing)
            return
        if standing.state == "gone":
            self._has_no_place(guest, standing, None)
        elif standing.is_wanted:
            guest.say(Wanted(standing.number))
        else:
            guest.say(LetIn(standing.number, standing.pool))
            self._watch.admitted(standing)
        self._posted()

    def _arrives(self, name: str, round_: int, here: Here, now: float) -> Peer:
        """A guest says what it has; what was known of it is void."""
        before = self._guests.get(name)
        if before is not None:
            self._forget(before, now)
        guest = self._guests[name] = Peer(name, round_, heard=1)
        for call in here.calls:
            if call.pool is not None:
                standing = stands(call, now)
                self._let_in(standing, self.pool(call.pool), now)
                standing.sent_at = now - call.ran_s
                standing.first_at = None if call.wrote_s is None else now - call.wrote_s
                if standing.first_at is not None:
                    self.pool(call.pool).yielding.pop(standing, None)
                guest.standings[call.number] = standing
                self._guest_of[standing] = guest
        for call in here.calls:
            if call.pool is None:
                self._comes(guest, call, now)
        return guest

    def _comes(self, guest: Peer, call: Carried, now: float) -> Standing:
        """A call of a guest that waits."""
        standing = guest.standings[call.number] = stands(call, now)
        self._guest_of[standing] = guest
        standing.band = self._band(call.asked)
        self._stand(standing, now)
        if standing.state == "gone":
            self._has_no_place(guest, standing, super().about_s(standing, now))
        elif standing.state == "waiting":
            guest.say(About(standing.number, super().about_s(standing, now)))
        return standing

    def _does(self, guest: Peer, word: Word, now: float) -> None:
        """A guest has said so."""
        match word:
            case Enters():
                self._watch.asked(self._comes(guest, word.call, now))
            case Refused():
                super().refused(word.pool, word.retry_after_s, now)
            case Look():
                super().look(word.pool, now)
            case First() | Over() | Again():
                standing = guest.standings.get(word.number)
                if standing is not None:  # It was not told just now that there is no place.
                    self._goes_on(guest, standing, word, now)
            case Here() | LetIn() | Gone() | Wanted() | About() | Figures():
                pass  # Here begins a round, and the writer's words are not a guest's.

    def _goes_on(self, guest: Peer, standing: Standing, word: First | Over | Again, now: float) -> None:
        match word:
            case First():
                standing.sent_at = now - word.took_s
                super().first(standing, now)
                self._watch.began(standing)
            case Again():
                super().again(standing, now, word.tiers)
                if standing.state == "waiting":
                    guest.say(About(standing.number, super().about_s(standing, now)))
                elif standing.state == "gone":
                    self._has_no_place(guest, standing, super().about_s(standing, now))
            case Over():
                del guest.standings[standing.number], self._guest_of[standing]
                standing.first_at = None if word.wrote_s is None else now - word.wrote_s
                self._watch.over(standing, word.input_tokens + word.output_tokens, now)
                super().over(standing, word.input_tokens, word.output_tokens, now)

    def _has_no_place(self, guest: Peer, standing: Standing, about_s: float | None) -> None:
        guest.standings.pop(standing.number, None)
        self._guest_of.pop(standing, None)
        guest.say(Gone(standing.number, about_s))

    def _forget(self, guest: Peer, now: float) -> None:
        """Its calls run no more, or are somebody else's concern."""
        standings, guest.standings = guest.standings, {}
        for standing in standings.values():
            self._guest_of.pop(standing, None)
            self._strike(standing, now)
