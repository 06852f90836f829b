"""A call that several accounts could serve: where it goes, when it moves, what it does when all of them are held."""

from __future__ import annotations

import pytest

from mecum.rooms.models.gate import standing as standing_module
from mecum.rooms.models.gate.pools import AT_A_SCREEN
from mecum.rooms.models.gate.standing import Sticky
from tests.rooms.models.gate.pools import PATIENCE_S, asked, pools


def test_the_fullest_that_still_has_room_is_taken_and_the_next_when_it_is_full() -> None:
    gate, _ = pools()
    places = [gate.enter(asked(tokens=400), 0.0).pool for _ in range(4)]
    assert places == ["a", "a", "b", "b"]


def test_a_conversation_goes_where_it_was_read_before_while_there_is_room() -> None:
    gate, _ = pools()
    gate.enter(asked(("a",), tokens=300), 0.0)
    first = gate.enter(asked(("b",), ("a",), tokens=300, prefix="talk"), 0.0)
    gate.over(first, 300, 0, 1.0)
    assert gate.enter(asked(tokens=300), 1.0).pool == "a"
    assert gate.enter(asked(tokens=300, prefix="talk"), 1.0).pool == "b"
    gate.enter(asked(("b",), tokens=600), 1.0)
    assert gate.enter(asked(tokens=300, prefix="talk"), 1.0).pool == "a"


def test_conversations_are_forgotten_beyond_a_number_the_oldest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing_module, "PREFIXES_KEPT", 2)
    sticky = Sticky()
    for prefix in ("one", "two", "one", "three"):
        sticky.keep(prefix, "a")
    assert [sticky.of(prefix) for prefix in ("one", "two", "three")] == ["a", None, "a"]
    assert sticky.of("") is None


def test_who_waits_is_served_by_the_first_pool_that_has_room_and_stands_in_no_other_line() -> None:
    gate, told = pools()
    first, second = gate.enter(asked(), 0.0), gate.enter(asked(), 0.0)
    third = gate.enter(asked(), 0.0)
    assert (first.pool, second.pool, third.state) == ("a", "b", "waiting")
    gate.over(second, 600, 0, 1.0)
    assert (third.state, third.pool) == ("running", "b")
    assert told[-1] is third
    gate.over(first, 600, 0, 1.0)
    assert all(pool.line.waiting == 0 for pool in gate.all())
    assert gate.pool("a").line.running == 0


def test_who_leaves_another_line_makes_room_there_for_whoever_is_behind() -> None:
    gate, _ = pools()
    held = [gate.enter(asked(("a",), tokens=500), 0.0), gate.enter(asked(("b",)), 0.0)]
    large = gate.enter(asked(tokens=900), 0.0)
    small = gate.enter(asked(("a",), tenant="jo", tokens=400), 0.0)
    assert (large.state, small.state) == ("waiting", "waiting")
    gate.over(held[1], 600, 0, 1.0)
    assert (large.pool, large.state, small.state) == ("b", "running", "running")


def test_a_fallback_is_asked_when_the_preferred_ones_promise_no_room_soon() -> None:
    gate, _ = pools()
    tiers = (("a",), ("spare",))
    gate.enter(asked(("a",)), 0.0)
    waiting = gate.enter(asked(*tiers), 0.0)
    gate.tick(PATIENCE_S - 1)
    assert waiting.state == "waiting"
    gate.tick(PATIENCE_S + 1)
    assert (waiting.state, waiting.pool) == ("running", "spare")


def test_a_fallback_is_asked_at_once_when_the_estimate_says_that_it_will_take_too_long() -> None:
    gate, _ = pools()
    done = gate.enter(asked(("a",)), 0.0)
    gate.over(done, 100, 0, 1.0)
    gate.tick(1.0)
    gate.enter(asked(("a",)), 1.0)
    for _ in range(2):
        gate.enter(asked(("a",), tenant="jo"), 1.0)
    assert gate.enter(asked(("a",), ("spare",), tenant="jo"), 1.0).pool == "spare"


def test_a_fallback_is_asked_at_once_while_the_preferred_ones_are_held_also_by_those_who_wait() -> None:
    gate, _ = pools()
    gate.enter(asked(("a",)), 0.0)
    waiting = gate.enter(asked(("a",), ("spare",)), 0.0)
    assert waiting.state == "waiting"
    gate.refused("a", 20.0, 1.0)
    assert (waiting.state, waiting.pool) == ("running", "spare")
    assert gate.enter(asked(("a",), ("other",)), 1.0).pool == "other"
    assert gate.enter(asked(("a",), ("other",)), 30.0).state == "waiting"


def test_while_all_are_held_a_call_waits_and_knows_for_how_long() -> None:
    gate, _ = pools()
    gate.refused("a", 20.0, 0.0)
    gate.refused("b", 10.0, 0.0)
    waiting = gate.enter(asked(), 1.0)
    assert waiting.state == "waiting"
    assert gate.about_s(waiting, 1.0) == pytest.approx(9.0)
    gate.look("b", 10.0)
    assert (waiting.state, waiting.pool) == ("running", "b")


def test_what_one_tenant_asks_at_a_screen_beyond_what_anybody_reads_at_once_is_a_programs() -> None:
    gate, _ = pools()
    crowd = [gate.enter(asked(("a",), tenant="noisy"), 0.0) for _ in range(AT_A_SCREEN + 2)]
    assert [each.band for each in crowd] == ["interactive"] * AT_A_SCREEN + ["api"] * 2
    assert gate.enter(asked(("a",)), 0.0).band == "interactive"


def test_two_lines_are_estimated_by_what_each_of_them_will_serve() -> None:
    gate, _ = pools()
    served = [gate.enter(asked(), 0.0) for _ in range(2)]
    for each in served:
        gate.over(each, 100, 0, 1.0)
    gate.tick(1.0)
    for _ in range(2):
        gate.enter(asked(), 1.0)
    waiting = [gate.enter(asked(tokens=1_000), 1.0) for _ in range(5)]
    about = [gate.about_s(each, 1.0) for each in waiting]
    assert about == pytest.approx([0.0, 5.0, 10.0, 15.0, 20.0])


def test_who_lost_one_line_to_a_higher_band_waits_on_in_another() -> None:
    gate, told = pools(queue_max=1)
    for name in ("a", "b"):
        gate.enter(asked((name,)), 0.0)
    bulk = gate.enter(asked(band="bulk"), 0.0)
    gate.enter(asked(("a",)), 0.0)
    assert bulk.state == "waiting" and list(bulk.tickets) == ["b"]
    gate.enter(asked(("b",)), 0.0)
    assert bulk.state == "gone" and told[-1] is bulk
    assert gate.enter(asked(band="bulk"), 0.0).state == "gone"


def test_a_pool_that_refuses_again_is_held_for_longer() -> None:
    gate, _ = pools()
    assert gate.refused("a", 10.0, 0.0) == 10.0
    assert gate.refused("a", 20.0, 5.0) == 20.0
    assert gate.refused("a", 1.0, 6.0) == pytest.approx(19.0)


def test_holds_without_a_time_double_until_something_is_answered() -> None:
    gate, _ = pools()
    assert gate.refused("a", None, 0.0) == 1.0
    assert gate.refused("a", None, 2.0) == 2.0
    assert gate.refused("a", None, 10.0) == 4.0
    gate.first(gate.enter(asked(("a",)), 20.0), 21.0)
    assert gate.refused("a", None, 30.0) == 1.0


def test_after_a_refusal_a_call_goes_to_another_account_uncharged_and_first_of_its_own() -> None:
    gate, _ = pools()
    first = gate.enter(asked(), 0.0)
    gate.enter(asked(("b",)), 0.0)
    behind = gate.enter(asked(), 0.0)
    gate.refused("a", 20.0, 1.0)
    gate.again(first, 1.0)
    assert (first.state, behind.state) == ("waiting", "waiting")
    assert gate.pool("a").line.counters("interactive")["ines"] == 0
    in_b = next(each for each in gate.pool("b").standings.values() if each.state == "running")
    gate.over(in_b, 600, 0, 2.0)
    assert (first.state, first.pool, behind.state) == ("running", "b", "waiting")
