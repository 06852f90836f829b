"""Server-sent events: the same events however the bytes are cut, and a limit on lines."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mecum.rooms.models.wires.sse import LineTooLong, ServerEvent, SseReader, frame

LIMIT = 2**20
FIELDS = (b"data: ", b"data:", b"data", b"event: ", b": comment", b"id: 7", b"retry: 1", b":", b"[DONE]")
BREAKS = (b"\n", b"\r", b"\r\n", b"\n\n", b"\r\n\r\n", b"\r\r")
fragments = st.sampled_from([*FIELDS, *BREAKS, b"x", b"{}", b" ", b"\xc3\xa9", b"\xff"])
streams = st.lists(fragments, max_size=40).map(b"".join)


def events_of(chunks: list[bytes]) -> list[ServerEvent]:
    reader = SseReader(LIMIT)
    found = [event for chunk in chunks for event in reader.feed(chunk)]
    return found + reader.close()


def cut(stream: bytes, places: list[int]) -> list[bytes]:
    bounds = [0, *sorted(place % (len(stream) + 1) for place in places), len(stream)]
    return [stream[start:end] for start, end in pairwise(bounds)]


@given(streams, st.lists(st.integers(min_value=0, max_value=200), max_size=20))
def test_any_cutting_of_the_bytes_gives_the_same_events(stream: bytes, places: list[int]) -> None:
    assert events_of(cut(stream, places)) == events_of([stream])
    assert events_of([stream[place : place + 1] for place in range(len(stream))]) == events_of([stream])


@given(streams)
def test_line_endings_make_no_difference(stream: bytes) -> None:
    plain = stream.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    assert events_of([plain.replace(b"\n", b"\r\n")]) == events_of([plain]) == events_of([plain.replace(b"\n", b"\r")])


@given(
    st.lists(st.tuples(st.text().map(str.encode).filter(lambda data: data and not set(data) & {10, 13}), st.just("")))
)
def test_what_is_written_is_read_again(written: list[tuple[bytes, str]]) -> None:
    stream = b"".join(frame(data, event) for data, event in written)
    assert events_of([stream]) == [ServerEvent(data, event) for data, event in written]


def test_data_of_several_lines_is_one_event_and_comments_are_none() -> None:
    stream = b'\xef\xbb\xbf: hello\nevent: note\ndata: {"a":\ndata: 1}\nid: 3\n\n\n\ndata\n\ndata: last'
    assert events_of([stream]) == [ServerEvent(b'{"a":\n1}', "note"), ServerEvent(b""), ServerEvent(b"last")]


@pytest.mark.parametrize("stream", [b"data: " + b"x" * 100, b"x" * 100 + b"\n", b"data: xxxxxxxxxxx\n" * 10])
def test_a_line_or_an_event_over_the_limit_is_an_error(stream: bytes) -> None:
    with pytest.raises(LineTooLong):
        SseReader(64).feed(stream)
    reader = SseReader(64)
    with pytest.raises(LineTooLong):
        for place in range(len(stream)):
            reader.feed(stream[place : place + 1])
