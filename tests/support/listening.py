"""A surface that listens: the frames of an event stream of a living house, taken as they come."""

from __future__ import annotations

import json
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

import httpx2

from mecum.surfaces.terminal.sse import SseFrame, SseParser

WITHIN_S = 20.0


class Frames:
    """What comes on one stream. Nothing is read before it is asked for: what came meanwhile waits in the connection."""

    def __init__(self, stream: httpx2.Response) -> None:
        self.seen: list[SseFrame] = []
        self._frames = _parsed(stream)

    def next(self, event: str, within_s: float = WITHIN_S) -> Any:
        """The data of the next frame of this kind."""
        end = time.monotonic() + within_s
        for frame in self._frames:
            self.seen.append(frame)
            if frame.event == event:
                return json.loads(frame.data)
            assert time.monotonic() < end, f"no {event} in time, but {[each.event for each in self.seen]}"
        raise AssertionError(f"the stream ended before {event}, after {[each.event for each in self.seen]}")

    def until_end(self, within_s: float = WITHIN_S) -> None:
        """Read until the house ends the stream."""
        end = time.monotonic() + within_s
        for frame in self._frames:
            self.seen.append(frame)
            assert time.monotonic() < end, f"the stream goes on, after {[each.event for each in self.seen]}"

    def said(self, word: str) -> bool:
        """Whether a frame that was read holds `word`."""
        return any(word in frame.data for frame in self.seen)


def _parsed(stream: httpx2.Response) -> Iterator[SseFrame]:
    parser = SseParser()
    for chunk in stream.iter_bytes():
        yield from parser.feed(chunk)


@contextmanager
def listening(http: httpx2.Client, path: str) -> Generator[Frames]:
    """The frames of `path`. `http` is who listens: it brings its headers, its cookies and its patience."""
    with http.stream("GET", path, headers={"accept": "text/event-stream"}) as stream:
        assert stream.status_code == 200, stream.status_code
        yield Frames(stream)


@contextmanager
def listening_with_key(url: str, path: str, key: str) -> Generator[Frames]:
    """The frames of `path` for a program with that key."""
    headers = {"authorization": f"Bearer {key}"}
    with (
        httpx2.Client(base_url=url, timeout=WITHIN_S, trust_env=False, headers=headers) as http,
        listening(http, path) as frames,
    ):
        yield frames
