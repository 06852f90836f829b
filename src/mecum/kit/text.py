"""Text matching, one way for the whole house: Unicode NFKC, case folding, CJK as character bigrams.

Words of scripts with spaces are terms, lightly stemmed in English (plural endings only: D. Harman, "How effective is
suffixing?", JASIS 42(1), 1991) and without the accents of Latin letters. Runs of scripts without spaces (Chinese,
Japanese, Korean, Thai, Lao, Khmer, Burmese) become all their pairs of neighbouring characters, each with its marks, and
the last character alone, so that a query of one character finds them by prefix.

For PostgreSQL: `to_tsvector('simple', :input)` of `to_tsvector_input`, matched by `to_tsquery('simple', :query)` of
`to_or_query`; rank with `ts_rank`, which prefers texts with more of the terms.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Collection, Iterator
from dataclasses import dataclass

TEXT_CHARS_MAX = 500_000
"""What lies behind is not indexed: longer documents are indexed in chunks."""
TERM_CHARS_MAX = 60
QUERY_TERMS_MAX = 32
TSVECTOR_BYTES_MAX = 900_000
"""PostgreSQL takes at most 1 MiB of lexemes with their positions."""
LEXEME_OVERHEAD_BYTES = 6

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


def to_or_query(text: str) -> str:
    """A tsquery: any of the terms; the last one, still being typed, and single characters of runs match as prefix.

    An empty string when `text` has no terms: then there is nothing to search.
    """
    terms = search_terms(text)
    if not terms:
        return ""
    last = len(terms) - 1
    parts = [f"{term}:*" if place == last or _is_lone_run(term) else term for place, term in enumerate(terms)]
    return " | ".join(parts)


@dataclass(frozen=True, slots=True)
class _Hit:
    start: int
    end: int
    term: str


def snippet(text: str, terms: Collection[str], width: int = 160) -> list[tuple[str, bool]]:
    """The part of `text` that shows most of `terms`, as (text, highlighted) pieces; `…` where it was cut.

    Args:
        terms: from `search_terms`; the last one also highlights words that begin with it.
        width: characters of the part, not counting the ellipses.
    """
    text = text[:TEXT_CHARS_MAX]
    hits = list(_hits(text, list(terms)))
    start, end = _window(text, hits, width)
    pieces: list[tuple[str, bool]] = [(_ELLIPSIS, False)] if start > 0 else []
    at = start
    for hit in hits:
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


def _hits(text: str, terms: list[str]) -> Iterator[_Hit]:
    """Where terms stand in the original text: matched piece by piece, because folding changes lengths."""
    wanted = frozenset(terms)
    prefix = terms[-1] if terms else None
    for found in _TOKEN.finditer(text):
        if found.lastgroup == "word":
            for term in terms_of(found[0]):
                if term in wanted or (prefix is not None and term.startswith(prefix)):
                    yield _Hit(found.start(), found.end(), term)
                    break
        else:
            yield from _run_hits(found[0], found.start(), wanted)


def _run_hits(run: str, offset: int, wanted: frozenset[str]) -> Iterator[_Hit]:
    clusters = list(_CLUSTERS.finditer(run))
    folded = [_folded(cluster[0]) for cluster in clusters]
    for place, cluster in enumerate(clusters):
        for length in (1, 2):
            term = "".join(folded[place : place + length])
            if term in wanted:
                end = clusters[min(place + length, len(clusters)) - 1].end()
                yield _Hit(offset + cluster.start(), offset + end, term)


def _window(text: str, hits: list[_Hit], width: int) -> tuple[int, int]:
    """Start and end of the first stretch with the most distinct terms, beginning a little before its first hit."""
    if len(text) <= width or not hits:
        return 0, min(len(text), width)
    counts: dict[str, int] = {}
    best, best_start, last = 0, 0, 0
    for first in hits:
        while last < len(hits) and hits[last].end <= first.start + width:
            counts[hits[last].term] = counts.get(hits[last].term, 0) + 1
            last += 1
        if len(counts) > best:
            best, best_start = len(counts), first.start
        if counts.get(first.term, 0) <= 1:
            counts.pop(first.term, None)
        else:
            counts[first.term] -= 1
    start = _word_start(text, max(0, min(best_start - width // 5, len(text) - width)), best_start)
    return start, min(len(text), start + width)


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
