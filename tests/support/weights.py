"""The weights of models for tests, fetched once and kept between runs."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mecum.engines.weights import TEST, Sources, fetch, is_present
from mecum.engines.weights.catalogue import LARGE, Model
from mecum.kit.errors import EngineUnavailable

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mecum-test-models"
FETCH_S = 300
FETCH_LARGE_S = 1800


def small_model_directory() -> Path:
    """A directory with the test model. Skips the test where it is not here and can't be fetched."""
    return _directory(TEST, FETCH_S)


def default_model_directory() -> Path:
    """The same with the model that people get by default, of 1.1 GB."""
    return _directory(LARGE, FETCH_LARGE_S)


def _directory(model: Model, within_s: int) -> Path:
    if not is_present(model, CACHE):
        # In a thread of its own: a browser may have the loop of this one.
        with ThreadPoolExecutor(1) as fetching:
            try:
                fetching.submit(lambda: asyncio.run(_fetched(model, within_s))).result()
            except (EngineUnavailable, TimeoutError) as error:
                pytest.skip(f"the weights of {model.name} can't be had: {error}")
    return CACHE


async def _fetched(model: Model, within_s: int) -> None:
    async with asyncio.timeout(within_s):
        await fetch(model, CACHE, sources=Sources(hub_url=""))
