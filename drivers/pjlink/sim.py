"""A projector that speaks PJLink class 1 and takes its time to warm up.

    python -m drivers.pjlink.sim --listen 127.0.0.1:0 --fault lamp=error

Written from the specification. `SIAGA_PJLINK_PASSWORD` makes it ask for a password.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import secrets
import sys
import time

from drivers import simulation

IDLE_S = 30.0
_WATCHED = ("fan", "lamp", "temperature", "cover", "filter", "other")
_DEGREE = {"ok": "0", "warning": "1", "error": "2"}


class SimulatedProjector:
    """What it remembers, and what it answers."""

    def __init__(self, *, warm_up_s: float = 20.0, cool_down_s: float = 10.0, password: str = "") -> None:
        self.warm_up_s = warm_up_s
        self.cool_down_s = cool_down_s
        self.password = password
        self.inputs = ["11", "21", "31", "32"]
        self.selected = "31"
        self.parts = dict.fromkeys(_WATCHED, "ok")
        self.silent = False
        self.visits = 0
        self._on = False
        self._since = time.monotonic() - 3600.0

    @property
    def power(self) -> str:
        """`0` standby, `1` on, `2` cooling, `3` warming."""
        takes_s = self.warm_up_s if self._on else self.cool_down_s
        arrived = time.monotonic() - self._since >= takes_s
        return {(True, True): "1", (True, False): "3", (False, True): "0", (False, False): "2"}[self._on, arrived]

    def fault(self, name: str, value: str) -> None:
        """Break or mend something.

        Raises:
            ValueError: names what there is.
        """
        if name in self.parts and value in _DEGREE:
            self.parts[name] = value
        elif (name, value) in {("answers", "ok"), ("answers", "none")}:
            self.silent = value == "none"
        else:
            raise ValueError(
                f"fault must be {'|'.join(_WATCHED)}=ok|warning|error or answers=ok|none, got {name}={value}"
            )

    def answer(self, line: str) -> str:
        """Return what the projector says to one line."""
        command, _, value = line.removeprefix("%1").partition(" ")
        if not line.startswith("%1") or command not in {"POWR", "INPT", "INST", "ERST", "NAME", "INF1", "INF2", "CLSS"}:
            return f"%1{command}=ERR1"
        return f"%1{command}={self._asked(command) if value == '?' else self._told(command, value)}"

    def _asked(self, command: str) -> str:
        match command:
            case "POWR":
                return self.power
            case "INPT":
                return self.selected if self.power == "1" else "ERR3"
            case "INST":
                return " ".join(self.inputs)
            case "ERST":
                return "".join(_DEGREE[self.parts[part]] for part in _WATCHED)
            case _:
                return {"NAME": "Proyektor", "INF1": "Siaga", "INF2": "Simulated", "CLSS": "1"}[command]

    def _told(self, command: str, value: str) -> str:
        match command, value:
            case "POWR", "0" | "1":
                return self._switch(value == "1")
            case "INPT", _ if value in self.inputs:
                if self.power != "1":
                    return "ERR3"
                self.selected = value
                return "OK"
            case "POWR" | "INPT", _:
                return "ERR2"
            case _:
                return "ERR1"

    def _switch(self, on: bool) -> str:
        if self.power in {"2", "3"}:
            return "OK" if on is self._on else "ERR3"
        if on is not self._on:
            self._on, self._since = on, time.monotonic()
        return "OK"

    async def serve(self, host: str = "127.0.0.1", port: int = 0) -> tuple[asyncio.Server, str]:
        """Listen; return the server and the device address."""
        server = await asyncio.start_server(self._visited, host, port)
        where = server.sockets[0].getsockname()
        return server, f"pjlink://{where[0]}:{where[1]}"

    async def _visited(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.visits += 1
        try:
            async with asyncio.timeout(IDLE_S):
                await self._converse(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # the visitor left or stayed too long
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seed = secrets.token_hex(4)
        writer.write(f"PJLINK 1 {seed}\r".encode() if self.password else b"PJLINK 0\r")
        wanted = (
            hashlib.md5((seed + self.password).encode(), usedforsecurity=False).hexdigest() if self.password else ""
        )
        while True:
            line = (await reader.readuntil(b"\r"))[:-1].decode(errors="replace")
            if self.silent:
                continue
            if not line.startswith(wanted):
                writer.write(b"PJLINK ERRA\r")
                await writer.drain()
                return
            writer.write(self.answer(line.removeprefix(wanted)).encode() + b"\r")
            wanted = ""


async def _run(projector: SimulatedProjector, host: str, port: int) -> None:
    server, address = await projector.serve(host, port)
    await simulation.serve_until_told(address)
    server.close()


def main(argv: list[str]) -> int:
    """Serve a projector until SIGTERM or SIGINT."""
    parser = simulation.arguments("python -m drivers.pjlink.sim", "A simulated PJLink projector.")
    parser.add_argument("--warm-up", type=float, default=20.0, metavar="SECONDS")
    parser.add_argument("--cool-down", type=float, default=10.0, metavar="SECONDS")
    chosen = parser.parse_args(argv)
    password = os.environ.get("SIAGA_PJLINK_PASSWORD", "")
    projector = SimulatedProjector(warm_up_s=chosen.warm_up, cool_down_s=chosen.cool_down, password=password)
    simulation.switch_on(chosen.fault, projector.fault, parser)
    asyncio.run(_run(projector, *chosen.listen))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
