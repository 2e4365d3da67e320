"""What a recording is called, how long it ran, and what its file is worth."""

from __future__ import annotations

from dataclasses import replace

import pytest

from drivers import Verdict
from drivers.obs.recording import (
    MARK,
    OBS_FORMAT,
    Probe,
    Recording,
    RecordWatch,
    Samples,
    loudest_of,
    measures_of,
    name_of,
    probe_of,
    restored,
)
from drivers.obs.studio import Output, OutputState, Studio

SEEN = Studio("29.0.2", frozenset(), ("Jeda",), "Jeda")
GOOD = Probe(100.0, 1, 1), Samples((-40.0, -12.0), (0.0, 90.0))


def test_a_title_becomes_a_file_name_that_every_disk_takes() -> None:
    assert name_of("Rapat: TPID / inflasi %TM?") == f"{MARK}Rapat TPID inflasi TM - {OBS_FORMAT}"
    assert name_of("../..") == f"{MARK}rekaman - {OBS_FORMAT}"
    assert len(name_of("x" * 500)) < 140


def test_a_name_that_a_crash_left_behind_is_not_put_back() -> None:
    assert restored(name_of("Rapat lama")) == OBS_FORMAT
    assert restored("%hh-%mm") == "%hh-%mm"


def test_a_recording_is_timed_without_its_pauses() -> None:
    watch, told = RecordWatch(), []
    states = (
        (OutputState.STARTING, 0.0), (OutputState.STARTED, 1.0), (OutputState.PAUSED, 11.0),
        (OutputState.STARTED, 100.0), (OutputState.STOPPING, 105.0), (OutputState.STOPPED, 106.0),
    )  # fmt: skip
    for state, at_s in states:
        told.append(watch.see(replace(SEEN, record=Output(state, "/a.mkv")), at_s))
    assert told == [None] * 5 + [Recording("/a.mkv", 15.0)]


def test_a_recording_that_ran_before_we_came_has_no_known_length() -> None:
    watch = RecordWatch()
    assert watch.see(replace(SEEN, record=Output(OutputState.STARTED)), 0.0) is None
    assert watch.see(replace(SEEN, record=Output(OutputState.STOPPED, "/a.mkv")), 9.0) == Recording("/a.mkv", None)


def test_a_start_that_came_to_nothing_is_no_recording() -> None:
    watch = RecordWatch()
    watch.see(replace(SEEN, record=Output(OutputState.STARTING)), 0.0)
    assert watch.see(replace(SEEN, record=Output(OutputState.STOPPED)), 1.0) is None


def test_a_whole_recording_passes() -> None:
    assert {one.verdict for one in measures_of(Recording("/a.mkv", 101.0), *GOOD)} == {Verdict.PASS}


@pytest.mark.parametrize(
    ("asked", "probe", "samples", "name", "code"),
    [
        (Recording("/a", 100.0), None, Samples(), "record_file", "obs.record_unreadable"),
        (Recording("/a", 200.0), *GOOD, "record_length", "obs.record_short"),
        (Recording("/a", 100.0), Probe(100.0, 1, 0), Samples((), (90.0,)), "record_streams", "obs.record_streams"),
        (Recording("/a", 100.0), GOOD[0], Samples((-91.0,), (90.0,)), "record_sound", "obs.record_silent"),
        (Recording("/a", 100.0), GOOD[0], Samples((float("-inf"),), (90.0,)), "record_sound", "obs.record_silent"),
        (Recording("/a", 100.0), GOOD[0], Samples((-9.0,), (0.0, 7.9)), "record_picture", "obs.record_black"),
    ],
)
def test_what_is_wrong_with_a_file_is_named(
    asked: Recording, probe: Probe | None, samples: Samples, name: str, code: str
) -> None:
    failed = {
        one.name: one.reason.code
        for one in measures_of(asked, probe, samples)
        if one.reason and one.verdict is Verdict.FAIL
    }
    assert failed[name] == code


def test_what_could_not_be_sampled_is_unproven() -> None:
    rows = {one.name: one.verdict for one in measures_of(Recording("/a", None), GOOD[0], Samples())}
    assert rows == {
        "record_streams": Verdict.PASS, "record_length": Verdict.UNPROVEN, "record_sound": Verdict.UNPROVEN,
        "record_picture": Verdict.UNPROVEN,
    }  # fmt: skip


def test_what_the_tools_print_is_read_and_nonsense_is_none() -> None:
    told = b'{"streams": [{"codec_type": "video"}, {"codec_type": "audio"}], "format": {"duration": "2.5"}}'
    assert probe_of(told) == Probe(2.5, 1, 1)
    assert probe_of(b"") is None
    assert probe_of(b'{"streams": 3, "format": {}}') is None
    assert loudest_of(b"[Parsed] max_volume: -12.5 dB") == -12.5
    assert loudest_of(b"max_volume: -inf dB") == float("-inf")
    assert loudest_of(b"") is None
