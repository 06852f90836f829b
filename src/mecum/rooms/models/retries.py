"""When a call that failed before its first byte is made again, and how."""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from mecum.kit.errors import MecumError
from mecum.rooms.models import ModelEvent, Waiting
from mecum.rooms.models.failures import AUTOMATIC
from mecum.rooms.models.settings import ModelsSettings
from mecum.rooms.models.wires.jsons import JsonObject

FIRST_PAUSE_S = 0.25
PAUSE_MIN_S = 0.02
QUIRKS_KEPT = 2000
DROPPABLE = ("stream_options", "temperature", "reasoning_effort")
RENAMED = {"max_tokens": "max_completion_tokens"}
NOT_UNDERSTOOD = frozenset((400, 422))


class Retries:
    """The attempts of one call."""

    def __init__(self, settings: ModelsSettings) -> None:
        self._left = settings.provider_retries_max
        self._bound_s = settings.provider_retry_after_max_s
        self._pause_s = FIRST_PAUSE_S

    def pause(self, error: MecumError) -> float | None:
        """Seconds until the call is made again, or None when `error` is final.

        A provider's Retry-After is kept exactly up to the bound; without one the pauses double, with jitter.
        """
        if self._left == 0 or error.code not in AUTOMATIC:
            return None
        if error.retry_after is not None and error.retry_after > self._bound_s:
            return None
        self._left -= 1
        jittered = self._pause_s * (0.5 + secrets.randbelow(1000) / 1000)
        self._pause_s *= 2
        wanted = jittered if error.retry_after is None else error.retry_after
        return max(PAUSE_MIN_S, min(wanted, self._bound_s))


async def repeated(
    once: Callable[[], AsyncGenerator[ModelEvent, None]],
    learn: Callable[[MecumError], bool],
    settings: ModelsSettings,
) -> AsyncGenerator[ModelEvent, None]:
    """The events of `once`, which is asked again where that can help; after its first event never.

    Args:
        learn: whether an error has told how to ask better: then it is done at once.

    Raises:
        MecumError: as `once` does.
    """
    retries = Retries(settings)
    while True:
        started = False
        try:
            async with aclosing(once()) as events:
                async for event in events:
                    started = True
                    yield event
            return
        except MecumError as error:
            if started:
                raise
            if learn(error):
                continue
            wait_s = retries.pause(error)
            if wait_s is None:
                raise
        yield Waiting("provider_busy", about_seconds=wait_s)
        await asyncio.sleep(wait_s)


class Quirks:
    """Parameters that a provider has refused for a model: learned from its refusal, then left out or renamed.

    There is no way to ask beforehand: servers differ in what they take of the same wire.
    """

    def __init__(self) -> None:
        self._refused: OrderedDict[tuple[str, str], frozenset[str]] = OrderedDict()

    def applied(self, provider: str, body: JsonObject) -> JsonObject:
        """`body` as this provider takes it."""
        refused = self._refused.get((provider, str(body.get("model"))), frozenset[str]())
        kept = {name: value for name, value in body.items() if name not in refused or name in RENAMED}
        return {RENAMED[name] if name in refused else name: value for name, value in kept.items()}

    def learn(self, provider: str, body: JsonObject, error: MecumError) -> bool:
        """Whether `error` names a parameter of `body` that will be left out or renamed from now on: then try again."""
        if error.params.get("status") not in NOT_UNDERSTOOD:
            return False
        said = str(error.params.get("said", ""))
        key = (provider, str(body.get("model")))
        known = self._refused.get(key, frozenset())
        named = {name for name in DROPPABLE if name in body and name in said}
        named |= {name for name, instead in RENAMED.items() if name in body and instead in said}
        if not named - known:
            return False
        self._refused[key] = known | named
        if len(self._refused) > QUIRKS_KEPT:
            self._refused.popitem(last=False)
        return True
