"""Doing a tool call so that it happens once, or the person learns that nobody knows."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from mecum.kit.clock import Clock
from mecum.kit.errors import MecumError
from mecum.kit.ids import new_id
from mecum.kit.tools import Tool, ToolCall, ToolRegistry, ToolResult
from mecum.kit.types import Principal
from mecum.rooms.assistant import Event, Review
from mecum.rooms.assistant.events import ACT_DONE, ACT_INTENDED, ACT_UNKNOWN, RUN_WAITING, Draft
from mecum.rooms.assistant.metrics import calling, tool_calls, tool_label
from mecum.rooms.assistant.service import Call, RunState

logger = logging.getLogger(__name__)

ARGUMENT_CHARS_MAX = 100_000
NOTHING_DONE_BELOW = 500
"""A tool that raises an error with a lower status has done nothing (see `kit.tools.Tool`)."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question to the person: the run waits. `kind` says how surfaces show it."""

    kind: Literal["form", "confirm", "consent", "unknown_act"]
    question: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ready:
    """The call may be done now, with these arguments."""

    tool: Tool
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Settled:
    """The call is over without being done: `text` tells the model why."""

    text: str
    failed: bool = True


class Actor:
    """Decides about a call and does it. Writing down is the runner's: it passes drafts back."""

    def __init__(self, tools: ToolRegistry, review: Review, clock: Clock) -> None:
        self._tools = tools
        self._review = review
        self._clock = clock

    async def prepare(
        self, principal: Principal, call: Call, state: RunState, intended: Event | None
    ) -> Ready | Question | Settled:
        """What to do about `call`, given what was done about it before."""
        decided = await self._decide(principal, call, state, intended)
        if isinstance(decided, Settled) and intended is None:
            tool_calls.labels(tool_label(self._tools, call.tool), "refused").inc()
        return decided

    async def _decide(
        self, principal: Principal, call: Call, state: RunState, intended: Event | None
    ) -> Ready | Question | Settled:
        tool = self._tools.get(call.tool)
        if tool is None:
            return Settled(f"There is no tool called {call.tool[:100]!r}.")
        arguments = parse_arguments(call.arguments, tool)
        if isinstance(arguments, Settled):
            return arguments
        if intended is not None:
            return _after_crash(call, tool, state, dict((intended.payload or {}).get("arguments", arguments)))
        if tool.receiver is not None:
            verdict = await self._review.review(principal, tool.receiver, arguments, tool.name)
            if verdict.decision == "deny":
                return Settled(verdict.reason or "The person does not allow this.")
            arguments = verdict.arguments
            if verdict.decision == "ask" and not (said := _answer(state, call.id, "consent")):
                return Question("consent", verdict.question or {}) if said is None else Settled("The person said no.")
        if tool.needs_confirmation:
            said = _answer(state, call.id, "confirm")
            if said is None:
                return Question("confirm", {"tool": tool.name, "receiver": tool.receiver, "arguments": dict(arguments)})
            if not said:
                return Settled("The person said no.")
        return Ready(tool, arguments)

    async def do(self, principal: Principal, ready: Ready, thread: UUID, run: UUID, key: UUID) -> ToolResult | None:
        """Call the tool. None when the outcome of a writing call is unknown: it timed out, or broke on the way."""
        with calling(ready.tool.name) as span:
            result = await self._do(principal, ready, thread, run, key)
            span.ended(result)
            return result

    async def _do(self, principal: Principal, ready: Ready, thread: UUID, run: UUID, key: UUID) -> ToolResult | None:
        request = ToolCall(principal, ready.arguments, key, thread, run)
        unclear = writes(ready.tool) and not ready.tool.idempotent
        try:
            async with asyncio.timeout(ready.tool.timeout_s):
                return await ready.tool.call(request)
        except TimeoutError:
            text = f"It took longer than {ready.tool.timeout_s:g} seconds and was given up."
            return None if unclear else ToolResult(text, failed=True)
        except MecumError as error:
            text = " ".join(part for part in (error.detail, error.hint) if part)
            return None if unclear and error.status >= NOTHING_DONE_BELOW else ToolResult(text, failed=True)
        except Exception:
            # A tool that breaks must not break the run: the model is told, the operator reads the log.
            logger.exception("The tool %s failed", ready.tool.name)
            return None if unclear else ToolResult("The tool failed unexpectedly.", failed=True)


def writes(tool: Tool) -> bool:
    return bool(tool.effects & {"writes", "pays"})


def parse_arguments(text: str, tool: Tool) -> dict[str, Any] | Settled:
    """The arguments as an object with all that the tool requires, or why not."""
    if len(text) > ARGUMENT_CHARS_MAX:
        return Settled(f"The arguments are longer than {ARGUMENT_CHARS_MAX:,} characters.")
    try:
        arguments = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return Settled("The arguments are not valid JSON. Call the tool again with a JSON object.")
    if not isinstance(arguments, dict):
        return Settled("The arguments must be a JSON object.")
    missing = [name for name in tool.parameters.get("required", ()) if name not in arguments]
    if missing:
        return Settled(f"These arguments are missing: {', '.join(missing)}.")
    return arguments  # pyright: ignore[reportUnknownVariableType]


def _answer(state: RunState, call: str, kind: str) -> bool | None:
    """What the person decided about `call`: None when they were not asked yet."""
    answers = [wait.answer for wait in state.waits_of(call, kind) if wait.answer is not None]
    return None if not answers else answers[-1].get("decision") in ("yes", "once", "always")


def _after_crash(call: Call, tool: Tool, state: RunState, arguments: dict[str, Any]) -> Ready | Question | Settled:
    """The intention is in the log, the outcome is not: the process died in between, or the tool asked the person."""
    forms = [wait.answer for wait in state.waits_of(call.id, "form") if wait.answer is not None]
    if forms:
        return Settled(_form_text(forms[-1]), failed=False)
    asked = [wait.answer for wait in state.waits_of(call.id, "unknown_act") if wait.answer is not None]
    if asked and call.id in state.unknown:
        decision = asked[-1].get("decision")
        if decision == "again":
            return Ready(tool, arguments)
        return (
            Settled("The person says that it was done.", failed=False)
            if decision == "done"
            else Settled("The person left it.")
        )
    if tool.idempotent or not writes(tool):
        return Ready(tool, arguments)
    return Question("unknown_act", {"tool": tool.name, "receiver": tool.receiver, "arguments": arguments})


def _form_text(answer: Mapping[str, Any]) -> str:
    if answer.get("dismissed"):
        return "The person did not fill in the form and wrote a message instead."
    return json.dumps(answer.get("values", answer), ensure_ascii=False)


def intended(call: Call, ready: Ready) -> Draft:
    body = {
        "call": call.id,
        "tool": call.tool,
        "arguments": dict(ready.arguments),
        "receiver": ready.tool.receiver,
        "label": call.tool,
    }
    return Draft(ACT_INTENDED, body, "mecum")


def refused(call: Call) -> Draft:
    """Stands before the end of a call that is not done at all, so that readers see a step."""
    return Draft(
        ACT_INTENDED,
        {"call": call.id, "tool": call.tool, "arguments": {}, "receiver": None, "label": call.tool},
        "mecum",
    )


def done(call: Call, result: ToolResult, seconds: float, chars_max: int) -> Draft:
    body: dict[str, Any] = {
        "call": call.id,
        "text": result.text[:chars_max],
        "failed": result.failed,
        "seconds": round(seconds, 2),
    }
    if result.data is not None:
        body["data"] = dict(result.data)
    return Draft(ACT_DONE, body, "mecum")


def unknown(call: Call) -> Draft:
    return Draft(ACT_UNKNOWN, {"call": call.id, "tool": call.tool}, "system")


def waiting(call: Call, asked: Question) -> Draft:
    body = {"wait": new_id().hex, "kind": asked.kind, "question": dict(asked.question), "call": call.id}
    return Draft(RUN_WAITING, body, "mecum")
