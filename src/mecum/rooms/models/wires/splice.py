"""Changing single members of a JSON object and leaving every other byte as it is."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from mecum.kit.values import frozen
from mecum.rooms.models.wires.jsons import compact

_decode = json.JSONDecoder().raw_decode
_S = r"[ \t\n\r]*"
# Each stands between two values. A name begins with the quote that only is looked at.
_OPENING = re.compile(rf"{_S}\{{{_S}(?=\")").match
_COMMA = re.compile(rf"{_S},{_S}(?=\")").match
_COLON = re.compile(rf"{_S}:{_S}").match
_CLOSING = re.compile(rf"{_S}(?P<brace>\}}){_S}\Z").match
_EMPTY = re.compile(rf"{_S}\{{{_S}(?P<brace>\}}){_S}\Z").match


class NotAnObject(ValueError):
    """The text is not one JSON object."""


@frozen
class Member:
    """A member of an object: its value and where that stands in the text."""

    value: Any
    start: int
    end: int


class Spliced:
    """A JSON object with the places of its members.

    Raises:
        NotAnObject: it is not JSON, or another value.
    """

    def __init__(self, body: bytes) -> None:
        try:
            self._text = body.decode("utf-8")
            self._members, self._close = _scan(self._text)
        except (ValueError, RecursionError):
            raise NotAnObject from None
        self.values: dict[str, Any] = {name: member.value for name, member in self._members}

    def changed(self, values: Mapping[str, object]) -> bytes:
        """The object with `values` put in; members that are new stand at the end."""
        parts: list[str] = []
        at = 0
        for name, member in self._members:
            if name in values:
                parts += [self._text[at : member.start], compact(values[name])]
                at = member.end
        parts.append(self._text[at : self._close])
        new = [f"{compact(name)}:{compact(value)}" for name, value in values.items() if name not in self.values]
        comma = "," if self._members and new else ""
        parts += [comma + ",".join(new), self._text[self._close :]]
        return "".join(parts).encode("utf-8", "surrogatepass")


def _scan(text: str) -> tuple[list[tuple[str, Member]], int]:
    """The members in order, and where the closing brace is."""
    members: list[tuple[str, Member]] = []
    at, separator = 0, _OPENING
    while found := separator(text, at):
        name, at = _decode(text, found.end())
        between = _COLON(text, at)
        if between is None:
            raise NotAnObject
        value, end = _decode(text, between.end())
        members.append((name, Member(value, between.end(), end)))
        at, separator = end, _COMMA
    closing = (_CLOSING if members else _EMPTY)(text, at)
    if closing is None:
        raise NotAnObject
    return members, closing.start("brace")
