"""Sending a file, and waiting until the server has read it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from mecum.kit.errors import BadRequest
from mecum.surfaces.terminal.client import Client
from mecum.surfaces.terminal.frames import Attachment
from mecum.surfaces.terminal.words import Words

READING_POLL_S = 0.5
READING_POLLS_MAX = 120
"""After a minute it goes with the message as it is: the server says then how far it got."""


async def send_file(client: Client, path: Path, words: Words) -> Attachment:
    """The file as the server has it.

    Raises:
        BadRequest: it can't be read, here or there. MecumError: the server refuses it.
    """
    file = await client.attach(path)
    for _ in range(READING_POLLS_MAX):
        if file.state != "reading":
            break
        await asyncio.sleep(READING_POLL_S)
        file = await client.attachment(file.id)
    if file.state == "failed":
        why = words.problem(file.problem)
        raise BadRequest(
            "terminal.file_unusable",
            f"{file.name} can't be used: {why}",
            params={"name": file.name, "problem": why},
        )
    return file
