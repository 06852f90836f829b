"""Text matching: folding, terms, PostgreSQL full-text search, snippets."""

from __future__ import annotations

import threading

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mecum.kit.text import (
    QUERY_TERMS_MAX,
    TERM_CHARS_MAX,
    normalise,
    search_terms,
    searchable,
    snippet,
    terms_of,
    to_and_query,
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


def marked(text: str, query: str, width: int = 160) -> list[str]:
    return [piece for piece, highlighted in snippet(text, query, width) if highlighted]


def test_a_snippet_shows_the_words_and_where_it_was_cut() -> None:
    text = "It was a long day. " * 20 + "Then the black cats came home, at last. " + "Nothing else happened. " * 20
    pieces = snippet(text, "black cat", width=60)
    assert [piece for piece, highlighted in pieces if highlighted] == ["black", "cats"]
    assert pieces[0][0].startswith("…") and pieces[-1][0].endswith("…")
    assert len("".join(piece for piece, _ in pieces)) <= 62


def test_a_snippet_prefers_where_most_terms_are() -> None:
    text = "cat " + "x " * 100 + "cat and dog " + "y " * 100
    assert marked(text, "cat dog", 40) == ["cat", "dog"]


def test_a_rare_word_is_shown_also_behind_hundreds_of_a_common_one() -> None:
    text = "the cat " * 500 + "and the oystercatcher. " + "Nothing else. " * 20
    assert marked(text, "the oystercatcher", 40) == ["the", "oystercatcher"]


@pytest.mark.parametrize(
    ("text", "query", "marks"),
    [
        ("a boat, two boats", "boats", ["boat", "boats"]),
        ("a boat, two boats, boating", "boat trip", ["boat", "boats"]),
        ("boating", "boat", ["boating"]),
        ("cities and a City", "city", ["cities", "City"]),
        ("我喜欢黑猫", "黑猫", ["黑猫"]),
        ("我喜欢黑猫咖啡店，和茶馆", "猫咖啡", ["猫咖啡"]),
        ("黑猫和白猫", "猫", ["猫", "猫"]),
        ("Ｃafé latte", "cafe lat", ["Ｃafé", "latte"]),
        ("a ①②㎏ b", "12kg", ["①②㎏"]),
        ("strasse, Straße", "STRASSE", ["strasse", "Straße"]),
        ("plain", "", []),
    ],
)
def test_what_the_search_finds_is_marked_as_it_is_written(text: str, query: str, marks: list[str]) -> None:
    assert marked(text, query) == marks


@given(TEXTS, TEXTS, st.integers(1, 50))
def test_a_snippet_is_a_part_of_the_text_whatever_is_asked(text: str, query: str, width: int) -> None:
    pieces = snippet(text, query, width)
    shown = "".join(piece for piece, _ in pieces)
    assert shown.removeprefix("…").removesuffix("…") in text or shown in text
    assert all(piece for piece, _ in pieces)
    assert len(shown) <= width + 2


@given(TEXTS, TEXTS)
def test_nothing_is_added_to_a_text_that_is_shown_as_a_whole(text: str, query: str) -> None:
    assert "".join(piece for piece, _ in snippet(text, query, max(1, len(text)))) == text


@given(TEXTS, TEXTS)
def test_every_mark_holds_a_term_of_the_query(text: str, query: str) -> None:
    for mark in marked(text, query, max(1, len(text))):
        assert marked(mark, query), mark


@given(TEXTS)
def test_a_text_is_marked_where_it_has_words_when_it_is_its_own_query(text: str) -> None:
    assert bool(marked(text, text, max(1, len(text)))) == bool(search_terms(text))


def test_marks_stand_exactly_where_postgresql_finds(pg_url: str) -> None:
    statement = "SELECT to_tsvector('simple', %s) @@ to_tsquery('simple', %s)"
    with psycopg.connect(pg_url) as connection:

        @settings(max_examples=300, deadline=None)
        @given(st.text(ALPHABET, max_size=40), st.text(ALPHABET, min_size=1, max_size=4))
        def search(text: str, query: str) -> None:
            if to_or_query(query):
                found = connection.execute(statement, (to_tsvector_input(text), to_or_query(query))).fetchone()
                assert found == (bool(marked(text, query)),), (text, query)

        search()


def test_all_of_the_terms_are_asked_for_where_that_is_wanted(pg_url: str) -> None:
    statement = "SELECT to_tsvector('simple', %s) @@ to_tsquery('simple', %s)"
    with psycopg.connect(pg_url) as connection:
        for text, found in (("two boats and a lamp", True), ("two boats", False), ("a lamp", False)):
            row = connection.execute(statement, (to_tsvector_input(text), to_and_query("boat lam"))).fetchone()
            assert row == (found,)


async def test_a_long_text_is_taken_apart_off_the_loop_and_a_short_one_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[int] = []

    def noted(text: str) -> str:
        threads.append(threading.get_ident())
        return to_tsvector_input(text)

    monkeypatch.setattr("mecum.kit.text.to_tsvector_input", noted)
    assert await searchable("黑猫") == "黑猫 猫"
    assert await searchable("word " * 20_000) == to_tsvector_input("word " * 20_000)
    assert threads[0] == threading.get_ident() != threads[1]
