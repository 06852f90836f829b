"""`POST /v1/responses` for every model but the entity: passed on where the provider has it, translated elsewhere."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from uuid import UUID

from mecum.kit.errors import MecumError
from mecum.kit.types import Principal, Tokens
from mecum.rooms.models import RelayResponse, Usage, Waiting, failures
from mecum.rooms.models.answering import AnsweredBy, Answering
from mecum.rooms.models.call import Call
from mecum.rooms.models.calls import Calls, Ongoing
from mecum.rooms.models.health import Health
from mecum.rooms.models.otherwise import alone, otherwise
from mecum.rooms.models.relay.answers import (
    Head,
    Parts,
    begun,
    error_frame,
    is_no_such_door,
    json_of,
    made_of,
    refused,
    tell_tier,
    told_by,
    whole,
)
from mecum.rooms.models.relay.asked import Asked, Asking
from mecum.rooms.models.relay.leading import with_routed
from mecum.rooms.models.relay.limits import limiting, output_asked
from mecum.rooms.models.relay.shelf import Shelf
from mecum.rooms.models.relay.tap import RESPONSE_ENDS, Tap
from mecum.rooms.models.routes import BuiltIn, Found, Remote, Route
from mecum.rooms.models.sending import Sender
from mecum.rooms.models.settings import ModelsSettings
from mecum.rooms.models.tiers import Tier, is_asked
from mecum.rooms.models.tokens import CHARS_PER_TOKEN
from mecum.rooms.models.upstream import Answer
from mecum.rooms.models.wires import chat_out, responses_stream, unstreamed
from mecum.rooms.models.wires.chat_in import read
from mecum.rooms.models.wires.chat_out import ChatWriter
from mecum.rooms.models.wires.chat_stream import DONE, read_usage
from mecum.rooms.models.wires.jsons import JsonObject, arr, dumps, loads, obj, text
from mecum.rooms.models.wires.reading import messages
from mecum.rooms.models.wires.responses_from_chat import ResponseWriter
from mecum.rooms.models.wires.responses_to_chat import to_chat
from mecum.rooms.models.wires.sse import frame

PATH, CHAT_PATH = "/responses", "/chat/completions"
FINAL = (b"response.completed", b"response.incomplete", b"response.failed")
PURPOSE = "relay.responses"


class _NoSuchDoor(Exception):
    """The provider has no `/responses`."""

    def __init__(self, provider: UUID) -> None:
        self.provider = provider


class ResponsesDoor:
    def __init__(
        self,
        asking: Asking,
        shelf: Shelf,
        calls: Calls,
        sender: Sender,
        health: Health,
        answering: Answering,
        settings: ModelsSettings,
    ) -> None:
        self._asking = asking
        self._shelf = shelf
        self._calls = calls
        self._sender = sender
        self._health = health
        self._answering = answering
        self._settings = settings

    async def answer(self, principal: Principal, body: bytes, tier: Tier | None = None) -> RelayResponse:
        """The answer to `body`, in the tier that it asks for or in `tier`. Raises MecumError before its head."""
        asked = await self._asking.understood(principal, body, tier)
        if not asked.in_background:
            return with_routed(await self.made(principal, asked), asked.found)
        queued = {**asked.skeleton(), "status": "queued"}
        await self._shelf.order(self._asking.kept(principal, asked, queued))
        return whole(queued)

    async def made(self, principal: Principal, asked: Asked) -> RelayResponse:
        """The answer to what was understood; kept when it is to be kept. Raises MecumError before its head."""
        while True:
            try:
                return await self._made_by(principal, asked, asked.found)
            except MecumError as error:
                found = otherwise(asked.found, error)
                if found is None:
                    raise
                asked = replace(asked, found=found)

    async def _made_by(self, principal: Principal, asked: Asked, found: Found) -> RelayResponse:
        if isinstance(found, Route) and found.may_speak_responses:
            try:
                return await begun(self._passed(principal, asked, found))
            except _NoSuchDoor as missing:
                self._health.speaks_responses(missing.provider, False)
        return await begun(self._translated(principal, asked))

    async def _passed(self, principal: Principal, asked: Asked, route: Route) -> Parts:
        """Bytes to and from a provider that has this wire itself."""
        tokens = Tokens(asked.size // CHARS_PER_TOKEN)
        most = output_asked(asked.values)
        call = Call.to(route, principal, PURPOSE, tokens, most, begins=asked.items, tier=asked.tier)
        async with (
            self._calls.open(call) as ongoing,
            await self._sender.send(
                ongoing,
                route,
                PATH,
                lambda remote: _sent(asked, remote, ongoing.reservation.output_tokens),
                streamed=asked.streams,
            ) as (remote, answer),
        ):
            ongoing.first()
            if not (answer.streams and asked.streams):
                body, response = await self._whole(principal, asked, ongoing, remote, answer)
                if answer.ok and asked.streams:
                    yield Head(streams=True, made=made_of(ongoing))
                    yield b"".join(unstreamed.response_stream(response))
                    return
                yield Head(answer.status, made=made_of(ongoing))
                yield tell_tier(body, asked.tier) if answer.ok and is_asked(asked.values) else body
                return
            self._knows_door(remote)
            yield Head(streams=True, made=made_of(ongoing))
            tap = Tap(answer.provider, self._settings.provider_line_limit_bytes, RESPONSE_ENDS)
            try:
                while chunk := await answer.next():
                    if lines := tap.feed(chunk):
                        if any(name in lines for name in FINAL):
                            # Kept before it is told: the next request may name it at once.
                            await self._done(principal, asked, ongoing, _final_response(lines))
                        yield lines
                if rest := tap.end():
                    yield rest
            except MecumError as error:
                ongoing.outcome = error.code
                self._sender.note(remote, error)
                yield error_frame(error)
            finally:
                ongoing.made = tap.lines

    async def _whole(
        self, principal: Principal, asked: Asked, ongoing: Ongoing, remote: Remote, answer: Answer
    ) -> tuple[bytes, JsonObject]:
        """Raises _NoSuchDoor, or ProviderError as `refused` and `json_of`."""
        if not answer.ok:
            if remote.speaks_responses is None and is_no_such_door(answer):
                ongoing.usage, ongoing.is_void = Usage(Tokens(0), Tokens(0)), True
                raise _NoSuchDoor(remote.provider.id)
            return refused(ongoing, answer), {}
        self._knows_door(remote)
        body, response = await json_of(answer)
        await self._done(principal, asked, ongoing, response)
        return body, response

    def _knows_door(self, remote: Remote) -> None:
        if remote.speaks_responses is None:
            self._health.speaks_responses(remote.provider.id, True)

    async def _translated(self, principal: Principal, asked: Asked) -> Parts:
        """The same over chat completions."""
        writer, begun, by = ResponseWriter(asked.skeleton()), False, AnsweredBy(asked.model, asked.tier)
        try:
            async with aclosing(self._chunks(principal, asked, by)) as chunks:
                async for chunk in chunks:
                    events = [] if begun else writer.begin()
                    events += writer.feed(chunk)
                    if asked.streams and not begun:
                        yield Head(streams=True, made=told_by(by))
                    begun = True
                    if asked.streams and events:
                        yield _frames(events)
        except MecumError as error:
            if not (begun and asked.streams):
                raise
            yield _frames(writer.fail(error))
            return
        last = writer.end()
        await self._keep(principal, asked, writer.response)
        if asked.streams:
            yield _frames(last)
        else:
            yield Head(made=told_by(by))
            yield dumps(writer.response)

    def _chunks(self, principal: Principal, asked: Asked, by: AnsweredBy) -> AsyncGenerator[JsonObject, None]:
        """The answer as chunks of the chat completions wire, always streamed."""
        found = asked.found
        if isinstance(found, BuiltIn):
            return self._chunks_of_events(principal, asked, self._chat(asked, found.name), by)
        if not found.speaks_openai or (not found.native_tools and arr(asked.values.get("tools"))):
            return self._chunks_of_events(principal, asked, self._chat(asked, found.name), by)
        return self._chunks_of_provider(principal, asked, found, by)

    @staticmethod
    def _chat(asked: Asked, model: str) -> JsonObject:
        """The request in the wire of chat completions, for a model of that name."""
        return to_chat({**asked.values, "stream": True}, asked.items, model)

    async def _chunks_of_provider(
        self, principal: Principal, asked: Asked, route: Route, by: AnsweredBy
    ) -> AsyncGenerator[JsonObject, None]:
        tokens = Tokens(asked.size // CHARS_PER_TOKEN)
        most = output_asked(asked.values)
        call = Call.to(route, principal, PURPOSE, tokens, most, begins=asked.items, tier=asked.tier)
        async with self._calls.open(call) as ongoing:

            def sent(remote: Remote) -> bytes:
                chat = self._chat(asked, remote.model.upstream_model)
                return dumps(chat | limiting(chat, ongoing.reservation.output_tokens, remote.endpoint.base_url))

            async with await self._sender.send(ongoing, route, CHAT_PATH, sent) as (remote, answer):
                by.model, by.degraded = remote.model.name, ongoing.degraded
                if not answer.ok:
                    raise await answer.error()
                ongoing.first()
                finished = False
                async with aclosing(messages(answer, self._settings.provider_line_limit_bytes)) as read_on:
                    async for data in read_on:
                        if data.strip() == DONE:
                            finished = True
                            break
                        chunk = obj(loads(data))
                        _check(answer.provider, chunk)
                        ongoing.made += 1
                        ongoing.usage = read_usage(chunk.get("usage")) or ongoing.usage
                        finished = finished or _finishes(chunk)
                        yield chunk
                if not finished:
                    raise failures.closed(answer.provider)
                await answer.drain()

    async def _chunks_of_events(
        self, principal: Principal, asked: Asked, chat: JsonObject, by: AnsweredBy
    ) -> AsyncGenerator[JsonObject, None]:
        request = replace(read(chat, asked.model), tier=asked.tier)
        writer = ChatWriter(chat_out.Head("", asked.model, asked.created_at))
        wait_s = self._settings.relay_local_wait_s
        async with aclosing(self._answering.ask(principal, request, wait_s, by, alone(asked.found))) as events:
            async for event in events:
                if not isinstance(event, Waiting):
                    for chunk in writer.chunks(event):
                        yield chunk

    async def _done(self, principal: Principal, asked: Asked, ongoing: Ongoing, response: JsonObject) -> None:
        """Note and keep a whole answer of the provider."""
        ongoing.usage = responses_stream.read_usage(response.get("usage")) or ongoing.usage
        if text(response.get("id")) and text(response.get("status")):
            await self._keep(principal, asked, response)

    async def _keep(self, principal: Principal, asked: Asked, response: JsonObject) -> None:
        if asked.store and not asked.in_background and self._shelf.fits(asked.items, response):
            await self._shelf.put(self._asking.kept(principal, asked, response))


def _sent(asked: Asked, remote: Remote, output_limit: int | None) -> bytes:
    """The request as the provider gets it: stored here and not there, with an answer no longer than budgets allow."""
    changes: dict[str, object] = {"model": remote.model.upstream_model, "store": False}
    if len(asked.items) != asked.input_count or asked.in_background:
        changes["input"] = asked.items
    if asked.values.get("previous_response_id") is not None:
        changes["previous_response_id"] = None
    if asked.in_background:
        changes |= {"background": False, "stream": False}
    if output_limit is not None and (output_asked(asked.values) or output_limit + 1) > output_limit:
        changes["max_output_tokens"] = output_limit
    return asked.request.changed(changes)


def _final_response(lines: bytes) -> JsonObject:
    """The response object in the last event of a stream."""
    for line in lines.splitlines():
        if line.startswith(b"data:") and any(name in line for name in FINAL):
            event = obj(loads(line[5:]))
            if text(event.get("type")).encode() in FINAL:
                return obj(event.get("response"))
    return {}


def _frames(events: list[JsonObject]) -> bytes:
    return b"".join(frame(dumps(event), text(event["type"])) for event in events)


def _check(provider: str, chunk: JsonObject) -> None:
    if not chunk:
        raise failures.garbage(provider, "a line that is not JSON")
    if chunk.get("error"):
        raise failures.said_in_stream(provider, chunk["error"])


def _finishes(chunk: JsonObject) -> bool:
    return any(obj(choice).get("finish_reason") for choice in arr(chunk.get("choices")))
