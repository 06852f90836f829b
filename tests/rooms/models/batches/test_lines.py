"""Lines of a file of requests: cut out of pieces of any size, and looked through before any is asked."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mecum.rooms.models.batches.lines import Line, LineTooLong, lines
from mecum.rooms.models.batches.validating import ERRORS_MAX, looked_through
from mecum.rooms.models.settings import ModelsSettings
from tests.rooms.models.batches.desk import CHAT, jsonl, line


async def cut(content: bytes, sizes: list[int]) -> AsyncIterator[bytes]:
    at = 0
    while at < len(content):
        size = sizes[at % len(sizes)]
        yield content[at : at + size]
        at += size


async def read(content: bytes, sizes: list[int], **more: Any) -> list[Line]:
    return [each async for each in lines(cut(content, sizes), 1000, **more)]


@given(
    st.lists(st.binary(max_size=20).map(lambda raw: raw.replace(b"\n", b" ")), max_size=20),
    st.lists(st.integers(1, 30), min_size=1, max_size=5),
    st.booleans(),
)
async def test_lines_are_the_same_however_their_bytes_come(raw: list[bytes], sizes: list[int], ends: bool) -> None:
    content = b"\n".join(raw) + (b"\n" if ends else b"")
    found = await read(content, sizes)
    expected = [(number, each.strip()) for number, each in enumerate(content.split(b"\n"), 1) if each.strip()]
    assert [(each.number, each.raw) for each in found] == expected
    for each in found:
        again = await read(content[each.start :], sizes, number=each.number, start=each.start)
        assert again[0] == each, "work goes on from where a line begins"


@pytest.mark.parametrize("ends", [b"", b"\n"])
async def test_a_line_that_is_too_long_ends_the_reading(ends: bytes) -> None:
    with pytest.raises(LineTooLong) as found:
        await read(b"short\n" + b"x" * 1001 + ends, [7])
    assert found.value.number == 2


async def errors_of(content: bytes, **settings: Any) -> list[tuple[int | None, str, str | None]]:
    looked = await looked_through(cut(content, [100]), CHAT, ModelsSettings(**settings))
    return [(each["line"], each["code"], each["param"]) for each in looked.errors]


@pytest.mark.parametrize(
    ("changes", "code", "param"),
    [
        ({"custom_id": None}, "missing_required_parameter", "custom_id"),
        ({"custom_id": ""}, "missing_required_parameter", "custom_id"),
        ({"custom_id": "x" * 513}, "missing_required_parameter", "custom_id"),
        ({"method": "GET"}, "invalid_method", "method"),
        ({"url": "/v1/embeddings"}, "invalid_url", "url"),
        ({"body": []}, "missing_required_parameter", "body"),
        ({"body": {"messages": []}}, "missing_required_parameter", "body.model"),
        ({"body": {"model": "mecum"}}, "model_not_supported", "body.model"),
        ({"body": {"model": "fake", "stream": True}}, "invalid_request", "body.stream"),
        ({"body": {"model": "fake", "background": True}}, "invalid_request", "body.background"),
    ],
)
async def test_what_is_wrong_with_a_line_is_named_with_its_number(changes: Any, code: str, param: str) -> None:
    assert await errors_of(jsonl([line("a"), {**line("b"), **changes}])) == [(2, code, param)]


@pytest.mark.parametrize("content", [b"", b"\n\n \n"])
async def test_a_file_without_a_request_is_refused(content: bytes) -> None:
    assert await errors_of(content) == [(None, "empty_file", None)]


async def test_a_file_of_bytes_that_are_no_text_is_refused_with_so_many_errors_and_no_more() -> None:
    assert await errors_of(b"\xff\x00\n" * (ERRORS_MAX + 5)) == [
        (number, "invalid_json_line", None) for number in range(1, ERRORS_MAX + 1)
    ]


async def test_too_many_requests_and_too_long_ones_are_refused() -> None:
    content = jsonl([line(str(n)) for n in range(3)])
    assert await errors_of(content, batch_lines_max=2) == [(3, "too_many_requests", None)]
    assert await errors_of(content, batch_lines_max=3) == []
    long = jsonl([line("a"), line("b", said="x" * 2000)])
    assert await errors_of(long, batch_line_limit_bytes=1024) == [(2, "line_too_long", None)]


async def test_a_mark_of_the_byte_order_and_line_ends_of_windows_do_no_harm() -> None:
    content = b"\xef\xbb\xbf" + json.dumps(line("a")).encode() + b"\r\n" + json.dumps(line("b")).encode() + b"\r\n"
    assert await errors_of(content) == []
