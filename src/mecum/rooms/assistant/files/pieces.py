"""Files in pieces: what a search finds them by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from mecum.kit.text import to_tsvector_input
from mecum.rooms.assistant.store.terms import Piece

PIECE_CHARS = 8_000
"""A piece is found and shown as one: so short that its terms are near each other."""
WORD_CHARS = 100
"""So far before its end is a piece cut between two words."""


def name_piece(name: str) -> Piece:
    return Piece(None, 0, to_tsvector_input(name))


def text_pieces(parts: Sequence[Mapping[str, Any]]) -> list[Piece]:
    """The parts of a file, long ones in several pieces. Takes about 1 µs a character: call it in a thread."""
    found: list[Piece] = []
    for number, part in enumerate(parts):
        text = str(part["text"])
        for start, end in pairwise([*_starts(text), len(text)]):
            if terms := to_tsvector_input(text[start:end]):
                found.append(Piece(number, start, terms))
    return found


def _starts(text: str) -> Iterator[int]:
    start = 0
    while len(text) - start > PIECE_CHARS:
        yield start
        end = start + PIECE_CHARS
        blank = max(text.rfind(" ", end - WORD_CHARS, end), text.rfind("\n", end - WORD_CHARS, end))
        start = end if blank < 0 else blank + 1
    yield start
