"""Rendering of what operators see of the gate."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from mecum.rooms.models.capacity.history import History
from mecum.rooms.models.capacity.looking import Look
from mecum.rooms.models.catalogue import LOCAL_PROVIDER
from mecum.rooms.models.gate.line import CEILINGS
from mecum.rooms.models.gate.viewing import BandView, PoolView, WaitView


def look_out(look: Look) -> dict[str, Any]:
    snapshot = look.sight.snapshot
    return {
        "at": _moment(look.at),
        "replicas": look.sight.replicas,
        "silent": look.sight.silent,
        "pools": [_pool_out(look, pool) for pool in snapshot.pools],
        "waits": [_wait_out(look, wait) for wait in snapshot.waits],
        "groups": snapshot.groups,
        "waiting": snapshot.waiting,
        "longest_s": {band: _short(seconds) for band, seconds in snapshot.longest_s.items()},
        "ceilings": CEILINGS,
    }


def history_out(history: History, currency: str) -> dict[str, Any]:
    return {
        "span": history.span,
        "step_s": history.step_s,
        "times": [round(at) for at in history.times],
        "served": {band: _whole(rates) for band, rates in history.served.items()},
        "unmet": _whole(history.unmet),
        "degraded": _whole(history.degraded),
        "waits": {band: [_short(each) for each in waits] for band, waits in history.waits.items()},
        "first_words": {band: [_short(each) for each in words] for band, words in history.first_words.items()},
        "refused": history.refused,
        "over_budget": history.over_budget,
        "pools": [
            {"name": pool.name, "limit": _whole(pool.limit), "used": _whole(pool.used)} for pool in history.pools
        ],
        "currency": currency,
        "models": [
            {
                "provider": row.provider,
                "model": row.model,
                "calls": row.calls,
                "tokens": row.tokens,
                "cost_micros": row.cost_micros,
                "refused": row.refused,
                "degraded": row.degraded,
                "longest_wait_s": _short(row.queue_max_ms / 1000),
            }
            for row in history.models
        ],
    }


def _pool_out(look: Look, pool: PoolView) -> dict[str, Any]:
    largest = pool.largest
    person, key = (None, None) if largest is None else look.who(largest.tenant, largest.key)
    return {
        "name": pool.name,
        "local": pool.name == LOCAL_PROVIDER,
        "unit": pool.unit,
        "state": pool.state,
        "limit": round(pool.limit),
        "used": round(pool.used),
        "running": sum(band.running for band in pool.bands),
        "waiting": pool.waiting,
        "bands": [_band_out(look, band) for band in pool.bands],
        "slowdown": round(pool.slowdown, 2),
        "held_s": _short(pool.held_s),
        "first_word_s": _short(pool.first_word_s),
        "largest": None if largest is None else {"person": person, "key": key, "share": round(largest.share, 3)},
    }


def _band_out(look: Look, band: BandView) -> dict[str, Any]:
    return {
        "band": band.band,
        "used": round(band.used),
        "running": band.running,
        "waiting": band.waiting,
        "ceiling": band.ceiling,
        "waiting_since": None if band.waiting_s is None else _moment(look.at - band.waiting_s),
    }


def _wait_out(look: Look, wait: WaitView) -> dict[str, Any]:
    person, key = look.who(wait.tenant, wait.key)
    return {
        "pool": wait.pool,
        "person": person,
        "key": key,
        "band": wait.band,
        "calls": wait.calls,
        "longest_s": _short(wait.longest_s),
        "why": wait.why,
        "ceiling": wait.ceiling,
        "before": wait.before,
        "about_s": _short(wait.about_s),
    }


def _moment(at: float) -> str:
    return dt.datetime.fromtimestamp(at, dt.UTC).isoformat(timespec="seconds")


def _short(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 2)


def _whole(values: Iterable[float]) -> list[float]:
    """Few digits: an hour has 360 points of each."""
    return [round(value, 1) if value < 100 else round(value) for value in values]
