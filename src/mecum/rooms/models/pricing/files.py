"""Price files: JSON or CSV, one line per model. Pure.

    model,input,cached,cache_write,output,reasoning,image,second,currency
    big-model,2.50,1.25,2.50,10.00,10.00,0.00,0.00,USD

The same columns are the members of an object per model in JSON: {"currency": "USD", "prices": [{"model": ...}]}.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from mecum.kit.errors import BadRequest, MecumError, TooLarge
from mecum.rooms.models.prices import Prices
from mecum.rooms.models.pricing.amounts import KINDS, prices_of, stated
from mecum.rooms.models.wires.jsons import arr, obj

Format: TypeAlias = Literal["json", "csv"]
COLUMNS: tuple[str, ...] = ("model", *KINDS, "currency")
LINES_MAX = 20_000


@dataclass(frozen=True, slots=True)
class Line:
    """One model of a price file. `prices` is None where `problem` says why they can't be read."""

    model: str
    currency: str
    prices: Prices | None
    problem: MecumError | None = None


def format_of(name: str) -> Format:
    """The format that a file's name promises."""
    return "json" if name.lower().endswith(".json") else "csv"


def read(text: str, kind: Format, currency: str) -> list[Line]:
    """The lines of a price file; `currency` where it names none.

    Raises:
        BadRequest: it is not a file of that kind. TooLarge: more than `LINES_MAX` lines.
    """
    try:
        rows = list(_json_rows(text) if kind == "json" else _csv_rows(text))
    except (ValueError, csv.Error) as error:
        raise _malformed(str(error)) from error
    if len(rows) > LINES_MAX:
        raise TooLarge(
            "models.price_file_too_long",
            f"More than {LINES_MAX:,} lines in one price file.",
            "Send it in parts.",
            params={"limit": LINES_MAX},
        )
    return [_line(row, currency) for row in rows if row.get("model", "").strip()]


def write(named: Iterable[tuple[str, Prices]], kind: Format, currency: str) -> str:
    """A price file of models and their prices."""
    rows = [{"model": name, **stated(prices)} for name, prices in named]
    if kind == "json":
        return json.dumps({"currency": currency, "prices": rows}, ensure_ascii=False, indent=2) + "\n"
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows({**row, "currency": currency} for row in rows)
    return out.getvalue()


def _csv_rows(text: str) -> Iterable[dict[str, str]]:
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")), strict=True)
    heads = [name.strip().lower() for name in reader.fieldnames or ()]
    if "model" not in heads:
        raise ValueError("its first line names no column `model`")
    reader.fieldnames = heads
    for row in reader:
        yield {name: value or "" for name, value in row.items() if isinstance(name, str)}


def _json_rows(text: str) -> Iterable[dict[str, str]]:
    value: Any = json.loads(text, parse_float=str, parse_int=str)
    rows = arr(obj(value).get("prices") or value)
    shared = str(obj(value).get("currency") or "")
    if not all(obj(row) for row in rows) or (not rows and not obj(value)):
        raise ValueError("it has no list of prices")
    for row in rows:
        yield {"currency": shared} | {name: str(each) for name, each in obj(row).items() if each is not None}


def _line(row: Mapping[str, str], currency: str) -> Line:
    named = row.get("currency", "").strip().upper() or currency
    model = row["model"].strip()
    try:
        return Line(model, named, prices_of(row))
    except MecumError as error:
        return Line(model, named, None, error)


def _malformed(why: str) -> BadRequest:
    return BadRequest(
        "models.price_file_malformed",
        f"This price file can't be read: {why[:200]}.",
        "It is CSV or JSON with one line per model; an exported one shows how.",
        params={"why": why[:200]},
    )
