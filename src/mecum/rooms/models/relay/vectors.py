"""`POST /v1/embeddings`."""

from __future__ import annotations

import base64
import struct
from typing import Literal

from mecum.kit.errors import BadRequest
from mecum.kit.types import Principal, Tokens
from mecum.rooms.models import RelayResponse, Usage
from mecum.rooms.models.answering import Answering
from mecum.rooms.models.call import Call
from mecum.rooms.models.calls import Calls
from mecum.rooms.models.catalogue import Catalogue
from mecum.rooms.models.ports import LocalEmbedder
from mecum.rooms.models.relay.answers import JSON_HEADERS, json_of, made_of, refused, whole
from mecum.rooms.models.relay.request import model_of, parsed
from mecum.rooms.models.routes import BuiltIn, Remote, Route
from mecum.rooms.models.sending import Sender
from mecum.rooms.models.settings import ModelsSettings
from mecum.rooms.models.tiers import ForWhom, Tier, tier_of
from mecum.rooms.models.tokens import CHARS_PER_TOKEN
from mecum.rooms.models.wires.chat_in import malformed
from mecum.rooms.models.wires.jsons import arr, count, obj
from mecum.rooms.models.wires.splice import Spliced

PATH = "/embeddings"
QUERY, PASSAGE = "query:", "passage:"
KINDS: tuple[tuple[Literal["query", "passage"], str], ...] = (("query", QUERY), ("passage", PASSAGE))


class VectorsDoor:
    def __init__(
        self,
        catalogue: Catalogue,
        calls: Calls,
        sender: Sender,
        answering: Answering,
        embedder: LocalEmbedder | None,
        settings: ModelsSettings,
    ) -> None:
        self._priority_for: ForWhom = settings.priority_tier
        self._catalogue = catalogue
        self._calls = calls
        self._sender = sender
        self._answering = answering
        self._embedder = embedder

    async def answer(self, principal: Principal, body: bytes, tier: Tier | None = None) -> RelayResponse:
        """The answer to `body`, in the service tier that it asks for or in `tier`. Raises MecumError instead."""
        request = parsed(body)
        tier = tier or tier_of(request.values, principal, self._priority_for)
        found = await self._catalogue.resolve(principal, model_of(request), "embedding")
        if isinstance(found, BuiltIn):
            return await self._made(principal, request, found.model)
        return await self._passed(principal, request, found, len(body), tier)

    async def _passed(
        self, principal: Principal, request: Spliced, route: Route, size: int, tier: Tier
    ) -> RelayResponse:
        def sent(remote: Remote) -> bytes:
            return request.changed({"model": remote.model.upstream_model})

        call = Call.to(route, principal, "relay.embeddings", Tokens(size // CHARS_PER_TOKEN), 0, tier=tier)
        async with (
            self._calls.open(call) as ongoing,
            await self._sender.send(ongoing, route, PATH, sent) as (_, answer),
        ):
            ongoing.first()
            headers = {**JSON_HEADERS, **made_of(ongoing)}
            if not answer.ok:
                return RelayResponse(answer.status, headers, refused(ongoing, answer))
            body, value = await json_of(answer)
            said = count(obj(value.get("usage")).get("prompt_tokens"))
            if said is not None:
                ongoing.usage = Usage(Tokens(said), Tokens(0))
            return RelayResponse(answer.status, headers, body)

    async def _made(self, principal: Principal, request: Spliced, name: str) -> RelayResponse:
        """By the built-in embedder. Texts are passages unless they begin with `query:`, as its publisher has it."""
        texts = _texts(request.values.get("input"))
        self._check_length(request.values.get("dimensions"))
        vectors: list[tuple[float, ...]] = [()] * len(texts)
        tokens = 0
        for kind, prefix in KINDS:
            places = [place for place, text in enumerate(texts) if text.startswith(QUERY) == (kind == "query")]
            if places:
                bare = [texts[place].removeprefix(prefix).strip() or texts[place] for place in places]
                made = await self._answering.embed(principal, bare, name, kind)
                tokens += made.tokens
                for place, vector in zip(places, made.vectors, strict=True):
                    vectors[place] = vector
        as_text = request.values.get("encoding_format") == "base64"
        data = [
            {"object": "embedding", "index": index, "embedding": _base64(vector) if as_text else vector}
            for index, vector in enumerate(vectors)
        ]
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return whole({"object": "list", "data": data, "model": name, "usage": usage})

    def _check_length(self, wanted: object) -> None:
        has = self._embedder.dimensions if self._embedder is not None else None
        if wanted not in (None, has):
            raise malformed("dimensions", f"the vectors of this model have {has}")


def _texts(given: object) -> list[str]:
    texts: list[object] = [given] if isinstance(given, str) else arr(given)
    if any(isinstance(each, int | list) for each in texts):
        raise BadRequest(
            "models.tokens_given",
            "This model takes texts, not the numbers of tokens.",
            "In LangChain, set check_embedding_ctx_length=False.",
            params={"where": "input"},
        )
    if not texts or not all(isinstance(text, str) and text for text in texts):
        raise malformed("input", "a text, or a list of texts that are not empty")
    return [str(text) for text in texts]


def _base64(vector: tuple[float, ...]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
