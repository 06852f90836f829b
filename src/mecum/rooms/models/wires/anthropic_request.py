"""Requests in Anthropic's wire (Anthropic API reference, `POST /v1/messages`)."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from mecum.rooms.models import Content, ImagePart, Message, ModelRequest, TextPart, ToolSpec, ToolUse
from mecum.rooms.models.wires.answer_tool import AnswerTool, answer_tool
from mecum.rooms.models.wires.anthropic_cache import marked
from mecum.rooms.models.wires.anthropic_stream import THOUGHTS
from mecum.rooms.models.wires.jsons import JsonObject, loads, obj
from mecum.rooms.models.wires.keeping import Piece, is_kept, pieces
from mecum.rooms.models.wires.turns import turns

ANSWER_TOKENS_MAX = 32_000
"""The wire wants a limit; a model that writes less says so in its refusal, and is asked for less from then on."""
THINKING_TOKENS_MIN, THINKING_TOKENS_MAX = 1024, 16_000
THINKING_TOP_P_MIN = 0.95
EFFORTS = {"fast": "low", "think": "high"}
ID_UNFIT = re.compile(r"[^A-Za-z0-9_-]")
TOKENS_LIMIT = re.compile(r"max_tokens: \d+ > (\d+)")


@dataclass(frozen=True, slots=True)
class Terms:
    """What a model takes of the wire, as far as its refusals have told: models differ, and can't be asked.

    Args:
        adaptive: whether it chooses itself how long to think; older ones want a number of tokens.
        forced: whether it can be made to call a tool.
        both: whether it takes a temperature and `top_p` together; else the temperature goes before.
        returned: whether it takes its earlier thoughts back as they were kept.
        caching: whether it can be told what to keep for the next turn.
        tokens_max: the longest answer that it writes.
    """

    thinking: bool = True
    adaptive: bool = True
    effort: bool = True
    temperature: bool = True
    top_p: bool = True
    both: bool = True
    forced: bool = True
    returned: bool = True
    caching: bool = True
    tokens_max: int = ANSWER_TOKENS_MAX


def learned(terms: Terms, body: JsonObject, said: str) -> Terms:
    """`terms` after `body` was refused with the words `said`; the same where there is nothing to learn from them."""
    limit = TOKENS_LIMIT.search(said)
    if limit is not None and 0 < int(limit[1]) < body["max_tokens"]:
        return replace(terms, tokens_max=int(limit[1]))
    if "cache_control" in said:
        return replace(terms, caching=False)
    if _has_thoughts(body) and ("signature" in said or "thinking` block" in said or "thinking_block" in said):
        return replace(terms, returned=False)
    if "temperature" in said and "top_p" in said and "temperature" in body and "top_p" in body:
        return replace(terms, both=False)
    if "top_p" in said and "top_p" in body:
        return replace(terms, top_p=False)
    if "temperature" in said and "temperature" in body:
        return replace(terms, temperature=False)
    if "tool_choice" in said and obj(body.get("tool_choice")).get("type") in ("any", "tool"):
        return replace(terms, forced=False)
    if "adaptive" in said and obj(body.get("thinking")).get("type") == "adaptive":
        return replace(terms, adaptive=False)
    if "effort" in said and "effort" in obj(body.get("output_config")):
        return replace(terms, effort=False)
    if "thinking" in said and "thinking" in body:
        return replace(terms, thinking=False)
    return terms


def _has_thoughts(body: JsonObject) -> bool:
    """Whether earlier thoughts are given back in it."""
    return any(block["type"] in THOUGHTS for message in body["messages"] for block in message["content"])


def answers_by(request: ModelRequest, terms: Terms) -> AnswerTool | None:
    """The tool that is called instead of an answer under a schema, which every model understands."""
    return answer_tool(request) if terms.forced else None


def build(request: ModelRequest, upstream_model: str, terms: Terms, by: str = "") -> JsonObject:
    """`request` as the body of a call, always streamed.

    Args:
        by: whose thoughts are given back, see `keeping.tag`.
    """
    by = by if terms.returned else ""
    answering = answers_by(request, terms)
    tools = [_tool(tool) for tool in (*request.tools, *([answering.spec] if answering is not None else []))]
    choice = _choice(tools) if terms.forced and (request.must_call or answering is not None) else {}
    system, messages = turns(request.messages, "assistant", "content", lambda message: _blocks(message, by))
    body: JsonObject = {"model": upstream_model, "messages": messages, "stream": True}
    body["max_tokens"] = min(request.max_tokens or ANSWER_TOKENS_MAX, terms.tokens_max)
    if system:
        body["system"] = system
    if tools:
        body["tools"] = tools
    elif known := _called_before(request.messages):
        # A conversation with calls in it is only taken with tools.
        body["tools"], choice = known, {"type": "none"}
    if choice:
        body["tool_choice"] = choice
    if request.effort == "think" and choice.get("type") not in ("any", "tool"):
        body |= _thinking(request, terms, body["max_tokens"], by)
    body |= _sampling(request, terms, thinks="thinking" in body) | _output(request, answering, terms)
    return marked(body) if request.conversation and terms.caching else body


def _sampling(request: ModelRequest, terms: Terms, *, thinks: bool) -> JsonObject:
    """How words are chosen and where they end. Of the seed and the penalties this wire knows nothing."""
    found: JsonObject = {}
    if request.temperature is not None and terms.temperature and not thinks:
        found["temperature"] = min(request.temperature, 1.0)
    if request.top_p is not None and terms.top_p and (terms.both or not found):
        # Who thinks chooses among nearly all words.
        found["top_p"] = max(request.top_p, THINKING_TOP_P_MIN) if thinks else request.top_p
    # An end of nothing but spaces is refused; it is looked for in the answer itself.
    if stops := [stop for stop in request.stop if stop.strip()]:
        found["stop_sequences"] = stops
    return found


def _choice(tools: list[JsonObject]) -> JsonObject:
    """That a tool must be called: that one, or any of several."""
    if not tools:
        return {}
    return {"type": "tool", "name": tools[0]["name"]} if len(tools) == 1 else {"type": "any"}


def _thinking(request: ModelRequest, terms: Terms, max_tokens: int, by: str) -> JsonObject:
    if not terms.thinking:
        return {}
    if terms.adaptive:
        return {"thinking": {"type": "adaptive", "display": "summarized"}}
    budget = min(THINKING_TOKENS_MAX, max_tokens // 2)
    # With a number of tokens, a turn that goes on after a call must begin with its own thoughts.
    if budget < THINKING_TOKENS_MIN or not _remembers(request.messages, by):
        return {}
    return {"thinking": {"type": "enabled", "budget_tokens": budget}}


def _remembers(messages: Sequence[Message], by: str) -> bool:
    """Whether the thoughts before every call of the turn at hand are there; a new turn has none."""
    for message in reversed(messages):
        if message.role == "user":
            break
        if message.tool_uses and not is_kept(message, by):
            return False
    return True


def _output(request: ModelRequest, answering: AnswerTool | None, terms: Terms) -> JsonObject:
    config: JsonObject = {}
    if request.effort in EFFORTS and terms.effort:
        config["effort"] = EFFORTS[request.effort]
    if request.json_schema is not None and answering is None:
        config["format"] = {"type": "json_schema", "schema": request.json_schema}
    return {"output_config": config} if config else {}


def _tool(tool: ToolSpec) -> JsonObject:
    return {"name": tool.name, "description": tool.description, "input_schema": {"type": "object", **tool.parameters}}


def _called_before(messages: Sequence[Message]) -> list[JsonObject]:
    names = dict.fromkeys(use.name for message in messages for use in message.tool_uses)
    return [_tool(ToolSpec(name, "", {})) for name in names]


def _blocks(message: Message, by: str) -> list[JsonObject]:
    if message.role == "assistant":
        blocks = [block for piece in pieces(message, by) if (block := _of_model(piece))]
        # A thought is only taken before what came of it.
        while blocks and blocks[-1]["type"] in THOUGHTS:
            blocks.pop()
        return blocks
    blocks = [_block(part) for part in message.content if not isinstance(part, TextPart) or part.text.strip()]
    if message.role == "tool":
        result: JsonObject = {"type": "tool_result", "tool_use_id": _id(message.tool_use_id or ""), "content": blocks}
        return [result]
    return blocks


def _of_model(piece: Piece) -> JsonObject:
    """A block that the model made; none of nothing but spaces, which is refused."""
    if isinstance(piece.said, ToolUse):
        arguments = obj(loads(piece.said.arguments.encode("utf-8", "replace")))
        return {"type": "tool_use", "id": _id(piece.said.id), "name": piece.said.name, "input": arguments}
    if piece.said is None:
        return piece.own
    return {"type": "text", "text": piece.said} if piece.said.strip() else {}


def _block(part: Content) -> JsonObject:
    if isinstance(part, ImagePart):
        data = base64.b64encode(part.data).decode()
        return {"type": "image", "source": {"type": "base64", "media_type": part.media_type, "data": data}}
    return {"type": "text", "text": part.text}


def _id(given: str) -> str:
    """The id of a call in the characters of this wire: in a long conversation another provider may have made it."""
    return ID_UNFIT.sub("_", given) or "call"
