"""Dataclasses of the hot path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def frozen(cls: type[T]) -> type[T]:
    """A frozen dataclass for what is made several times in each call, made in a sixth of the time.

    The type checker lets nobody change it. At run time nothing looks: `dataclass(frozen=True)` sets every field through
    `object.__setattr__`.
    """
    return dataclass(slots=True, unsafe_hash=True)(cls)
