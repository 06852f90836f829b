"""Changing single members of a JSON object and leaving every other byte as it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mecum.kit.values import frozen
from mecum.rooms.models.wires.jsons import compact

SPACE = " \t\n\r"
_decoder = json.JSONDecoder()


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
        except (ValueError, RecursionError, StopIteration, IndexError):
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
    at = _skip(text, 0)
    if text[at] != "{":
        raise NotAnObject
    members: list[tuple[str, Member]] = []
    at = _skip(text, at + 1)
    while text[at] != "}":
        if members:
            at = _skip(text, _expect(text, at, ","))
        _expect(text, at, '"')
        name, at = _decoder.raw_decode(text, at)
        start = _skip(text, _expect(text, _skip(text, at), ":"))
        value, end = _decoder.raw_decode(text, start)
        members.append((name, Member(value, start, end)))
        at = _skip(text, end)
    if _skip(text, at + 1) != len(text):
        raise NotAnObject
    return members, at


def _expect(text: str, at: int, character: str) -> int:
    if text[at] != character:
        raise NotAnObject
    return at + 1


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in SPACE:
        at += 1
    return at
