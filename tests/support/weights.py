"""The weights of the small model for tests, fetched once and kept between runs."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from mecum.engines.weights import TEST, Sources, fetch, is_present
from mecum.kit.errors import EngineUnavailable

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mecum-test-models"
FETCH_S = 300


def small_model_directory() -> Path:
    """A directory with the test model. Skips the test where it is not here and can't be fetched."""
    try:
        if not is_present(TEST, CACHE):
            asyncio.run(asyncio.wait_for(fetch(TEST, CACHE, sources=Sources(hub_url="")), FETCH_S))
    except (EngineUnavailable, TimeoutError) as error:
        pytest.skip(f"the weights of {TEST.name} can't be had: {error}")
    return CACHE
