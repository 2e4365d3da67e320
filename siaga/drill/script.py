"""The script of a drill: the session, what goes wrong and when, and what is expected of room and people."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from agent.roomfile import RoomFile, device_kinds
from contract.words import Phase
from contract.yamlfile import Duration, FileMistakes, Mistake, Settings, Source, parse, read

DEVICE_FAULTS = ("unplug", "fault")
_TITLE_AT_MOST = 150
MARK = "LATIHAN · "
"""Before a drill's title, wherever it is shown or printed."""


class SessionSettings(Settings):
    """The session that is practised; its times count from the drill's beginning."""

    title: Annotated[str, Field(min_length=1, max_length=_TITLE_AT_MOST)]
    prepare: Duration = timedelta(seconds=5)
    start: Duration
    lasts: Duration
    over_run: Duration | None = None
    """How long it may go on when nobody ends it; without it, as the room file says."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not timedelta(0) <= self.prepare < self.start or self.lasts <= timedelta(0):
            raise ValueError("wanted 0 <= prepare < start, and a session that lasts")
        return self


class ExpectSettings(Settings):
    """How soon something must have happened; what is not named is only measured."""

    noticed: Duration | None = None
    """By the agent, after it broke."""
    mended: Duration | None = None
    """Good again for the agent, after it was mended."""
    person: Duration | None = None
    """The first thing that somebody does at the tablet, after it broke."""


class FaultSettings(Settings):
    """One thing that goes wrong."""

    at: Duration | None = None
    """Since the drill's beginning; or else `on`."""
    on: Phase | None = None
    """When the session comes into this phase."""
    after: Duration = timedelta(0)
    """So long after `on`."""
    do: Literal["unplug", "fault", "network", "disk", "clock", "press"]
    device: str | None = None
    """For `unplug` and `fault`."""
    name: str = ""
    value: str = ""
    """For `fault`: as in `siaga simulate KIND --fault NAME=VALUE`."""
    ok: str = "ok"
    """The value that mends it."""
    by: Duration | None = None
    """For `clock`: how far it is set ahead; with `back`, back."""
    back: bool = False
    preset: str | None = None
    """For `press`: somebody presses a button that you did not press."""
    lasts: Duration | None = None
    """After which it is mended by itself; without, it stays so until the end."""
    expect: ExpectSettings = ExpectSettings()

    @model_validator(mode="after")
    def _whole(self) -> Self:
        for complaint in self._complaints():
            raise ValueError(complaint)
        return self

    def _complaints(self) -> Iterator[str]:
        if (self.at is None) == (self.on is None):
            yield "wanted either `at` or `on`"
        if (self.device is None) == (self.do in DEVICE_FAULTS):
            yield f"`device` belongs to {' and '.join(DEVICE_FAULTS)}, and each of them needs one"
        if self.do == "fault" and not (self.name and self.value):
            yield "a `fault` needs `name` and `value`"
        if self.do == "clock" and self.by is None:
            yield "`clock` needs `by`"
        if self.do == "press" and self.preset is None:
            yield "`press` needs `preset`"
        if self.do == "disk" and self.lasts is None:
            yield "a `disk` that will not write must be mended: say how long it `lasts`"

    @property
    def told(self) -> str:
        """What it is, in a few words."""
        more = {
            "fault": f"{self.name}={self.value}",
            "clock": f"{'-' if self.back else '+'}{self.by.total_seconds():g} s" if self.by else "",
            "press": self.preset or "",
        }
        return " ".join(filter(None, (self.do, self.device or "", more.get(self.do, ""))))


class Script(Settings):
    """One drill."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    session: SessionSettings
    tablet: str | None = None
    """Where the tablet's page is served; without it where the room file says."""
    faults: tuple[FaultSettings, ...] = ()
    ends: Duration | None = None
    """The drill ends so long after its beginning; without it, once the session is reported."""
    expect_report: bool = True
    """Whether the session must have come to its report."""


def load(path: Path, room: RoomFile) -> Script:
    """Return the script at `path`, which fits `room`.

    Raises:
        FileMistakes: everything wrong in it.
    """
    source = read(path)
    script = parse(source, Script)
    mistakes = tuple(_unfit(source, script, room))
    if mistakes:
        raise FileMistakes(path, mistakes)
    return script


def _unfit(source: Source, script: Script, room: RoomFile) -> Iterator[Mistake]:
    kinds = device_kinds(room)
    for number, fault in enumerate(script.faults):
        if fault.device is not None and fault.device not in kinds:
            text = f"wanted a device of the room ({', '.join(kinds)}), found {fault.device!r}"
            yield source.mistake(("faults", number, "device"), text)
        if fault.preset is not None and fault.preset not in room.presets:
            text = f"wanted a preset of the room ({', '.join(room.presets)}), found {fault.preset!r}"
            yield source.mistake(("faults", number, "preset"), text)
