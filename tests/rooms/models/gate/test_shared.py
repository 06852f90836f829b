"""Shared pools when words are lost, late or of another reign; without a network and with a clock of the test."""

from __future__ import annotations

import random

import pytest

from mecum.rooms.models.gate import hosting, shared
from mecum.rooms.models.gate.line import Line
from mecum.rooms.models.gate.pool import Pool
from mecum.rooms.models.gate.pressure import Pressure
from mecum.rooms.models.gate.shared import SharedPools
from mecum.rooms.models.gate.standing import Standing
from mecum.rooms.models.gate.watching import Watch
from mecum.rooms.models.gate.words import Batch, read, written
from tests.rooms.models.gate.pools import PATIENCE_S, STARVING_S, asked

LEASE_S = 2.0


class House:
    """Replicas, of which the first is the writer, and what is said between them."""

    def __init__(self, *names: str) -> None:
        self.now = 0.0
        self.doubts: list[str] = []
        self.told: list[Standing] = []
        self.pools = {name: self._pools(name) for name in names}
        self.reigns("w", "w 1")

    def _pools(self, name: str) -> SharedPools:
        def new(pool: str) -> Pool:
            line = Line(queue_max=100, tenant_queue_max=100, starving_after_s=STARVING_S)
            return Pool(pool, line, Pressure(start=1_000, least=1_000, most=1_000))

        return SharedPools(
            new,
            self.told.append,
            Watch(),
            me=name,
            posted=lambda: None,
            doubts=lambda: self.doubts.append(name),
            patience_s=PATIENCE_S,
            starving_s=STARVING_S,
        )

    def __getitem__(self, name: str) -> SharedPools:
        return self.pools[name]

    def beats(self, name: str, writer: str, reign: str) -> None:
        """A replica hears from Valkey who decides."""
        if name == writer:
            self[name].leads(reign, list(self.pools), self.now + LEASE_S, self.now)
        else:
            self[name].follows(writer, reign, list(self.pools), self.now)

    def reigns(self, writer: str, reign: str) -> None:
        for name in self.pools:
            self.beats(name, writer, reign)
        self.deliver()

    def said(self, name: str) -> list[tuple[str, Batch]]:
        return [(to, read(written(batch))) for to, batch in self[name].drain(self.now)]

    def deliver(self) -> None:
        """Until nobody has anything to say."""
        while batches := [each for name in self.pools for each in self.said(name)]:
            for to, batch in batches:
                self[to].heard(batch, self.now)

    def enter(self, name: str, tokens: int = 600) -> Standing:
        return self[name].enter(asked(("a",), tokens=tokens), self.now)

    def line(self, name: str = "w") -> tuple[int, int]:
        line = self[name].pool("a").line
        return line.running, line.waiting


@pytest.fixture
def house() -> House:
    return House("w", "g", "h")


def test_a_call_is_let_in_with_one_word_there_and_one_back(house: House) -> None:
    standing = house.enter("g")
    (there,) = house.said("g")
    assert standing.is_unheard
    house["w"].heard(there[1], house.now)
    (back,) = house.said("w")
    house["g"].heard(back[1], house.now)
    assert standing.state == "running" and house.told == [standing]


def test_what_a_guest_lost_on_the_way_is_said_anew(house: House) -> None:
    first = house.enter("g")
    house.deliver()
    house["g"].over(first, 600, 0, house.now)
    assert house.said("g"), "which gets lost"
    second = house.enter("g")
    house.deliver()
    assert second.state == "running"
    assert house.line() == (1, 0)


def test_so_is_what_the_writer_lost(house: House) -> None:
    standing = house.enter("g")
    house["w"].heard(house.said("g")[0][1], house.now)
    assert house.said("w"), "which gets lost"
    assert standing.state == "waiting"
    house.now += 0.5
    house.beats("w", "w", "w 1")
    house.deliver()
    assert standing.state == "running" and house.line() == (1, 0)


def test_the_last_word_of_a_guest_is_missed_at_its_next_beat(house: House) -> None:
    standing = house.enter("g")
    house.deliver()
    house["g"].over(standing, 600, 0, house.now)
    assert house.said("g"), "which gets lost"
    house.now += 0.5
    house.beats("g", "w", "w 1")
    house.deliver()
    assert house.line() == (0, 0)


def test_a_guest_that_hears_nothing_says_anew_what_it_has(house: House) -> None:
    standing = house.enter("g")
    assert house.said("g"), "which gets lost"
    house.now += shared.SILENCE_S + 0.1
    house.reigns("w", "w 1")
    assert standing.state == "running"


def test_words_of_another_reign_are_not_heard_but_make_one_doubt(house: House) -> None:
    standing = house.enter("g")
    house["w"].heard(house.said("g")[0][1], house.now)
    late = house.said("w")[0][1]
    house.beats("g", "h", "h 2")
    house["g"].heard(late, house.now)
    assert standing.state == "waiting" and house.doubts == ["g"]


def test_a_writer_whose_lease_has_run_out_lets_nobody_in(house: House) -> None:
    house.now += LEASE_S + 0.1
    standing = house.enter("w")
    assert standing.state == "waiting" and house.doubts == ["w"]
    house.beats("w", "w", "w 1")
    assert standing.state == "running"


def test_a_new_writer_waits_for_what_the_others_have(house: House) -> None:
    held = house.enter("h")
    house.deliver()
    waits = house.enter("g")
    house.deliver()
    assert (held.state, waits.state) == ("running", "waiting")
    del house.pools["w"]
    house.beats("g", "g", "g 2")
    assert waits.state == "waiting", "nobody has said yet what runs there"
    house.beats("h", "g", "g 2")
    house.deliver()
    assert waits.state == "waiting" and house.line("g") == (1, 1)
    house["h"].over(held, 600, 0, house.now)
    house.deliver()
    assert waits.state == "running"


def test_but_not_for_ever(house: House) -> None:
    waits = house.enter("g")
    house.beats("g", "g", "g 2")
    assert waits.state == "waiting"
    house.now += shared.OPENS_AFTER_S
    house.beats("g", "g", "g 2")
    assert waits.state == "running"


def test_who_is_no_writer_any_more_keeps_its_own_calls_alone(house: House) -> None:
    mine, theirs = house.enter("w", 400), house.enter("g", 500)
    house.deliver()
    assert house.line("w") == (2, 0)
    house.reigns("h", "h 2")
    assert (mine.state, theirs.state) == ("running", "running")
    assert [house.line(name) for name in "wgh"] == [(1, 0), (1, 0), (2, 0)]


def test_a_place_at_a_screen_is_made_across_replicas(house: House) -> None:
    bulk = house["g"].enter(asked(("a",), band="bulk", gives_way="before_first"), house.now)
    house.deliver()
    comes = house.enter("h")
    house.deliver()
    assert bulk.is_wanted and comes.state == "waiting"
    house["g"].again(bulk, house.now)
    house.deliver()
    assert (bulk.state, bulk.is_wanted, comes.state) == ("waiting", False, "running")
    house["h"].over(comes, 600, 0, house.now)
    house.deliver()
    assert bulk.state == "running"


def test_who_loses_the_place_in_the_writers_line_hears_it(house: House) -> None:
    held = house.enter("w")
    dump = [house["g"].enter(asked(("a",), band="bulk"), house.now) for _ in range(99)]
    house.deliver()
    more = [house["h"].enter(asked(("a",), tenant=f"t{number}"), house.now) for number in range(2)]
    house.deliver()
    assert held.state == "running" and [each.state for each in more] == ["waiting"] * 2
    assert [each.state for each in dump].count("gone") == 1
    assert house.line("g") == (0, 98) and house.line("w") == (1, 100)


def test_too_much_to_say_at_once_begins_a_new_round(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared, "WORDS_MAX", 3)
    monkeypatch.setattr(hosting, "WORDS_MAX", 3)
    standings = [house.enter("g", 100) for _ in range(8)]
    house.deliver()
    for _ in range(3):
        house.now += 0.5
        house.reigns("w", "w 1")
    assert [each.state for each in standings] == ["running"] * 8
    assert house.line() == (8, 0)


def test_a_call_that_leaves_as_it_is_let_in_leaves_nothing(house: House) -> None:
    standing = house.enter("g")
    house["w"].heard(house.said("g")[0][1], house.now)
    house["g"].over(standing, 600, 0, house.now)
    house.deliver()
    assert standing.state == "gone" and house.line() == house.line("g") == (0, 0)
    assert not house["w"].pool("a").standings


def _something(house: House, calls: list[tuple[str, Standing]], chance: random.Random, reign: int) -> None:
    """A call comes, goes on or leaves; somebody beats; the writer changes, or Valkey is away for somebody."""
    name = chance.choice("wgh")
    mine = [each for at, each in calls if at == name and each.state != "gone"]
    what = chance.randrange(10)
    if what < 4 or not mine:
        who = asked(("a",), ("b",), tokens=chance.randrange(900))
        calls.append((name, house[name].enter(who, house.now)))
    elif what < 7:
        house[name].over(chance.choice(mine), 10, 0, house.now)
    elif what == 7:
        each = chance.choice(mine)
        house[name].first(each, house.now)
    elif what == 8:
        each = chance.choice(mine)
        house[name].again(each, house.now)
    elif chance.random() < 0.3:
        house[name].by_itself(house.now)
    else:
        writer = "wgh"[reign % 3]
        house.beats(name, writer, f"{writer} {reign}")


@pytest.mark.parametrize("seed", range(30))
def test_whatever_gets_lost_all_agree_in_the_end(seed: int) -> None:
    chance, house, reign = random.Random(seed), House("w", "g", "h"), 0
    calls: list[tuple[str, Standing]] = []
    for _ in range(400):
        house.now += chance.random() / 20
        reign += chance.random() < 0.01
        _something(house, calls, chance, reign)
        for name in chance.sample("wgh", chance.randrange(3)):
            for to, batch in house.said(name):
                if chance.random() < 0.95:
                    house[to].heard(batch, house.now)
    for _ in range(3):
        house.now += shared.OPENS_AFTER_AWAY_S
        house.reigns("g", "g 1000")
    alive = [each for _, each in calls if each.state != "gone"]
    for pool in ("a", "b"):
        running = [each.tickets[pool].tokens for each in alive if each.state == "running" and each.pool == pool]
        line = house["g"].pool(pool).line
        assert (line.running, line.running_tokens) == (len(running), sum(running))
    waiting = {each for pool in house["g"].all() for each in pool.standings.values() if each.state == "waiting"}
    assert len(waiting) == sum(each.state == "waiting" for each in alive)
    for name, each in calls:
        house[name].over(each, 0, 0, house.now)
    house.deliver()
    assert not any(pool.standings for pools in house.pools.values() for pool in pools.all())
    assert house.line("g") == house.line("w") == house.line("h") == (0, 0)
