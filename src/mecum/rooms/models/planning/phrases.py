"""Dates in the arguments of a call: where they stand, in whose words, and what they mean."""

from __future__ import annotations

import copy
import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from mecum.kit.errors import Unprocessable
from mecum.rooms.models.planning.schema import ANY_ITEM, KeyPath
from mecum.rooms.models.wires.jsons import JsonObject, arr, obj

Place: TypeAlias = tuple[str | int, ...]
ReadDate: TypeAlias = Callable[[str], dt.datetime]

_COMPUTED = re.compile(r"\d{4}-\d{2}-\d{2}")
_EXACT = re.compile(r"\d{4}-\d{2}-\d{2}T")


def places(value: object, path: KeyPath) -> Iterator[Place]:
    """Where in `value` the strings at `path` stand."""
    if not path:
        if isinstance(value, str):
            yield ()
    elif path[0] == ANY_ITEM:
        for index, item in enumerate(arr(value)):
            yield from ((index, *rest) for rest in places(item, path[1:]))
    elif path[0] in (given := obj(value)):
        yield from ((path[0], *rest) for rest in places(given[path[0]], path[1:]))


def say_again(arguments: JsonObject, place: Place, said: str, chars: int) -> None:
    """Put the person's words in `place` where the model computed a date of its own."""
    holder, last = _holder(arguments, place)
    computed = _COMPUTED.search(holder[last])
    if said and computed and computed[0] not in said:
        holder[last] = said.strip()[:chars]


def dated(arguments: JsonObject, dates: Mapping[Place, str], read: ReadDate) -> JsonObject:
    """`arguments` with dates instead of the words at `dates`, each in its format of JSON Schema (RFC 3339).

    Words that can't be read stay: the tool says what it makes of them.
    """
    result = copy.deepcopy(arguments)
    for place, form in dates.items():
        holder, last = _holder(result, place)
        if _EXACT.match(holder[last]):
            continue
        try:
            moment = read(holder[last])
        except Unprocessable:
            continue
        holder[last] = _written(moment, form) or holder[last]
    return result


def _written(moment: dt.datetime, form: str) -> str:
    """`moment` in `form`; "" for a form that is no moment."""
    match form:
        case "date":
            return moment.date().isoformat()
        case "date-time":
            return moment.isoformat(timespec="seconds")
        case "time":
            return moment.timetz().isoformat(timespec="seconds")
        case _:
            return ""


def _holder(arguments: JsonObject, place: Place) -> tuple[Any, str | int]:
    *way, last = place
    holder: Any = arguments
    for step in way:
        holder = holder[step]
    return holder, last
