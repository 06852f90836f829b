"""What a budget says: for whom, of what, how much, in which time. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias
from uuid import UUID
from zoneinfo import ZoneInfo

from mecum.kit.types import Principal
from mecum.kit.values import frozen

Subject: TypeAlias = Literal["person", "each_person", "key", "organisation"]
"""Whom a budget limits. `each_person` is one budget for every person, each with a count of their own."""
PREFIXES: Mapping[Subject, str] = {"person": "prs", "key": "key", "organisation": "org"}
"""How ids of those begin."""
Unit: TypeAlias = Literal["tokens", "money"]
"""What is counted: tokens that were read and written, or micro-units of money."""
Period: TypeAlias = Literal["day", "week", "month"]
SetBy: TypeAlias = Literal["operator", "person"]


@dataclass(frozen=True, slots=True)
class Rule:
    """A budget.

    Args:
        subject_id: the person, key or organisation; None for each person.
        person_id: that person, or the one whose key it is.
        amount: so many of its unit in each period.
        hard: what goes over it is refused; a soft one only counts and tells.
        timezone: whose midnight begins a period.
        set_by: an operator's limit, or one that a person set for themselves.
    """

    id: UUID
    subject: Subject
    subject_id: UUID | None
    person_id: UUID | None
    unit: Unit
    amount: int
    period: Period
    hard: bool
    timezone: str
    set_by: SetBy
    created_at: dt.datetime

    def owner(self, principal: Principal) -> UUID:
        """Whose count a call of `principal` goes to."""
        return principal.person if self.subject_id is None else self.subject_id

    def window(self, now: dt.datetime) -> Window:
        return window(self.period, self.timezone, now)


@dataclass(frozen=True, slots=True)
class Window:
    """One period of a budget, in UTC: from its start until just before its end."""

    starts_at: dt.datetime
    ends_at: dt.datetime


@frozen
class Amounts:
    """So much of each unit. What a later room counts (credits for clips) is one more member."""

    tokens: int = 0
    money: int = 0

    def of(self, unit: Unit) -> int:
        return self.tokens if unit == "tokens" else self.money


def window(period: Period, timezone: str, now: dt.datetime) -> Window:
    """The day, ISO week or month around `now` in `timezone`."""
    zone = ZoneInfo(timezone)
    today = now.astimezone(zone).date()
    if period == "day":
        first, after = today, today + dt.timedelta(days=1)
    elif period == "week":
        first = today - dt.timedelta(days=today.weekday())
        after = first + dt.timedelta(days=7)
    else:
        first = today.replace(day=1)
        after = (first + dt.timedelta(days=32)).replace(day=1)
    return Window(_midnight(first, zone), _midnight(after, zone))


def _midnight(day: dt.date, zone: ZoneInfo) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), zone).astimezone(dt.UTC)


def in_force(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """Those of a principal's `rules` that hold: what an operator set for one person replaces what each person has."""
    found = tuple(rules)
    own = {rule.unit for rule in found if rule.subject == "person" and rule.set_by == "operator"}
    return tuple(rule for rule in found if rule.subject != "each_person" or rule.unit not in own)
