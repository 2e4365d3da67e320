"""A Tesira server that speaks Biamp's text protocol over Telnet, as the maker's pages give it.

It first negotiates, and greets only once every one of its offers is answered; a client that
lets it echo gets each line back. Two level blocks, one with a space in its tag. Values have six
decimals, subscriptions tell their first value before they are acknowledged.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field

from drivers.mixer.sim.faults import Faults
from drivers.mixer.sim.tcp import TcpSimulator, Visit

IAC, DONT, DO, WONT, WILL = 255, 254, 253, 252, 251
ECHO, SUPPRESS, TERMINAL, SPEED = 1, 3, 24, 32
OFFERS = ((DO, TERMINAL), (DO, SPEED), (WILL, SUPPRESS), (WILL, ECHO))
GREETING = b"\r\nWelcome to the Tesira Text Protocol Server...\r\n\r\n"
NO_FAULT = '[{"id":INDICATOR_NONE_IN_DEVICE "name":"No fault in device" "faults":[] "serialNumber":"03123456"}]'

Place = tuple[str, str, str]


@dataclass
class Client:
    """What the server knows of one connection."""

    rest: bytes = b""
    open_offers: int = len(OFFERS)
    echoes: bool = False
    verbose: bool = True
    tokens: dict[str, Place] = field(default_factory=dict)


class SimulatedTesira(TcpSimulator):
    """A TesiraFORTÉ with a level block for each of two microphones."""

    scheme = "tesira"

    def __init__(self, faults: Faults | None = None) -> None:
        super().__init__(faults)
        self.values: dict[Place, bool | float] = {}
        for tag in ("MikMeja", "Mik Pembicara"):
            self.values |= {(tag, "mute", "1"): False, (tag, "level", "1"): 0.0}
        self.fault_list = NO_FAULT
        self._clients: dict[Visit, Client] = {}

    def greet(self, visit: Visit) -> None:
        """Offer what Telnet servers offer; the greeting waits for the answers."""
        self._clients[visit] = Client()
        visit.say(b"".join(bytes((IAC, verb, option)) for verb, option in OFFERS))

    def take(self, visit: Visit, data: bytes) -> None:
        """Take answers to the offers and lines out of the bytes."""
        client = self._clients[visit]
        client.rest += data
        while client.rest:
            if client.rest[0] == IAC:
                if len(client.rest) < 3:
                    return
                self._negotiated(visit, client, client.rest[1], client.rest[2])
                client.rest = client.rest[3:]
            elif b"\n" in client.rest:
                line, _, client.rest = client.rest.partition(b"\n")
                self._answer(visit, client, line.decode("utf-8", "replace").strip())
            else:
                return

    def turn(self, tag: str, what: str, value: bool | float) -> None:
        """Somebody sets it at a panel."""
        self._put((tag, what, "1"), value)

    def _negotiated(self, visit: Visit, client: Client, verb: int, option: int) -> None:
        client.open_offers -= 1
        client.echoes |= (verb, option) == (DO, ECHO)
        if client.open_offers == 0:
            visit.say(GREETING)

    def _answer(self, visit: Visit, client: Client, line: str) -> None:
        if client.open_offers > 0 or not line:
            return
        if client.echoes:
            visit.say(f"{line}\r\n".encode())
        try:
            words = shlex.split(line)
        except ValueError:
            words = []
        visit.say(f"{self._answer_to(visit, client, words)}\r\n".encode())

    def _answer_to(self, visit: Visit, client: Client, words: list[str]) -> str:
        match words:
            case ["SESSION", "set", "verbose", "true" | "false" as on]:
                client.verbose = on == "true"
                return "+OK"
            case ["DEVICE", "get", what]:
                return self._of_device(client, what)
            case [tag, *_] if tag not in {place[0] for place in self.values}:
                return '-ERR address not found: {"deviceId":0 "classCode":0 "instanceNum":0}'
            case [tag, verb, what, number, *rest] if (tag, what, number) in self.values:
                return self._of_block(visit, client, verb, (tag, what, number), rest)
            case _:
                return "-ERR Parse error at 0: unknown command"

    def _of_device(self, client: Client, what: str) -> str:
        known = {"version": '"4.11.0.14"', "hostname": '"TesiraForte01"', "activeFaultList": self.fault_list}
        return self._ok(client, known[what]) if what in known else "-ERR INVALID_PARAMETER unknown attribute"

    def _of_block(self, visit: Visit, client: Client, verb: str, place: Place, rest: list[str]) -> str:
        match verb, rest:
            case "get", []:
                return self._ok(client, _written(self.values[place]))
            case "set", [value] if place[1] == "mute" and value in {"true", "false"}:
                if not self.faults.wrong_mute:
                    self._put(place, value == "true")
                return "+OK"
            case "set", [value] if place[1] == "level" and value.lstrip("-").replace(".", "", 1).isdigit():
                self._put(place, min(12.0, max(-100.0, float(value))))
                return "+OK"
            case "subscribe", [token, *_]:
                client.tokens[token] = place
                self._publish(visit, token, place)
                return "+OK"
            case _:
                return "-ERR INVALID_PARAMETER bad value"

    @staticmethod
    def _ok(client: Client, value: str) -> str:
        return f'+OK "value":{value}' if client.verbose else f"+OK {value}"

    def _put(self, place: Place, value: bool | float) -> None:
        changed, self.values[place] = self.values[place] != value, value
        for visit in self.visits if changed else ():
            for token, watched in self._clients[visit].tokens.items():
                if watched == place:
                    self._publish(visit, token, place)

    def _publish(self, visit: Visit, token: str, place: Place) -> None:
        visit.say(f'! "publishToken":"{token}" "value":{_written(self.values[place])}\r\n'.encode())


def _written(value: bool | float) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value:.6f}"
