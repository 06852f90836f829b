"""Periods of budgets, and which budgets hold."""

from __future__ import annotations

import datetime as dt
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mecum.kit.ids import new_id
from mecum.rooms.models.budgets.rules import Period, Rule, SetBy, Subject, in_force, window

NOW = dt.datetime(2026, 3, 4, 22, 30, tzinfo=dt.UTC)
ZONES = ("UTC", "Europe/Brussels", "Asia/Shanghai", "America/St_Johns", "Pacific/Apia")


def rule(subject: Subject = "person", set_by: SetBy = "operator", unit: str = "tokens") -> Rule:
    subject_id = None if subject == "each_person" else uuid4()
    return Rule(
        new_id(),
        subject,
        subject_id,
        None,
        "tokens" if unit == "tokens" else "money",
        1,
        "day",
        True,
        "UTC",
        set_by,
        NOW,
    )


@pytest.mark.parametrize(
    ("period", "starts", "ends"),
    [
        ("day", (2026, 3, 5), (2026, 3, 6)),
        ("week", (2026, 3, 2), (2026, 3, 9)),
        ("month", (2026, 3, 1), (2026, 4, 1)),
    ],
)
def test_a_period_begins_at_midnight_of_its_own_zone(
    period: Period, starts: tuple[int, int, int], ends: tuple[int, int, int]
) -> None:
    zone = ZoneInfo("Asia/Shanghai")
    found = window(period, "Asia/Shanghai", NOW)
    assert found.starts_at == dt.datetime(*starts, tzinfo=zone)
    assert found.ends_at == dt.datetime(*ends, tzinfo=zone)


@given(
    st.integers(1_577_836_800, 2_051_222_400).map(lambda seconds: dt.datetime.fromtimestamp(seconds, dt.UTC)),
    st.sampled_from(ZONES),
    st.sampled_from(("day", "week", "month")),
)
def test_periods_follow_each_other_without_a_gap(now: dt.datetime, zone: str, period: Period) -> None:
    found = window(period, zone, now)
    assert found.starts_at <= now < found.ends_at
    assert window(period, zone, found.ends_at).starts_at == found.ends_at
    assert window(period, zone, found.ends_at - dt.timedelta(microseconds=1)) == found


def test_what_an_operator_set_for_one_person_replaces_what_each_person_has() -> None:
    everybody, own = rule("each_person"), rule("person")
    assert in_force([everybody, own]) == (own,)


def test_a_cap_that_a_person_set_does_not_lift_the_operators() -> None:
    everybody, own = rule("each_person"), rule("person", set_by="person")
    assert in_force([everybody, own]) == (everybody, own)


def test_a_limit_on_tokens_leaves_that_on_money() -> None:
    money, tokens = rule("each_person", unit="money"), rule("person")
    assert in_force([money, tokens]) == (money, tokens)
