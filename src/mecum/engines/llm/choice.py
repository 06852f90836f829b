"""Which model to run: a pure decision, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mecum.engines.weights import LARGE, SMALL, TEST, Model

GB = 1_000_000_000
LARGE_NEEDS_BYTES = 4 * GB
# Once its weights are here, changing to the small one means to fetch again: only when memory is truly short.
LARGE_KEEPS_BYTES = 5 * GB // 2
# Of an own file we do not know what a token takes: as much as the largest models in use.
CACHE_BYTES_PER_TOKEN_UNKNOWN = 256 * 1024


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What to tell people about the built-in model."""

    name: str
    publisher: str
    licence: str
    sha256: str
    file_bytes: int


def choose(setting: str, *, available_bytes: int, large_is_here: bool) -> Model | Path | None:
    """The model that `MECUM_LOCAL_MODEL` means on this machine; None: no built-in model.

    Args:
        setting: auto, small, large, test, none, or the path of a GGUF file.
        available_bytes: memory that can be taken.
        large_is_here: whether the weights of the large one have been fetched.
    """
    if setting == "none":
        return None
    known = {"small": SMALL, "large": LARGE, "test": TEST}
    if setting in known:
        return known[setting]
    if setting == "auto":
        return LARGE if available_bytes >= (LARGE_KEEPS_BYTES if large_is_here else LARGE_NEEDS_BYTES) else SMALL
    return Path(setting).expanduser()


def card_of(model: Model | Path) -> ModelCard:
    if isinstance(model, Model):
        return ModelCard(model.name, model.publisher, model.licence, model.sha256, model.file_bytes)
    return ModelCard(model.stem, "", "", "", model.stat().st_size if model.exists() else 0)


def threads_for(setting: int, usable_cpus: int) -> int:
    """How many threads compute: one processor stays free for everything else, but of two both are needed."""
    return setting or (usable_cpus if usable_cpus <= 2 else usable_cpus - 1)
