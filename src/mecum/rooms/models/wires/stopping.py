"""Ending an answer where its asker said: some wires have no word for it, some servers ignore it.

Where the provider does it itself, nothing is left to do here but to hold back what might be the beginning of an end.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from mecum.kit.types import Tokens
from mecum.rooms.models import Finish, ModelEvent, ReasoningDelta, TextDelta, Usage
from mecum.rooms.models.tokens import estimate
from mecum.rooms.models.upstream import Target


class Stops:
    """Looks for the first of several ends in a text that comes in pieces."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = [stop for stop in stops if stop]
        self._held = ""
        self.found = False

    def feed(self, piece: str) -> str:
        """What of the text can be told: up to an end, or up to where one may begin."""
        text = self._held + piece
        ends = [at for stop in self._stops if (at := text.find(stop)) >= 0]
        if ends:
            self.found, self._held = True, ""
            return text[: min(ends)]
        keep = max((_begun(text, stop) for stop in self._stops), default=0)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]

    def rest(self) -> str:
        """What was held back, which turned out to be no end."""
        held, self._held = self._held, ""
        return held


def _begun(text: str, stop: str) -> int:
    """How much of `stop` the end of `text` may be."""
    return next((size for size in range(min(len(text), len(stop) - 1), 0, -1) if text.endswith(stop[:size])), 0)


async def stopping(
    asked: AsyncGenerator[ModelEvent, None], stops: Sequence[str], target: Target, input_tokens: Tokens
) -> AsyncGenerator[ModelEvent, None]:
    """The events of `asked` up to the first of `stops`, which is left out; then the connection is closed.

    What an answer took that was ended here is reckoned: its provider does not say.

    Args:
        input_tokens: of the request, about.
    """
    looking, written, thought = Stops(stops), 0, 0
    async with aclosing(asked) as events:
        async for event in events:
            if not isinstance(event, TextDelta):
                if isinstance(event, ReasoningDelta):
                    thought += estimate(event.text)
                if rest := looking.rest():
                    yield TextDelta(rest)
                yield event
                continue
            written += estimate(event.text)
            if text := looking.feed(event.text):
                yield TextDelta(text)
            if looking.found:
                break
    if looking.found:
        usage = Usage(input_tokens, Tokens(written + thought), reasoning=Tokens(thought), estimated=True)
        yield Finish("stop", usage, target.name, target.endpoint.provider)
