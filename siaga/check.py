"""`siaga check`: every mistake of a file; for a room also every device, asked once."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.table import Table

from contract.yamlfile import read
from siaga.device import Shown

if TYPE_CHECKING:
    from agent.rehearsal import Rehearsal
    from central.settings import CentralSettings

NOTES = {
    "fail": "device is not there",
    "unknown": "not looked at",
    "skip": "not done: its condition is not met",
    "ask": "if the device says so",
    "jump": "refused: while live no gain goes up by more than 6 dB at once",
}
NOT_LOOKED_AT: Shown = {"condition": "absent", "measures": []}


@dataclass(frozen=True, slots=True)
class Checked:
    """What a file and the devices it names are worth."""

    path: Path
    kind: str
    good: bool
    verdict: str = ""
    devices: dict[str, Shown] = field(default_factory=dict)
    presets: tuple[Rehearsal, ...] = ()
    """What each preset would do with the devices as they are."""
    warnings: tuple[str, ...] = ()
    """What is no mistake and has to be seen to all the same."""

    def show(self, *, as_json: bool) -> None:
        """Print it."""
        if as_json:
            shown = {"file": str(self.path), "kind": self.kind, "good": self.good, "verdict": self.verdict}
            presets = {found.preset: _plain(found) for found in self.presets}
            more = {"devices": self.devices, "presets": presets, "warnings": list(self.warnings)}
            typer.echo(json.dumps(shown | more, ensure_ascii=False))
            return
        typer.echo(f"{self.path}: a {self.kind} file without mistakes")
        if self.devices:
            Console().print(_table(self.devices))
            for found in self.presets:
                Console().print(_steps(found))
        if self.verdict:
            typer.echo(f"{'room' if self.kind == 'room' else 'database'}: {self.verdict}")
        for warning in self.warnings:
            typer.echo(f"warning: {warning}")


def _table(devices: dict[str, Shown]) -> Table:
    table = Table("device", "condition", "measured", "value", "limit", "verdict")
    for name, health in devices.items():
        measures = health["measures"]
        rows = measures if isinstance(measures, list) else []
        table.add_row(name, str(health["condition"]), str(health["reason"]), "", "", "")
        for measure in rows:
            value = f"{measure['value']} {measure['unit']}".strip()
            table.add_row("", "", measure["name"], value, measure["limit"], str(measure["verdict"]))
    return table


def _steps(found: Rehearsal) -> Table:
    """Return what a preset would do; steps with the same number start together."""
    table = Table(
        "",
        "device",
        "would do",
        "usually",
        "at most",
        "",
        title=f"{found.preset}: {_time(found.takes)}, at most {_time(found.at_most)}",
    )
    for step in found.steps:
        told = " ".join([step.verb, *(f"{name}={value}" for name, value in step.arguments.items())])
        note = NOTES.get(step.would, "")
        table.add_row(str(step.starts_with), step.device, told, _time(step.takes), _time(step.at_most), note)
    return table


def _time(length: timedelta) -> str:
    return f"{length.total_seconds():g} s"


def _plain(found: Rehearsal) -> dict[str, object]:
    steps = [
        {
            "step": step.step,
            "starts_with": step.starts_with,
            "device": step.device,
            "verb": step.verb,
            "args": dict(step.arguments),
            "takes_s": step.takes.total_seconds(),
            "at_most_s": step.at_most.total_seconds(),
            "would": step.would,
            "optional": step.optional,
        }
        for step in found.steps
    ]
    return {
        "good": found.is_good,
        "takes_s": found.takes.total_seconds(),
        "at_most_s": found.at_most.total_seconds(),
        "steps": steps,
    }


async def check_file(path: Path) -> Checked:
    """Read the file at `path`, whichever of the two kinds it is."""
    if "room" in read(path).value:
        return await _check_room(path)
    return _check_central(path)


def _check_central(path: Path) -> Checked:
    from central.db.store import look
    from central.errors import Unfit
    from central.settings import load

    settings = load(path)
    try:
        verdict, good = look(settings.database_url), True
    except Unfit as error:
        verdict, good = str(error), False
    missing = settings.policy.missing(settings.zone, datetime.now(settings.zone).date())
    warnings = (*(str(days) for days in missing), *_unset(settings))
    return Checked(path, "central", good, verdict, warnings=warnings)


def _unset(settings: CentralSettings) -> Iterator[str]:
    """Yield each environment variable that the file names and that holds nothing here."""
    file = settings.file
    wanted = {"broker.password_env": file.broker.password_env}
    if file.sign_on is not None:
        wanted["sign_on.secret_env"] = file.sign_on.secret_env
    for name, channel in file.notifications.channels.items():
        wanted[f"notifications.channels.{name}.url_env"] = channel.url_env
    for name, hook in file.notifications.webhooks.items():
        wanted[f"notifications.webhooks.{name}.secret_env"] = hook.secret_env
    for key, variable in wanted.items():
        if variable and not os.environ.get(variable):
            yield f"{key}: {variable} is not set here; central needs it in its own environment"


async def _check_room(path: Path) -> Checked:
    from agent.check import check
    from agent.gains import gains_at_start
    from agent.presets import presets_of
    from agent.rehearsal import rehearse
    from agent.roomfile import load
    from contract import Readiness
    from siaga.device import shown_health

    found = await check(path)
    devices = {
        seen.name: shown_health(seen.health) if seen.health else NOT_LOOKED_AT | {"reason": str(seen.condition)}
        for seen in found.devices
    }
    verdict = found.assessment.readiness
    by_name = {seen.name: seen for seen in found.devices}
    room = load(path)
    cooked = presets_of(room)
    heard_from = {room.phases.live: gains_at_start(cooked, room.phases, by_name)}
    presets = tuple(rehearse(one, by_name, heard_from=heard_from.get(one.name)) for one in cooked.values())
    return Checked(path, "room", verdict is Readiness.READY, str(verdict), devices, presets)
