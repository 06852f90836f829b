"""A provider that is as fast as the simulated engine, in real time: what it is sent shares one batch.

    python -m bench.gate.provider --port 0

A request says in its text how many tokens the answer has (`write 211`); those that are read are as many as a quarter
of its characters.
"""

from __future__ import annotations

import argparse
import asyncio
import re
from math import inf
from typing import Any, Literal

from bench.gate.engine import Engine
from bench.gate.load import Request
from mecum.rooms.models.tokens import CHARS_PER_TOKEN
from tests.support.fake_provider import FakeProvider, Recorded
from tests.support.fake_replies import last_user_text
from tests.support.fake_wires import dump

WRITE = re.compile(r"write (\d+)")
STILL_S = 3600.0


class BatchProvider(FakeProvider):
    def __init__(self, *, port: int, replicas: int = 1) -> None:
        super().__init__(port=port)
        self._engine = Engine(replicas)
        self._events: dict[Request, asyncio.Queue[Literal["first", "end"]]] = {}
        self._changed = asyncio.Event()

    async def work(self) -> None:
        """Tell each request of its first token and of its end, when it is time."""
        loop = asyncio.get_running_loop()
        while True:
            self._changed.clear()
            due = self._engine.next_at()
            wait_s = STILL_S if due == inf else due - loop.time()
            if wait_s > 0:
                try:
                    await asyncio.wait_for(self._changed.wait(), wait_s)
                except TimeoutError:
                    pass  # The next one is due.
                continue
            request, what = self._engine.pop(due)
            self._events[request].put_nowait(what)

    async def _answer(self, record: Recorded, send: Any) -> None:
        text = last_user_text(record.body)
        found = WRITE.search(text)
        now = asyncio.get_running_loop().time()
        written = int(found[1]) if found else 100
        request = Request(now, "", "program", len(text) // CHARS_PER_TOKEN, written)
        heard = self._events[request] = asyncio.Queue()
        self._engine.add(request, now)
        self._changed.set()
        is_here = True
        try:
            await heard.get()
            headers = [(b"content-type", b"text/event-stream")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": _chunk("one"), "more_body": True})
            await heard.get()
            is_here = False
            await send({"type": "http.response.body", "body": _chunk("rest", request) + b"data: [DONE]\n\n"})
        finally:
            del self._events[request]
            if is_here:
                self._engine.take_back(request, asyncio.get_running_loop().time())
                self._changed.set()


def _chunk(text: str, last: Request | None = None) -> bytes:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": None if last is None else "stop"}
    body: dict[str, Any] = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "fake"}
    body["choices"] = [choice]
    if last is not None:
        total = last.input_tokens + last.output_tokens
        body["usage"] = {
            "prompt_tokens": last.input_tokens,
            "completion_tokens": last.output_tokens,
            "total_tokens": total,
        }
    return b"data: " + dump(body) + b"\n\n"


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    async with BatchProvider(port=parser.parse_args().port) as provider:
        await provider.work()


if __name__ == "__main__":
    asyncio.run(main())
