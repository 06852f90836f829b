"""The figures of a run as rows with budgets and as tables in Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from bench.gateway.load import Measured
from bench.report import Row, number

TITLE = "The relay beside others"
PLAIN_ONE, PLAIN, STREAM = "plain, 1 caller", "plain, 16 callers", "stream, 16 callers"
PACED_FEW, PACED_MANY = "stream paced, 4 callers", "stream paced, 260 callers"
OURS, THEIRS, BARE = "mecum", "litellm", "direct"


@dataclass(frozen=True, slots=True)
class Target:
    """What was measured of one target. `start_s`: None where nothing had to start."""

    start_s: float | None
    idle_mb: float
    cases: Mapping[str, Measured]
    is_saturated: bool = False

    @property
    def errors(self) -> int:
        return sum(case.errors.total() for case in self.cases.values())


Results: TypeAlias = Mapping[str, Target]

Figure: TypeAlias = tuple[str, Callable[[Measured], float]]
PLAIN_FIGURES: tuple[Figure, ...] = (
    ("requests/s", lambda case: case.requests_per_s),
    ("p50 ms", lambda case: case.p50_ms),
    ("p99 ms", lambda case: case.p99_ms),
    ("CPU ms per request", lambda case: case.cpu_ms_per_request),
    ("of its database", lambda case: case.database_ms_per_request),
)
STREAM_FIGURES: tuple[Figure, ...] = (
    ("chunks/s", lambda case: case.chunks_per_s),
    ("CPU µs per chunk", lambda case: case.cpu_us_per_chunk),
    ("TTFT p50 ms", lambda case: case.first_p50_ms),
    ("TTFT p99 ms", lambda case: case.first_p99_ms),
)


def rows(results: Results) -> list[Row]:
    """Mecum's figures with their budgets; those that compare only where both were measured."""
    ours = results[OURS]
    plain, stream, paced = ours.cases[PLAIN], ours.cases[STREAM], ours.cases[PACED_MANY]
    found = [
        Row("requests/s", plain.requests_per_s, "/s", 1_500, at_least=True, note="one core, 16 callers"),
        Row("chunks/s, back to back", stream.chunks_per_s, "/s", 25_000, at_least=True, note="one core, 16 streams"),
        Row("chunks/s, one every 20 ms", paced.chunks_per_s, "/s", 12_000, at_least=True, note="one core, 260 streams"),
        Row("idle memory of the serving process", ours.idle_mb, "MB", 150, note="resident"),
        Row("errors", sum(each.errors for each in results.values()), "", 0, note="of all targets and cases"),
    ]
    if BARE in results:
        bare = results[BARE].cases
        added = ours.cases[PLAIN_ONE].p50_ms - bare[PLAIN_ONE].p50_ms
        first = ours.cases[PACED_FEW].first_p50_ms - bare[PACED_FEW].first_p50_ms
        found += [
            Row("added p50", added, "ms", 1, note="one caller, beside the bare upstream"),
            Row("added TTFT, p50", first, "ms", 2, note="4 paced streams, beside the bare upstream"),
        ]
    if (times := times_of(results)) is not None:
        note = "of requests and chunks in a second of processor time"
        found += [
            Row("requests, times LiteLLM's proxy", times[0], "", 25, at_least=True, note=note),
            Row("chunks, times LiteLLM's proxy", times[1], "", 25, at_least=True, note=note),
        ]
    return found


def times_of(results: Results) -> tuple[float, float] | None:
    """How many times as many requests, and chunks, in a CPU second as LiteLLM; None where one of them is missing."""
    if OURS not in results or THEIRS not in results:
        return None
    ours, theirs = results[OURS].cases, results[THEIRS].cases
    if not all(case in each for each in (ours, theirs) for case in (PLAIN, STREAM)):
        return None
    requests = theirs[PLAIN].cpu_ms_per_request / ours[PLAIN].cpu_ms_per_request
    return requests, theirs[STREAM].cpu_us_per_chunk / ours[STREAM].cpu_us_per_chunk


def ratios(results: Results) -> str:
    """The last line of a run: Mecum against LiteLLM per CPU second."""
    times = times_of(results)
    return "ratio requests n/a chunks n/a" if times is None else f"ratio requests {times[0]:.1f} chunks {times[1]:.1f}"


def tables(results: Results) -> str:
    """A table of starts, one for each case of plain answers, and one for each of streams."""
    starts = [
        ("start to healthy, s", *(shown(each.start_s) for each in results.values())),
        ("idle memory, MB", *(shown(each.idle_mb) for each in results.values())),
        ("errors", *(f"{each.errors}" for each in results.values())),
    ]
    parts = [markdown(("", *results), starts)]
    for name in dict.fromkeys(name for each in results.values() for name in each.cases):
        figures = STREAM_FIGURES if name.startswith("stream") else PLAIN_FIGURES
        parts.append(markdown((f"**{name}**", *results), list(_lines(results, name, figures))))
    return "\n\n".join(parts)


def _lines(results: Results, case: str, figures: tuple[Figure, ...]) -> Iterator[tuple[str, ...]]:
    for what, of in figures:
        yield (what, *(shown(of(each.cases[case]) if case in each.cases else None) for each in results.values()))


def shown(value: float | None) -> str:
    return "–" if not value else number(value)


def markdown(head: tuple[str, ...], lines: list[tuple[str, ...]]) -> str:
    table = [head, ("---",) * len(head), *lines]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in table)
