"""What somebody hears whose budget is spent: what limit, and when it begins anew."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from mecum.kit.errors import Conflict, TooMany
from mecum.rooms.models.budgets.rules import Rule, Window


def spent(rule: Rule, window: Window, now: dt.datetime) -> TooMany:
    resets_at = window.ends_at.astimezone(ZoneInfo(rule.timezone))
    return TooMany(
        "models.budget_spent",
        f"The {rule.unit} budget of this {rule.period} is used up.",
        f"It begins anew at {resets_at:%Y-%m-%d %H:%M} ({rule.timezone}).",
        params={
            "subject": rule.subject,
            "unit": rule.unit,
            "amount": rule.amount,
            "period": rule.period,
            "resets_at": window.ends_at.isoformat(),
        },
        retry_after=max(1.0, (window.ends_at - now).total_seconds()),
        retryable=False,
    )


def gone() -> Conflict:
    return Conflict("models.budget_gone", "A budget was removed just now.", "Try again.", retryable=True)
