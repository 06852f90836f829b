"""Blocks whose work somebody else may end: a clock, or a client that leaves."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class Cut(ABC):
    """Inside the block `cut` cancels the task, once, so that what ends the work may still await; the block then ends
    with `error`. A cancellation from elsewhere stays what it is: the rules are those of `asyncio.timeout`.
    """

    def __init__(self) -> None:
        self._was_cut = False

    @abstractmethod
    def error(self) -> Exception:
        """What the block ends with."""

    def cut(self) -> None:
        self._was_cut = True
        self._task.cancel()

    def __enter__(self) -> Self:
        task = asyncio.current_task()
        assert task is not None, "work is done in a task"
        self._task = task
        self._cancelling = task.cancelling()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._was_cut and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise self.error() from error


class Within(Cut):
    """`asyncio.timeout` with half of its cost: for what is done in every call. Ends with TimeoutError."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    def error(self) -> Exception:
        return TimeoutError()

    def __enter__(self) -> Self:
        super().__enter__()
        self._timer = asyncio.get_running_loop().call_later(self._seconds, self.cut)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        super().__exit__(kind, error, trace)
