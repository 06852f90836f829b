"""What the parent tells the child process of the built-in model."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True, slots=True)
class ServeOrder:
    """Serve this model like that.

    Args:
        alias: the name that requests use.
        context_tokens: of one conversation; every slot has as much.
        max_tokens: of one answer.
        threads: processors to use.
    """

    path: str
    alias: str
    api_key: str = field(repr=False)
    context_tokens: int
    slots: int
    max_tokens: int
    threads: int
    temperature: float = 0.7
    top_p: float = 0.8
    top_k: int = 20

    def to_json(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_json(cls, line: bytes) -> ServeOrder:
        return cls(**json.loads(line))
