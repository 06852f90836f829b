"""Embeddings without a server: multilingual-e5-small (384 dimensions, 4 bit) in a process of its own.

`EmbeddingEngine` is the parent's side; `python -m mecum.engines.embeddings` is the child. The parent imports neither
numpy nor the engine. Settings are in `mecum.engines.embeddings.settings`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mecum.engines.embeddings.engine import EmbeddingEngine, Embeddings, Kind

__all__ = ["EmbeddingEngine", "Embeddings", "Kind"]


def __getattr__(name: str) -> object:
    """Loaded on first use: the child imports this package too and needs none of it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from mecum.engines.embeddings import engine

    return getattr(engine, name)
