"""Text matching: folding, terms, PostgreSQL full-text search, snippets."""

from __future__ import annotations

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mecum.kit.text import (
    QUERY_TERMS_MAX,
    TERM_CHARS_MAX,
    normalise,
    search_terms,
    snippet,
    terms_of,
    to_or_query,
    to_tsvector_input,
)

ALPHABET = st.sampled_from(
    "abcsxyzESABßéÅ0129 ,.-_'\"&|!():*\\<>\n\u3000黑猫咖啡店東京スーパー한국어ไทยйщαςक्षﬁ①Ａｶﾞ\u0301\u200d👩"
)
TEXTS = st.text(ALPHABET, max_size=60) | st.text(max_size=40)


@pytest.mark.parametrize(
    ("written", "compared"),
    [("Straße", "strasse"), ("ＡＢＣ", "abc"), ("ﬁn", "fin"), ("İ", "i̇"), ("Σίσυφος", "σίσυφοσ"), ("①", "1")],
)
def test_comparing_ignores_case_and_width(written: str, compared: str) -> None:
    assert normalise(written) == compared


@given(TEXTS)
def test_normalising_twice_changes_nothing(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("The Cats' café: cats!", ["the", "cat", "cafe"]),
        ("policies and glasses, buses, us", ["policy", "and", "glasse", "buse", "us"]),
        ("snake_case foo-bar 3.14", ["snake", "case", "foo", "bar", "3", "14"]),
        ("黑猫咖啡", ["黑猫", "猫咖", "咖啡"]),
        ("猫", ["猫"]),
        ("iPhone手机 2台", ["iphone", "手机", "2", "台"]),
        ("東京スーパー", ["東京", "京ス", "スー", "ーパ", "パー"]),
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),
        ("  !? ", []),
    ],
)
def test_a_query_becomes_terms(text: str, terms: list[str]) -> None:
    assert search_terms(text) == terms


def test_an_accent_makes_no_difference_in_latin_but_a_letter_does_elsewhere() -> None:
    assert search_terms("Müller naïve") == search_terms("Muller nai\u0308ve")
    assert search_terms("мой") != search_terms("мои")


@given(TEXTS)
def test_terms_are_bounded_and_carry_no_operator(text: str) -> None:
    terms = search_terms(text)
    assert len(terms) == len(set(terms)) <= QUERY_TERMS_MAX
    for term in terms_of(text):
        assert 0 < len(term) <= TERM_CHARS_MAX
        assert not set(term) & set(" '\"&|!():*\\<>\x00\n")


@given(TEXTS, TEXTS)
def test_texts_side_by_side_keep_their_terms(one: str, other: str) -> None:
    assert list(terms_of(f"{one}\n{other}")) == [*terms_of(one), *terms_of(other)]


def test_what_is_indexed_is_found_again_by_its_words_in_postgresql(pg_url: str) -> None:
    found = "SELECT to_tsvector('simple', %s) @@ to_tsquery('simple', %s)"
    with psycopg.connect(pg_url) as connection:

        @settings(max_examples=150, deadline=None)
        @given(st.text(ALPHABET, max_size=60))
        def search(text: str) -> None:
            indexed = to_tsvector_input(text)
            queries = [*text.split(), *(character for character in text if search_terms(character)), text]
            for query in queries:
                if search_terms(query) and set(search_terms(query)) & set(terms_of(text)):
                    assert connection.execute(found, (indexed, to_or_query(query))).fetchone() == (True,), query

        search()


@pytest.mark.parametrize(
    ("text", "query", "found"),
    [
        ("我喜欢黑猫咖啡店", "咖啡", True),
        ("我喜欢黑猫咖啡店", "店", True),
        ("我喜欢黑猫咖啡店", "猫", True),
        ("我喜欢黑猫咖啡店", "茶", False),
        ("Quarterly reports for Zürich", "report zur", True),
        ("Quarterly reports", "quart", True),
        ("Quarterly reports", "terly", False),
        ("commit 5e1f9ab and 12e3", "5e1f9ab", True),
        ("nothing", "", False),
    ],
)
def test_queries_find_what_a_person_expects(pg_url: str, text: str, query: str, found: bool) -> None:
    statement = "SELECT to_tsvector('simple', %s) @@ to_tsquery('simple', %s)"
    with psycopg.connect(pg_url) as connection:
        assert connection.execute(statement, (to_tsvector_input(text), to_or_query(query))).fetchone() == (found,)


def test_an_enormous_text_still_fits_a_tsvector(pg_url: str) -> None:
    text = " ".join(f"word{number:x}é" for number in range(90_000))
    with psycopg.connect(pg_url) as connection:
        row = connection.execute("SELECT length(to_tsvector('simple', %s))", (to_tsvector_input(text),)).fetchone()
    assert row is not None and row[0] > 30_000


def test_a_snippet_shows_the_words_and_where_it_was_cut() -> None:
    text = "It was a long day. " * 20 + "Then the black cats came home, at last. " + "Nothing else happened. " * 20
    pieces = snippet(text, search_terms("black cat"), width=60)
    assert [piece for piece, highlighted in pieces if highlighted] == ["black", "cats"]
    assert pieces[0][0].startswith("…") and pieces[-1][0].endswith("…")
    assert len("".join(piece for piece, _ in pieces)) <= 62


def test_a_snippet_prefers_where_most_terms_are() -> None:
    text = "cat " + "x " * 100 + "cat and dog " + "y " * 100
    assert [piece for piece, highlighted in snippet(text, ["cat", "dog"], 40) if highlighted] == ["cat", "dog"]


def test_a_snippet_of_a_short_text_is_the_text() -> None:
    assert snippet("我喜欢黑猫", search_terms("黑猫")) == [("我喜欢", False), ("黑猫", True)]
    assert snippet("plain", []) == [("plain", False)]
    assert snippet("Ｃafé latte", search_terms("cafe lat")) == [("Ｃafé", True), (" ", False), ("latte", True)]


@given(TEXTS, TEXTS, st.integers(1, 50))
def test_a_snippet_is_a_part_of_the_text_whatever_is_asked(text: str, query: str, width: int) -> None:
    pieces = snippet(text, search_terms(query), width)
    shown = "".join(piece for piece, _ in pieces)
    assert shown.removeprefix("…").removesuffix("…") in text or shown in text
    assert all(piece for piece, _ in pieces)
    assert len(shown) <= width + 2
