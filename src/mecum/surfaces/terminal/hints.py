"""Why nothing comes yet, in words."""

from __future__ import annotations

from mecum.surfaces.terminal.frames import Hint
from mecum.surfaces.terminal.words import Words


def hint_text(hint: Hint, words: Words) -> str:
    """One line: what is waited for, how far it is, how long it will take."""
    text = _reason(hint.reason, words)
    if hint.progress is not None:
        text += f"  {round(hint.progress * 100)} %"
    if hint.about_seconds:
        text += "  " + words("terminal.about", time=words.duration(hint.about_seconds))
    return text


def _reason(reason: str, words: Words) -> str:
    match reason:
        case "model_arriving":
            return words("terminal.model_arriving")
        case "model_loading":
            return words("terminal.model_loading")
        case "queued":
            return words("terminal.queued")
        case "provider_busy":
            return words("terminal.provider_busy")
        case _:
            return words("terminal.thinking")
