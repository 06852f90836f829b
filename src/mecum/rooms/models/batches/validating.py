"""Looking through the file of a batch before any of it is asked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from mecum.rooms.models.batches.lines import BadLine, LineTooLong, Unique, lines, understood
from mecum.rooms.models.settings import ModelsSettings

ERRORS_MAX = 100


@dataclass(slots=True)
class Looked:
    """What is in a file of requests.

    Args:
        model: of all lines; None: they name several.
        errors: in OpenAI's shape, the first `ERRORS_MAX`. With one of them nothing of the file is asked.
    """

    total: int = 0
    model: str | None = None
    errors: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def wrong(self, code: str, message: str, line: int | None = None, param: str | None = None) -> None:
        self.errors.append({"code": code, "line": line, "message": message, "param": param})


async def looked_through(pieces: AsyncIterator[bytes], endpoint: str, settings: ModelsSettings) -> Looked:
    """What is in the file of these bytes."""
    found, unique, models = Looked(), Unique(), set[str]()
    try:
        async for line in lines(pieces, settings.batch_line_limit_bytes):
            if found.total >= settings.batch_lines_max:
                found.wrong(
                    "too_many_requests", f"A batch may have {settings.batch_lines_max:,} requests.", line.number
                )
                break
            found.total += 1
            try:
                request = understood(line.raw, endpoint)
                unique.check(request.custom_id)
            except BadLine as bad:
                found.wrong(bad.code, bad.message, line.number, bad.param)
                if len(found.errors) >= ERRORS_MAX:
                    break
            else:
                if len(models) < 2:
                    models.add(request.model)
    except LineTooLong as long:
        limit = settings.batch_line_limit_bytes
        found.wrong("line_too_long", f"A line may have {limit:,} bytes.", long.number)
    if not found.total and not found.errors:
        found.wrong("empty_file", "There is no request in the file.")
    found.model = models.pop() if len(models) == 1 else None
    return found
