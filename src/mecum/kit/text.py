"""Text matching, one way for the whole house: Unicode NFKC, case folding, CJK as character bigrams.

Words of scripts with spaces are terms, lightly stemmed in English (plural endings only: D. Harman, "How effective is
suffixing?", JASIS 42(1), 1991) and without the accents of Latin letters. Runs of scripts without spaces (Chinese,
Japanese, Korean, Thai, Lao, Khmer, Burmese) become all their pairs of neighbouring characters, each with its marks, and
the last character alone, so that a query of one character finds them by prefix.

For PostgreSQL: `to_tsvector('simple', :input)` of `to_tsvector_input`, matched by `to_tsquery('simple', :query)` of
`to_or_query`; rank with `ts_rank`, which prefers texts with more of the terms.
"""

from __future__ import annotations

import asyncio
import re
import unicodedata
from bisect import bisect_left
from collections import Counter
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import fsum

TEXT_CHARS_MAX = 500_000
"""What lies behind is not indexed: longer documents are indexed in chunks."""
TERM_CHARS_MAX = 60
QUERY_TERMS_MAX = 32
TSVECTOR_BYTES_MAX = 900_000
"""PostgreSQL takes at most 1 MiB of lexemes with their positions."""
LEXEME_OVERHEAD_BYTES = 6
LOOP_CHARS_MAX = 2_000
"""Longer texts are taken apart in a thread."""

PLACES_MAX = 100
"""So many places of each term are weighed for a snippet."""

_RUNS = (
    "\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\u2fdf\u3005-\u3007\u3040-\u30ff\u3130-\u318f"
    "\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\uff66-\uff9f\U00020000-\U000323af"
)
# Vowel signs and accents, which `\w` leaves out though they stand inside words: they belong to the letter before.
_MARKS = (
    "\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u0900-\u0963\u0966-\u0dff"
    "\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ecd\u102b-\u103e\u1056-\u1059\u1071-\u1074\u1082-\u108d"
    "\u17b4-\u17d3\u3099\u309a\uff9e\uff9f"
)
_CLUSTER = f"(?=[{_RUNS}])(?![\uff9e\uff9f])[^\\W_][{_MARKS}]{{0,8}}"
_LETTER = f"(?![{_RUNS}])[^\\W_]"
_CLUSTERS = re.compile(_CLUSTER)
_TOKEN = re.compile(f"(?P<run>(?:{_CLUSTER})+)|(?P<word>{_LETTER}(?:{_LETTER}|[{_MARKS}])*)")
_LATIN_ACCENTS = re.compile("(?<=[a-z])[\u0300-\u036f]+")
_PIECE = re.compile(r"[^\s\x00-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f，。、；：！？]+")
"""Stretches between characters that end every term and fold with nothing around them."""
_KOREAN_LETTERS = re.compile("[\u1100-\u11ff\u3130-\u318f\uff9e-\uffdc]")
"""They make syllables with each other; among them are the two halfwidth marks of Japanese."""
_ELLIPSIS = "…"


def normalise(text: str) -> str:
    """`text` as it is compared: NFKC, case folded, NFKC again (Unicode 16, 3.13, identifier caseless matching)."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def terms_of(text: str) -> Iterator[str]:
    """All terms of `text` in order, repetitions included."""
    for found in _TOKEN.finditer(_folded(text[:TEXT_CHARS_MAX])):
        if found.lastgroup == "run":
            yield from _bigrams(found[0])
        else:
            yield _stem(found[0][:TERM_CHARS_MAX])


def search_terms(text: str) -> list[str]:
    """The distinct terms of a query in order, at most QUERY_TERMS_MAX.

    Of a run longer than one character the lone last character is left out: its pairs say more.
    """
    found: dict[str, None] = {}
    for token in _TOKEN.finditer(_folded(text[:TEXT_CHARS_MAX])):
        if token.lastgroup == "run":
            pairs = _bigrams(token[0])
            found.update(dict.fromkeys(pairs[:-1] or pairs))
        else:
            found[_stem(token[0][:TERM_CHARS_MAX])] = None
        if len(found) >= QUERY_TERMS_MAX:
            break
    return list(found)[:QUERY_TERMS_MAX]


def to_tsvector_input(text: str) -> str:
    """The terms of `text` separated by spaces, as many as a tsvector holds."""
    terms: list[str] = []
    room = TSVECTOR_BYTES_MAX
    for term in terms_of(text):
        room -= len(term.encode()) + LEXEME_OVERHEAD_BYTES
        if room < 0:
            break
        terms.append(term)
    return " ".join(terms)


async def searchable(text: str) -> str:
    """`to_tsvector_input` of `text`, made in a thread where it would hold up the loop (about 1 µs a character)."""
    if len(text) <= LOOP_CHARS_MAX:
        return to_tsvector_input(text)
    return await asyncio.to_thread(to_tsvector_input, text)


def to_or_query(text: str) -> str:
    """A tsquery: any of the terms; the last one, still being typed, and single characters of runs match as prefix.

    An empty string when `text` has no terms: then there is nothing to search.
    """
    return " | ".join(_operands(text))


def to_and_query(text: str) -> str:
    """As `to_or_query`, but all of the terms."""
    return " & ".join(_operands(text))


def snippet(text: str, query: str, width: int = 160) -> list[tuple[str, bool]]:
    """The part of `text` that shows most of what `query` finds, as (text, highlighted) pieces; `…` where it was cut.

    Highlighted is what `to_or_query(query)` matches, words by their stems and beginnings, runs by their pairs. The
    pieces are parts of `text` as it is written: whoever puts them into a page escapes them like any text.

    Args:
        width: characters of the part, not counting the ellipses.
    """
    text = text[:TEXT_CHARS_MAX]
    wanted = _Wanted(query)
    start, end = _window(text, _places(text, wanted), width)
    pieces: list[tuple[str, bool]] = [(_ELLIPSIS, False)] if start > 0 else []
    at = start
    for hit in _hits(text, wanted, start, end):
        left, right = max(hit.start, at), min(hit.end, end)
        if left < right:
            _append(pieces, text[at:left], highlighted=False)
            _append(pieces, text[left:right], highlighted=True)
            at = right
    _append(pieces, text[at:end], highlighted=False)
    if end < len(text):
        _append(pieces, _ELLIPSIS, highlighted=False)
    return pieces


def _folded(text: str) -> str:
    folded = normalise(text)
    if folded.isascii():
        return folded
    return unicodedata.normalize("NFC", _LATIN_ACCENTS.sub("", unicodedata.normalize("NFD", folded)))


def _bigrams(run: str) -> list[str]:
    clusters: list[str] = _CLUSTERS.findall(run)
    return ["".join(clusters[place : place + 2]) for place in range(len(clusters))]


def _is_lone_run(term: str) -> bool:
    return _CLUSTERS.fullmatch(term) is not None


def _stem(word: str) -> str:
    if len(word) < 4 or not word.endswith("s") or not word.isascii() or not word.isalpha():
        return word
    if word.endswith("ies"):
        return word if word[-4] in "ae" else f"{word[:-3]}y"
    if word.endswith("es"):
        return word if word[-3] in "aeo" else word[:-1]
    return word if word[-2] in "us" else word[:-1]


@dataclass(frozen=True, slots=True)
class _Hit:
    """Where a term of the query stands in a text."""

    start: int
    end: int
    term: str


class _Wanted:
    """The terms of a query, matched as `to_or_query` has PostgreSQL match them."""

    def __init__(self, query: str) -> None:
        self._terms = search_terms(query)
        self._whole = frozenset(self._terms)
        self._beginnings = tuple(term for term in self._terms if _is_prefix(term, self._terms))
        # Of a word whose stem is "city" only "cit" stands in "cities".
        self._needles = {term: term.removesuffix("y") for term in self._terms}

    def may_be_in(self, folded: str, but: Container[str]) -> bool:
        """Whether it is worth taking `folded` apart for a term, one in `but` aside: most of a text holds none."""
        return any(needle in folded for term, needle in self._needles.items() if term not in but)

    def found(self, term: str) -> str | None:
        """Which of the query's terms finds `term` of a text."""
        if term in self._whole:
            return term
        return next((beginning for beginning in self._beginnings if term.startswith(beginning)), None)


def _operands(query: str) -> list[str]:
    terms = search_terms(query)
    return [f"{term}:*" if _is_prefix(term, terms) else term for term in terms]


def _is_prefix(term: str, terms: list[str]) -> bool:
    return term == terms[-1] or _is_lone_run(term)


def _places(text: str, wanted: _Wanted) -> list[_Hit]:
    """Where the terms stand, the first PLACES_MAX places of each at least."""
    places: list[_Hit] = []
    counts: Counter[str] = Counter()
    enough: set[str] = set()
    for hit in _hits(text, wanted, 0, len(text), enough):
        places.append(hit)
        counts[hit.term] += 1
        if counts[hit.term] >= PLACES_MAX:
            enough.add(hit.term)
    return places


def _hits(text: str, wanted: _Wanted, start: int, end: int, but: Container[str] = ()) -> Iterator[_Hit]:
    """All hits between `start` and `end`, also those that begin before or end behind; none is sought for `but`."""
    for piece in _PIECE.finditer(text):
        if piece.end() <= start:
            continue
        if piece.start() >= end:
            return
        folded = _folded(piece[0])
        if not wanted.may_be_in(folded, but):
            continue
        starts, ends = _origins(piece[0], folded)
        for token in _TOKEN.finditer(folded):
            spans = _run_spans(token, wanted) if token.lastgroup == "run" else _word_spans(token, wanted)
            for first, last, term in spans:
                yield _Hit(piece.start() + starts[first], piece.start() + ends[last - 1], term)


def _word_spans(token: re.Match[str], wanted: _Wanted) -> Iterator[tuple[int, int, str]]:
    term = wanted.found(_stem(token[0][:TERM_CHARS_MAX]))
    if term is not None:
        yield token.start(), token.end(), term


def _run_spans(token: re.Match[str], wanted: _Wanted) -> Iterator[tuple[int, int, str]]:
    clusters = list(_CLUSTERS.finditer(token[0]))
    for place, cluster in enumerate(clusters):
        following = clusters[place + 1] if place + 1 < len(clusters) else cluster
        term = wanted.found(token[0][cluster.start() : following.end()])
        if term is not None:
            last = cluster if len(term) <= len(cluster[0]) else following
            yield token.start() + cluster.start(), token.start() + last.end(), term


def _origins(piece: str, folded: str) -> tuple[Sequence[int], Sequence[int]]:
    """For each character of `folded`, the start and the end of what it was in `piece`: folding changes lengths."""
    if piece.isascii():
        return range(len(piece)), range(1, len(piece) + 1)
    starts: list[int] = []
    ends: list[int] = []
    for start, end in pairwise([*_composed_at(piece), len(piece)]):
        length = len(_folded(piece[start:end]))
        starts += [start] * length
        ends += [end] * length
    assert len(starts) == len(folded), "what folds together must stay together"
    return starts, ends


def _composed_at(piece: str) -> Iterator[int]:
    """Where characters begin, each with all that is folded into it."""
    for place, char in enumerate(piece):
        if place == 0 or not (unicodedata.category(char).startswith("M") or _KOREAN_LETTERS.match(char)):
            yield place


def _window(text: str, hits: list[_Hit], width: int) -> tuple[int, int]:
    """Start and end of the first stretch with the most terms, rare ones above all, a little before its first hit."""
    if len(text) <= width or not hits:
        return 0, min(len(text), width)
    before = width // 5
    rarity = {term: 1 / count for term, count in Counter(hit.term for hit in hits).items()}
    counts: Counter[str] = Counter()
    best, chosen, last = 0.0, hits[:1], 0
    for place, first in enumerate(hits):
        while last < len(hits) and hits[last].end <= first.start + width - before:
            counts[hits[last].term] += 1
            last += 1
        worth = fsum(rarity[term] for term, count in counts.items() if count)
        if worth > best:
            best, chosen = worth, hits[place:last]
        counts[first.term] = max(0, counts[first.term] - 1)
    best_start = _tight(chosen).start
    start = _word_start(text, max(0, min(best_start - before, len(text) - width)), best_start)
    return start, min(len(text), start + width)


def _tight(hits: list[_Hit]) -> _Hit:
    """The first of `hits` that is needed to show all of their terms together."""
    counts = Counter(hit.term for hit in hits)
    if len(counts) == 1:
        return hits[0]
    for hit in hits:
        if counts[hit.term] == 1:
            return hit
        counts[hit.term] -= 1
    raise AssertionError("the last hit of a term is needed")


def _word_start(text: str, start: int, latest: int) -> int:
    if start == 0:
        return 0
    breaks = [place + 1 for place in range(start - 1, latest) if text[place].isspace()]
    return breaks[bisect_left(breaks, start)] if breaks else start


def _append(pieces: list[tuple[str, bool]], text: str, *, highlighted: bool) -> None:
    if not text:
        return
    if pieces and pieces[-1][1] is highlighted:
        pieces[-1] = (pieces[-1][0] + text, highlighted)
    else:
        pieces.append((text, highlighted))
