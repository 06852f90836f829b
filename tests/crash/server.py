"""The real server with two more tools, which write outside: `python -m tests.crash.server`.

Their effects are files in `MECUM_TEST_EFFECTS`. `write_once` honours its idempotency key, as a good API does; with
`write_again` each call is one more effect.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

from mecum.cli.serve import House, main, mecum_house
from mecum.kit.tools import Tool, ToolCall, ToolResult

EFFECTS = Path(os.environ["MECUM_TEST_EFFECTS"])
SLOW_S = 0.05
PARAMETERS: dict[str, Any] = {
    "type": "object",
    "properties": {"label": {"type": "string", "maxLength": 80}},
    "required": ["label"],
}


async def write_once(call: ToolCall) -> ToolResult:
    await asyncio.sleep(SLOW_S)
    (EFFECTS / f"once.{call.arguments['label']}.{call.idempotency_key.hex}").touch()
    await asyncio.sleep(SLOW_S)
    return ToolResult("written once")


async def write_again(call: ToolCall) -> ToolResult:
    await asyncio.sleep(SLOW_S)
    (EFFECTS / f"again.{call.arguments['label']}.{call.idempotency_key.hex}.{uuid4().hex}").touch()
    await asyncio.sleep(SLOW_S)
    return ToolResult("written again")


def house() -> House:
    real = mecum_house()

    async def build(settings: Any) -> Any:
        app: Any = await real.build(settings)
        app.kit.tools.add(
            [
                Tool("write_once", "Writes.", PARAMETERS, write_once, effects=frozenset({"writes"}), idempotent=True),
                Tool(
                    "write_again", "Writes.", PARAMETERS, write_again, effects=frozenset({"writes"}), idempotent=False
                ),
            ]
        )
        return app

    return House(real.load, build)


if __name__ == "__main__":
    sys.exit(main(house))
