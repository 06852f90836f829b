"""What somebody hears whose budget is spent: what limit, and when it begins anew."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from mecum.kit.errors import Conflict, TooMany
from mecum.kit.money import MICROS_PER_UNIT
from mecum.rooms.models.budgets.rules import Rule, Unit, Window


def spent(rule: Rule, window: Window, currency: str, now: dt.datetime) -> TooMany:
    resets_at = f"{window.ends_at.astimezone(ZoneInfo(rule.timezone)):%Y-%m-%d %H:%M} ({rule.timezone})"
    limit = worded(rule.amount, rule.unit, currency)
    return TooMany(
        "models.budget_spent",
        f"A budget of {limit} a {rule.period} is used up.",
        f"It begins anew at {resets_at}.",
        params={
            "limit": limit,
            "subject": rule.subject,
            "unit": rule.unit,
            "amount": rule.amount,
            "currency": currency,
            "period": rule.period,
            "resets_at": resets_at,
            "resets": window.ends_at.isoformat(),
        },
        retry_after=max(1.0, (window.ends_at - now).total_seconds()),
        retryable=False,
    )


def worded(amount: int, unit: Unit, currency: str) -> str:
    """`amount` as people read it: 100,000 tokens, 12.50 EUR."""
    return f"{amount:,} tokens" if unit == "tokens" else f"{amount / MICROS_PER_UNIT:,.2f} {currency}"


def gone() -> Conflict:
    return Conflict("models.budget_gone", "A budget was removed just now.", "Try again.", retryable=True)
