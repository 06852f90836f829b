"""Amounts of money as people write them, and prices made of them. Pure.

Outside, an amount is decimal text in units of the currency ("2.50"): no float loses anything on the way.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from mecum.kit.errors import Unprocessable
from mecum.kit.money import MICROS_PER_UNIT, Micros
from mecum.rooms.models.prices import Prices

AMOUNT_MAX = 1_000_000
AMOUNT_CHARS_MAX = 32
KINDS = ("input", "cached", "cache_write", "output", "reasoning", "image", "second")
USUAL = {"cached": "input", "cache_write": "input", "reasoning": "output"}
"""What a kind costs for which nothing is stated: as much as that of which it is a part."""


def amount(text: str) -> Micros:
    """An amount that somebody wrote, in micro-units.

    Raises:
        Unprocessable: not a number, below nothing, over `AMOUNT_MAX`, or finer than a micro-unit.
    """
    try:
        value = Decimal(text.strip()) if len(text) <= AMOUNT_CHARS_MAX else Decimal("NaN")
        exact = value * MICROS_PER_UNIT
        fits = value.is_finite() and 0 <= value <= AMOUNT_MAX and exact == exact.to_integral_value()
    except InvalidOperation:
        exact, fits = Decimal(0), False
    if not fits:
        raise Unprocessable(
            "models.amount_malformed",
            f"{text[:AMOUNT_CHARS_MAX]} is not a price.",
            "Write it as 2.50: at most six decimals, nothing below zero.",
            params={"given": text[:AMOUNT_CHARS_MAX]},
        )
    return Micros(int(exact))


def written(value: Micros) -> str:
    """`value` as decimal text, with two decimals at least: "2.50", "0.000125"."""
    whole, rest = divmod(value, MICROS_PER_UNIT)
    return f"{whole}.{f'{rest:06}'.rstrip('0').ljust(2, '0')}"


def prices_of(stated: Mapping[str, str | None]) -> Prices:
    """Prices by kind, see `KINDS`; what is absent costs what `USUAL` says, or nothing. Raises Unprocessable."""
    known = {kind: amount(text) for kind in KINDS if (text := stated.get(kind)) is not None and text.strip()}
    for kind, other in USUAL.items():
        if kind not in known and other in known:
            known[kind] = known[other]
    return Prices(**known)


def stated(prices: Prices) -> dict[str, str]:
    """Prices as decimal text by kind."""
    return {kind: written(getattr(prices, kind)) for kind in KINDS}
