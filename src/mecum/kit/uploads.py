"""What an edge gives to a room of a form with a file, while the form is still coming."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Protocol


class Upload(Protocol):
    """A form with a file, read as it comes: its beginning, then the bytes of the file, then the other fields."""

    async def begin(self) -> str | None:
        """The name of the file, once its bytes begin; None when the form has none. Raises BadRequest."""
        ...

    def pieces(self) -> AsyncIterator[bytes]:
        """The bytes of the file. Raises BadRequest, TooLarge."""
        ...

    async def fields(self) -> Mapping[str, str]:
        """All other fields, once the whole form is here. Raises BadRequest."""
        ...
