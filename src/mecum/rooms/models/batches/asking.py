"""One line of a batch, asked as its person through the relay's own doors."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from mecum.kit.errors import DatabaseUnavailable, EngineUnavailable, Forbidden, MecumError, NotFound
from mecum.kit.http import require
from mecum.kit.types import PersonId, Principal, SpaceId, Tokens
from mecum.rooms.models import RelayResponse, Usage
from mecum.rooms.models.batches.lines import Request
from mecum.rooms.models.batches.shapes import error_line, response_line
from mecum.rooms.models.ports import Persons
from mecum.rooms.models.relay.answers import error_object, status_of
from mecum.rooms.models.store.batches import Batch
from mecum.rooms.models.wires.jsons import JsonObject, count, dumps, loads, obj

Door: TypeAlias = Callable[[Principal, bytes], Awaitable[RelayResponse]]

RESPONSES = "/v1/responses"
SPENT = "models.budget_spent"
PERSON_GONE, KEY_ENDED = "models.batch_person", "models.batch_key"
HELD = frozenset(
    (
        "models.busy",
        "models.local_line_full",
        "models.provider_limit",
        "models.provider_busy",
        "models.provider_unreachable",
        "models.paused",
        "models.budget_gone",
    )
)
"""Codes after which a line waits: it is the model that can't be asked now, and not the line that is at fault."""
NOTHING = Usage(Tokens(0), Tokens(0))


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of a line: the line of a file. `ok`: of the output file."""

    ok: bool
    body: bytes
    usage: Usage = NOTHING


class NoLonger(Exception):
    """Nobody may ask for this batch any more. `code` and `message` go into its errors."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Asker:
    """
    Args:
        doors: by endpoint. Each answers as the relay does, for work that nobody waits for.
    """

    def __init__(self, doors: Mapping[str, Door], persons: Persons) -> None:
        self._doors = doors
        self._persons = persons

    async def ask(self, batch: Batch, request: Request) -> Answered:
        """The answer, also when it is the provider's refusal.

        Raises:
            NoLonger: nothing more may be asked for this batch. MecumError: there is no answer.
        """
        principal = await self.allowed(batch)
        body = request.body
        if batch.endpoint == RESPONSES and body.get("store") is None:
            # Thousands of answers that nobody asked to keep would push out those that somebody did.
            body = {**body, "store": False}
        answer = await self._doors[batch.endpoint](replace(principal, key=batch.key_id), dumps(body))
        assert isinstance(answer.body, bytes), "no line is streamed"
        value = obj(loads(answer.body))
        is_ok = answer.status < 300
        usage = _usage(obj(value.get("usage"))) if is_ok else NOTHING
        return Answered(is_ok, response_line(request.custom_id, answer.status, value), usage)

    async def allowed(self, batch: Batch) -> Principal:
        """Who asks.

        Raises:
            NoLonger: the account is locked or gone, or the key was revoked with which the batch was handed in.
        """
        person, space = PersonId(batch.person_id), SpaceId(batch.space_id)
        try:
            principal = await self._persons.principal_for_job(person, space, batch.id, "api")
            require(principal, "models")
        except (Forbidden, NotFound) as error:
            raise NoLonger(PERSON_GONE, "The account that handed in this batch may not use models any more.") from error
        if batch.key_id is not None and not await self._persons.key_stands(batch.key_id):
            raise NoLonger(
                "models.batch_key", "The key with which this batch was handed in was revoked or has expired."
            )
        return principal


def is_held(error: MecumError) -> bool:
    """Whether a line is to be asked again later, however long that takes."""
    if isinstance(error, DatabaseUnavailable):
        return True
    return error.code in HELD or (isinstance(error, EngineUnavailable) and error.retryable)


def failed(request: Request, error: MecumError) -> Answered:
    """A line that failed with `error`: as the answer that it would have got."""
    return Answered(False, response_line(request.custom_id, status_of(error), error_object(error)))


def not_asked(custom_id: str, code: str, message: str) -> Answered:
    return Answered(False, error_line(custom_id, code, message))


def _usage(said: JsonObject) -> Usage:
    """The usage in an answer, in the words of any of the three endpoints."""

    def tokens(*places: tuple[JsonObject, str]) -> Tokens:
        found = (count(where.get(name)) for where, name in places)
        return Tokens(next((number for number in found if number is not None), 0))

    given, made = obj(said.get("prompt_tokens_details")), obj(said.get("completion_tokens_details"))
    inputs, outputs = obj(said.get("input_tokens_details")), obj(said.get("output_tokens_details"))
    return Usage(
        tokens((said, "input_tokens"), (said, "prompt_tokens")),
        tokens((said, "output_tokens"), (said, "completion_tokens")),
        tokens((inputs, "cached_tokens"), (given, "cached_tokens")),
        tokens((outputs, "reasoning_tokens"), (made, "reasoning_tokens")),
    )
