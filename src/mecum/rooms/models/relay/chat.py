"""`POST /v1/chat/completions` for every model but the entity."""

from __future__ import annotations

from contextlib import aclosing
from uuid import UUID

from mecum.kit.clock import Clock
from mecum.kit.errors import MecumError
from mecum.kit.ids import new_id
from mecum.kit.types import Principal, Tokens
from mecum.rooms.models import Finish, ModelRequest, Usage, Waiting, failures
from mecum.rooms.models.answering import AnsweredBy, Answering
from mecum.rooms.models.calls import Call, Calls, Ongoing
from mecum.rooms.models.catalogue import Catalogue
from mecum.rooms.models.relay.answers import JSON_HEADERS, STREAM_HEADERS, Head, Parts, error_frame, told_by
from mecum.rooms.models.relay.limits import limiting, output_asked
from mecum.rooms.models.relay.request import model_of, parsed
from mecum.rooms.models.relay.tap import Tap
from mecum.rooms.models.routes import Remote, Route
from mecum.rooms.models.sending import Sender
from mecum.rooms.models.settings import ModelsSettings
from mecum.rooms.models.tokens import CHARS_PER_TOKEN
from mecum.rooms.models.upstream import ERROR_BODY_LIMIT, Answer
from mecum.rooms.models.wires import chat_out
from mecum.rooms.models.wires.chat_in import read
from mecum.rooms.models.wires.chat_out import ChatBody, ChatWriter
from mecum.rooms.models.wires.chat_stream import read_usage
from mecum.rooms.models.wires.jsons import arr, dumps, loads, obj
from mecum.rooms.models.wires.splice import Spliced
from mecum.rooms.models.wires.sse import frame

PATH = "/chat/completions"
DONE = b"data: [DONE]\n\n"


class ChatDoor:
    def __init__(
        self,
        catalogue: Catalogue,
        calls: Calls,
        sender: Sender,
        answering: Answering,
        clock: Clock,
        settings: ModelsSettings,
    ) -> None:
        self._catalogue = catalogue
        self._calls = calls
        self._sender = sender
        self._answering = answering
        self._clock = clock
        self._settings = settings
        self._no_stream_options: set[UUID] = set()

    async def parts(self, principal: Principal, body: bytes) -> Parts:
        """The answer to `body`. Raises MecumError before its head."""
        request = parsed(body)
        found = await self._catalogue.resolve(principal, model_of(request), "chat")
        if isinstance(found, str):
            answer = self._told(principal, request, found)
        elif not found.speaks_openai or (not found.native_tools and arr(request.values.get("tools"))):
            answer = self._told(principal, request, found.name)
        else:
            answer = self._passed(principal, request, found, len(body))
        async with aclosing(answer) as parts:
            async for part in parts:
                yield part

    async def _passed(self, principal: Principal, request: Spliced, route: Route, size: int) -> Parts:
        """Bytes to and from a provider that speaks the same wire."""
        tokens = Tokens(size // CHARS_PER_TOKEN)
        begins = arr(request.values.get("messages"))
        call = Call.to(route, principal, "relay.chat", tokens, output_asked(request.values), begins=begins)
        streamed, asks_usage = request.values.get("stream") is True, False
        async with self._calls.open(call) as ongoing:

            def sent(remote: Remote) -> bytes:
                nonlocal asks_usage
                asks_usage = self._asks_usage(request, remote)
                return self._body(request, remote, asks_usage, ongoing.reservation.output_tokens)

            while True:
                async with self._sender.send(ongoing, route, PATH, sent, streamed=streamed) as (remote, answer):
                    said = b"" if answer.ok else await answer.read(ERROR_BODY_LIMIT)
                    if asks_usage and b"stream_options" in said:
                        self._no_stream_options.add(remote.provider.id)
                        continue
                    async with aclosing(self._pass_on(ongoing, remote, request, answer, said, asks_usage)) as parts:
                        async for part in parts:
                            yield part
                    return

    def _asks_usage(self, request: Spliced, remote: Remote) -> bool:
        """Whether we ask for the usage of a stream, which the caller did not."""
        streams = request.values.get("stream") is True
        asked = bool(obj(request.values.get("stream_options")).get("include_usage"))
        return streams and not asked and remote.provider.id not in self._no_stream_options

    def _body(self, request: Spliced, remote: Remote, asks_usage: bool, output_limit: int | None) -> bytes:
        changes = limiting(request.values, output_limit, remote.endpoint.base_url)
        changes["model"] = remote.model.upstream_model
        if asks_usage:
            changes["stream_options"] = {**obj(request.values.get("stream_options")), "include_usage": True}
        return request.changed(changes)

    async def _pass_on(
        self, ongoing: Ongoing, remote: Remote, request: Spliced, answer: Answer, said: bytes, hide_usage: bool
    ) -> Parts:
        ongoing.first()
        if not answer.ok:
            ongoing.outcome, ongoing.usage = "models.provider_refused", Usage(Tokens(0), Tokens(0))
            if answer.content_type != "application/json":
                raise failures.refused(answer.provider, answer.status, answer.retry_after, said)
            yield Head(answer.status, told_by(remote.model.name, JSON_HEADERS))
            yield said
        elif request.values.get("stream") is True and answer.content_type == "text/event-stream":
            yield Head(200, told_by(remote.model.name, STREAM_HEADERS))
            async with aclosing(self._events(ongoing, remote, answer, hide_usage)) as blocks:
                async for block in blocks:
                    yield block
        else:
            body = await answer.read()
            value = obj(loads(body))
            if not value:
                raise failures.garbage(answer.provider, answer.content_type or "an answer that is not JSON")
            ongoing.usage = read_usage(value.get("usage"))
            yield Head(200, told_by(remote.model.name, JSON_HEADERS))
            yield body

    async def _events(self, ongoing: Ongoing, remote: Remote, answer: Answer, hide_usage: bool) -> Parts:
        tap = Tap(answer.provider, self._settings.provider_line_limit_bytes, hide_usage=hide_usage)
        try:
            async with aclosing(answer.chunks()) as chunks:
                async for chunk in chunks:
                    lines = tap.feed(chunk)
                    if lines:
                        yield lines
            rest = tap.end()
            if rest:
                yield rest
        except MecumError as error:
            ongoing.outcome = error.code
            self._sender.note(remote, error)
            yield error_frame(error)
        finally:
            ongoing.made = tap.lines
            ongoing.usage = read_usage(tap.usage)

    async def _told(self, principal: Principal, request: Spliced, model: str) -> Parts:
        """An answer made of events: by the built-in model, by one without tool calls of its own, or of another wire."""
        asked = read(request.values, model)
        head = chat_out.Head(f"chatcmpl-{new_id().hex}", model, int(self._clock.now().timestamp()))
        if request.values.get("stream") is True:
            usage = bool(obj(request.values.get("stream_options")).get("include_usage"))
            answer = self._told_in_chunks(principal, asked, head, usage)
        else:
            answer = self._told_whole(principal, asked, head)
        async with aclosing(answer) as parts:
            async for part in parts:
                yield part

    async def _told_in_chunks(
        self, principal: Principal, asked: ModelRequest, head: chat_out.Head, include_usage: bool
    ) -> Parts:
        writer, begun, by = ChatWriter(head), False, AnsweredBy(head.model)
        wait_s = self._settings.relay_local_wait_s
        try:
            async with aclosing(self._answering.ask(principal, asked, wait_s, by)) as events:
                async for event in events:
                    if isinstance(event, Waiting):
                        continue
                    if not begun:
                        begun = True
                        yield Head(200, told_by(by.model, STREAM_HEADERS))
                    for chunk in writer.chunks(event):
                        if include_usage or chunk["choices"]:
                            yield frame(dumps(chunk))
            yield DONE
        except MecumError as error:
            if not begun:
                raise
            yield error_frame(error)

    async def _told_whole(self, principal: Principal, asked: ModelRequest, head: chat_out.Head) -> Parts:
        collected = ChatBody(head)
        async with aclosing(self._answering.ask(principal, asked, self._settings.relay_local_wait_s)) as events:
            async for event in events:
                body = collected.add(event)
                if body is not None and isinstance(event, Finish):
                    yield Head(200, told_by(event.model, JSON_HEADERS))
                    yield dumps(body)
