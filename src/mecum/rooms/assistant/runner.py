"""Advancing a run: an idempotent job that folds the log, does the next thing and writes what happened.

Each `advance` takes a new epoch; every write proves that the epoch is still its own. A worker that was cut off writes
nothing more.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from uuid import UUID

from mecum.kit.errors import DatabaseUnavailable, MecumError, ProviderError, Unavailable
from mecum.kit.room import Kit
from mecum.kit.tools import ToolResult
from mecum.rooms.assistant import Event, Recall, Review
from mecum.rooms.assistant.acting import (
    Actor,
    Question,
    Ready,
    Settled,
    done,
    intended,
    refused,
    unknown,
    waiting,
    writes,
)
from mecum.rooms.assistant.context import Context, Files
from mecum.rooms.assistant.events import RUN_ANSWERED, RUN_STARTED, RUN_STEP, Draft
from mecum.rooms.assistant.finishing import Outcome, close_and_go_on, finish, finish_broken, pending, step_draft
from mecum.rooms.assistant.live import LiveAnswer, wake
from mecum.rooms.assistant.metrics import advancing, runs_started, stepping
from mecum.rooms.assistant.service import (
    AskModel,
    Call,
    CloseAndGoOn,
    DoCall,
    Finish,
    Limits,
    RunState,
    StillWaiting,
    fold_run,
    next_step,
)
from mecum.rooms.assistant.settings import AssistantSettings
from mecum.rooms.assistant.stepping import StepResult, run_step
from mecum.rooms.assistant.store import log, runs
from mecum.rooms.assistant.store.runs import Fenced, RunRow
from mecum.rooms.assistant.turn import Turn, Writing
from mecum.rooms.models import Models
from mecum.rooms.people import People

logger = logging.getLogger(__name__)

ADVANCE = "assistant.advance"
STOPS = "runs.stop"
RUN_WAITS = "assistant.RunWaits"
"""Outbox topic; payload `{"run", "thread", "origin"}`: a run waits for the person."""


class Runner:
    def __init__(
        self,
        kit: Kit,
        people: People,
        models: Models,
        recall: Recall,
        review: Review,
        files: Files,
        settings: AssistantSettings,
    ) -> None:
        self._kit = kit
        self._people = people
        self._settings = settings
        self._models = models
        self._actor = Actor(kit.tools, review, kit.clock)
        self._context = Context(kit, models, recall, files, settings)
        self._limits = Limits(settings.rounds_max, settings.run_seconds_max, settings.run_tokens_max)
        self._live: dict[UUID, LiveAnswer] = {}
        self._reading: dict[UUID, asyncio.Event] = {}
        self._listener: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._listener = asyncio.create_task(self._listen_for_stops(), name="assistant.stops")

    async def close(self) -> None:
        if self._listener is not None:
            self._listener.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._listener

    async def advance(self, run: str) -> None:
        """The job: take the run as far as it goes without the person."""
        following: UUID | None = UUID(hex=run)
        # A run that follows has a job of its own; it is begun here because that job waits for this one's lock.
        while following is not None:
            claimed = await self._claim(following)
            if claimed is None:
                return
            with advancing(claimed[0]):
                try:
                    following = await self._go_or_break(*claimed)
                except Fenced:
                    logger.info("run %s went on elsewhere", run)
                    return

    async def _go_or_break(self, claimed: RunRow, events: tuple[Event, ...]) -> UUID | None:
        """Returns: a run to go on with."""
        try:
            return await self._go(claimed, events)
        except (Fenced, Unavailable):
            raise  # The database is away: this very job comes back.
        except Exception:
            # The same log gives the same error again: better told than tried for ever.
            logger.exception("run %s broke", claimed.id)
            return await finish_broken(self._kit, claimed, self._settings.history_events_max, ADVANCE)

    async def _claim(self, run: UUID) -> tuple[RunRow, tuple[Event, ...]] | None:
        """The run and its thread's log, begun in the same transaction where it is new. None: nothing to do."""
        started: tuple[Event, ...] = ()
        async with self._kit.db.transaction() as connection:
            claimed = await runs.claim(connection, run)
            if claimed is None:
                return None
            place = claimed.place
            if claimed.epoch == 1:
                # Surfaces show where the answer will stand before there is a word of it.
                body = {"attempt": 1, "model": claimed.options.get("model")}
                answer, parent = claimed.answer_message, claimed.answer_parent
                draft = Draft(RUN_STARTED, body, "mecum", run, answer, parent)
                started = await log.append(connection, place, [draft], self._kit.clock.now(), state="running")
            events = await log.read_all(connection, place.thread, events_max=self._settings.history_events_max)
        if started:
            runs_started.labels(claimed.surface).inc()
            await wake(self._kit.bus, place.thread, place.person, started[-1].seq)
        return claimed, events

    async def _go(self, claimed: RunRow, events: tuple[Event, ...]) -> UUID | None:
        """Returns: a run to go on with."""
        place = claimed.place
        try:
            principal = await self._people.principal_for_job(place.person, place.space, claimed.id, claimed.surface)
            principal = replace(principal, key=claimed.key)
        except DatabaseUnavailable:
            raise
        except MecumError as error:
            return await finish(self._kit, claimed, RunState(), Outcome("failed", error=error), ADVANCE)
        turn = Turn(claimed, principal, self._now(), events)
        while await self._one_step(turn):
            pass
        return turn.following

    async def _one_step(self, turn: Turn) -> bool:
        """Do one thing. False when the run is finished or waits."""
        events = await self._log(turn)
        row = turn.run
        state = fold_run(events, row.id, row.answer_message)
        lent = frozenset(str(tool["name"]) for tool in row.options.get("lent_tools", ()))
        active = row.active_seconds + self._now() - turn.since
        step = next_step(
            state, stop_requested=row.stop_requested, active_seconds=active, limits=self._limits, lent=lent
        )
        match step:
            case AskModel():
                return await self._ask_model(turn, state, events)
            case DoCall(call, before):
                return await self._call(turn, state, call, before)
            case StillWaiting():
                return not await self._rest(turn)
            case CloseAndGoOn():
                await close_and_go_on(self._kit, turn.run, state)
                return True
            case Finish(reason, limit):
                return await self._finish(turn, state, Outcome(reason, limit=limit))

    async def _log(self, turn: Turn) -> tuple[Event, ...]:
        """The thread's log and, in `turn`, the run as it stands with it. Only what is new is read again."""
        if not turn.is_fresh:
            most = self._settings.history_events_max
            async with self._kit.db.transaction() as connection:
                row = await runs.get(connection, turn.run.id)
                if row is None or row.epoch != turn.run.epoch:
                    raise Fenced
                seen = turn.events[-1].seq if turn.events else 0
                newer = await log.read(connection, row.place.thread, after=seen, limit=most)
            turn.run, turn.events = row, (*turn.events, *newer)[-most:]
        turn.is_fresh = False
        return turn.events

    async def _ask_model(self, turn: Turn, state: RunState, events: Sequence[Event]) -> bool:
        changes = {"attempt": turn.run.attempt + 1, "active_seconds": self._active(turn), "state": "running"}
        async with self._kit.db.transaction() as connection:
            turn.run = await runs.save_checkpoint(
                connection, turn.run, state.text, "", self._kit.clock.now(), **changes
            )
        live = LiveAnswer(self._kit.db, self._kit.bus, self._kit.clock, turn.run, state.text)
        if turn.run.stop_requested:
            live.stop()
        self._live[turn.run.id] = live
        with stepping(turn.run) as step:
            try:
                request = await self._context.request(turn.principal, turn.run, events, state)
                await live.begin()
                result = await run_step(
                    self._models,
                    turn.principal,
                    request,
                    live,
                    self._kit.clock,
                    seconds_left=self._seconds_left(turn),
                    chars_max=self._settings.answer_chars_max,
                )
            except MecumError as error:
                result = StepResult(failed=error)
            except Exception:
                await live.save()  # A mistake of ours: what was read of the answer stays.
                raise
            finally:
                del self._live[turn.run.id]
                await live.end()
            step.ended(result)
        turn.since += result.waited_s
        if live.fenced:
            raise Fenced
        return await self._after_step(turn, state, live, result)

    async def _after_step(self, turn: Turn, state: RunState, live: LiveAnswer, result: StepResult) -> bool:
        if isinstance(result.failed, DatabaseUnavailable):
            raise result.failed  # an end could not be written either: the job is tried again
        if result.failed is not None:
            if self._heals(result.failed) and turn.retries < self._settings.step_retries_max:
                turn.retries += 1
                return True
            cut = Outcome("failed", error=result.failed, partial=live.new_text, thought=live.reasoning)
            return await self._finish(turn, state, cut)
        if result.stopped or result.limit:
            reason = "stopped" if result.stopped else "limit"
            cut = Outcome(reason, limit=result.limit, partial=live.new_text, thought=live.reasoning)
            return await self._finish(turn, state, cut)
        turn.retries = 0
        body = step_draft(state, live, result, self._settings.calls_per_round_max)
        if not body["calls"]:
            return await self._finish(turn, state, Outcome("done", last=body))
        await self._write(turn, [Draft(RUN_STEP, body, "mecum")], message=True)
        return True

    async def _call(self, turn: Turn, state: RunState, call: Call, before: Event | None) -> bool:
        decided = await self._actor.prepare(turn.principal, call, state, before)
        match decided:
            case Settled(text, failed):
                over = self._done(call, ToolResult(text, failed=failed), 0.0)
                await self._write(turn, [over] if before else [refused(call), over], message=True)
            case Question():
                return await self._ask_person(turn, call, decided)
            case Ready():
                return await self._do(turn, state, call, decided, before)
        return True

    async def _do(self, turn: Turn, state: RunState, call: Call, ready: Ready, before: Event | None) -> bool:
        if before is None or call.id in state.unknown:
            (before,) = await self._write(turn, [intended(call, ready)], message=True)
        started = self._now()
        result = await self._act(turn, ready, before.id)
        if result is None:
            question = Question(
                "unknown_act", {"tool": call.tool, "receiver": ready.tool.receiver, "arguments": dict(ready.arguments)}
            )
            return await self._ask_person(turn, call, question)
        if result.wait is not None:
            return await self._ask_person(turn, call, Question("form", result.wait))
        await self._write(turn, [self._done(call, result, self._now() - started)], message=True)
        return True

    def _done(self, call: Call, result: ToolResult, seconds: float) -> Draft:
        return done(call, result, seconds, self._settings.tool_result_chars_max)

    async def _act(self, turn: Turn, ready: Ready, key: UUID) -> ToolResult | None:
        """Do the call. One that only reads is given up when the person stops the run."""
        run = turn.run
        acting = self._actor.do(turn.principal, ready, run.place.thread, run.id, key)
        if writes(ready.tool):
            return await acting
        stopped = self._reading[run.id] = asyncio.Event()
        working, waiting_for_stop = asyncio.create_task(acting), asyncio.create_task(stopped.wait())
        try:
            await asyncio.wait({working, waiting_for_stop}, return_when=asyncio.FIRST_COMPLETED)
            return working.result() if working.done() else ToolResult("It was stopped.", failed=True)
        finally:
            del self._reading[run.id]
            for task in (working, waiting_for_stop):
                task.cancel()
            await asyncio.wait({working, waiting_for_stop})

    async def _ask_person(self, turn: Turn, call: Call, asked: Question) -> bool:
        """Ask, and rest until the answer. True when it is put aside at once: a message or a stop came meanwhile."""
        drafts = [unknown(call)] if asked.kind == "unknown_act" else []
        drafts.append(waiting(call, asked))
        wait = str(drafts[-1].payload["wait"])
        async with self._writing(turn) as writing:
            aside = writing.run.stop_requested or bool(await pending(writing.connection, turn.run))
            if aside:
                drafts.append(Draft(RUN_ANSWERED, {"wait": wait, "answer": {"dismissed": True}}, "system"))
            else:
                await runs.add_wait(writing.connection, turn.run, UUID(hex=wait), asked.kind, call.id)
                about = {"run": turn.run.id.hex, "thread": turn.run.place.thread.hex, "origin": writing.origin}
                await self._kit.outbox.publish(writing.connection, RUN_WAITS, **about)
                turn.run = await runs.fence(writing.connection, turn.run, state="waiting")
            await writing.append(drafts, state="running" if aside else "waiting")
        return aside

    async def _rest(self, turn: Turn) -> bool:
        """Rest with the questions that are open. False when one was answered, or a stop came, a moment ago."""
        async with self._writing(turn) as writing:
            rests = bool(await runs.open_waits(writing.connection, turn.run.id)) and not writing.run.stop_requested
            if rests:
                turn.run = await runs.fence(writing.connection, turn.run, state="waiting")
                await runs.set_state(writing.connection, turn.run.place.thread, "waiting")
        return rests

    async def _write(self, turn: Turn, drafts: Sequence[Draft], *, message: bool = False) -> tuple[Event, ...]:
        """Write events of this run under its fence. `message` ties them to the current answer."""
        async with self._writing(turn) as writing:
            return await writing.append(drafts, message=message)

    @contextlib.asynccontextmanager
    async def _writing(self, turn: Turn) -> AsyncGenerator[Writing]:
        """A transaction that holds the thread and has proved the epoch; readers are woken when it is committed."""
        run = turn.run
        async with self._kit.db.transaction() as connection:
            origin = (await runs.lock_thread(connection, run.place.thread)).origin
            turn.run = await runs.fence(connection, run, state="running", active_seconds=self._active(turn))
            writing = Writing(connection, turn.run, origin, self._kit.clock.now())
            yield writing
        turn.since = self._now()
        if writing.written:
            await wake(self._kit.bus, run.place.thread, run.place.person, writing.written[-1].seq)

    async def _finish(self, turn: Turn, state: RunState, outcome: Outcome) -> bool:
        """End the answer. True when the same run goes on with messages that came meanwhile."""
        run = replace(turn.run, active_seconds=self._active(turn))
        turn.following = await finish(self._kit, run, state, outcome, ADVANCE)
        if turn.following != run.id:
            return False
        turn.following = None
        return True

    def _heals(self, error: MecumError) -> bool:
        return isinstance(error, ProviderError) and error.retryable

    def _now(self) -> float:
        return self._kit.clock.monotonic()

    def _active(self, turn: Turn) -> float:
        return turn.run.active_seconds + max(0.0, self._now() - turn.since)

    def _seconds_left(self, turn: Turn) -> float:
        return max(1.0, self._settings.run_seconds_max - self._active(turn))

    async def _listen_for_stops(self) -> None:
        async with self._kit.bus.subscribe(STOPS) as frames:
            async for frame in frames:
                run = UUID(hex=frame.decode())
                if (live := self._live.get(run)) is not None:
                    live.stop()
                if (reading := self._reading.get(run)) is not None:
                    reading.set()


async def ask_to_stop(kit: Kit, run: UUID) -> None:
    """Tell the worker that has the run, wherever it is. The run's row says so too: it is looked at every second."""
    await kit.bus.publish(STOPS, run.hex.encode())
