"""A limit in time ends what takes longer, and nothing else."""

from __future__ import annotations

import asyncio

import pytest

from mecum.kit.cutting import Within


async def test_what_takes_too_long_ends_and_its_end_may_still_await() -> None:
    put_away = False
    with pytest.raises(TimeoutError), Within(0.01):
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            put_away = True
    assert put_away
    await asyncio.sleep(0)  # the task itself is not cancelled any more
    task = asyncio.current_task()
    assert task is not None and task.cancelling() == 0


async def test_what_is_done_in_time_is_left_alone() -> None:
    with Within(0.01):
        await asyncio.sleep(0)
    await asyncio.sleep(0.03)


async def test_a_limit_outside_ends_what_is_inside_a_longer_one() -> None:
    with pytest.raises(TimeoutError, match="outer"):
        try:
            with Within(0.01), Within(10):
                await asyncio.Event().wait()
        except TimeoutError as error:
            raise TimeoutError("outer") from error


async def test_a_cancellation_from_elsewhere_stays_one() -> None:
    async def work() -> None:
        with Within(10):
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_error_in_time_is_told_as_it_is() -> None:
    with pytest.raises(ValueError, match="its own"), Within(10):
        raise ValueError("its own")


@pytest.mark.parametrize("seconds", [0.0, -1.0])
async def test_no_time_at_all_is_over_at_the_first_wait(seconds: float) -> None:
    with pytest.raises(TimeoutError), Within(seconds):
        await asyncio.Event().wait()
