"""The database: PostgreSQL through SQLAlchemy Core and asyncpg.

One request or one job step is one transaction, opened with `Database.transaction()` and committed at its end. No
transaction is held across an await that leaves the process (a model call, a fetch, a mail).

PostgreSQL keeps neither NUL nor halves of surrogate pairs, and people, models and web pages send both. Here, and
nowhere else, they become U+FFFD on their way in, so that a strange character never loses a message or stops a run.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

import asyncpg  # pyright: ignore[reportMissingTypeStubs]
from sqlalchemy import MetaData, Table, event, text
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP, UUID
from sqlalchemy.exc import DBAPIError, DisconnectionError, InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from mecum.kit.errors import DatabaseUnavailable

__all__ = [
    "JSONB",
    "TIMESTAMP",
    "UUID",
    "AsyncConnection",
    "Database",
    "NotCopied",
    "asyncpg_url",
    "copy_rows",
    "json_text",
    "psycopg_url",
    "room_metadata",
]


def room_metadata(room: str) -> MetaData:
    """Table metadata of one room: all its tables live in the schema of its name."""
    return MetaData(schema=room)


PING_AFTER_IDLE_S = 30.0
STATEMENTS_PREPARED = 400
"""Of one connection: more than there are kinds of statements in the house."""
DISK_FULL = "53100"
NOT_NOW = ("08", "53", "57P", "58")
"""SQLSTATE classes of a server that can't: gone while it was reached, out of resources, shutting down or starting, or
failed by its system."""

_NUL_IN_JSON = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")
_WITH_TEXT = (str, list, tuple)


def json_text(value: Any) -> str:
    """`value` as JSON that PostgreSQL can keep."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return _NUL_IN_JSON.sub("\\1\ufffd", text) if "\\u0000" in text else text


def storable(value: Any) -> Any:
    """`value` as PostgreSQL can keep it: text, and text in lists, has U+FFFD for NUL and halves of surrogate pairs."""
    if isinstance(value, str):
        return value if _is_storable(value) else _mended(value)
    if not isinstance(value, list | tuple):
        return value
    parts = cast("list[Any] | tuple[Any, ...]", value)
    # All parameters of all statements pass here, most of them as they are.
    for part in parts:
        if isinstance(part, _WITH_TEXT) and storable(part) is not part:
            mended = [storable(each) for each in parts]
            return tuple(mended) if isinstance(parts, tuple) else mended
    return parts


def _is_storable(text: str) -> bool:
    if "\0" in text:
        return False
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _mended(text: str) -> str:
    # Through UTF-16, which joins the halves of a pair that came apart.
    return text.replace("\0", "\ufffd").encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _mend_parameters(
    _connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool
) -> tuple[str, Any]:
    return statement, storable(parameters)


def _note_checkin(_connection: Any, record: ConnectionPoolEntry) -> None:
    record.info["idle_since"] = time.monotonic()


def _check_alive(connection: Any, record: ConnectionPoolEntry, _proxy: Any) -> None:
    """Raises DisconnectionError, upon which the pool takes another one, for a connection that is gone.

    A database that ends closes its sockets, which shows here without asking. Only after a long idle time the
    connection is asked, because something between may have forgotten it: SQLAlchemy's own `pool_pre_ping` asks every
    time, with three round trips.
    """
    if connection.driver_connection.is_closed():
        raise DisconnectionError
    now = time.monotonic()
    if now - record.info.get("idle_since", now) > PING_AFTER_IDLE_S:
        try:
            connection.ping()
        except Exception as error:
            raise DisconnectionError from error


class Database:
    """A pool of connections.

    Args:
        url: `postgresql://user:password@host:port/name` or `...@/name?host=/socket/dir`.
        pool_size: connections kept; as many again may open for a moment.
        statement_timeout_s: a statement that takes longer is cancelled by the server.
    """

    def __init__(self, url: str, *, pool_size: int = 10, statement_timeout_s: float = 30.0) -> None:
        self.url = url
        self.engine: AsyncEngine = create_async_engine(
            asyncpg_url(url),
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_timeout=10,
            pool_use_lifo=True,  # the connection used last has the most statements prepared
            json_serializer=json_text,
            connect_args={
                "timeout": 10,
                "prepared_statement_cache_size": STATEMENTS_PREPARED,
                "server_settings": {
                    "application_name": "mecum",
                    "timezone": "UTC",
                    "statement_timeout": str(int(statement_timeout_s * 1000)),
                    "idle_in_transaction_session_timeout": "60000",
                },
            },
        )
        event.listen(self.engine.sync_engine, "before_cursor_execute", _mend_parameters, retval=True)
        event.listen(self.engine.sync_engine, "checkin", _note_checkin)
        event.listen(self.engine.sync_engine, "checkout", _check_alive)

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[AsyncConnection]:
        """A connection in a transaction: committed at the end, rolled back on an exception.

        Raises:
            DatabaseUnavailable: the database can't be reached, went away in between, or has no room left.
        """
        try:
            async with self.engine.begin() as connection:
                yield connection
        except (InterfaceError, OperationalError, OSError, TimeoutError) as error:
            raise _unavailable(error) from error
        except DBAPIError as error:
            state = str(getattr(error.orig, "sqlstate", None) or "")
            if state == DISK_FULL:
                raise _disk_full() from error
            if error.connection_invalidated or state.startswith(NOT_NOW):
                raise _unavailable(error) from error
            raise

    async def close(self) -> None:
        await self.engine.dispose()


class NotCopied(Exception):
    """One of the rows is there already, or holds what `storable` would mend."""


async def copy_rows(
    connection: AsyncConnection, table: Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Add rows in the transaction of `connection` by COPY, which takes half of what a statement takes.

    Raises:
        NotCopied: they can't be added as they are; the transaction is lost.
        DatabaseUnavailable: as `Database.transaction`.
    """
    driver: Any = (await connection.get_raw_connection()).driver_connection
    if not driver.is_in_transaction():
        await connection.execute(text("SELECT 1"))  # SQLAlchemy begins with its first statement
    try:
        await driver.copy_records_to_table(table.name, schema_name=table.schema, columns=columns, records=rows)
    except (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError, ValueError, OverflowError) as error:
        raise NotCopied from error
    except (asyncpg.InterfaceError, asyncpg.PostgresConnectionError, OSError, TimeoutError) as error:
        await connection.invalidate()
        raise _unavailable(error) from error
    except asyncpg.PostgresError as error:
        state = str(getattr(error, "sqlstate", None) or "")
        if state == DISK_FULL:
            raise _disk_full() from error
        if state.startswith(NOT_NOW):
            await connection.invalidate()
            raise _unavailable(error) from error
        raise


def _disk_full() -> DatabaseUnavailable:
    detail, hint = "The disk of this installation is full.", "Ask the operator to make room."
    return DatabaseUnavailable("disk_full", detail, hint, retry_after=30.0)


def _unavailable(error: Exception) -> DatabaseUnavailable:
    kind = type(getattr(error, "orig", None) or error).__name__
    return DatabaseUnavailable(
        "database_unavailable", f"The database can't be reached ({kind}).", "Try again in a moment.", retry_after=2.0
    )


def asyncpg_url(url: str) -> str:
    """`url` for SQLAlchemy with asyncpg."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(scheme="postgresql+asyncpg"))


def psycopg_url(url: str) -> str:
    """`url` as a libpq connection URI: the socket directory stays in the query."""
    parts = urlsplit(url)
    query = urlencode([(key, unquote(value)) for key, value in parse_qsl(parts.query)])
    return urlunsplit(parts._replace(scheme="postgresql", query=query))
