"""Reading phrases off the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

_Arguments = ParamSpec("_Arguments")
_Read = TypeVar("_Read")
_WORKER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="dates")


async def in_worker(read: Callable[_Arguments, _Read], *args: _Arguments.args, **named: _Arguments.kwargs) -> _Read:
    """What `read`, which reads phrases, gives. Raises what it raises.

    A phrase may take a tenth of a second, and the first one loads the library: neither may hold up everybody else. The
    library keeps what it learns in unguarded caches, so one thread does all reading.
    """
    return await asyncio.get_running_loop().run_in_executor(_WORKER, partial(read, *args, **named))
