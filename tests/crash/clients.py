"""Clients that do not give up: they repeat what was not answered, and read on from where they stood."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from tests.crash.victims import Victim
from tests.support.fake_replies import command

WORDS = 30


@dataclass(frozen=True)
class Posted:
    """A message that the server has accepted, and what must come of it."""

    thread: str
    client_id: str
    answer: str
    once: str | None
    again: str | None


class Client:
    """A person's client: it repeats what was not answered, with the same client id."""

    def __init__(self, victim: Victim, key: str) -> None:
        self._victim = victim
        self._headers = {"authorization": f"Bearer {key}"}
        self.posted: list[Posted] = []

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        while True:
            try:
                timeout = aiohttp.ClientTimeout(total=10)
                async with (
                    aiohttp.ClientSession(headers=self._headers, timeout=timeout) as session,
                    session.request(method, self._victim.url + path, json=body) as response,
                ):
                    if response.status < 400:
                        return await response.json() if response.status != 204 else None
                    if response.status == 409:
                        return None  # A question that was put aside, or answered before the server died.
                    # Away, or too much is unfinished: messages come faster than kills let them be answered.
                    assert response.status in (503, 429), await response.text()
            except (aiohttp.ClientError, TimeoutError, OSError):
                pass  # The server is dead: a client tries again.
            await asyncio.sleep(0.1)

    async def post(self, number: int, chance: random.Random, thread: str | None = None) -> str:
        """Post a message with writing tools; into `thread`, sometimes as an interruption. Returns its thread."""
        label = f"m{number}"
        tools: list[tuple[str, str]] = []
        if chance.random() < 0.6:
            tools.append(("write_once", json.dumps({"label": label})))
        if chance.random() < 0.4:
            tools.append(("write_again", json.dumps({"label": label})))
        chance.shuffle(tools)
        text = f"Answer {number}: " + " ".join(f"w{i}" for i in range(WORDS))
        body: dict[str, Any] = {
            "client_id": f"c{number}",
            "text": f"{label} {command(tools=tools, text=text, interval_ms=15)}",
        }
        path = "/api/messages"
        if thread is not None:
            path = f"/api/threads/{thread}/messages"
            body["interrupt"] = chance.random() < 0.3
        done = await self.call("POST", path, body)
        names = [name for name, _ in tools]
        once = label if "write_once" in names else None
        again = label if "write_again" in names else None
        self.posted.append(Posted(done["thread"], body["client_id"], text, once, again))
        return done["thread"]

    async def log(self, thread: str) -> list[dict[str, Any]]:
        return (await self.call("GET", f"/api/threads/{thread}/events?limit=1000"))["items"]

    async def settled(self, thread: str, chance: random.Random) -> list[dict[str, Any]]:
        """The log once the thread is idle; questions about unknown acts are answered on the way."""
        async with asyncio.timeout(180):
            while True:
                state = (await self.call("GET", f"/api/threads/{thread}"))["state"]
                log = await self.log(thread)
                # A title may follow the answer at any time.
                newest = next(event["type"] for event in reversed(log) if event["type"] != "thread.titled")
                if state == "idle" and newest == "run.finished":
                    return log
                answered = {e["payload"]["wait"] for e in log if e["type"] == "run.answered"}
                for event in log:
                    if event["type"] == "run.waiting" and event["payload"]["wait"] not in answered:
                        answer = {"answer": {"decision": chance.choice(["done", "leave", "again"])}}
                        await self.call("POST", f"/api/threads/{thread}/waits/{event['payload']['wait']}", answer)
                await asyncio.sleep(0.1)


@dataclass
class Reader:
    """Reads a thread through all deaths of the server, as a page does, and notes what it should not have seen."""

    victim: Victim
    key: str
    thread: str
    position: str = "0"
    seqs: list[int] = field(default_factory=list[int])
    wrong: Counter[str] = field(default_factory=Counter[str])
    holds: tuple[str, int] = ("", 0)
    text: str = ""
    _grown: asyncio.Event = field(default_factory=asyncio.Event)

    async def until(self, events: int) -> None:
        """Until it has seen so many events."""
        while len(self.seqs) < events:
            self._grown.clear()
            await self._grown.wait()

    async def read(self) -> None:
        headers = {"authorization": f"Bearer {self.key}", "accept": "text/event-stream"}
        path = f"{self.victim.url}/api/threads/{self.thread}/events"
        while True:
            with suppress(aiohttp.ClientError, TimeoutError, OSError):
                timeout = aiohttp.ClientTimeout(total=None, sock_read=30)
                async with (
                    aiohttp.ClientSession(headers=headers, timeout=timeout) as session,
                    session.get(path, headers={"last-event-id": self.position}) as stream,
                ):
                    if stream.status == 200:
                        await self._frames(stream)
            await asyncio.sleep(0.1)

    async def _frames(self, stream: aiohttp.ClientResponse) -> None:
        kind, position, data = "", "", ""
        async for raw in stream.content:
            line = raw.decode().rstrip("\r\n")
            if line:
                name, _, value = line.partition(": ")
                kind = value if name == "event" else kind
                position = value if name == "id" else position
                data = value if name == "data" else data
                continue
            if kind:
                self.position = position or self.position
                self._take(kind, json.loads(data or "{}"))
            kind, position, data = "", "", ""

    def _take(self, kind: str, data: dict[str, Any]) -> None:
        if kind == "event":
            self.seqs.append(data["seq"])
            self._grown.set()
            if data["type"] == "message.assistant":
                whole = data["payload"]["text"]
                # Of an answer that ends because its writer died only what the last checkpoint had is kept.
                is_cut = data["payload"]["finish"] in ("stopped", "joined") and self.text.startswith(whole)
                is_ours = self.holds[0] == data["message"] and not is_cut
                self.wrong["streamed words that the answer lacks"] += is_ours and not whole.startswith(self.text)
                self.holds, self.text = ("", 0), ""
        elif kind == "reset":
            self.holds, self.text = ("", 0), ""
        elif kind == "checkpoint":
            self.holds, self.text = (data["message"], data["attempt"]), data["text"]
        elif kind == "delta" and data["channel"] == "text":
            if self.holds != (data["message"], data["attempt"]):
                self.holds, self.text = (data["message"], data["attempt"]), ""
            self.wrong["gaps or doubles in a stream"] += data["offset"] != len(self.text)
            self.text = self.text[: data["offset"]] + data["text"]

    def judge(self, log: list[dict[str, Any]]) -> Counter[str]:
        """What went wrong for this reader of a thread with this `log`."""
        seqs = [event["seq"] for event in log]
        self.wrong["events lost by a reader"] += len(set(seqs) - set(self.seqs))
        self.wrong["events a reader got twice"] += len(self.seqs) - len(set(self.seqs))
        self.wrong["events out of order"] += self.seqs != sorted(self.seqs)
        return +self.wrong
