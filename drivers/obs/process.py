"""OBS as a process of this machine: is it there although nobody answers, and what did it last complain of?

Starts nothing: a room's OBS is started by systemd (`configs/systemd/user`), and once more
when it was ended for its silence. An OBS that runs and does not open its port shows a
question on the room's screen, before it begins to work: another one runs already, files are
missing, or it crashed the last time.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path

from drivers.outcomes import Reason

PROGRAM = "obs"
CLOSED_FOR_S = 15.0
"""OBS opens its port one or two seconds after its start."""
SILENT_FOR_S = 15.0
"""So long nobody answers before an OBS is ended; a busy one is back by then."""
ONCE_IN_S = 600.0
COMPLAINTS_SHOWN = 3
LOG_READ_AT_MOST = 256 * 1024
_COMPLAINT = "failed to"
_STARTED = 19
"""The field of `/proc/PID/stat` behind the program's name that says when it began (proc(5), number 22)."""


def age_of(program: str = PROGRAM, *, kernel: Path = Path("/proc")) -> float | None:
    """Return for how many seconds the oldest process of that name has run; none: there is none."""
    return max((age_s for _, age_s in _running(program, kernel)), default=None)


def _running(program: str, kernel: Path = Path("/proc")) -> list[tuple[int, float]]:
    """Return the processes of that name and for how many seconds each has run."""
    try:
        up_s = float((kernel / "uptime").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return []
    found = [(int(one.name), _born(one, program)) for one in kernel.glob("[0-9]*")]
    return [(pid, up_s - born) for pid, born in found if born is not None]


def _born(process: Path, program: str) -> float | None:
    """Return how many seconds after the machine a process began, if it is the program; it may end meanwhile."""
    try:
        if (process / "comm").read_text().strip() != program:
            return None
        fields = (process / "stat").read_text().rpartition(")")[2].split()
        return int(fields[_STARTED]) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return None


def logs_folder(environment: Mapping[str, str]) -> Path:
    """Return where this user's OBS writes its logs."""
    home = environment.get("XDG_CONFIG_HOME") or str(Path(environment.get("HOME", "/")) / ".config")
    return Path(home) / "obs-studio" / "logs"


def complaints(folder: Path) -> tuple[str, ...]:
    """Return the last lines of the newest log that tell of a failure; none where there is no log."""
    try:
        newest = max(folder.glob("*.txt"), key=lambda path: path.stat().st_mtime, default=None)
        if newest is None:
            return ()
        with newest.open("rb") as log:
            log.seek(max(0, newest.stat().st_size - LOG_READ_AT_MOST))
            lines = log.read().decode(errors="replace").splitlines()
    except OSError:
        return ()
    return tuple(line.strip() for line in lines if _COMPLAINT in line.lower())[-COMPLAINTS_SHOWN:]


class Warden:
    """Ends an OBS that is there and answers nobody, once, for systemd to start it again; its log is kept as evidence.

    One that put something out when it was last heard is left alone, however silent: a
    recording may still run. So is one that was ended within the last ten minutes.
    """

    def __init__(self, program: str = PROGRAM, environment: Mapping[str, str] | None = None) -> None:
        self._program = program
        self._environment = environment
        self._silent_since: float | None = None
        self._ended_at = float("-inf")

    def answered(self) -> None:
        """Take note that it answers."""
        self._silent_since = None

    def silent(self, *, puts_out: bool) -> Reason | None:
        """Take note that it does not, and end it when it is time; return what is to be said of it.

        Reads files and sends a signal, so not for the event loop.
        """
        now = time.monotonic()
        self._silent_since = now if self._silent_since is None else self._silent_since
        told = stands_silent(self._environment, self._program)
        late = now - self._silent_since >= SILENT_FOR_S and now - self._ended_at >= ONCE_IN_S
        if told is None or puts_out or not late:
            return told
        pids = [one for one, _ in _running(self._program)]
        ended = [pid for pid in pids if _end(pid)]
        if not ended:
            return told
        self._silent_since, self._ended_at = None, now
        detail = f"{told.detail}; it was ended (process {', '.join(map(str, ended))}) to be started anew"
        return Reason("obs.ended_silent", detail, told.values)


def _end(pid: int) -> bool:
    """End a process for certain: one that hangs takes no friendly word; false when it is not ours to end."""
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError:
        return False
    return True


def stands_silent(environment: Mapping[str, str] | None = None, program: str = PROGRAM) -> Reason | None:
    """Return that OBS runs here although its port is closed, with its last complaints; none when it does not run.

    Reads files, so not for the event loop.
    """
    age_s = age_of(program)
    if age_s is None or age_s < CLOSED_FOR_S:
        return None
    told = complaints(logs_folder(os.environ if environment is None else environment))
    detail = f"OBS has run for {age_s:.0f} s and does not answer: a question is open on its screen, or it hangs"
    return Reason("obs.runs_silent", detail, {"seconds": round(age_s), "log": " | ".join(told)})
