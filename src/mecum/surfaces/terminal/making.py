"""How an answer was made, in one line."""

from __future__ import annotations

from mecum.surfaces.terminal.nodes import Finished
from mecum.surfaces.terminal.words import Words

LOWERED = {"smaller": "terminal.made_smaller", "effort": "terminal.made_with_less"}
LIGHTER = {"tools": "terminal.made_without_tools", "context": "terminal.made_without_context"}


def made_how(finished: Finished, words: Words) -> str:
    """Fast or thinking, and what was taken away because many were waiting; "" where nobody chose."""
    effort = finished.routed.get("effort")
    if finished.reason != "done" or effort not in ("fast", "think"):
        return ""
    if effort == "fast":
        how = words("terminal.made_fast")
    elif finished.seconds is None or finished.seconds < 1:
        how = words("terminal.made_thought")
    else:
        how = words("terminal.made_thinking", time=words.duration(finished.seconds))
    lowered = LOWERED.get(str(finished.routed.get("lowered")))
    spared = finished.routed.get("lighter")
    lighter = [code for each, code in LIGHTER.items() if isinstance(spared, list) and each in spared]
    return " · ".join([how, *(words(code) for code in ([lowered] if lowered else []) + lighter)])
