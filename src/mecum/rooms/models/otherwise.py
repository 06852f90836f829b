"""Where a call goes on that the built-in model can't take, or for which it stands by. Pure.

Between accounts a call goes on by itself (`attempts.py`); the built-in model is asked in another way altogether, so
whoever asked begins anew: nothing of an answer has come.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from mecum.kit.errors import EngineUnavailable, MecumError
from mecum.rooms.models.attempts import ELSEWHERE
from mecum.rooms.models.routes import BuiltIn, Found

WANTED: Final = "models.local_wanted"
"""The built-in model has no time for what nobody waits for: that is not worth asking somebody who costs something."""
GIVEN_UP: Final = ELSEWHERE | {"models.local_line_full", "models.busy"}
"""Codes after which somebody else is asked: they say nothing of the request."""


def otherwise(found: Found, error: MecumError) -> Found | None:
    """Who is asked after `found` failed before anything of an answer came; None: nobody, the error is final."""
    if found.otherwise is None or error.code == WANTED:
        return None
    is_away = isinstance(found, BuiltIn) and isinstance(error, EngineUnavailable)
    if not is_away and error.code not in GIVEN_UP:
        return None
    return replace(found.otherwise, routed=found.routed)


def alone(found: Found) -> Found:
    """`found` for one who goes on to the next one themselves."""
    return found if found.otherwise is None else replace(found, otherwise=None)
