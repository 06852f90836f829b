"""Following one run of the entity for an API caller: text as it comes, then how it ended."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, TypeAlias

from mecum.kit.errors import Conflict, MecumError, ProviderError, TooMany, Unavailable
from mecum.kit.ids import encode
from mecum.kit.types import Principal
from mecum.rooms.assistant import Assistant, Frame, Posted

KINDS: Mapping[int, type[MecumError]] = {TooMany.status: TooMany, Unavailable.status: Unavailable}


@dataclass(frozen=True, slots=True)
class Text:
    """More of the answer's text."""

    text: str


@dataclass(frozen=True, slots=True)
class Reasoning:
    text: str


@dataclass(frozen=True, slots=True)
class Ping:
    """Nothing happened for a while: a comment keeps the connection open."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The run is over; `result` as `Assistant.run_result` gives it."""

    result: Mapping[str, Any]


Followed: TypeAlias = Text | Reasoning | Ping | Ended


async def follow(assistant: Assistant, caller: Principal, posted: Posted) -> AsyncGenerator[Followed, None]:
    """What happens in the run of `posted`, to its end. A run that asks the person is stopped: nobody is there.

    Text is given once even when a model step is tried again: what was begun is not taken back, and what the new attempt
    says differently comes at the end with the whole.
    """
    run = encode("run", posted.run)
    given = {"text": _Given(), "reasoning": _Given()}
    stream = assistant.follow(caller, posted.thread, position=str(posted.seq))
    async with aclosing(stream) as frames:
        async for frame in frames:
            data: dict[str, Any] = json.loads(frame.json)
            if frame.kind == "ping":
                yield Ping()
            elif data.get("run") != run:
                continue
            elif frame.kind == "event":
                if data["type"] == "run.waiting":
                    await assistant.stop(caller, posted.thread, posted.run)
                    raise asks_person()
                if data["type"] == "run.finished":
                    break
            else:
                for kind, more in _new_text(frame, data, given):
                    yield Text(more) if kind == "text" else Reasoning(more)
    result = await assistant.run_result(caller, posted.run)
    rest = given["text"].rest(str(result["text"]))
    if rest:
        yield Text(rest)
    yield Ended(result)


@dataclass(slots=True)
class _Given:
    """What was given of the text or the reasoning.

    Line breaks at its ends are held back: they are not in the whole, so a stream must not have said them.
    """

    heard: str = ""
    said: str = ""

    def more(self, heard: str) -> str:
        """What to give now that so much was heard."""
        if len(heard) <= len(self.heard):
            return ""
        self.heard = heard
        before, self.said = self.said, heard.strip("\n") if heard.strip() else ""
        return self.said[len(before) :]

    def rest(self, whole: str) -> str:
        """What is missing when all is said."""
        if whole.startswith(self.said):
            return whole[len(self.said) :]
        return "" if self.said.strip() == whole.strip() else f"\n\n{whole}"


def _new_text(frame: Frame, data: dict[str, Any], given: dict[str, _Given]) -> list[tuple[str, str]]:
    """What a frame adds to what was given."""
    if frame.kind == "checkpoint":
        whole = {"text": data["text"], "reasoning": data["reasoning"]}
    elif frame.kind == "delta":
        kind = data["channel"]
        whole = {kind: given[kind].heard[: data["offset"]].ljust(data["offset"]) + data["text"]}
    else:
        return []
    return [(kind, more) for kind, heard in whole.items() if (more := given[kind].more(heard))]


def failure_of(result: Mapping[str, Any]) -> MecumError | None:
    """The error of a run that failed. What was wrong at a provider is a bad gateway to whoever asked the entity."""
    error = result.get("error")
    if result["reason"] != "failed" or not error:
        return None
    kind = KINDS.get(error.get("status"), ProviderError)
    after = error.get("retry_after")
    return kind(error["code"], error["detail"], error["hint"], retryable=bool(error["retryable"]), retry_after=after)


def asks_person() -> Conflict:
    return Conflict(
        "openai.asks_person",
        "The answer needs a decision of the person, which can't be given through the API.",
        "Ask in the web client or the terminal.",
    )
