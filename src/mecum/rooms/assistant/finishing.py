"""Ending an answer and a run: the message, the end mark and what follows, in one transaction."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal
from uuid import UUID

from mecum.kit.db import AsyncConnection
from mecum.kit.errors import MecumError
from mecum.kit.ids import new_id
from mecum.kit.room import Kit
from mecum.kit.text import searchable
from mecum.rooms.assistant import Event
from mecum.rooms.assistant.events import ACT_UNKNOWN, MESSAGE_ASSISTANT, RUN_FINISHED, RUN_STARTED, RUN_STEP, Draft
from mecum.rooms.assistant.live import LiveAnswer, wake
from mecum.rooms.assistant.metrics import run_ended
from mecum.rooms.assistant.service import RunState, fold_run, join_text
from mecum.rooms.assistant.stepping import StepResult
from mecum.rooms.assistant.store import log, runs, threads
from mecum.rooms.assistant.store.runs import Fenced, RunRow

logger = logging.getLogger(__name__)

RUN_ENDED = "assistant.RunEnded"
"""Outbox topic; payload `{"run", "thread", "origin", "reason", "untitled"}`: an answer is finished."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ends.

    `last` is its last model step; `partial` and `thought` are text and reasoning of one cut off; `terms` are what a
    search finds the answer by.
    """

    reason: Literal["done", "stopped", "limit", "failed"]
    last: Mapping[str, Any] | None = None
    partial: str = ""
    thought: str = ""
    limit: str = ""
    error: MecumError | None = None
    terms: str = ""


def step_draft(state: RunState, live: LiveAnswer, result: StepResult, calls_max: int) -> dict[str, Any]:
    """The payload of `run.step`. Calls get ids that are unique in the run, whatever the provider calls them."""
    assert result.finish is not None
    calls = [
        {"call": f"call_{new_id().hex}", "tool": use.name, "arguments": use.arguments}
        for use in result.uses[:calls_max]
    ]
    usage, routed = result.finish.usage, result.finish.routed
    step: dict[str, Any] = {
        "round": state.rounds + 1,
        "text": live.new_text,
        "reasoning": live.reasoning,
        "calls": calls,
        "finish": result.finish.reason,
        "usage": {"input": usage.input, "output": usage.output, "cached": usage.cached, "reasoning": usage.reasoning},
        "model": result.finish.model,
        "provider": result.finish.provider,
    }
    if (kept := result.finish.state) is not None:
        step["state"] = {"by": kept.by, "value": kept.value, "tokens": kept.tokens}
    if routed is not None:
        lighter = {"lighter": list(routed.lighter)} if routed.lighter else {}
        step["routed"] = {"effort": routed.effort, "why": routed.why, "lowered": routed.lowered, **lighter}
    return step


async def finish(kit: Kit, run: RunRow, state: RunState, outcome: Outcome, advance: str) -> UUID | None:
    """Write the answer and the end of the run.

    Returns: the run that goes on with messages that wait: this one after an answer that is done, else a new one, which
        has a job of its own. None: nothing waits.

    Raises:
        Fenced: another worker has the run.
    """
    now = kit.clock.now()
    was_cut_off = outcome.reason != "done" and not outcome.partial and not outcome.thought
    outcome = await _prepared(kit, run, state, outcome, was_cut_off=was_cut_off)
    async with kit.db.transaction() as connection:
        thread = await runs.lock_thread(connection, run.place.thread)
        joined = await pending(connection, run)
        if joined and outcome.reason == "done" and not await _is_stopped(connection, run):
            events = await _close(connection, run, state, outcome, joined, now)
            follower: UUID | None = run.id
        else:
            ended = {"state": "finished", "reason": outcome.reason, "finished_at": now}
            await runs.fence(connection, run, active_seconds=run.active_seconds, **ended)
            drafts = [*cut_off(run, state), *_answer(run, state, outcome), _end(run, state, outcome)]
            events = await log.append(connection, run.place, drafts, now, state="running" if joined else "idle")
            await runs.drop_checkpoint(connection, run.id)
            follower = await _follow_up(connection, run, joined, now) if joined else None
            about = {"run": run.id.hex, "thread": run.place.thread.hex, "origin": thread.origin}
            untitled = "yes" if thread.untitled else "no"
            await kit.outbox.publish(connection, RUN_ENDED, **about, reason=outcome.reason, untitled=untitled)
        if follower is not None and follower != run.id:
            await kit.jobs.defer(connection, advance, lock=run.place.thread.hex, run=follower.hex)
    if follower != run.id:
        run_ended(run, outcome.reason)
    await wake(kit.bus, run.place.thread, run.place.person, events[-1].seq)
    return follower


async def finish_broken(kit: Kit, claimed: RunRow, events_max: int, advance: str) -> UUID | None:
    """End a run that a mistake of ours broke, with what there is of its answer.

    Returns and raises as `finish`.
    """
    async with kit.db.transaction() as connection:
        run = await runs.get(connection, claimed.id)
        if run is None or run.epoch != claimed.epoch:
            raise Fenced
        events = await log.read(connection, run.place.thread, run=run.id, limit=events_max)
    try:
        state = fold_run(events, run.id, run.answer_message)
    except Exception:
        logger.exception("the log of run %s can't be read", run.id)
        state = RunState()
    return await finish(kit, run, state, Outcome("failed", error=_broken()), advance)


def _broken() -> MecumError:
    return MecumError(
        "assistant.broken",
        "Something went wrong in Mecum itself.",
        "It was logged. Trying again may help.",
        retryable=True,
    )


def cut_off(run: RunRow, state: RunState) -> list[Draft]:
    """Acts that were begun and whose end nobody knows, when a run ends before it could ask: the person is told."""
    return [
        Draft(ACT_UNKNOWN, {"call": call, "tool": _tool(begun)}, "system", run.id, run.answer_message)
        for call, begun in state.intended.items()
        if call not in state.done and call not in state.unknown
    ]


async def _prepared(kit: Kit, run: RunRow, state: RunState, outcome: Outcome, *, was_cut_off: bool) -> Outcome:
    """`outcome` with the words of the answer, made before its thread is locked: a long one is long taken apart."""
    if was_cut_off:
        async with kit.db.transaction() as connection:
            partial, thought = await _kept(connection, run, state)
        outcome = replace(outcome, partial=partial, thought=thought)
    return replace(outcome, terms=await searchable(_text(state, outcome)))


def _text(state: RunState, outcome: Outcome) -> str:
    return join_text([state.text, (outcome.last or {}).get("text", "") or outcome.partial])


async def _kept(connection: AsyncConnection, run: RunRow, state: RunState) -> tuple[str, str]:
    """What an attempt had written and thought that was cut off: people have read it."""
    saved = await runs.checkpoint_of(connection, run.place.thread)
    if saved is None or saved.run != run.id or saved.message != run.answer_message:
        return "", ""
    return saved.text.removeprefix(state.text).lstrip("\n"), saved.reasoning


async def close_and_go_on(kit: Kit, run: RunRow, state: RunState) -> None:
    """End the current answer as it stands; the same run answers the messages that came meanwhile.

    Where a worker died over the answer, its last checkpoint stays part of it. Nothing happens when a stop came
    meanwhile: it ends this run, and a new one answers.
    """
    now = kit.clock.now()
    outcome = await _prepared(kit, run, state, Outcome("done"), was_cut_off=True)
    async with kit.db.transaction() as connection:
        await runs.lock_thread(connection, run.place.thread)
        if await _is_stopped(connection, run):
            return
        joined = await pending(connection, run)
        events = await _close(connection, run, state, outcome, joined, now)
    await wake(kit.bus, run.place.thread, run.place.person, events[-1].seq)


async def _is_stopped(connection: AsyncConnection, run: RunRow) -> bool:
    """Whether a stop came, for which a message that interrupts asks too: it is for the answers before that message."""
    row = await runs.get(connection, run.id)
    return row is not None and row.stop_requested


async def pending(connection: AsyncConnection, run: RunRow) -> list[UUID]:
    """Messages that came while the current answer of `run` was written, and join it."""
    events = await log.read_children(connection, run.place.thread, run.answer_message)
    return fold_run(events, run.id, run.answer_message).pending


async def _close(
    connection: AsyncConnection, run: RunRow, state: RunState, outcome: Outcome, joined: list[UUID], now: Any
) -> tuple[Event, ...]:
    following = new_id()
    await runs.fence(
        connection,
        run,
        answer_message=following,
        answer_parent=joined[-1],
        active_seconds=run.active_seconds,
        state="running",
    )
    finish_word = "joined" if outcome.last is None else None
    drafts = _answer(run, state, outcome, finish_word)
    drafts.append(
        Draft(
            RUN_STARTED,
            {"attempt": run.attempt + 1, "model": run.options.get("model"), "joined": len(joined)},
            "mecum",
            run.id,
            following,
            joined[-1],
        )
    )
    events = await log.append(connection, run.place, drafts, now)
    await runs.drop_checkpoint(connection, run.id)
    if await threads.selected(connection, run.place.thread) == joined[-1]:
        await threads.change(connection, run.place.thread, selected_message=following)
    return events


async def _follow_up(connection: AsyncConnection, run: RunRow, joined: list[UUID], now: Any) -> UUID:
    run_id, answer = new_id(), new_id()
    await runs.create(
        connection, run.place, run_id=run_id, answer_message=answer, answer_parent=joined[-1],
        surface=run.surface, key=run.key, now=now,
        options={k: v for k, v in run.options.items() if k in ("model", "effort")},
    )  # fmt: skip
    if await threads.selected(connection, run.place.thread) == joined[-1]:
        await threads.change(connection, run.place.thread, selected_message=answer)
    return run_id


def _answer(run: RunRow, state: RunState, outcome: Outcome, finish_word: str | None = None) -> list[Draft]:
    """The `message.assistant` of this answer, after a `run.step` where the answer had several steps."""
    last: Mapping[str, Any] | None = outcome.last
    if last is None and (outcome.partial or outcome.thought) and state.steps:
        word = finish_word or outcome.reason
        cut = {"text": outcome.partial, "reasoning": outcome.thought}
        last = {"round": state.rounds + 1, **cut, "calls": [], "finish": word, "usage": {}}
    drafts: list[Draft] = []
    if last is not None and state.steps:
        drafts.append(Draft(RUN_STEP, last, "mecum", run.id, run.answer_message))
    lent = bool(state.open_calls) and outcome.reason == "done"
    newest: Mapping[str, Any] | None = last or (
        None if not state.steps else {"model": state.steps[-1].model, "finish": state.steps[-1].finish}
    )
    body: dict[str, Any] = {
        "text": _text(state, outcome),
        "model": (newest or {}).get("model", ""),
        "finish": finish_word or ("tool_calls" if lent else _finish_word(outcome, newest)),
        "tool_steps": len(state.done),
    }
    reasoning = join_text([state.reasoning, (last or {}).get("reasoning", "") or outcome.thought])
    if reasoning:
        body["reasoning"] = reasoning
    if lent:
        body["calls"] = [{"call": call.id, "tool": call.tool, "arguments": call.arguments} for call in state.open_calls]
    answer = Draft(MESSAGE_ASSISTANT, body, "mecum", run.id, run.answer_message, run.answer_parent)
    drafts.append(replace(answer, terms=outcome.terms))
    return drafts


def _finish_word(outcome: Outcome, newest: Mapping[str, Any] | None) -> str:
    if outcome.reason != "done":
        return outcome.reason
    return "length" if (newest or {}).get("finish") == "length" else "stop"


def _end(run: RunRow, state: RunState, outcome: Outcome) -> Draft:
    usages = [step.usage for step in state.steps] + ([outcome.last.get("usage", {})] if outcome.last else [])
    total = {
        kind: sum(int(usage.get(kind, 0)) for usage in usages) for kind in ("input", "output", "cached", "reasoning")
    }
    source = outcome.last or (
        {"model": state.steps[-1].model, "provider": state.steps[-1].provider} if state.steps else {}
    )
    body: dict[str, Any] = {
        "reason": outcome.reason,
        "usage": total,
        "model": source.get("model", ""),
        "provider": source.get("provider", ""),
        "seconds": round(run.active_seconds, 2),
    }
    if source.get("routed"):
        body["routed"] = source["routed"]
    if outcome.limit:
        body["limit"] = outcome.limit
    if outcome.error is not None:
        body["error"] = _error(outcome.error)
    return Draft(RUN_FINISHED, body, "mecum", run.id, run.answer_message)


def _error(error: MecumError) -> dict[str, Any]:
    after = {} if error.retry_after is None else {"retry_after": error.retry_after}
    return {**error.problem(), "status": error.status, **after}


def _tool(begun: Event) -> str:
    return str((begun.payload or {}).get("tool"))
