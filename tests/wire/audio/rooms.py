"""Rooms to test in: a private PulseAudio server with null devices, and the room model."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

UP_WITHIN_S = 15.0

MODULES = (
    # without norewinds a null sink's first capture comes two seconds late
    "module-null-sink norewinds=1 rate=48000 sink_name=speaker channels=2",
    "module-null-sink norewinds=1 rate=48000 sink_name=air channels=1 channel_map=mono",
    "module-remap-source source_name=mic master=air.monitor channels=1 channel_map=mono remix=no",
    "module-loopback source=speaker.monitor sink=air latency_msec=20 source_dont_move=1 sink_dont_move=1",
)


@dataclass
class PulseRoom:
    """A sound server of its own: `speaker`, the `air` between, and `mic`."""

    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="pulse-")))  # socket paths are short

    @property
    def environment(self) -> dict[str, str]:
        here = str(self.folder)
        return {
            **dict.fromkeys(
                ("HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "PULSE_RUNTIME_PATH", "PULSE_STATE_PATH"), here
            ),
            "PULSE_SERVER": f"unix:{here}/native",
            # else it starts a bus daemon that stays behind
            "DBUS_SESSION_BUS_ADDRESS": "disabled:",
            "DBUS_SYSTEM_BUS_ADDRESS": "disabled:",
        }

    def start(self) -> None:
        """Start the server and return once it answers."""
        native = f"module-native-protocol-unix socket={self.folder}/native auth-anonymous=1 auth-cookie-enabled=0"
        loads = [part for module in (*MODULES, native) for part in ("-L", module)]
        options = ["-n", "-F", "/dev/null", "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=20"]
        quiet = ["--high-priority=no", "--realtime=no", "--log-level=error"]
        self._server = subprocess.Popen(
            ["pulseaudio", *options, *quiet, *loads],
            env={**os.environ, **self.environment},
            stderr=subprocess.DEVNULL,
        )
        self._wait_until_it_answers()

    def ensure(self) -> None:
        """Start the server anew when it is gone: it leaves by itself when nobody was there for a while."""
        self.thaw()
        if self._server.poll() is not None:
            self.start()

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + UP_WITHIN_S
        while subprocess.run(["pactl", "info"], env=self._env(), capture_output=True, check=False).returncode:
            if time.monotonic() > deadline:
                raise TimeoutError("the sound server did not answer")
            time.sleep(0.02)

    def stop(self) -> None:
        self.thaw()
        self._server.terminate()
        self._server.wait(5)
        self.remove()

    def remove(self) -> None:
        """Delete what the server left."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def crash(self) -> None:
        """Kill the server; `start` starts another in its place."""
        self.end(signal.SIGKILL)

    def end(self, number: signal.Signals) -> None:
        """End the server by a signal."""
        self._server.send_signal(number)
        self._server.wait(5)

    def freeze(self) -> None:
        """Hang the server, as a driver stuck in the kernel does."""
        self._server.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._server.send_signal(signal.SIGCONT)

    def pactl(self, *arguments: str) -> str:
        done = subprocess.run(
            ["pactl", "-f", "json", *arguments], env=self._env(), capture_output=True, text=True, check=True, timeout=5
        )
        return done.stdout

    def source(self, name: str) -> dict[str, object]:
        return next(entry for entry in json.loads(self.pactl("list", "sources")) if entry["name"] == name)

    def _env(self) -> dict[str, str]:
        return {**os.environ, **self.environment, "LC_ALL": "C"}


PACKAGES = "pulseaudio pulseaudio-utils libasound2-plugins"


def needed(*programs: str, packages: str = PACKAGES) -> None:
    """Skip without PulseAudio, or without `programs`, but not where nobody would notice."""
    missing = [program for program in programs or ("pulseaudio", "pactl") if shutil.which(program) is None]
    if missing and os.environ.get("CI"):
        pytest.fail(f"{', '.join(missing)} missing although CI is set")
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed: apt install {packages}")
