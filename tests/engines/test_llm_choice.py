from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from mecum.engines.llm.choice import GB, card_of, choose, threads_for
from mecum.engines.llm.server import memory_limit
from mecum.engines.llm.settings import LlmSettings
from mecum.engines.machine import available_memory_bytes, usable_cpus
from mecum.engines.weights import CATALOGUE, LARGE, SMALL, TEST, Model, model_named


@pytest.mark.parametrize(
    ("available_gb", "large_is_here", "chosen"),
    [
        (8, False, LARGE),
        (4, False, LARGE),
        (3.9, False, SMALL),
        (3.9, True, LARGE),
        (2.4, True, SMALL),
        (0.5, False, SMALL),
    ],
)
def test_memory_decides_and_weights_that_are_here_are_not_given_up_lightly(
    available_gb: float, large_is_here: bool, chosen: Model
) -> None:
    assert choose("auto", available_bytes=int(available_gb * GB), large_is_here=large_is_here) is chosen


@pytest.mark.parametrize(
    ("setting", "chosen"),
    [("small", SMALL), ("large", LARGE), ("test", TEST), ("none", None), ("/models/my.gguf", Path("/models/my.gguf"))],
)
def test_a_setting_that_names_a_model_is_followed_whatever_the_memory(
    setting: str, chosen: Model | Path | None
) -> None:
    assert choose(setting, available_bytes=0, large_is_here=False) == chosen


def test_a_setting_that_means_nothing_is_refused_with_what_is_possible() -> None:
    with pytest.raises(ValidationError, match="auto, small, large, none"):
        LlmSettings(local_model="huge")
    assert LlmSettings(local_model="~/my.gguf").local_model == "~/my.gguf"


@pytest.mark.parametrize(("setting", "cpus", "threads"), [(0, 1, 1), (0, 2, 2), (0, 8, 7), (3, 8, 3)])
def test_one_processor_stays_free_unless_there_are_only_two(setting: int, cpus: int, threads: int) -> None:
    assert threads_for(setting, cpus) == threads


def test_every_model_of_the_catalogue_says_where_it_comes_from_and_what_it_is() -> None:
    for model in CATALOGUE:
        card = card_of(model)
        assert card.publisher and card.licence == "Apache-2.0" and len(card.sha256) == 64
        assert model_named(model.key) is model
        assert model.parts is not None
        last = model.file_bytes - (model.parts.count - 1) * model.parts.part_bytes
        assert 0 < last <= model.parts.part_bytes


def test_the_card_of_an_own_file_claims_nothing(tmp_path: Path) -> None:
    path = tmp_path / "mine.gguf"
    path.write_bytes(b"GGUF")
    card = card_of(path)
    assert (card.name, card.publisher, card.licence, card.file_bytes) == ("mine", "", "", 4)


def test_the_memory_limit_leaves_room_for_what_was_measured() -> None:
    measured_private_bytes = 1_460_000_000  # of the large model with two slots of 8192 tokens
    assert memory_limit(LARGE.file_bytes, LARGE.cache_bytes_per_token, 2 * 8192) > 2 * measured_private_bytes


@pytest.mark.parametrize(
    ("limit", "available"),
    [(None, 8000), ("max", 8000), (str(4000 * 1024), 2500), (str(1000 * 1024), 0)],
)
def test_the_limit_of_a_container_counts_as_the_machines_memory(
    tmp_path: Path, limit: str | None, available: int
) -> None:
    proc, cgroup = tmp_path / "proc", tmp_path / "cgroup"
    proc.mkdir()
    cgroup.mkdir()
    (proc / "meminfo").write_text("MemTotal: 16000 kB\nMemAvailable: 8000 kB\n")
    if limit is not None:
        (cgroup / "memory.max").write_text(f"{limit}\n")
        (cgroup / "memory.current").write_text(f"{2000 * 1024}\n")
        (cgroup / "memory.stat").write_text(f"anon 5\ninactive_file {500 * 1024}\n")
    assert available_memory_bytes(proc, cgroup) == available * 1024


def test_a_quota_of_the_container_limits_the_processors(tmp_path: Path) -> None:
    (tmp_path / "cpu.max").write_text("50000 100000\n")
    assert usable_cpus(tmp_path) == 1
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert usable_cpus(tmp_path) >= 1
