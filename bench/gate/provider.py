"""A provider that is as fast as the simulated engine, in real time: what it is sent shares one batch.

    python -m bench.gate.provider --port 0
    python -m bench.gate.provider --port 0 --policy "plain queue"

A request says in its text how many tokens the answer has (`write 211`); those that are read are as many as a quarter
of its characters. With a policy in front its key is read as `tenant/kind`.
"""

from __future__ import annotations

import argparse
import asyncio
import re
from typing import Any, Literal, TypeAlias, get_args

from bench.gate.engine import Engine
from bench.gate.load import Kind, Request
from bench.gate.policies import POLICIES, NewPolicy, Straight
from mecum.rooms.models.tokens import CHARS_PER_TOKEN
from tests.support.fake_provider import FakeProvider, Recorded
from tests.support.fake_replies import Reply, last_user_text
from tests.support.fake_wires import dump

WRITE = re.compile(r"write (\d+)")
TICK_S = 1.0

Event: TypeAlias = Literal["first", "end", "rejected"]


class BatchProvider(FakeProvider):
    """The server, and the `World` of what stands in front of its engine."""

    def __init__(self, *, port: int = 0, replicas: int = 1, policy: NewPolicy = Straight) -> None:
        super().__init__(port=port)
        self._engine = Engine(replicas)
        self._policy = policy(self, ("engine",))
        self._events: dict[Request, asyncio.Queue[Event]] = {}
        self._changed = asyncio.Event()

    def send(self, request: Request, engine: str, now: float) -> None:
        self._engine.add(request, now)
        self._changed.set()

    def take_back(self, request: Request, now: float) -> None:
        self._engine.take_back(request, now)
        self._changed.set()

    def reject(self, request: Request) -> None:
        self._tell(request, "rejected")

    async def work(self) -> None:
        """Tell each request of its first token and of its end, when it is time."""
        loop = asyncio.get_running_loop()
        tick_at = loop.time() + TICK_S
        while True:
            self._changed.clear()
            due = self._engine.next_at()
            if tick_at <= min(due, loop.time()):
                self._policy.tick(tick_at)
                tick_at += TICK_S
                continue
            wait_s = min(due, tick_at) - loop.time()
            if wait_s > 0:
                try:
                    await asyncio.wait_for(self._changed.wait(), wait_s)
                except TimeoutError:
                    pass  # The next one is due.
                continue
            request, what = self._engine.pop(due)
            (self._policy.began if what == "first" else self._policy.ended)(request, due)
            self._tell(request, what)

    def _tell(self, request: Request, what: Event) -> None:
        heard = self._events.get(request)
        if heard is not None:  # Whoever asked has not left.
            heard.put_nowait(what)

    async def _answer(self, record: Recorded, send: Any) -> None:
        now = asyncio.get_running_loop().time()
        request = _request(record, now)
        heard = self._events[request] = asyncio.Queue()
        is_here = True
        try:
            self._policy.arrives(request, now)
            if await heard.get() == "rejected":
                is_here = False
                await self._fail(send, Reply(status=429))
                return
            headers = [(b"content-type", b"text/event-stream")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": _chunk("one"), "more_body": True})
            await heard.get()
            is_here = False
            await send({"type": "http.response.body", "body": _chunk("rest", request) + b"data: [DONE]\n\n"})
        finally:
            del self._events[request]
            if is_here and isinstance(self._policy, Straight):
                # Whoever hangs up is forgotten; behind a queue it is served nevertheless, as in most.
                self.take_back(request, asyncio.get_running_loop().time())


def _request(record: Recorded, now: float) -> Request:
    text = last_user_text(record.body)
    found = WRITE.search(text)
    tenant, _, named = record.headers.get("authorization", "").removeprefix("Bearer ").partition("/")
    kind: Kind = next((each for each in get_args(Kind) if each == named), "program")
    return Request(now, tenant, kind, len(text) // CHARS_PER_TOKEN, int(found[1]) if found else 100)


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
    parser.add_argument("--policy", choices=[name for name in POLICIES if name != "the gate"], default="nothing")
    given = parser.parse_args()
    async with BatchProvider(port=given.port, policy=POLICIES[given.policy]) as provider:
        await provider.work()


if __name__ == "__main__":
    asyncio.run(main())
