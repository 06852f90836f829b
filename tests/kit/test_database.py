"""The fixtures themselves, and the transaction rule of `mecum.kit.db`."""

from __future__ import annotations

import asyncio
import socket
import struct

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from mecum.kit.db import Database
from mecum.kit.errors import DatabaseUnavailable, Unavailable
from mecum.kit.migrate import migrate


async def test_a_fresh_database_is_migrated_and_migrating_again_changes_nothing(database: Database) -> None:
    await migrate(database)
    async with database.transaction() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM kit.outbox"))).scalar_one() == 0


async def test_a_transaction_is_rolled_back_when_its_block_raises(database: Database) -> None:
    insert = text("INSERT INTO kit.installation (key, value) VALUES ('a', '1')")
    with pytest.raises(RuntimeError):
        async with database.transaction() as connection:
            await connection.execute(insert)
            raise RuntimeError
    async with database.transaction() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM kit.installation"))).scalar_one() == 0


async def test_an_unreachable_database_is_unavailable_not_a_driver_error() -> None:
    nowhere = Database("postgresql://mecum:x@127.0.0.1:1/none")
    with pytest.raises(Unavailable) as caught:
        async with nowhere.transaction():
            pass
    assert caught.value.retryable
    await nowhere.close()


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("53100", "disk_full"),
        ("53300", "database_unavailable"),
        ("57P03", "database_unavailable"),
        ("58030", "database_unavailable"),
    ],
)
async def test_a_database_that_can_not_serve_is_unavailable_and_says_why(
    database: Database, state: str, code: str
) -> None:
    with pytest.raises(DatabaseUnavailable) as caught:
        await _raise_in_the_server(database, state)
    assert caught.value.code == code
    assert caught.value.retry_after is not None


async def test_a_statement_that_is_wrong_is_not_taken_for_an_outage(database: Database) -> None:
    with pytest.raises(DBAPIError):
        await _raise_in_the_server(database, "22012")


async def _raise_in_the_server(database: Database, state: str) -> None:
    async with database.transaction() as connection:
        await connection.execute(text(f"DO $$ BEGIN RAISE EXCEPTION 'told to' USING ERRCODE = '{state}'; END $$"))


@pytest.mark.parametrize("is_reset", [False, True], ids=["closed", "reset"])
async def test_a_server_that_goes_while_it_is_being_reached_is_unavailable(is_reset: bool) -> None:
    async def go(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"R\0\0\0\x08\0\0\0\0")  # it would let us in
        await writer.drain()
        if is_reset:
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.close()

    server = await asyncio.start_server(go, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    going = Database(f"postgresql://mecum:x@127.0.0.1:{port}/none?ssl=disable")
    try:
        with pytest.raises(DatabaseUnavailable):
            async with going.transaction():
                pass
    finally:
        await going.close()
        server.close()
