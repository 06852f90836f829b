"""The built-in language model: llama.cpp in a process of its own, behind the wire that every provider speaks.

`LlmEngine` is the parent's side; `python -m mecum.engines.llm` is the child. Its settings are in
`mecum.engines.llm.settings`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mecum.engines.llm.choice import ModelCard
    from mecum.engines.llm.engine import LlmEngine
    from mecum.engines.llm.server import Endpoint
    from mecum.engines.llm.state import EngineState, Phase

__all__ = ["Endpoint", "EngineState", "LlmEngine", "ModelCard", "Phase"]

_HOMES = {
    "Endpoint": "server",
    "EngineState": "state",
    "LlmEngine": "engine",
    "ModelCard": "choice",
    "Phase": "state",
}


def __getattr__(name: str) -> object:
    """Loaded on first use: the child imports this package too and needs none of it."""
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
