"""What the same exchanges cost with a bare `websockets` client: ask, wait, decode. Nothing is matched or kept."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import cast

from websockets.sync.client import ClientConnection, connect

from tests.wire.obs.oracle import identify

Json = dict[str, object]


class Bare:
    """A blocking client that has identified and hears no events."""

    def __init__(self, port: int, password: str = "") -> None:
        self._socket: ClientConnection = connect(f"ws://127.0.0.1:{port}", compression=None, max_size=None)
        hello = json.loads(self._socket.recv())["d"]
        proof = identify(hello, password) if password else {"rpcVersion": 1}
        self._socket.send(json.dumps({"op": 1, "d": proof | {"eventSubscriptions": 0}}))
        self._socket.recv()

    def ask(self, request: str, **fields: object) -> Json:
        """Return what the next message answers."""
        body = {"requestType": request, "requestId": "1", "requestData": fields}
        self._socket.send(json.dumps({"op": 6, "d": body}))
        return cast("Json", json.loads(self._socket.recv())["d"])

    def close(self) -> None:
        """Let go."""
        self._socket.close()


@contextlib.contextmanager
def simulator(*arguments: str, port: int = 0) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """Run a simulated OBS as a process of its own; gives its port and the process."""
    command = [sys.executable, "-m", "drivers.obs.sim", "--listen", f"127.0.0.1:{port}", *arguments]
    environment = {name: value for name, value in os.environ.items() if name != "SIAGA_OBS_PASSWORD"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        if process.stdout is None:
            raise RuntimeError("the simulator has no output")
        try:
            yield int(process.stdout.readline().rpartition(":")[2]), process
        finally:
            process.send_signal(signal.SIGCONT)
            process.kill()
