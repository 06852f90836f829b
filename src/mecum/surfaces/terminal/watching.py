"""Following a thread with a client and a conversation together."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from mecum.surfaces.terminal.client import Client
from mecum.surfaces.terminal.conversation import Conversation
from mecum.surfaces.terminal.frames import Frame


async def watch(client: Client, conversation: Conversation) -> AsyncGenerator[Frame]:
    """Every frame of the conversation's thread, after it was applied. Goes on until it is closed.

    Raises:
        MecumError: the server refuses for good.
    """
    while True:
        async with aclosing(client.follow(conversation.thread, lambda: conversation.position)) as frames:
            async for frame in frames:
                conversation.apply(frame)
                yield frame
                if conversation.torn:
                    conversation.mend()
                    break
