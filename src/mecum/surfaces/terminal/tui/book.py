"""The threads that are known here."""

from __future__ import annotations

from collections.abc import Sequence

from mecum.surfaces.terminal.client import Client, Shelf
from mecum.surfaces.terminal.frames import Thread

THREADS_MAX = 2000


class ThreadBook:
    """Threads of a shelf as pages of them come, and as they change."""

    def __init__(self, client: Client) -> None:
        self.shelf: Shelf = "open"
        self._client = client
        self._threads: dict[str, Thread] = {}
        self._next: str | None = None
        self._loading = False

    @property
    def all(self) -> Sequence[Thread]:
        return tuple(self._threads.values())

    def get(self, thread: str) -> Thread | None:
        return self._threads.get(thread)

    async def load(self) -> None:
        """The first page, anew."""
        threads, self._next = await self._client.threads(shelf=self.shelf)
        self._threads = {thread.id: thread for thread in threads}

    async def more(self) -> bool:
        """One more page. Returns: whether there was one."""
        if self._next is None or self._loading or len(self._threads) >= THREADS_MAX:
            return False
        self._loading = True
        try:
            threads, self._next = await self._client.threads(shelf=self.shelf, cursor=self._next)
        finally:
            self._loading = False
        for thread in threads:
            self._threads.setdefault(thread.id, thread)
        return True

    def put(self, thread: Thread) -> None:
        """Take a thread as it is now, where it belongs."""
        if shelf_of(thread) == self.shelf:
            self._threads[thread.id] = thread
        else:
            self._threads.pop(thread.id, None)


def shelf_of(thread: Thread) -> Shelf:
    if thread.deleted:
        return "deleted"
    return "archived" if thread.archived else "open"
