"""OBS as a process of this machine: is it there although nobody answers, and what did it last complain of?

Looks and starts nothing: a room's OBS is started by systemd (`configs/systemd/user`). An OBS
that runs and does not open its port shows a question on the room's screen, before it begins
to work: another one runs already, files are missing, or it crashed the last time.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from drivers.outcomes import Reason

PROGRAM = "obs"
CLOSED_FOR_S = 15.0
"""OBS opens its port one or two seconds after its start."""
COMPLAINTS_SHOWN = 3
LOG_READ_AT_MOST = 256 * 1024
_COMPLAINT = "failed to"
_STARTED = 19
"""The field of `/proc/PID/stat` behind the program's name that says when it began (proc(5), number 22)."""


def age_of(program: str = PROGRAM, *, kernel: Path = Path("/proc")) -> float | None:
    """Return for how many seconds the oldest process of that name has run; none: there is none."""
    try:
        up_s = float((kernel / "uptime").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return None
    ages = [up_s - born for one in kernel.glob("[0-9]*") if (born := _born(one, program)) is not None]
    return max(ages, default=None)


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


def stands_silent(environment: Mapping[str, str] | None = None) -> Reason | None:
    """Return that OBS runs here although its port is closed, with its last complaints; none when it does not run.

    Reads files, so not for the event loop.
    """
    age_s = age_of()
    if age_s is None or age_s < CLOSED_FOR_S:
        return None
    told = complaints(logs_folder(os.environ if environment is None else environment))
    detail = f"OBS has run for {age_s:.0f} s and its port is closed: a question is open on its screen"
    return Reason("obs.runs_silent", detail, {"seconds": round(age_s), "log": " | ".join(told)})
