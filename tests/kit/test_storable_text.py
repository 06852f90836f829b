"""Text that PostgreSQL can't keep: NUL, and halves of surrogate pairs."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Column, Integer, MetaData, String, Table, insert, select

from mecum.kit.db import JSONB, Database, storable

ANY_TEXT = st.text(max_size=20) | st.text(st.sampled_from("a中\0\\u\ud83d\ude00"), max_size=20)

table = Table(
    "kept", MetaData(), Column("id", Integer, primary_key=True), Column("word", String), Column("body", JSONB)
)


@given(ANY_TEXT)
def test_what_was_text_stays_as_it_is_and_the_rest_becomes_replacement_characters(text: str) -> None:
    mended = storable(text)
    mended.encode()
    assert "\0" not in mended
    if "\0" not in text and not any("\ud800" <= each <= "\udfff" for each in text):
        assert mended is text


def test_the_halves_of_a_pair_find_each_other() -> None:
    assert storable("a\ud83d\ude00b\ud83d\0") == "a😀b\ufffd\ufffd"


@pytest.mark.parametrize(
    "text", ["plain", "a\0b", "\\u0000", "\\\0", "\\\\u0000\0\0", "\ud83d", "\ud83d\ude00", "中\0"]
)
async def test_it_comes_back_from_text_and_from_json(database: Database, text: str) -> None:
    async with database.transaction() as connection:
        await connection.run_sync(table.metadata.create_all)
        await connection.execute(insert(table), [{"word": text, "body": {text: [text, {"x": text}]}}] * 2)
    async with database.transaction() as connection:
        rows = (await connection.execute(select(table).where(table.c.word.in_([text])))).all()
    kept = storable(text)
    assert [row.word for row in rows] == [kept, kept]
    assert json.loads(json.dumps(rows[0].body)) == {kept: [kept, {"x": kept}]}
