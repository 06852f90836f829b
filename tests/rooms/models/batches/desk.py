"""Somebody who hands in batches and looks at what came of them, through the room's face."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import text

from mecum.rooms.models import RelayResponse
from mecum.rooms.models.accounts import AccountChange
from tests.rooms.models.world import World

CHAT, RESPONSES, EMBEDDINGS = "/v1/chat/completions", "/v1/responses", "/v1/embeddings"
ENDED = ("completed", "failed", "expired", "cancelled")


def line(custom_id: str, said: str = "Hello", model: str = "fake", url: str = CHAT, **more: Any) -> dict[str, Any]:
    asked: dict[str, Any] = {"messages": [{"role": "user", "content": said}]} if url == CHAT else {"input": said}
    return {"custom_id": custom_id, "method": "POST", "url": url, "body": {"model": model, **asked, **more}}


def jsonl(lines: Sequence[Mapping[str, Any]]) -> bytes:
    return b"".join(json.dumps(each).encode() + b"\n" for each in lines)


@dataclass
class Sheet:
    """An upload with these bytes, in small pieces."""

    content: bytes
    name: str | None = "in.jsonl"
    others: Mapping[str, str] = field(default_factory=lambda: {"purpose": "batch"})
    piece_bytes: int = 1000

    async def begin(self) -> str | None:
        return self.name

    async def pieces(self) -> AsyncIterator[bytes]:
        for at in range(0, len(self.content), self.piece_bytes):
            yield self.content[at : at + self.piece_bytes]

    async def fields(self) -> Mapping[str, str]:
        return self.others


@dataclass
class Ended:
    """A batch, and the lines of its files by `custom_id`."""

    batch: dict[str, Any]
    output: dict[str, dict[str, Any]]
    errors: dict[str, dict[str, Any]]


@dataclass
class Desk:
    here: World

    async def upload(self, content: bytes, **more: Any) -> dict[str, Any]:
        return read(await self.here.face.bulk.upload(self.here.caller, Sheet(content, **more)))

    async def hand_in(self, lines: Sequence[Mapping[str, Any]], endpoint: str = CHAT, **more: Any) -> str:
        """The id of a new batch of these lines."""
        file = await self.upload(jsonl(lines))
        return (await self.create(file["id"], endpoint, **more))["id"]

    async def create(self, file: str, endpoint: str = CHAT, **more: Any) -> dict[str, Any]:
        asked = {"input_file_id": file, "endpoint": endpoint, "completion_window": "24h", **more}
        return read(await self.here.face.bulk.create(self.here.caller, json.dumps(asked).encode()))

    async def batch(self, batch: str) -> dict[str, Any]:
        return read(await self.here.face.bulk.batch(self.here.caller, batch))

    async def cancel(self, batch: str) -> dict[str, Any]:
        return read(await self.here.face.bulk.cancel(self.here.caller, batch))

    async def content(self, file: str) -> bytes:
        answer = await self.here.face.bulk.content(self.here.caller, file)
        assert not isinstance(answer.body, bytes), answer.body
        return b"".join([part async for part in answer.body])

    async def work(self, ahead_s: float = 0) -> None:
        """All jobs that are due by then."""
        await self.here.jobs.run_due(self.here.kit.clock.now() + dt.timedelta(seconds=ahead_s))

    async def ended(self, batch: str) -> Ended:
        """The batch, which has ended: its counts add up, and each `custom_id` stands in one place once."""
        found = await self.batch(batch)
        assert found["status"] in ENDED, found
        files = [await self._lines(found[name]) for name in ("output_file_id", "error_file_id")]
        ids = Counter(each["custom_id"] for lines in files for each in lines)
        assert not ids or max(ids.values()) == 1, ids
        counts = found["request_counts"]
        assert [len(lines) for lines in files] == [counts["completed"], counts["failed"]]
        assert counts["total"] == len(ids)
        output, errors = ({each["custom_id"]: each for each in lines} for lines in files)
        return Ended(found, output, errors)

    async def _lines(self, file: str | None) -> list[dict[str, Any]]:
        return [] if file is None else [json.loads(each) for each in (await self.content(file)).splitlines()]


class Refused(Exception):
    def __init__(self, status: int, error: Mapping[str, Any]) -> None:
        super().__init__(f"{status} {error}")
        self.status = status
        self.code = error["code"]
        self.param = error["param"]


def read(answer: RelayResponse) -> dict[str, Any]:
    """Raises Refused."""
    assert isinstance(answer.body, bytes)
    value = json.loads(answer.body)
    if answer.status != 200:
        raise Refused(answer.status, value["error"])
    return value


async def pause(here: World, provider: str, *, paused: bool) -> None:
    """Let the one key of a provider rest, or go on."""
    which = "SELECT a.id, p.id AS provider FROM models.account a JOIN models.provider p ON p.id = provider_id"
    async with here.kit.db.transaction() as connection:
        row = (await connection.execute(text(f"{which} WHERE p.name = :name"), {"name": provider})).one()
    await here.parts.accounts.change(here.caller, row.provider, row.id, AccountChange(paused=paused))
