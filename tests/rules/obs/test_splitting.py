"""What an address asks of splitting, and which files belong to one recording."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from drivers.address import DeviceAddress
from drivers.errors import AddressError
from drivers.obs.device import ObsStudio, connect
from drivers.obs.recording import Probe, Recording, Samples, measures_of
from drivers.obs.splitting import Split, can_split, files_of
from drivers.outcomes import Verdict

NOW = 1_790_000_000.0
FIRST, SECOND, THIRD = (f"Siaga - Rapat - 2026-11-24 1{hour}-00-00.mkv" for hour in range(3))


def test_an_address_asks_for_minutes_or_megabytes() -> None:
    obs = connect("obs", DeviceAddress.parse("obs+ws://127.0.0.1?split=60min"), None)
    assert isinstance(obs, ObsStudio)
    assert (obs.split, obs.asked.split) == (Split(60, by_size=False), True)
    assert Split(3900, by_size=True).settings == {
        ("AdvOut", "RecSplitFile"): "true",
        ("AdvOut", "RecSplitFileType"): "Size",
        ("AdvOut", "RecSplitFileSize"): "3900",
    }


@pytest.mark.parametrize("asked", ["", "60", "0min", "1.5min", "-1MB", "60 min", "4gb"])
def test_what_is_neither_is_refused(asked: str) -> None:
    with pytest.raises(AddressError, match="60min or 3900MB"):
        connect("obs", DeviceAddress.parse(f"obs+ws://127.0.0.1?split={asked}"), None)


@pytest.mark.parametrize(
    ("mode", "kind", "can"),
    [("Advanced", None, True), ("Advanced", "Standard", True), ("Advanced", "FFmpeg", False), ("Simple", None, False)],
)
def test_only_the_advanced_mode_splits(mode: str, kind: str | None, can: bool) -> None:
    assert can_split(mode, kind) is can


def _write(folder: Path, name: str, ago_s: float) -> str:
    path = folder / name
    path.write_bytes(b"x")
    os.utime(path, (NOW - ago_s, NOW - ago_s))
    return str(path)


def test_the_files_of_one_recording_are_found_in_order_and_no_others(tmp_path: Path) -> None:
    first, second, third = (
        _write(tmp_path, name, ago_s) for name, ago_s in ((FIRST, 7000.0), (SECOND, 3600.0), (THIRD, 0.0))
    )
    _write(tmp_path, "Siaga - Rapat - 2026-11-24 09-00-00.mkv", 9000.0)  # the same title, earlier
    _write(tmp_path, "Siaga - Rapat lain - 2026-11-24 11-30-00.mkv", 100.0)
    _write(tmp_path, "Siaga - Rapat - 2026-11-24 11-00-00.srt", 100.0)
    _write(tmp_path, "catatan.mkv", 0.0)
    for told in (first, third):  # OBS says the first, or the last
        found = files_of(Recording(told, 8000.0), NOW)
        assert [file.path for file in found] == [first, second, third]
        assert [(file.part, file.parts) for file in found] == [(1, 3), (2, 3), (3, 3)]
    assert [file.path for file in files_of(Recording(first), NOW)] == [first, second, third]


def test_a_file_with_another_name_or_in_no_folder_stands_alone(tmp_path: Path) -> None:
    own = Recording(_write(tmp_path, "rapat.mkv", 0.0), 60.0)
    gone = Recording(str(tmp_path / "gone" / FIRST), 60.0)
    assert (files_of(own, NOW), files_of(gone, NOW)) == ((own,), (gone,))


def test_the_length_of_the_parts_is_judged_together() -> None:
    heard, last = Samples((-9.0,), (90.0,)), Recording("/b", 100.0, part=2, parts=2, before_s=60.0)

    def length(file: Recording, probe_s: float) -> Verdict:
        return {one.name: one for one in measures_of(file, Probe(probe_s, 1, 1), heard)}["record_length"].verdict

    assert length(Recording("/a", 100.0, part=1, parts=2), 60.0) is Verdict.PASS
    assert length(Recording("/a", 100.0, part=1, parts=2), 0.0) is Verdict.FAIL
    assert (length(last, 40.0), length(last, 20.0)) == (Verdict.PASS, Verdict.FAIL)
