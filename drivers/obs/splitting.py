"""Recordings in parts: a long one is lost in part only, and fits disks that take no large files.

OBS splits in its advanced output mode alone, where recordings are of the type Standard; its
settings for that are read when a recording starts. Seen on OBS 29.0: the simple mode ignores
them, the event of the end names the first file, and no event names the others.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from drivers.address import DeviceAddress
from drivers.errors import AddressError
from drivers.obs.recording import Recording

MODE: Final = ("Output", "Mode")
KIND: Final = ("AdvOut", "RecType")
ADVANCED, STANDARD = "Advanced", "Standard"
OLDER_BY_S: Final = 5.0
"""File systems keep moments roughly, and OBS opens the file before it says STARTED."""

_ASKED = re.compile(r"([1-9]\d{0,5})(min|MB)", re.ASCII)
_STEM = re.compile(r"(.*)\d{4}-\d\d-\d\d \d\d-\d\d-\d\d(?: \(\d+\))?")


@dataclass(frozen=True, slots=True)
class Split:
    """When a recording goes on in another file: after so many minutes, or so many megabytes."""

    amount: int
    by_size: bool

    def __str__(self) -> str:
        return f"{self.amount} {'MB' if self.by_size else 'min'}"

    @property
    def settings(self) -> dict[tuple[str, str], str]:
        """The parameters of OBS's profile that ask for it, by category and name."""
        kind = "Size" if self.by_size else "Time"
        asked = {"RecSplitFile": "true", "RecSplitFileType": kind, f"RecSplitFile{kind}": str(self.amount)}
        return {("AdvOut", name): value for name, value in asked.items()}


def split_of(address: DeviceAddress) -> Split | None:
    """Return what an address says of splitting.

    Raises:
        AddressError: neither minutes nor megabytes.
    """
    if (asked := address.options.get("split")) is None:
        return None
    if (found := _ASKED.fullmatch(asked)) is None:
        raise AddressError(f"{address}: split must be a number of min or MB, such as 60min or 3900MB, got {asked!r}")
    return Split(int(found[1]), found[2] == "MB")


def can_split(mode: str | None, kind: str | None) -> bool:
    """Return whether OBS splits with this output mode and this type of recording; without a type it is Standard."""
    return mode == ADVANCED and (kind or STANDARD) == STANDARD


def files_of(closed: Recording, now: float) -> tuple[Recording, ...]:
    """Return every file of a recording on this machine that has just come to rest, in order.

    `now` is the moment it was closed, in seconds of the files' clock.
    """
    path = Path(closed.path)
    stem = _STEM.fullmatch(path.stem)
    if stem is None:
        return (closed,)
    since = None if closed.lasted_s is None else now - closed.lasted_s - OLDER_BY_S
    try:
        beside = [one for one in path.parent.iterdir() if one.suffix == path.suffix]
        found = sorted(one for one in beside if _is_part(one, path, stem[1], since))
    except OSError:
        return (closed,)
    return tuple(
        replace(closed, path=str(one), part=number, parts=len(found)) for number, one in enumerate(found, start=1)
    ) or (closed,)


def _is_part(one: Path, known: Path, begins: str, since: float | None) -> bool:
    stem = _STEM.fullmatch(one.stem)
    if stem is None or stem[1] != begins:
        return False
    return one.name >= known.name or (since is not None and one.stat().st_mtime >= since)
