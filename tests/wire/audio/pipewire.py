"""A room on a private PipeWire: the same devices through its PulseAudio service."""

from __future__ import annotations

import json
import subprocess
import time

from tests.wire.audio.rooms import MODULES, UP_WITHIN_S, PulseRoom

PROGRAMS = ("pipewire", "wireplumber", "pipewire-pulse", "dbus-daemon", "pactl")


class PipeWireRoom(PulseRoom):
    """`speaker`, the `air` between, and `mic`, of a bus, PipeWire, WirePlumber and its PulseAudio side."""

    @property
    def environment(self) -> dict[str, str]:
        here = str(self.folder)
        return {
            **super().environment,
            "PIPEWIRE_RUNTIME_DIR": here,
            # without a session bus WirePlumber ends at once and loading a module hangs
            "DBUS_SESSION_BUS_ADDRESS": f"unix:path={here}/bus",
        }

    def start(self) -> None:
        """Start all four and return once the devices are there."""
        address = self.environment["DBUS_SESSION_BUS_ADDRESS"]
        self._programs: list[subprocess.Popen[bytes]] = []
        self._run("dbus-daemon", "--session", "--nofork", "--nopidfile", f"--address={address}")
        self._wait_for("bus")
        self._run("pipewire")
        self._wait_for("pipewire-0")
        self._run("wireplumber")
        self._run("pipewire-pulse")
        self._wait_until_it_answers()
        for module in MODULES:
            self.load(*module.split())

    def load(self, *module: str) -> str:
        """Load a module and return its number, once its device is listed."""
        number = str(json.loads(self.pactl("load-module", *module))["index"])
        names = [word.partition("=")[2] for word in module if word.startswith(("sink_name=", "source_name="))]
        deadline = time.monotonic() + UP_WITHIN_S
        while not all(name in self.pactl("list", "short") for name in names):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{module[0]} made no device")
            time.sleep(0.02)
        return number

    def stop(self) -> None:
        for program in reversed(self._programs):
            program.terminate()
        for program in self._programs:
            program.wait(5)
        self.remove()

    def _run(self, *command: str) -> None:
        quiet = subprocess.DEVNULL
        self._programs.append(subprocess.Popen(command, env=self._env(), stdout=quiet, stderr=quiet))

    def _wait_for(self, socket: str) -> None:
        deadline = time.monotonic() + UP_WITHIN_S
        while not (self.folder / socket).exists():
            if time.monotonic() > deadline:
                raise TimeoutError(f"no {socket} appeared")
            time.sleep(0.01)
