"""A form with a file (multipart/form-data, RFC 7578), read as it comes and never kept."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Mapping
from typing import Literal, TypeAlias

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from mecum.kit.arrival import too_large
from mecum.kit.errors import BadRequest
from mecum.surfaces.openai.requests import refused

FILE = "file"
FIELDS_MAX, FIELD_BYTES_MAX = 20, 4096
AROUND_BYTES_MAX = 256 * 1024
"""What may stand around the file: headers and other fields."""

Event: TypeAlias = tuple[Literal["head", "data", "end"], bytes]


class Form:
    """Implements `mecum.kit.uploads.Upload` for the body of a request.

    Args:
        limit_bytes: of the file; whoever keeps it has the last word.

    Raises:
        BadRequest: the body is no form.
    """

    def __init__(self, request: Request, limit_bytes: int) -> None:
        kind, options = parse_options_header(request.headers.get("content-type", ""))
        boundary = options.get(b"boundary", b"")
        if kind != b"multipart/form-data" or not boundary:
            raise refused(FILE, "Send the file as multipart/form-data.")
        self._request = request
        self._left = limit_bytes + AROUND_BYTES_MAX
        self._limit_bytes = limit_bytes
        self._events: deque[Event] = deque()
        self._name, self._value = b"", b""
        self._headers: dict[bytes, bytes] = {}
        self._fields: dict[str, str] = {}
        self._had_file = False
        self._ended = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._headers.clear,
                "on_header_field": self._header_name,
                "on_header_value": self._header_value,
                "on_header_end": self._header_end,
                "on_headers_finished": self._head,
                "on_part_data": self._data,
                "on_part_end": lambda: self._events.append(("end", b"")),
                "on_end": self._finish,
            },
        )

    async def begin(self) -> str | None:
        while (event := await self._next()) is not None:
            name, filename = _named(event[1])
            if name == FILE and filename is not None:
                self._had_file = True
                return filename
            await self._field(name)
        return None

    async def pieces(self) -> AsyncIterator[bytes]:
        while (event := await self._next()) is not None and event[0] == "data":
            yield event[1]

    async def fields(self) -> Mapping[str, str]:
        if (second := await self.begin()) is not None:
            raise refused(FILE, f"One file at a time; there is another one, {second[:80]}.")
        return self._fields

    async def _field(self, name: str) -> None:
        """Keep the field of that name, whose value comes now."""
        value = bytearray()
        while (event := await self._next()) is not None and event[0] == "data":
            value += event[1]
            if len(value) > FIELD_BYTES_MAX:
                raise refused(name[:80], f"A field may have {FIELD_BYTES_MAX} bytes.")
        self._fields[name] = value.decode("utf-8", "replace")
        if len(self._fields) > FIELDS_MAX:
            raise refused(name[:80], f"A form may have {FIELDS_MAX} fields.")

    async def _next(self) -> Event | None:
        """What comes next; None at the end of the form. Raises BadRequest, TooLarge, ClientDisconnect."""
        while not self._events:
            if self._ended:
                return None
            message = await self._request.receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            part = message.get("body", b"")
            self._left -= len(part)
            if self._left < 0:
                raise too_large(self._limit_bytes)
            try:
                self._parser.write(part)
            except MultipartParseError:
                raise _broken() from None
            if not message.get("more_body", False) and not self._ended:
                raise _broken()
        return self._events.popleft()

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name, self._value = b"", b""

    def _head(self) -> None:
        self._events.append(("head", self._headers.get(b"content-disposition", b"")))

    def _data(self, data: bytes, start: int, end: int) -> None:
        self._events.append(("data", data[start:end]))

    def _finish(self) -> None:
        self._ended = True


def _named(disposition: bytes) -> tuple[str, str | None]:
    """The name of a field, and of the file that it is."""
    _, options = parse_options_header(disposition)
    filename = options.get(b"filename")
    name = options.get(b"name", b"").decode("utf-8", "replace")
    return name, None if filename is None else filename.decode("utf-8", "replace")


def _broken() -> BadRequest:
    return BadRequest("openai.bad_form", "The form is not complete, or not well formed.", "Send it again.")
