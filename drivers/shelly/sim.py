"""A Shelly switch with four outlets on a real HTTP port.

    python -m drivers.shelly.sim --listen 127.0.0.1:0 --fault relay=stuck

Written from the device API. A relay takes 20 ms.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from drivers import simulation

RELAY_S = 0.02
LOAD_W = 42.0
OUTLETS = 4


class SimulatedShelly:
    """What it remembers, and what it answers."""

    def __init__(self) -> None:
        self.on = [False] * OUTLETS
        self.stuck = False
        self.silent = False
        self.locked = False
        self.overheated = False

    def fault(self, name: str, value: str) -> None:
        """Break or mend something.

        Raises:
            ValueError: names what there is.
        """
        match name, value:
            case "relay", "ok" | "stuck":
                self.stuck = value == "stuck"
            case "answers", "ok" | "none":
                self.silent = value == "none"
            case "password", "ok" | "wanted":
                self.locked = value == "wanted"
            case "temperature", "ok" | "high":
                self.overheated = value == "high"
            case _:
                known = "relay=ok|stuck, answers=ok|none, password=ok|wanted, temperature=ok|high"
                raise ValueError(f"fault must be {known}, got {name}={value}")

    def answer(self, method: str, arguments: dict[str, str]) -> tuple[HTTPStatus, dict[str, object]]:
        """Return status and body for one call."""
        if method not in {"Switch.Set", "Switch.GetStatus"}:
            return HTTPStatus.NOT_FOUND, {"code": 404, "message": f"No handler for {method}"}
        given = arguments.get("id", "")
        if not given.isdecimal() or int(given) >= OUTLETS:
            return HTTPStatus.INTERNAL_SERVER_ERROR, {
                "code": -105,
                "message": f"Argument 'id', value {given} not found!",
            }
        outlet = int(given)
        return HTTPStatus.OK, self._set(outlet, arguments) if method == "Switch.Set" else self._status(outlet)

    def _set(self, outlet: int, arguments: dict[str, str]) -> dict[str, object]:
        was_on = self.on[outlet]
        time.sleep(RELAY_S)
        if not self.stuck:
            self.on[outlet] = arguments.get("on") == "true"
        return {"was_on": was_on}

    def _status(self, outlet: int) -> dict[str, object]:
        on = self.on[outlet]
        found: dict[str, object] = {
            "id": outlet,
            "source": "HTTP_in",
            "output": on,
            "apower": LOAD_W if on else 0.0,
            "temperature": {"tC": 95.0 if self.overheated else 41.2},
        }
        return {**found, "errors": ["overtemp"]} if self.overheated else found


class _Handler(BaseHTTPRequestHandler):
    server: SimulatorServer

    def do_GET(self) -> None:
        shelly = self.server.shelly
        if shelly.silent:
            self.close_connection = True
            return
        parts = urlsplit(self.path)
        arguments = {name: values[0] for name, values in parse_qs(parts.query).items()}
        status, found = shelly.answer(parts.path.removeprefix("/rpc/"), arguments)
        if shelly.locked:
            status, found = HTTPStatus.UNAUTHORIZED, {"code": 401, "message": "Unauthorized"}
        body = json.dumps(found).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Keep quiet: a real one has no log on our terminal."""


class SimulatorServer(ThreadingHTTPServer):
    """Serves one simulated Shelly."""

    daemon_threads = False

    def __init__(self, shelly: SimulatedShelly, host: str = "127.0.0.1", port: int = 0) -> None:
        self.shelly = shelly
        super().__init__((host, port), _Handler)
        self._serving = threading.Thread(target=self.serve_forever, args=(0.05,), name="shelly-sim")

    @property
    def address(self) -> str:
        """Where it serves, as a device address."""
        host, port = self.server_address[:2]
        return f"shelly+http://{host!s}:{port}"

    def start(self) -> None:
        """Serve until `close`."""
        self._serving.start()

    def close(self) -> None:
        """Stop serving."""
        self.shutdown()
        self.server_close()
        self._serving.join()


def main(argv: list[str]) -> int:
    """Serve a Shelly until SIGTERM or SIGINT."""
    parser = simulation.arguments("python -m drivers.shelly.sim", "A simulated Shelly switch.")
    chosen = parser.parse_args(argv)
    shelly = SimulatedShelly()
    simulation.switch_on(chosen.fault, shelly.fault, parser)
    server = SimulatorServer(shelly, *chosen.listen)
    server.start()
    simulation.block_until_told(server.address)
    server.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
