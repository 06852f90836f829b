"""Modules that are imported on first use: a library that few requests need costs neither start nor memory before."""

from __future__ import annotations

from importlib import import_module
from typing import Any


class LazyModule:
    """Stands for the module `name` until an attribute of it is asked for.

    Typed use: `if TYPE_CHECKING: import x` and `else: x = LazyModule("x")`.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        found = getattr(import_module(self._name), attribute)
        setattr(self, attribute, found)
        return found
