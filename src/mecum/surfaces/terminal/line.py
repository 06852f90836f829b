"""Line mode: one message, its answer on standard output. For pipes, scripts and quick questions."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from mecum.kit.errors import BadRequest, MecumError, NotFound
from mecum.surfaces.terminal.acts import act_words
from mecum.surfaces.terminal.asking import Asker
from mecum.surfaces.terminal.client import Client
from mecum.surfaces.terminal.conversation import Conversation
from mecum.surfaces.terminal.files import send_file
from mecum.surfaces.terminal.frames import Frame, Link
from mecum.surfaces.terminal.hints import hint_text
from mecum.surfaces.terminal.making import made_how
from mecum.surfaces.terminal.nodes import Node, Run
from mecum.surfaces.terminal.plain import plain
from mecum.surfaces.terminal.questions import Question, question_of
from mecum.surfaces.terminal.watching import watch
from mecum.surfaces.terminal.words import Words

EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_WAITING = 3
EXIT_STOPPED = 130
INPUT_BYTES_MAX = 4 * 2**20


@dataclass(frozen=True, slots=True)
class Message:
    """What to send, and where.

    Args:
        thread: a thread's id; None: a new one.
        last: go on in the thread in which something happened last.
        attach: files to send with it.
    """

    text: str
    thread: str | None = None
    last: bool = False
    attach: Sequence[Path] = ()
    model: str | None = None
    effort: str = "auto"
    temporary: bool = False


@dataclass(frozen=True, slots=True)
class Console:
    """Where words go. `out_live`: a person watches `out`. `asker`: a person can be asked, or None."""

    out: TextIO
    err: TextIO
    out_live: bool
    err_live: bool
    asker: Asker | None


def message_text(arguments: Sequence[str], given: bytes | None) -> str:
    """The message: the words of the command line, then what came on standard input.

    Raises:
        BadRequest: there is nothing to say, or the input is too long or no text.
    """
    words = " ".join(arguments).strip()
    if given is not None and len(given) > INPUT_BYTES_MAX:
        raise BadRequest(
            "terminal.input_long",
            f"Standard input is longer than {INPUT_BYTES_MAX // 2**20} MiB.",
            "Send it as a file: --attach PATH",
        )
    if given is not None and b"\0" in given:
        raise BadRequest("terminal.input_binary", "Standard input is no text.", "Send it as a file: --attach PATH")
    piped = (given or b"").decode("utf-8", "replace").strip("\n")
    text = "\n\n".join(part for part in (words, piped) if part.strip())
    if not text:
        raise BadRequest("terminal.nothing_said", "There is no message.", 'Say something: mecum chat "..."')
    return text


async def run_line(client: Client, message: Message, console: Console, words: Words, *, as_json: bool = False) -> int:
    """Send the message, write the answer, and say how it went by the exit code.

    Raises:
        MecumError: the server refused the message, or can't be reached.
    """
    chat = LineChat(client, console, words, as_json)
    loop = asyncio.get_running_loop()
    with suppress(NotImplementedError, ValueError):  # not in a main thread
        loop.add_signal_handler(signal.SIGINT, chat.interrupt)
    try:
        return await chat.run(message)
    except asyncio.CancelledError:
        return EXIT_STOPPED
    finally:
        chat.status.clear()
        with suppress(NotImplementedError, ValueError):
            loop.remove_signal_handler(signal.SIGINT)


class LineChat:
    """One message and its answer."""

    def __init__(self, client: Client, console: Console, words: Words, as_json: bool) -> None:
        self._client = client
        self._console = console
        self._words = words
        self._json = as_json
        self._task = asyncio.current_task()
        self._stopping: asyncio.Task[bool] | None = None
        self._where: tuple[str, str] | None = None
        self._asked = set[str]()
        self.status = Status(console.err if console.err_live else None)
        self._printer = None if as_json or not console.out_live else Printer(console.out, self.status, words)

    def interrupt(self) -> None:
        """Ctrl-C: the first stops the run and waits for what there is, the second leaves at once."""
        if self._where is not None and self._stopping is None:
            self._stopping = asyncio.ensure_future(self._client.stop(*self._where))
            self._stopping.add_done_callback(lambda done: done.cancelled() or done.exception())
            self.status.show(self._words("terminal.stopping"))
        elif self._task is not None:
            self._task.cancel()

    async def run(self, message: Message) -> int:
        thread = message.thread
        if message.last:
            newest = await self._client.newest_thread()
            if newest is None:
                raise NotFound("terminal.no_threads", "There is no thread yet.", "Leave out --last.")
            thread = newest.id
        options: dict[str, Any] = {"effort": message.effort}
        if message.model:
            options["model"] = message.model
        if message.attach:
            options["attachments"] = await self._send_files(message.attach)
        if thread is None and message.temporary:
            options["temporary"] = True
        posted = await self._client.post(thread, message.text, **options)
        self._where = (posted.thread, posted.run)
        conversation = Conversation(posted.thread, seq=posted.seq - 1)
        async with aclosing(watch(self._client, conversation)) as frames:
            async for frame in frames:
                code = await self._turn(conversation, posted.run, frame)
                if code is not None:
                    with suppress(MecumError):  # a dot in a list is no reason to fail
                        await self._client.mark_read(posted.thread)
                    return code
        raise AssertionError("a stream that is followed does not end")

    async def _turn(self, conversation: Conversation, run_id: str, frame: Frame) -> int | None:
        """What a frame changes. Returns: the exit code once it is over."""
        run = conversation.runs.get(run_id)
        self._say_status(conversation, run, frame)
        if self._printer:
            self._printer.show(conversation, run_id)
        if run is None:
            return None
        if run.finished:
            return self._finish(conversation, run)
        for wait in run.waits:
            if wait.answer is None and wait.id not in self._asked:
                self._asked.add(wait.id)
                question = question_of(wait, self._words)
                if not await self._ask(conversation.thread, question):
                    return self._leave_waiting(conversation, run, question)
        return None

    async def _send_files(self, paths: Sequence[Path]) -> list[str]:
        sent: list[str] = []
        for path in paths:
            self.status.show(self._words("terminal.sending_file", name=path.name))
            file = await send_file(self._client, path, self._words)
            sent.append(file.id)
        self.status.clear()
        return sent

    def _say_status(self, conversation: Conversation, run: Run | None, frame: Frame) -> None:
        if self._printer and self._printer.in_line:
            return  # the status would stand where the answer does
        if isinstance(frame, Link) and not frame.open:
            self.status.show(self._words("terminal.reconnecting"))
        elif conversation.hint is not None:
            self.status.show(hint_text(conversation.hint, self._words))
        elif run is None or (not conversation.live and not run.finished):
            running = [act for act in run.acts if act.state == "running"] if run else []
            self.status.show(act_words(running[-1], self._words) if running else self._words("terminal.thinking"))

    async def _ask(self, thread: str, question: Question) -> bool:
        """Whether somebody was there to answer."""
        asker = self._console.asker
        if asker is None or not question.answerable:
            return False
        self.status.clear()
        answer = await asker.ask(question, self._words)
        if answer is None:
            return False
        await self._client.answer(thread, question.wait, answer)
        return True

    def _finish(self, conversation: Conversation, run: Run) -> int:
        assert run.finished is not None
        self.status.clear()
        answer = _answer(conversation, run)
        if self._json:
            self._write_json(conversation, run, answer)
        elif self._printer:
            self._printer.end()
        elif answer and answer.text:
            self._console.out.write(f"{answer.text.rstrip()}\n")
            self._console.out.flush()
        match run.finished.reason:
            case "stopped":
                return EXIT_STOPPED
            case "failed":
                self._note(self._words.problem(run.finished.error) or self._words("terminal.failed"))
                return EXIT_FAILED
            case "limit":
                self._note(self._words("terminal.limit"))
                return EXIT_FAILED
            case _:
                if answer and answer.finish == "length":
                    self._note(self._words("terminal.cut"))
                elif self._console.err_live and not self._json and (how := made_how(run.finished, self._words)):
                    self._console.err.write(f"\x1b[2m{how}\x1b[0m\n")
                return EXIT_DONE

    def _leave_waiting(self, conversation: Conversation, run: Run, question: Question) -> int:
        self.status.clear()
        if self._json:
            self._write_json(conversation, run, None, question)
        elif self._printer:
            self._printer.end()
        self._note(self._words("terminal.asks", title=question.title, thread=conversation.thread))
        return EXIT_WAITING

    def _write_json(
        self, conversation: Conversation, run: Run, answer: Node | None, question: Question | None = None
    ) -> None:
        finished = run.finished
        shown: dict[str, Any] = {
            "thread": conversation.thread,
            "run": run.id,
            "message": answer.id if answer else None,
            "text": answer.text if answer else "",
            "reason": finished.reason if finished else "waiting",
            "model": (finished.model if finished else "") or (answer.model if answer else ""),
            "seconds": finished.seconds if finished else None,
            "usage": dict(finished.usage) if finished else {},
        }
        if finished and finished.routed:
            shown["routed"] = dict(finished.routed)
        if finished and finished.error:
            shown["error"] = dict(finished.error)
        if question:
            shown["question"] = {"wait": question.wait, "title": question.title, "text": question.text}
        self._console.out.write(json.dumps(shown, ensure_ascii=False) + "\n")
        self._console.out.flush()

    def _note(self, text: str) -> None:
        self._console.err.write(f"mecum: {plain(text)}\n")
        self._console.err.flush()


def _answer(conversation: Conversation, run: Run) -> Node | None:
    return conversation.nodes.get(run.message) if run.message else None


class Status:
    """One line that is overwritten, for a person who watches; nothing without one."""

    def __init__(self, target: TextIO | None) -> None:
        self._target = target
        self._shown = ""

    def show(self, text: str) -> None:
        if self._target is not None and text != self._shown:
            self._target.write(f"\r\x1b[2m{text}\x1b[0m\x1b[K")
            self._target.flush()
            self._shown = text

    def clear(self) -> None:
        if self._target is not None and self._shown:
            self._target.write("\r\x1b[K")
            self._target.flush()
            self._shown = ""


class Printer:
    """Writes an answer as it grows. What was written can't be taken back: an attempt that starts over is said."""

    def __init__(self, out: TextIO, status: Status, words: Words) -> None:
        self._out = out
        self._status = status
        self._words = words
        self._message = ""
        self._attempt: int = 0
        self._written = ""

    @property
    def in_line(self) -> bool:
        """Whether the cursor stands in the middle of a line."""
        return bool(self._written) and not self._written.endswith("\n")

    def show(self, conversation: Conversation, run_id: str) -> None:
        live = conversation.live.get(run_id)
        run = conversation.runs.get(run_id)
        if live is not None and live.text:
            self._grow(live.message, live.attempt, plain(live.text))
        elif run is not None and run.message is not None:
            node = conversation.nodes.get(run.message)
            if node is not None:
                self._grow(node.id, self._attempt, plain(node.text))

    def end(self) -> None:
        """Finish the line."""
        if self.in_line:
            self._write("\n")

    def _grow(self, message: str, attempt: int, text: str) -> None:
        same = message == self._message and attempt == self._attempt
        if not (same and text.startswith(self._written)):
            if self._written:
                again = message == self._message
                self.end()
                self._write(f"\x1b[2m{self._words('terminal.again')}\x1b[0m\n" if again else "\n")
            self._message, self._attempt, self._written = message, attempt, ""
        added = text[len(self._written) :]
        if added:
            self._status.clear()
            self._write(added)
            self._written = text

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()


def standard_console(asker: Asker | None) -> Console:
    out_live, err_live = sys.stdout.isatty(), sys.stderr.isatty()
    return Console(sys.stdout, sys.stderr, out_live, err_live, asker if out_live or err_live else None)
