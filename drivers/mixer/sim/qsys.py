"""A Q-SYS Core that speaks QRC, as Q-SYS Help gives it: JSON-RPC 2.0 ended by zero bytes.

Two gain components with script access. A connection hears the engine's status first; a change
group that is polled by itself tells what differs, in results with the number of the request that
asked for it. Errors are those of the document: 7 an unknown component, 8 an unknown control, 10
somebody who has not logged on.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field

from drivers.mixer.sim.faults import Faults
from drivers.mixer.sim.tcp import TcpSimulator, Visit

Json = dict[str, object]
Place = tuple[str, str]


@dataclass
class Group:
    """A change group of one connection."""

    controls: list[Place] = field(default_factory=list)
    told: dict[Place, object] = field(default_factory=dict)
    number: object = None
    rate_s: float = 0.0


class QrcError(Exception):
    """What the Core answers instead of a result."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class SimulatedCore(TcpSimulator):
    """A Core with a design in which two microphones have a gain block each."""

    scheme = "qsys"

    def __init__(self, faults: Faults | None = None, *, user: str = "", pin: str = "") -> None:
        super().__init__(faults)
        self.values: dict[Place, object] = {}
        for name in ("Mik Meja", "Mik Pembicara"):
            self.values |= {(name, "mute"): False, (name, "gain"): 0.0}
        self.engine: Json = {
            "Platform": "Core 110f", "State": "Active", "DesignName": "Ruang Praja", "DesignCode": "qALFilm6IcCo",
            "IsRedundant": False, "IsEmulator": False, "Status": {"Code": 0, "String": "OK"},
        }  # fmt: skip
        self._login = (user, pin)
        self._rest: dict[Visit, bytes] = {}
        self._groups: dict[Visit, dict[str, Group]] = {}
        self._known: set[Visit] = set()

    def greet(self, visit: Visit) -> None:
        """Say how the engine is."""
        self._say(visit, {"method": "EngineStatus", "params": self.engine})

    def take(self, visit: Visit, data: bytes) -> None:
        """Answer every message that has ended."""
        *messages, self._rest[visit] = (self._rest.get(visit, b"") + data).split(b"\0")
        for message in messages:
            self._answer(visit, message)

    def turn(self, component: str, control: str, value: object) -> None:
        """Somebody sets it at a touch panel."""
        self.values[component, control] = value

    def be(self, state: str) -> None:
        """Go to another state, which everybody is told."""
        self.engine["State"] = state
        for visit in self.visits:
            self.greet(visit)

    def _answer(self, visit: Visit, message: bytes) -> None:
        try:
            asked = json.loads(message)
        except ValueError:
            self._say(visit, {"id": None, "error": {"code": -32700, "message": "Parse error"}})
            return
        number = asked.get("id")
        try:
            result = self._carry_out(visit, asked.get("method"), asked.get("params") or {}, number)
            self._say(visit, {"id": number, "result": result})
        except QrcError as error:
            self._say(visit, {"id": number, "error": {"code": error.code, "message": str(error)}})

    def _carry_out(self, visit: Visit, method: object, params: Json, number: object) -> object:
        """Do what is asked.

        Raises:
            QrcError: it cannot be.
        """
        if method == "Logon" and (params.get("User"), params.get("Password")) == self._login:
            self._known.add(visit)
        if self._login != ("", "") and visit not in self._known:
            raise QrcError(10, "Logon required")
        match method:
            case "NoOp" | "Logon":
                return True
            case "StatusGet":
                return self.engine
            case "Component.Get":
                places = self._places(params)
                return {"Name": params["Name"], "Controls": [self._row(place) for place in places]}
            case "Component.Set":
                return self._set(params)
            case "ChangeGroup.AddComponentControl" | "ChangeGroup.AutoPoll":
                return self._watch(visit, params, number)
            case _:
                raise QrcError(-32601, f"Method not found: {method}")

    def _watch(self, visit: Visit, params: Json, number: object) -> bool:
        """Add to a change group, or begin to poll it."""
        group = self._group(visit, params)
        if isinstance(component := params.get("Component"), dict):
            group.controls += self._places(component)
        else:
            group.number, group.rate_s = number, float(str(params.get("Rate", 1)))
            self._poll(visit, str(params.get("Id")))
        return True

    def _set(self, params: Json) -> bool:
        """Set controls.

        Raises:
            QrcError: there is no such thing.
        """
        rows = params.get("Controls")
        for place, row in zip(self._places(params), rows if isinstance(rows, list) else [], strict=True):
            if place[1] == "mute" and self.faults.wrong_mute:
                continue
            value = row.get("Value")
            self.values[place] = max(-100.0, min(20.0, float(value))) if place[1] == "gain" else bool(value)
        return True

    def _places(self, params: Json) -> list[Place]:
        """Return the controls that are meant.

        Raises:
            QrcError: there is no such component, or no such control.
        """
        name, rows = str(params.get("Name")), params.get("Controls")
        if name not in {component for component, _ in self.values}:
            raise QrcError(7, f"Unknown component name: {name}")
        places = [(name, str(row.get("Name"))) for row in (rows if isinstance(rows, list) else [])]
        for place in places:
            if place not in self.values:
                raise QrcError(8, f"Unknown control: {place[1]}")
        return places

    def _row(self, place: Place) -> Json:
        value = self.values[place]
        text = ("muted" if value else "unmuted") if isinstance(value, bool) else f"{value}dB"
        return {"Name": place[1], "Value": value, "String": text, "Position": 0.0}

    def _group(self, visit: Visit, params: Json) -> Group:
        return self._groups.setdefault(visit, {}).setdefault(str(params.get("Id")), Group())

    def _poll(self, visit: Visit, ident: str) -> None:
        """Tell what differs, and look again; a connection that ended is forgotten."""
        if visit not in self.visits:
            return
        group = self._groups[visit][ident]
        new = [place for place in group.controls if group.told.get(place, ...) != self.values[place]]
        if new:
            changes = [{"Component": place[0], **self._row(place)} for place in new]
            group.told |= {place: self.values[place] for place in new}
            self._say(visit, {"id": group.number, "result": {"Id": ident, "Changes": changes}})
        asyncio.get_running_loop().call_later(group.rate_s, self._poll, visit, ident)

    @staticmethod
    def _say(visit: Visit, message: Json) -> None:
        visit.say(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\0")
