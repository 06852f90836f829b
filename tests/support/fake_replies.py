"""What the fake provider is told to answer, and deterministic content for when it is told nothing.

A `Reply` comes from `FakeProvider.script(...)`, or from a command in the model name (`fake?chunks=64&interval_ms=20`)
or in the newest message of the user (`[[fake?tool=calculator&arguments=%7B%7D&text=Done]]`): a query string whose names
are the fields of `Reply`. `command(...)` writes one.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import math
import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

WORDS = [
    *("paper", "river", "window", "morning", "garden", "letter", "stone", "quiet", "lantern", "harbour", "bread"),
    *("winter", "music", "corner", "silver", "orchard", "station", "pocket", "island", "thread", "copper", "meadow"),
]
ANSWER_WORDS = 40
VECTOR_SIZE = 384
VECTOR_SIZE_MAX = 4096
ITEMS_MAX = 100
COMMAND = re.compile(r"(?:\[\[)?\bfake\?([^\]\s]*)(?:\]\])?")


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of the fake provider, or the way in which it fails.

    Args:
        text: what it says; None for a deterministic answer of about 40 words.
        chunks: into how many pieces the text is cut; 0 for one per word.
        interval_ms: between pieces. first_byte_ms: before the headers. first_chunk_ms: between headers and first piece.
        reasoning: said before the text, as `reasoning_content`.
        tools: (name, arguments) pairs. Asked for one per round and then the text; with `parallel` all at once.
        hang: never answers. hang_after, close_after: goes silent, or drops the connection, after so many pieces.
        garbage: bytes that are no HTTP body of any kind known. line_bytes: one line of that length instead of pieces.
        status: other than 200 is an error in OpenAI's shape; retry_after is its header.
        content_type: overrides the header. body: overrides the whole body.
        as_json: answers a streaming request with one JSON body. done: whether `[DONE]` ends a stream.
        usage: `right`, `missing`, or `wrong` (text instead of numbers).
        odd: legal but unusual SSE: CRLF, comments, event fields, no blank line at the end.
        finish: overrides the finish reason; in responses `refusal` makes the text one.
        times: applies so often, then the answer is the default one (0: always).
    """

    text: str | None = None
    chunks: int = 0
    interval_ms: float = 0
    first_byte_ms: float = 0
    first_chunk_ms: float = 0
    reasoning: str = ""
    tools: tuple[tuple[str, str], ...] = ()
    parallel: bool = False
    hang: bool = False
    hang_after: int = -1
    close_after: int = -1
    garbage: bool = False
    line_bytes: int = 0
    status: int = 200
    retry_after: str = ""
    content_type: str = ""
    body: str = ""
    as_json: bool = False
    done: bool = True
    usage: str = "right"
    odd: bool = False
    finish: str = ""
    times: int = 0


_CONVERT = {"int": int, "float": float, "bool": lambda text: text not in ("", "0", "false")}


def command(*, tools: Sequence[tuple[str, str]] = (), **fields: str | float | bool) -> str:
    """A command to put into a message: `[[fake?...]]`."""
    pairs = [(name, str(int(value)) if isinstance(value, bool) else str(value)) for name, value in fields.items()]
    for name, arguments in tools:
        pairs += [("tool", name), ("arguments", arguments)]
    return f"[[fake?{urlencode(pairs)}]]"


def parse_command(text: str) -> tuple[str, Reply] | None:
    """The command in `text` with its source, or None.

    Raises:
        ValueError: a name that is no field of `Reply`.
    """
    found = COMMAND.search(text)
    if found is None:
        return None
    types = {field.name: str(field.type) for field in dataclasses.fields(Reply)}
    values: dict[str, Any] = {}
    names: list[str] = []
    arguments: list[str] = []
    for name, value in parse_qsl(found[1], keep_blank_values=True):
        if name == "tool":
            names.append(value)
        elif name == "arguments":
            arguments.append(value)
        elif name not in types:
            raise ValueError(f"unknown field {name} in {found[0]}")
        else:
            values[name] = _CONVERT.get(types[name], str)(value)
    arguments += ["{}"] * (len(names) - len(arguments))
    return found[0], Reply(**values, tools=tuple(zip(names, arguments, strict=True)))


def message_text(content: Any) -> str:
    """The text of a message's `content` (a string, or parts of either wire)."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return " ".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return ""


def last_user_text(body: Mapping[str, Any]) -> str:
    """What the user said last, in either wire."""
    given = body.get("messages", body.get("input", ""))
    if isinstance(given, str):
        return given
    for message in reversed(given):
        if isinstance(message, dict) and message.get("role") == "user":
            return message_text(message.get("content"))
    return ""


def tool_rounds(body: Mapping[str, Any]) -> int:
    """How many rounds of tool results came after the user's last message."""
    rounds, in_results = 0, False
    for message in body.get("messages", body.get("input", "")):
        if not isinstance(message, dict):
            continue
        is_result = message.get("role") == "tool" or message.get("type") == "function_call_output"
        if message.get("role") == "user":
            rounds = 0
        elif is_result and not in_results:
            rounds += 1
        in_results = is_result
    return rounds


def default_text(said: str) -> str:
    """About 40 words that depend on nothing but `said`."""
    digest = hashlib.sha256(said.encode()).digest() * 2
    words = [WORDS[byte % len(WORDS)] for byte in digest[:ANSWER_WORDS]]
    quoted = " ".join(said.split())[:60]
    return f"You said “{quoted}”: " + " ".join(words) + "."


def pieces(text: str, chunks: int) -> list[str]:
    """`text` cut into `chunks` pieces (0: one per word); joined they are `text`."""
    if chunks <= 0:
        return re.findall(r"\s*\S+\s*$|\s*\S+", text) or ([text] if text else [])
    size = max(1, math.ceil(len(text) / chunks))
    cut = [text[start : start + size] for start in range(0, len(text), size)]
    return cut + ["·"] * (chunks - len(cut))


def count_tokens(value: Any) -> int:
    """The fake tokenizer: words."""
    if isinstance(value, str):
        return len(value.split())
    if isinstance(value, Mapping):
        return sum(count_tokens(part) for part in value.values())
    if isinstance(value, list):
        return sum(count_tokens(part) for part in value)
    return 0


def instance(schema: Mapping[str, Any]) -> Any:
    """The plainest value that fits a JSON schema."""
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    for union in ("anyOf", "oneOf"):
        if schema.get(union):
            return instance(schema[union][0])
    kind = schema.get("type", "object" if "properties" in schema else "string")
    if isinstance(kind, list):
        kind = kind[0]
    if kind == "object":
        return {name: instance(part) for name, part in schema.get("properties", {}).items()}
    if kind == "array":
        return [instance(schema.get("items", {"type": "string"}))] * min(ITEMS_MAX, int(schema.get("minItems", 1)))
    plain = {"integer": schema.get("minimum", 1), "number": schema.get("minimum", 1.5), "boolean": True, "null": None}
    return plain[kind] if kind in plain else "text"[: schema.get("maxLength", 4)]


def vector(text: str, size: int) -> list[float]:
    """A unit vector by hashed words and letter triples: texts that share words are near each other."""
    values = [0.0] * size
    lowered = text.lower()
    grams = lowered.split() * 2 + [lowered[start : start + 3] for start in range(max(1, len(lowered) - 2))]
    for gram in grams:
        digest = hashlib.sha256(gram.encode()).digest()
        values[int.from_bytes(digest[:4]) % size] += 1.0 if digest[4] & 1 else -1.0
    length = math.sqrt(sum(value * value for value in values)) or 1.0
    return [value / length for value in values]


def has_vectors_of(size: object) -> bool:
    """Whether there are vectors of `dimensions` as asked; None asks for the usual ones."""
    return size is None or (isinstance(size, int) and 1 <= size <= VECTOR_SIZE_MAX)


def embeddings(request: Mapping[str, Any]) -> dict[str, Any]:
    """The body of an answer of `/v1/embeddings`."""
    given = request.get("input", "")
    texts = [given] if isinstance(given, str) else [str(text) for text in given]
    size = int(request.get("dimensions") or VECTOR_SIZE)
    data: list[dict[str, Any]] = []
    for index, text in enumerate(texts):
        values: Any = vector(text, size)
        if request.get("encoding_format") == "base64":
            values = base64.b64encode(struct.pack(f"<{size}f", *values)).decode()
        data.append({"object": "embedding", "index": index, "embedding": values})
    tokens = count_tokens(texts)
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": data, "model": request["model"], "usage": usage}
