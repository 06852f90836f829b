"""Files that come with a message instead of before it: they are kept with it, or not at all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from mecum.kit.errors import MecumError, Unavailable
from mecum.kit.ids import new_id
from mecum.kit.room import Kit
from mecum.kit.types import Principal
from mecum.rooms.assistant import NewFile, Post, Posted
from mecum.rooms.assistant.files.attachments import Attachments, once
from mecum.rooms.assistant.posting import check
from mecum.rooms.assistant.settings import AssistantSettings
from mecum.rooms.assistant.store.files import Attachment


class Arriving:
    def __init__(self, kit: Kit, attachments: Attachments, settings: AssistantSettings) -> None:
        self._kit = kit
        self._attachments = attachments
        self._settings = settings

    async def post(self, principal: Principal, post: Post, send: Callable[[Post], Awaitable[Posted]]) -> Posted:
        """`send` the post with its new files stored. What is refused, or was sent before, keeps none of them.

        Raises:
            TooLarge: a file is over its limit, or the space's quota is used up. What `send` raises.
        """
        new: dict[UUID, NewFile] = {}
        named = _named(post, new)
        if not new:
            return await send(post)
        check(named, self._settings)
        stored: list[Attachment] = []
        try:
            for attachment, file in new.items():
                made = await self._attachments.store(principal, file.name, once(file.data))
                stored.append(replace(made, id=attachment))
            with self._attachments.arriving(stored):
                posted = await send(named)
        except Unavailable:
            raise  # The message may have been written: what it does not refer to expires by itself.
        except MecumError:
            await self._give_up(stored)
            raise
        if posted.repeated:
            await self._give_up(stored)
        return posted

    async def _give_up(self, stored: Sequence[Attachment]) -> None:
        async with self._kit.db.transaction() as connection:
            for attachment in stored:
                await self._kit.blobs.release(connection, attachment.blob)


def _named(post: Post, new: dict[UUID, NewFile]) -> Post:
    """`post` with ids in the place of its new files, which are put into `new` by these."""

    def ids(files: Sequence[NewFile]) -> list[UUID]:
        given = {new_id(): file for file in files}
        new.update(given)
        return list(given)

    def named(item: Mapping[str, Any]) -> Mapping[str, Any]:
        rest = {name: value for name, value in item.items() if name != "new_files"}
        if not item.get("new_files"):
            return rest
        return {**rest, "attachments": [*item.get("attachments", ()), *ids(item["new_files"])]}

    attachments = [*post.attachments, *ids(post.new_files)]
    return replace(post, attachments=attachments, new_files=(), history=[named(item) for item in post.history])
