"""What replicas say to each other about the gate, and how that is written. Pure.

Between two replicas words go in batches, which are numbered: whoever misses one knows it, and the guest says anew
all that it has. A round begins with that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, TypeAdapter

from mecum.rooms.models.gate.fair import Band
from mecum.rooms.models.gate.standing import Asked, Standing

REQUEST = -1
"""The number of a batch without words, which asks a guest to begin a new round."""


@dataclass(frozen=True, slots=True)
class Carried:
    """A call of a guest, as it stands.

    Args:
        expected: tokens of its answer.
        waited_s: since it came. pool: where it runs; None: it waits. ran_s, wrote_s: since it was let in, and since
            the first of its answer; None: that has not come.
    """

    number: int
    asked: Asked
    band: Band
    expected: int
    waited_s: float
    has_returned: bool = False
    pool: str | None = None
    ran_s: float = 0.0
    wrote_s: float | None = None


@dataclass(frozen=True, slots=True)
class Here:
    """All calls that a guest has. Whatever was known of it before is void."""

    calls: tuple[Carried, ...]
    kind: Literal["here"] = "here"


@dataclass(frozen=True, slots=True)
class Enters:
    call: Carried
    kind: Literal["enters"] = "enters"


@dataclass(frozen=True, slots=True)
class First:
    """The first of the answer came so long after the call was let in."""

    number: int
    took_s: float
    kind: Literal["first"] = "first"


@dataclass(frozen=True, slots=True)
class Over:
    """The call has ended or left. `wrote_s`: as in `Carried`."""

    number: int
    input_tokens: int = 0
    output_tokens: int = 0
    wrote_s: float | None = None
    kind: Literal["over"] = "over"


@dataclass(frozen=True, slots=True)
class Again:
    """The call leaves its place for another one. `tiers`: as in `Pools.again`."""

    number: int
    tiers: tuple[tuple[str, ...], ...]
    kind: Literal["again"] = "again"


@dataclass(frozen=True, slots=True)
class Refused:
    """The provider said to a guest that it is too much."""

    pool: str
    retry_after_s: float | None
    kind: Literal["refused"] = "refused"


@dataclass(frozen=True, slots=True)
class Look:
    """There may be more room than a moment ago."""

    pool: str
    kind: Literal["look"] = "look"


@dataclass(frozen=True, slots=True)
class LetIn:
    number: int
    pool: str
    kind: Literal["in"] = "in"


@dataclass(frozen=True, slots=True)
class Gone:
    """There is no place for the call. `about_s`: until there is one."""

    number: int
    about_s: float | None
    kind: Literal["gone"] = "gone"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Somebody is to have the place of the call."""

    number: int
    kind: Literal["wanted"] = "wanted"


@dataclass(frozen=True, slots=True)
class About:
    """The call waits, for about so long."""

    number: int
    about_s: float | None
    kind: Literal["about"] = "about"


@dataclass(frozen=True, slots=True)
class Figures:
    """What the writer knows of a pool. `left`: tokens of this minute, where it has such a limit."""

    pool: str
    limit: float
    slowdown: float
    is_known: bool
    held_s: float
    left: float | None
    kind: Literal["figures"] = "figures"


Word: TypeAlias = Here | Enters | First | Over | Again | Refused | Look | LetIn | Gone | Wanted | About | Figures


@dataclass(frozen=True, slots=True)
class Batch:
    """
    Args:
        reign: of the writer, who says this or to whom it is said.
        round: of the guest. number: in it, in this direction, from 0.
    """

    sender: str
    reign: str
    round: int
    number: int
    words: tuple[Annotated[Word, Field(discriminator="kind")], ...] = ()


_BATCH = TypeAdapter(Batch)


def written(batch: Batch) -> bytes:
    return _BATCH.dump_json(batch)


def read(text: bytes) -> Batch:
    """Raises:
    ValueError: these are not our words.
    """
    return _BATCH.validate_json(text)


def carried(standing: Standing, now: float) -> Carried:
    """A call of this replica, for another one."""
    is_in = standing.state == "running"
    return Carried(
        standing.number,
        standing.asked,
        standing.band,
        standing.expected,
        now - standing.arrived,
        standing.has_returned,
        standing.pool if is_in else None,
        now - standing.sent_at if is_in else 0.0,
        None if standing.first_at is None else now - standing.first_at,
    )


def stands(call: Carried, now: float) -> Standing:
    """The same call, at the replica that decides: it waits, in no line yet."""
    return Standing(
        call.asked,
        call.band,
        now - call.waited_s,
        call.expected,
        call.asked.tiers[0][0],
        has_returned=call.has_returned,
        number=call.number,
    )
