"""Members of a JSON object are changed in place; nothing else of the text is."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mecum.rooms.models.wires.splice import NotAnObject, Spliced

texts = st.text(st.characters(codec="utf-8"), max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(texts, values, max_size=5)


@given(objects, st.dictionaries(texts, values, max_size=3), st.sampled_from([None, 2]), st.booleans())
def test_changed_members_have_their_new_values_and_the_others_their_old(
    before: dict[str, object], changes: dict[str, object], indent: int | None, ascii_only: bool
) -> None:
    body = json.dumps(before, indent=indent, ensure_ascii=ascii_only).encode()
    spliced = Spliced(body)
    assert spliced.values == before
    assert json.loads(spliced.changed(changes)) == before | changes


@given(objects, st.sampled_from([None, 3]))
def test_without_changes_every_byte_stays(before: dict[str, object], indent: int | None) -> None:
    body = json.dumps(before, indent=indent).encode()
    assert Spliced(body).changed({}) == body


def test_only_the_member_itself_is_rewritten() -> None:
    body = b'{ "z": 1.50e3, "model":\t"a",\n "n": 123456789012345678901234567890, "nested": {"model": "a"} }'
    expected = (
        b'{ "z": 1.50e3, "model":\t"b",\n "n": 123456789012345678901234567890, "nested": {"model": "a"} ,"x":true}'
    )
    assert Spliced(body).changed({"model": "b", "x": True}) == expected


def test_of_a_name_that_stands_twice_both_are_changed() -> None:
    assert json.loads(Spliced(b'{"model":"a","model":"b"}').changed({"model": "c"})) == {"model": "c"}


BROKEN = [b"", b"[]", b"{", b'{"a"', b'{"a":1', b'{"a":1,}', b'{"a":1}x', b'{"a" 1}', b"null", b"\xff", b"{'a':1}"]


@pytest.mark.parametrize("body", [*BROKEN, b'{"a":1 "b":2}', b'{"a":' + b"[" * 100_000])
def test_what_is_not_an_object_is_refused(body: bytes) -> None:
    with pytest.raises(NotAnObject):
        Spliced(body)
