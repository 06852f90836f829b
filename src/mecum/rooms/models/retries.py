"""When a call that failed before its first byte is made again, and how."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Generic, TypeVar

from mecum.kit.errors import MecumError
from mecum.rooms.models import ModelEvent, Waiting
from mecum.rooms.models.failures import AUTOMATIC
from mecum.rooms.models.settings import ModelsSettings
from mecum.rooms.models.wires.jsons import JsonObject

FIRST_PAUSE_S = 0.25
PAUSE_MIN_S = 0.02
MODELS_KEPT = 2000
DROPPABLE = (
    "stream_options",
    "temperature",
    "top_p",
    "seed",
    "frequency_penalty",
    "presence_penalty",
    "stop",
    "reasoning_effort",
    "prompt_cache_key",
)
RENAMED = {"max_tokens": "max_completion_tokens"}
NOT_UNDERSTOOD = frozenset((400, 422))
Known = TypeVar("Known")


class Retries:
    """The attempts of one call."""

    def __init__(self, settings: ModelsSettings, *, patient: bool = True) -> None:
        """Args: patient: False: somebody else is asked instead."""
        self._left = settings.provider_retries_max if patient else 0
        self._bound_s = settings.provider_retry_after_max_s
        self._pause_s = FIRST_PAUSE_S

    def take(self) -> bool:
        """Use up one attempt; False when there is none left."""
        if self._left == 0:
            return False
        self._left -= 1
        return True

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
    learn: Callable[[str], bool],
    retries: Retries,
) -> AsyncGenerator[ModelEvent, None]:
    """The events of `once`, which is asked again where that can help; after its first event never.

    Args:
        learn: whether what a provider says of a request that it does not take tells how to ask better: then it is
            done at once.

    Raises:
        MecumError: as `once` does.
    """
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
            if error.params.get("status") in NOT_UNDERSTOOD and learn(str(error.params.get("said", ""))):
                continue
            wait_s = retries.pause(error)
            if wait_s is None:
                raise
        yield Waiting("provider_busy", about_seconds=wait_s)
        await asyncio.sleep(wait_s)


class Learned(Generic[Known]):
    """What is known of each model from its refusals, `start` before the first.

    There is no way to ask beforehand: servers and models differ in what they take of the same wire.
    """

    def __init__(self, start: Known, lasting: Callable[[Known], Known] = lambda known: known) -> None:
        """Args: lasting: what of that holds for the next call too."""
        self._start = start
        self._lasting = lasting
        self._known: OrderedDict[tuple[str, str], Known] = OrderedDict()

    def of(self, provider: str, model: str) -> Known:
        return self._known.get((provider, model), self._start)

    def asking(
        self,
        provider: str,
        model: str,
        once: Callable[[Known], AsyncGenerator[ModelEvent, None]],
        better: Callable[[Known, str], Known],
        retries: Retries,
    ) -> AsyncGenerator[ModelEvent, None]:
        """As `repeated`, by what is known.

        Args:
            better: what is known after a refusal with those words; the same where they tell nothing.
        """
        known = self.of(provider, model)

        def learn(said: str) -> bool:
            nonlocal known
            before, known = known, better(known, said)
            if known == before:
                return False
            self.keep(provider, model, self._lasting(known))
            return True

        return repeated(lambda: once(known), learn, retries)

    def keep(self, provider: str, model: str, known: Known) -> None:
        self._known[(provider, model)] = known
        if len(self._known) > MODELS_KEPT:
            self._known.popitem(last=False)


class Quirks:
    """Parameters that a provider has refused for a model: learned from its refusal, then left out or renamed."""

    def __init__(self) -> None:
        self._refused = Learned(frozenset[str]())

    def applied(self, provider: str, body: JsonObject) -> JsonObject:
        """`body` as this provider takes it."""
        refused = self._refused.of(provider, str(body.get("model")))
        kept = {name: value for name, value in body.items() if name not in refused or name in RENAMED}
        return {RENAMED[name] if name in refused else name: value for name, value in kept.items()}

    def learn(self, provider: str, body: JsonObject, said: str) -> bool:
        """Whether `said` names a parameter of `body` that will be left out or renamed from now on: then try again."""
        model = str(body.get("model"))
        known = self._refused.of(provider, model)
        named = {name for name in DROPPABLE if name in body and re.search(rf"\b{name}\b", said)}
        named |= {name for name, instead in RENAMED.items() if name in body and instead in said}
        if not named - known:
            return False
        self._refused.keep(provider, model, known | named)
        return True
