"""When a server counts as hung, without waiting for it."""

from __future__ import annotations

import os
import signal
from itertools import pairwise

from mecum.cli.link import BEAT_S, Events
from mecum.cli.watch import DUMP_S, Patience, Watch
from mecum.kit.settings import KitSettings

PATIENCE = Patience(running_s=60, starting_s=300)
ASLEEP_S = 8 * 3600.0


def running() -> Watch:
    watch = Watch(PATIENCE, turn_s=1)
    watch.turn(0)
    watch.process_started()
    watch.process_ready()
    return watch


def turns(watch: Watch, start: int, end: int) -> dict[int, signal.Signals]:
    """What is sent in turns of a second, by the second."""
    verdicts = {second: watch.turn(second) for second in range(start, end + 1)}
    return {second: verdict for second, verdict in verdicts.items() if verdict is not None}


def test_a_silent_server_is_asked_where_it_hangs_once_and_killed_when_it_is_still_there() -> None:
    sent = turns(running(), 1, 60 + int(DUMP_S))
    assert sent == {60: signal.SIGABRT, 60 + int(DUMP_S): signal.SIGKILL}


def test_a_beat_ends_the_silence() -> None:
    watch = running()
    assert turns(watch, 1, 59) == {}
    watch.beat()
    assert turns(watch, 60, 118) == {}
    assert turns(watch, 119, 119) == {119: signal.SIGABRT}


def test_a_beat_that_comes_after_it_was_given_up_changes_nothing() -> None:
    watch = running()
    turns(watch, 1, 60)
    watch.beat()
    assert signal.SIGKILL in turns(watch, 61, 60 + int(DUMP_S)).values()


def test_a_server_that_starts_has_longer() -> None:
    watch = Watch(PATIENCE, turn_s=1)
    watch.turn(0)
    watch.process_started()
    assert turns(watch, 1, 299) == {}
    assert turns(watch, 300, 300) == {300: signal.SIGABRT}


def test_the_next_process_begins_anew() -> None:
    watch = running()
    turns(watch, 1, 100)
    watch.process_started()
    assert turns(watch, 101, 399) == {}


def test_time_in_which_the_watcher_did_not_run_is_no_silence_of_the_server() -> None:
    watch = running()
    naps = [watch.turn(ASLEEP_S * nap) for nap in range(1, 50)]
    assert naps == [None] * 49


def test_a_clock_that_goes_back_is_no_silence() -> None:
    watch = running()
    assert watch.turn(-ASLEEP_S) is None and watch.silent_s == 0


def test_settings_say_how_long_and_what_is_no_number_is_left_to_the_server_to_refuse() -> None:
    assert Patience.of({"MECUM_HANG_SECONDS": "90", "MECUM_HANG_STARTING_SECONDS": "900"}) == Patience(90, 900)
    assert Patience.of({"MECUM_HANG_SECONDS": "soon"}) == Patience()


def test_the_supervisor_has_the_defaults_of_the_settings() -> None:
    fields = KitSettings.model_fields
    assert Patience() == Patience(fields["hang_seconds"].default, fields["hang_starting_seconds"].default)
    assert min(bound.ge for bound in fields["hang_seconds"].metadata if hasattr(bound, "ge")) > 2 * BEAT_S


def test_a_beat_never_waits_for_a_supervisor_that_does_not_read() -> None:
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    try:
        events = Events(writer)
        for _ in range(65_536 // len('{"event":"beat"}\n') + 2):  # more than a pipe holds (pipe(7))
            events.beat()
        lines = os.read(reader, 1 << 20).splitlines()
        assert lines and all(one == other for one, other in pairwise(lines))
    finally:
        os.close(reader)
        os.close(writer)


def test_a_beat_to_a_supervisor_that_is_gone_is_no_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        Events(writer).beat()
    finally:
        os.close(writer)
