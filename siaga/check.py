"""`siaga check`: every mistake of a file; for a room also every device, asked once."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from contract.yamlfile import read
from siaga.device import Shown

NOT_LOOKED_AT: Shown = {"condition": "absent", "measures": []}


@dataclass(frozen=True, slots=True)
class Checked:
    """What a file and the devices it names are worth."""

    path: Path
    kind: str
    good: bool
    verdict: str = ""
    devices: dict[str, Shown] = field(default_factory=dict)

    def show(self, *, as_json: bool) -> None:
        """Print it."""
        if as_json:
            shown = {"file": str(self.path), "kind": self.kind, "good": self.good, "verdict": self.verdict}
            typer.echo(json.dumps({**shown, "devices": self.devices}, ensure_ascii=False))
            return
        typer.echo(f"{self.path}: a {self.kind} file without mistakes")
        if self.devices:
            Console().print(_table(self.devices))
            typer.echo(f"room: {self.verdict}")


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


async def check_file(path: Path) -> Checked:
    """Read the file at `path`, whichever of the two kinds it is."""
    if "room" in read(path).value:
        return await _check_room(path)
    from central.settings import load

    load(path)
    return Checked(path, "central", good=True)


async def _check_room(path: Path) -> Checked:
    from agent.app import check
    from contract import Readiness
    from siaga.device import shown_health

    found = await check(path)
    devices = {
        seen.name: shown_health(seen.health) if seen.health else NOT_LOOKED_AT | {"reason": str(seen.condition)}
        for seen in found.devices
    }
    verdict = found.assessment.readiness
    return Checked(path, "room", verdict is Readiness.READY, str(verdict), devices)
