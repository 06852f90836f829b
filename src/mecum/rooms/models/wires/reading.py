"""Asking a provider and reading what it answers: events, or one JSON body, whatever its headers claim."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from mecum.rooms.models import Finish, ModelEvent, ModelRequest, failures
from mecum.rooms.models.tokens import estimate_input
from mecum.rooms.models.upstream import Answer, Target, Upstream
from mecum.rooms.models.wires.folding import Reader
from mecum.rooms.models.wires.sse import LineTooLong, SseReader

EVENT_STARTS = (b"data:", b":", b"event:", b"id:", b"retry:")


class Asker:
    """Asks in any wire.

    Args:
        line_limit_bytes: the longest line of a stream.
    """

    def __init__(self, upstream: Upstream, line_limit_bytes: int) -> None:
        self._upstream = upstream
        self._line_limit_bytes = line_limit_bytes

    async def answered(
        self, target: Target, request: ModelRequest, path: str, body: bytes, reader: Reader, by: str
    ) -> AsyncGenerator[ModelEvent, None]:
        """Send `body`, which is `request` in the wire of `reader`, and give what that makes of the answer.

        Args:
            by: whom a state of the answer may be given back to, see `keeping.tag`.

        Raises:
            MecumError: as in `failures`.
        """
        async with self._upstream.open(target.endpoint, "POST", path, body) as answer:
            if not answer.ok:
                raise await answer.error()
            async with aclosing(messages(answer, self._line_limit_bytes)) as read:
                async for data in read:
                    for event in reader.feed(data):
                        yield event
                    if reader.done:
                        break
            for event in reader.end():
                yield event
            await answer.drain()
        assert reader.finish is not None, "end() says how it ended, or that it did not"
        usage = reader.usage(estimate_input(request.messages, request.tools))
        state = reader.kept.state(by, usage.reasoning)
        yield Finish(reader.finish, usage, target.name, target.endpoint.provider, state=state)


async def messages(answer: Answer, line_limit_bytes: int) -> AsyncGenerator[bytes, None]:
    """The data of each event; the body itself where the provider answers with JSON instead of a stream.

    Raises:
        ProviderError: neither of the two, a line over the limit, or what `Answer.chunks` raises.
    """
    async with aclosing(answer.chunks()) as chunks:
        first = b""
        async for chunk in chunks:
            first += chunk
            if first.lstrip():
                break
        if _is_json(answer.content_type, first):
            yield first + b"".join([chunk async for chunk in chunks])
            return
        if answer.content_type != "text/event-stream" and not first.lstrip().startswith(EVENT_STARTS):
            raise failures.garbage(answer.provider, f"{answer.content_type or 'no content type'} instead of events")
        reader = SseReader(line_limit_bytes)
        try:
            for event in reader.feed(first):
                yield event.data
            async for chunk in chunks:
                for event in reader.feed(chunk):
                    yield event.data
            for event in reader.close():
                yield event.data
        except LineTooLong as error:
            raise failures.too_long(answer.provider, line_limit_bytes) from error


def _is_json(content_type: str, first: bytes) -> bool:
    if content_type == "text/event-stream":
        return False
    return content_type == "application/json" or first.lstrip().startswith(b"{")
