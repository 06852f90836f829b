"""kill -9 in the middle of a rotation of keys: every secret can be opened, and the next rotation ends what was begun.

Some moments with `make test`, every one of them with `make full`.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import pytest

from mecum.kit.clock import ManualClock
from mecum.kit.db import Database
from mecum.kit.key_file import read_keys
from tests.support.sealing import Installation

pytestmark = pytest.mark.anyio

STEPS = 23
SOME = (2, 4, 5, 9, 12, 22, 23)


@pytest.mark.parametrize(
    "step", [step if step in SOME else pytest.param(step, marks=pytest.mark.full) for step in range(1, STEPS + 1)]
)
async def test_a_rotation_killed_at_any_step_loses_nothing_and_is_ended_by_the_next(
    tmp_path: Path, database: Database, database_url: str, clock: ManualClock, step: int
) -> None:
    there = Installation(tmp_path, database, clock)
    await there.fill(mails=2)
    command = (sys.executable, "-m", "tests.crash.rotating", str(tmp_path), database_url, str(step))
    process = await asyncio.create_subprocess_exec(*command)
    code = await process.wait()
    assert code == (-signal.SIGKILL if step < STEPS else 0), "STEPS is how many steps there are, and one"
    await there.require_all_open()
    await there.mail()
    after, _ = await there.rotate()
    (newest,) = read_keys(there.file).sealing
    assert set(after.total) - {newest} <= set(after.old) and not any(after.old.values()) and not after.lost
    await there.require_all_open()
