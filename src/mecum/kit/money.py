"""Money as integers: micro-units (millionths) of a currency. No floats reach a balance."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from typing import NewType

Micros = NewType("Micros", int)

MICROS_PER_UNIT = 1_000_000


def micros(amount: Decimal | str | int) -> Micros:
    """`amount` in units (e.g. euros) as micro-units, halves rounded to even."""
    return Micros(int((Decimal(amount) * MICROS_PER_UNIT).to_integral_value(ROUND_HALF_EVEN)))
