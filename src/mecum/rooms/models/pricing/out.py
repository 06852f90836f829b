"""Prices as JSON: amounts are decimal text."""

from __future__ import annotations

from typing import Any

from mecum.kit.ids import encode
from mecum.rooms.models.pricing.amounts import stated
from mecum.rooms.models.pricing.lists import Change, Priced
from mecum.rooms.models.store.prices import PriceRow


def price_out(row: PriceRow) -> dict[str, Any]:
    return {
        "id": encode("prc", row.id),
        "model": row.model,
        "currency": row.currency,
        "since": row.since.isoformat(),
        **stated(row.prices),
    }


def priced_out(priced: Priced) -> dict[str, Any]:
    return {
        "id": encode("mdl", priced.model.id),
        "model": priced.model.name,
        "provider": priced.provider,
        "kind": priced.model.kind,
        "price": None if priced.now is None else price_out(priced.now),
        "coming": None if priced.coming is None else price_out(priced.coming),
    }


def change_out(change: Change) -> dict[str, Any]:
    return {
        "line": change.line,
        "model": None if change.model is None else change.model.name,
        "change": change.kind,
        "before": None if change.before is None else stated(change.before),
        "after": None if change.after is None else stated(change.after),
        "problem": None if change.problem is None else change.problem.problem(),
    }
