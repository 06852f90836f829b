"""Bring a model here: from what is there already, the publisher's hub, or packages; whichever works first."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mecum.engines.weights import errors
from mecum.engines.weights.catalogue import Model
from mecum.engines.weights.errors import Corrupt, SourceFailed, disk_full, unreachable
from mecum.engines.weights.hub import complete_from_hub, url_of
from mecum.engines.weights.packages import complete_from_packages, extra_bytes
from mecum.engines.weights.progress import Meter, Progress
from mecum.engines.weights.store import (
    exclusively,
    is_present,
    keep,
    note_verified,
    own_file,
    partial_of,
    prepare,
    size_of,
    verify,
)
from mecum.kit.clock import Clock, SystemClock

logger = logging.getLogger(__name__)

HUB_URL = "https://huggingface.co"
SPARE_BYTES = 100_000_000


def _no_environment() -> dict[str, str]:
    return {}


@dataclass(frozen=True, slots=True)
class Sources:
    """Where models may come from.

    Args:
        network: False: only what is on this machine already.
        hub_url: the hub or a mirror of it; empty: skip it.
        packages: whether pip may be asked.
        pip_environment: added to the environment of pip.
        retry_delay_s: first pause after the hub broke off; it doubles.
        free_bytes: how much space a directory has left.
    """

    network: bool = True
    hub_url: str = HUB_URL
    packages: bool = True
    pip_environment: Mapping[str, str] = field(default_factory=_no_environment)
    retry_delay_s: float = 1.0
    free_bytes: Callable[[Path], int] = errors.free_bytes
    clock: Clock = field(default_factory=SystemClock)


def _ignore(_: Progress) -> None:
    """The default listener."""


async def fetch(
    model: Model | Path,
    directory: Path,
    *,
    on_progress: Callable[[Progress], None] = _ignore,
    sources: Sources | None = None,
) -> Path:
    """The path of the whole, verified file; fetched when it is not there yet.

    Args:
        model: one of the catalogue, or an own file, which is taken as it is.
        directory: where models are kept; made when missing.
        on_progress: called on the event loop, a few times per second.

    Raises:
        EngineUnavailable: its code is model_file_unusable, model_unreachable, model_disk_full or
            model_directory_unusable.
    """
    if isinstance(model, Path):
        return own_file(model)
    if is_present(model, directory):
        return directory / model.file_name
    return await _Fetch(model, directory, on_progress, sources or Sources()).run()


class _Fetch:
    def __init__(
        self, model: Model, directory: Path, on_progress: Callable[[Progress], None], sources: Sources
    ) -> None:
        self._model = model
        self._directory = directory
        self._sources = sources
        self._partial = partial_of(model, directory)
        self._meter = Meter(model.file_bytes, on_progress, sources.clock)

    async def run(self) -> Path:
        async with exclusively(self._model, self._directory, self._another_fetches):
            prepare(self._model, self._directory)
            return await self._already_there() or await self._from_sources()

    def _another_fetches(self) -> None:
        self._meter.at("waiting", size_of(self._partial))

    async def _already_there(self) -> Path | None:
        final = self._directory / self._model.file_name
        if is_present(self._model, self._directory):
            return final
        if size_of(final) == 0:
            return None
        try:
            await verify(final, self._model, self._verifying)
        except Corrupt as error:
            logger.warning("A damaged model is fetched anew: %s", error)
            final.unlink()
            return None
        note_verified(final, self._model)
        return final

    async def _from_sources(self) -> Path:
        problems: list[str] = []
        for name, source in self._chain():
            try:
                return await self._complete_and_verify(source)
            except SourceFailed as error:
                logger.info("%s: %s", name, error)
                problems.append(str(error))
        raise unreachable(self._model.name, problems or ["no source is allowed"])

    def _chain(self) -> list[tuple[str, Callable[[], Awaitable[None]]]]:
        chain: list[tuple[str, Callable[[], Awaitable[None]]]] = []
        if self._sources.network and self._sources.hub_url and self._model.hub is not None:
            chain.append(("hub", self._complete_from_hub))
        if self._sources.network and self._sources.packages and self._model.parts is not None:
            chain.append(("packages", self._complete_from_packages))
        return chain

    async def _complete_and_verify(self, source: Callable[[], Awaitable[None]]) -> Path:
        """Complete the file from `source`; where what was there before is damaged, once more from the first byte."""
        fresh = size_of(self._partial) == 0
        self._check_space()
        await source()
        try:
            await verify(self._partial, self._model, self._verifying)
        except Corrupt:
            self._partial.unlink()
            if fresh:
                raise
            logger.warning("What had arrived of %s was damaged; it is fetched again", self._model.name)
            return await self._complete_and_verify(source)
        return keep(self._partial, self._model, self._directory)

    def _check_space(self) -> None:
        extra = extra_bytes(self._model.parts) if self._model.parts is not None else 0
        needed = self._model.file_bytes - size_of(self._partial) + extra + SPARE_BYTES
        missing = needed - self._sources.free_bytes(self._directory)
        if missing > 0:
            raise disk_full(self._directory, missing)

    async def _complete_from_hub(self) -> None:
        assert self._model.hub is not None
        url = url_of(self._sources.hub_url, self._model.hub)
        await complete_from_hub(self._model, self._partial, url, self._meter, retry_delay_s=self._sources.retry_delay_s)

    async def _complete_from_packages(self) -> None:
        assert self._model.parts is not None
        await complete_from_packages(
            self._model, self._model.parts, self._partial, self._meter, self._sources.pip_environment
        )

    def _verifying(self, done: int) -> None:
        self._meter.at("verifying", done)
