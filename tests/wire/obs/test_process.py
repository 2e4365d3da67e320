"""Is an OBS that runs and answers nobody told from one that does not run?"""

from __future__ import annotations

import configparser
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers import DeviceAddress
from drivers.errors import AddressError, DeviceUnreachable
from drivers.obs import process
from drivers.obs.device import connect
from drivers.outcomes import Reason
from tests.broker import free_port

HUNG = "obs-that-hangs"
UNIT = Path("configs/systemd/user/siaga-obs.service")


def running(kernel: Path, *, seconds: float, name: str = "obs") -> Path:
    """Return a kernel's folder in which a process has run so long."""
    (kernel / "77").mkdir(parents=True)
    ticks = int((1000 - seconds) * os.sysconf("SC_CLK_TCK"))
    (kernel / "uptime").write_text("1000.00 3000.00\n")
    (kernel / "77" / "comm").write_text(f"{name}\n")
    (kernel / "77" / "stat").write_text(f"77 (a) b) {' '.join(['S', *['0'] * 18, str(ticks)])} 0 0\n")
    return kernel


def test_a_process_is_found_by_its_name_with_its_age(tmp_path: Path) -> None:
    kernel = running(tmp_path, seconds=42)
    assert process.age_of(kernel=kernel) == pytest.approx(42, abs=0.02)
    assert process.age_of("other", kernel=kernel) is None
    assert process.age_of(kernel=tmp_path / "none") is None


def test_a_real_process_began_before_now_and_after_the_machine() -> None:
    own = Path("/proc/self")
    born = process._born(own, (own / "comm").read_text().strip())
    assert born is not None
    assert 0 < born <= float(Path("/proc/uptime").read_text().split()[0])


def test_the_newest_log_tells_its_last_failures(tmp_path: Path) -> None:
    folder = process.logs_folder({"XDG_CONFIG_HOME": str(tmp_path)})
    assert process.complaints(folder) == ()
    folder.mkdir(parents=True)
    (folder / "old.txt").write_text("Failed to open old\n")
    os.utime(folder / "old.txt", (1, 1))
    (folder / "new.txt").write_text("hello\n12:00: Failed to open camera\n" + "fine\n" * 9 + "12:01: failed to bind\n")
    assert process.complaints(folder) == ("12:00: Failed to open camera", "12:01: failed to bind")


async def test_who_asks_for_it_is_told_that_obs_runs_and_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    address = f"obs+ws://127.0.0.1:{free_port()}"
    monkeypatch.setattr("drivers.obs.process.age_of", lambda _program: 60.0)
    with pytest.raises(DeviceUnreachable) as silent:
        await connect("obs", DeviceAddress.parse(f"{address}?process=watch"), None).open()
    assert silent.value.reason.code == "obs.runs_silent"
    monkeypatch.setattr("drivers.obs.process.age_of", lambda _program: 2.0)  # it has only just begun
    for options in ("?process=watch", ""):
        with pytest.raises(DeviceUnreachable) as gone:
            await connect("obs", DeviceAddress.parse(address + options), None).open()
        assert gone.value.reason.code != "obs.runs_silent"


@pytest.fixture
def hung(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A program of another name than OBS's that answers nobody."""
    shutil.copy("/bin/sleep", tmp_path / HUNG)
    running = subprocess.Popen([tmp_path / HUNG, "60"])
    deadline = time.monotonic() + 5.0
    while process.age_of(HUNG) is None:  # between fork and exec it still has our name
        assert time.monotonic() < deadline
        time.sleep(0.005)
    yield running
    running.kill()
    running.wait(5)


def warden(monkeypatch: pytest.MonkeyPatch, folder: Path) -> process.Warden:
    monkeypatch.setattr(process, "CLOSED_FOR_S", -1.0)  # the kernel counts in hundredths
    monkeypatch.setattr(process, "SILENT_FOR_S", 0.05)
    log = process.logs_folder(environment := {"XDG_CONFIG_HOME": str(folder)})
    log.mkdir(parents=True)
    (log / "new.txt").write_text("12:00: Failed to open camera\n")
    return process.Warden(HUNG, environment)


def code(reason: Reason | None) -> str:
    return "" if reason is None else reason.code


def test_a_silent_obs_is_ended_once_and_its_log_is_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, hung: subprocess.Popen[bytes]
) -> None:
    careful = warden(monkeypatch, tmp_path)
    assert code(careful.silent(puts_out=False)) == "obs.runs_silent"  # it may be busy
    careful.answered()
    assert code(careful.silent(puts_out=False)) == "obs.runs_silent"  # counted anew
    time.sleep(0.06)
    assert code(careful.silent(puts_out=True)) == "obs.runs_silent"  # a recording may run
    ended = careful.silent(puts_out=False)
    assert ended is not None
    assert ended.code == "obs.ended_silent"
    assert ended.values["log"] == "12:00: Failed to open camera"
    assert hung.wait(5) == -signal.SIGKILL


def test_an_obs_that_was_ended_a_moment_ago_is_left_to_people(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, hung: subprocess.Popen[bytes]
) -> None:
    careful = warden(monkeypatch, tmp_path)
    careful._ended_at = time.monotonic()
    for _ in range(3):
        assert code(careful.silent(puts_out=False)) == "obs.runs_silent"
        time.sleep(0.06)
    assert hung.poll() is None


def test_only_a_process_of_this_machine_can_be_watched() -> None:
    for address in ("obs+ws://room.example:4455?process=watch", "obs+ws://127.0.0.1:4455?process=kill"):
        with pytest.raises(AddressError, match="process may be watch or restart"):
            connect("obs", DeviceAddress.parse(address), None)


def test_the_unit_starts_obs_once_more_and_then_leaves_it() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]  # systemd's names have capitals
    unit.read_string(UNIT.read_text())
    assert (unit["Unit"]["StartLimitBurst"], unit["Service"]["Restart"]) == ("2", "on-failure")
    assert "--collection ${SIAGA_OBS_COLLECTION} --profile ${SIAGA_OBS_PROFILE}" in unit["Service"]["ExecStart"]
