"""`POST /v1/chat/completions` for every model but the entity."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import replace
from uuid import UUID

from mecum.kit.clock import Clock
from mecum.kit.errors import MecumError
from mecum.kit.ids import new_id
from mecum.kit.types import Principal, Tokens
from mecum.rooms.models import ModelRequest, RelayResponse, Usage, Waiting
from mecum.rooms.models.answering import AnsweredBy, Answering
from mecum.rooms.models.call import Call
from mecum.rooms.models.calls import Calls, Ongoing
from mecum.rooms.models.catalogue import Catalogue
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
)
from mecum.rooms.models.relay.leading import led_chat, with_routed
from mecum.rooms.models.relay.limits import limiting, output_asked
from mecum.rooms.models.relay.request import model_of, parsed
from mecum.rooms.models.relay.tap import CHAT_ENDS, Tap
from mecum.rooms.models.router.routing import Router
from mecum.rooms.models.routes import Found, Remote, Route
from mecum.rooms.models.sending import Sender, Sent
from mecum.rooms.models.service import ROUTER
from mecum.rooms.models.settings import ModelsSettings
from mecum.rooms.models.tiers import Tier, is_asked, tier_of
from mecum.rooms.models.tokens import CHARS_PER_TOKEN
from mecum.rooms.models.upstream import Answer
from mecum.rooms.models.wires import chat_out, unstreamed
from mecum.rooms.models.wires.chat_in import read, unread
from mecum.rooms.models.wires.chat_out import ChatBody, ChatWriter
from mecum.rooms.models.wires.chat_stream import read_usage
from mecum.rooms.models.wires.jsons import JsonObject, arr, dumps, obj
from mecum.rooms.models.wires.splice import Spliced
from mecum.rooms.models.wires.sse import frame

PATH = "/chat/completions"
DONE = b"data: [DONE]\n\n"
ELSEWHERE = b"v1/responses"
"""What OpenAI names in the refusal of a model that has no chat completions."""


class _NoSuchDoor(Exception):
    """The model has no chat completions, only responses."""

    def __init__(self, model: UUID) -> None:
        self.model = model


class ChatDoor:
    def __init__(
        self,
        catalogue: Catalogue,
        router: Router,
        calls: Calls,
        sender: Sender,
        answering: Answering,
        clock: Clock,
        settings: ModelsSettings,
    ) -> None:
        self._catalogue = catalogue
        self._router = router
        self._calls = calls
        self._sender = sender
        self._answering = answering
        self._clock = clock
        self._settings = settings
        self._no_stream_options: set[UUID] = set()
        self._without_chat: set[UUID] = set()

    async def answer(self, principal: Principal, body: bytes, tier: Tier | None = None) -> RelayResponse:
        """The answer to `body`, in the tier that it asks for or in `tier`. Raises MecumError before its head."""
        request = parsed(body)
        tier = tier or tier_of(request.values, principal, self._settings.priority_tier)
        name, led = model_of(request), None
        if name == ROUTER:
            led = await led_chat(self._router, principal, request, len(body), tier)
        if led is None:
            found = await self._catalogue.resolve(principal, name, "chat")
            return await self._made(principal, request, found, len(body), tier)
        return with_routed(await self._made(principal, *led, len(body), tier), led[1])

    async def _made(self, principal: Principal, request: Spliced, found: Found, size: int, tier: Tier) -> RelayResponse:
        while True:
            try:
                return await self._made_by(principal, request, found, size, tier)
            except MecumError as error:
                after = otherwise(found, error)
                if after is None:
                    raise
                found = after

    async def _made_by(
        self, principal: Principal, request: Spliced, found: Found, size: int, tier: Tier
    ) -> RelayResponse:
        if isinstance(found, Route) and self._may_pass(request, found):
            try:
                return await begun(self._passed(principal, request, found, size, tier))
            except _NoSuchDoor as missing:
                self._without_chat.add(missing.model)
        return await begun(self._told(principal, request, found, tier))

    def _may_pass(self, request: Spliced, route: Route) -> bool:
        """Whether everybody on `route` may take the request as it is."""
        if not route.speaks_openai or any(each.model.id in self._without_chat for each in route):
            return False
        return route.native_tools or not arr(request.values.get("tools"))

    async def _passed(self, principal: Principal, request: Spliced, route: Route, size: int, tier: Tier) -> Parts:
        """Bytes to and from a provider that speaks the same wire."""
        tokens, tells = Tokens(size // CHARS_PER_TOKEN), is_asked(request.values)
        begins, most = arr(request.values.get("messages")), output_asked(request.values)
        call = Call.to(route, principal, "relay.chat", tokens, most, begins=begins, tier=tier)
        async with self._calls.open(call) as ongoing:
            sent, hide_usage = await self._asked(ongoing, request, route)
            async with sent as (remote, answer):
                ongoing.first()
                if remote.provider.kind == "responses" and not answer.ok and _is_for_responses(answer):
                    ongoing.usage, ongoing.is_void = Usage(Tokens(0), Tokens(0)), True
                    raise _NoSuchDoor(remote.model.id)
                if not (answer.streams and _streams(request)):
                    body, value = await self._whole(ongoing, answer)
                    as_events = answer.ok and _streams(request)
                    yield Head(answer.status, streams=as_events, made=made_of(ongoing))
                    if as_events:
                        body = b"".join(unstreamed.chat_stream(value, include_usage=_wants_usage(request)))
                    yield tell_tier(body, tier) if tells and answer.ok else body
                    return
                yield Head(streams=True, made=made_of(ongoing))
                limit_bytes = self._settings.provider_line_limit_bytes
                tap = Tap(answer.provider, limit_bytes, CHAT_ENDS, hide_usage=hide_usage)
                try:
                    while chunk := await answer.next():
                        if lines := tap.feed(chunk):
                            yield tell_tier(lines, tier) if tells else lines
                            tells = False
                    if rest := tap.end():
                        yield rest
                except MecumError as error:
                    ongoing.outcome = error.code
                    self._sender.note(remote, error)
                    yield error_frame(error)
                finally:
                    ongoing.made = tap.lines
                    ongoing.usage = read_usage(tap.usage)

    async def _asked(self, ongoing: Ongoing, request: Spliced, route: Route) -> tuple[Sent, bool]:
        """What the provider answers, and whether we asked for the usage of its stream, which the caller did not. A
        provider that does not know how is asked without.
        """
        limit = ongoing.reservation.output_tokens
        while True:
            sent = await self._sender.send(
                ongoing, route, PATH, lambda remote: self._body(request, remote, limit), streamed=_streams(request)
            )
            asks_usage = self._asks_usage(request, sent.remote)
            if not asks_usage or b"stream_options" not in sent.answer.refusal:
                return sent, asks_usage
            self._no_stream_options.add(sent.remote.provider.id)

    async def _whole(self, ongoing: Ongoing, answer: Answer) -> tuple[bytes, JsonObject]:
        if not answer.ok:
            return refused(ongoing, answer), {}
        body, value = await json_of(answer)
        ongoing.usage = read_usage(value.get("usage"))
        return body, value

    def _asks_usage(self, request: Spliced, remote: Remote) -> bool:
        known = remote.provider.id in self._no_stream_options
        return _streams(request) and not _wants_usage(request) and not known

    def _body(self, request: Spliced, remote: Remote, output_limit: int | None) -> bytes:
        changes = limiting(request.values, output_limit, remote.endpoint.base_url)
        changes["model"] = remote.model.upstream_model
        if self._asks_usage(request, remote):
            changes["stream_options"] = {**obj(request.values.get("stream_options")), "include_usage": True}
        return request.changed(changes)

    def _told(self, principal: Principal, request: Spliced, found: Found, tier: Tier) -> Parts:
        """An answer made of events: by the built-in model, by one without tool calls of its own, or of another wire."""
        found, model = alone(found), found.name
        asked = replace(read(request.values, model), tier=tier)
        told_tier = tier if is_asked(request.values) else None
        head = chat_out.Head(f"chatcmpl-{new_id().hex}", model, int(self._clock.now().timestamp()), told_tier)
        by = AnsweredBy(model, unread=unread(request.values))
        if _streams(request):
            return self._told_in_chunks(principal, asked, found, head, by, _wants_usage(request))
        return self._told_whole(principal, asked, found, head, by)

    async def _told_in_chunks(
        self,
        principal: Principal,
        asked: ModelRequest,
        found: Found,
        head: chat_out.Head,
        by: AnsweredBy,
        include_usage: bool,
    ) -> Parts:
        writer, begun = ChatWriter(head), False
        wait_s = self._settings.relay_local_wait_s
        try:
            async with aclosing(self._answering.ask(principal, asked, wait_s, by, found)) as events:
                async for event in events:
                    if isinstance(event, Waiting):
                        continue
                    if not begun:
                        begun = True
                        yield Head(streams=True, made=told_by(by))
                    for chunk in writer.chunks(event):
                        if include_usage or chunk["choices"]:
                            yield frame(dumps(chunk))
            yield DONE
        except MecumError as error:
            if not begun:
                raise
            yield error_frame(error)

    async def _told_whole(
        self, principal: Principal, asked: ModelRequest, found: Found, head: chat_out.Head, by: AnsweredBy
    ) -> Parts:
        wait_s = self._settings.relay_local_wait_s
        collected = ChatBody(head)
        async with aclosing(self._answering.ask(principal, asked, wait_s, by, found)) as events:
            async for event in events:
                body = collected.add(event)
                if body is not None:
                    yield Head(made=told_by(by))
                    yield dumps(body)


def _is_for_responses(answer: Answer) -> bool:
    """Whether a refusal says that the model is to be asked through the responses alone."""
    return is_no_such_door(answer) or ELSEWHERE in answer.refusal


def _wants_usage(request: Spliced) -> bool:
    """Whether the caller wants the usage at the end of a stream."""
    return bool(obj(request.values.get("stream_options")).get("include_usage"))


def _streams(request: Spliced) -> bool:
    return request.values.get("stream") is True
