"""What every request to the relay has: a JSON object that names a model."""

from __future__ import annotations

from mecum.rooms.models.service import MODEL_NAME_MAX
from mecum.rooms.models.wires.chat_in import malformed
from mecum.rooms.models.wires.splice import NotAnObject, Spliced


def parsed(body: bytes) -> Spliced:
    """Raises BadRequest when `body` is not a JSON object."""
    try:
        return Spliced(body)
    except NotAnObject:
        raise malformed("body", "a JSON object is needed") from None


def model_of(request: Spliced) -> str:
    """The model that the request names. Raises BadRequest when there is none."""
    name = request.values.get("model")
    if not isinstance(name, str) or not 0 < len(name) <= MODEL_NAME_MAX:
        raise malformed("model", "the name of a model is needed; GET /v1/models lists them")
    return name
