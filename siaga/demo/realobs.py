"""A real OBS Studio without a screen: Xvfb, a sound server of its own, a configuration of its own.

    python -m siaga.demo.realobs --listen 127.0.0.1:0

It is what `siaga demo --real-obs` and the tests run, from Debian's packages alone. It is
stopped by closing its window, as a person does: SIGTERM would lose what it has not saved,
and SIGINT crashes some versions.
"""

from __future__ import annotations

import ctypes
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from drivers import simulation
from drivers.obs.sim.app import PASSWORD_ENV
from drivers.obs.sim.studio import DEFAULT_COLLECTION

START_WITHIN_S = 20.0
QUIT_WITHIN_S = 15.0
MICROPHONE, SPEAKER = "Mikrofon", "Suara komputer"
PROFILE = COLLECTION = "Ruang"
ROOM_CANVAS = 640, 360
"""Small enough to be drawn without a graphics card, three rooms at a time."""
MURMUR_VOLUME = 0.2
"""As PulseAudio counts: 42 dB below the full tone."""
PACKAGES = {"obs": "obs-studio obs-plugins", "Xvfb": "xvfb", "pulseaudio": "pulseaudio"}
"""What must be installed, by the program that shows it."""


class NoObs(Exception):
    """A real OBS was wanted and did not come up; says why."""


def missing() -> list[str]:
    """Return the packages that a real OBS lacks here."""
    return [package for tool, package in PACKAGES.items() if shutil.which(tool) is None]


def source(name: str, kind: str, **settings: object) -> dict[str, object]:
    """Return one source as a scene collection's file holds it."""
    return {
        "name": name, "id": kind, "versioned_id": kind, "settings": settings, "enabled": True, "muted": False,
        "volume": 1.0, "mixers": 255, "sync": 0, "flags": 0, "balance": 0.5, "hotkeys": {}, "uuid": str(uuid.uuid4()),
    }  # fmt: skip


def _item(number: int, name: str) -> dict[str, object]:
    vector = {"x": 0.0, "y": 0.0}
    return {
        "name": name, "id": number, "visible": True, "locked": False, "rot": 0.0, "pos": vector, "align": 5,
        "scale": {"x": 1.0, "y": 1.0}, "bounds_type": 0, "bounds_align": 0, "bounds": vector,
        "crop_left": 0, "crop_top": 0, "crop_right": 0, "crop_bottom": 0,
    }  # fmt: skip


def scene(name: str, *sources: str) -> dict[str, object]:
    """Return a scene of sources that stand in the same file."""
    items = [_item(number, source) for number, source in enumerate(sources, start=1)]
    return source(name, "scene", id_counter=len(items), items=items, custom_size=False)


def collection_of(name: str, scenes: tuple[str, ...], sources: list[dict[str, object]]) -> dict[str, object]:
    """Return a collection's file; its first scene is on air."""
    return {
        "name": name, "current_scene": scenes[0], "current_program_scene": scenes[0],
        "scene_order": [{"name": scene} for scene in scenes],
        "sources": sources, "groups": [], "transitions": [], "quick_transitions": [],
        "current_transition": "Cut", "transition_duration": 300, "saved_projectors": [], "modules": {},
        "AuxAudioDevice1": source(MICROPHONE, "pulse_input_capture", device_id="mic"),
        "DesktopAudioDevice1": source(SPEAKER, "pulse_output_capture", device_id="speaker"),
    }  # fmt: skip


def _ini(sections: dict[str, dict[str, object]]) -> str:
    """Return the sections as Qt's settings files write them."""
    lines = []
    for section, values in sections.items():
        lines += [f"[{section}]", *(f"{key}={_plain(value)}" for key, value in values.items()), ""]
    return "\n".join(lines)


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@dataclass
class Studio:
    """One OBS with everything it needs; `start`, use, `stop`."""

    port: int
    password: str
    collections: Mapping[str, Mapping[str, object]]
    """The first is the one it starts with."""
    profiles: Mapping[str, Mapping[str, object]]
    """Settings of its simple output by profile, and `rate`, its sound's; the first is the one it starts with."""
    canvas: tuple[int, int] = (1280, 720)
    fps: int = 30
    murmurs: bool = False
    """Let a quiet tone stand for a room's noise: a microphone without any is dead."""
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="obs-")))  # socket paths are short

    def __post_init__(self) -> None:
        self.recordings = self.folder / "recordings"
        self._started: list[subprocess.Popen[bytes]] = []
        self._obs: subprocess.Popen[bytes] | None = None
        self._display = ""

    def start(self) -> None:
        """Start everything and return once obs-websocket listens."""
        self._configure()
        self._start_screen()
        self._start_sound()
        self.start_obs()

    def start_obs(self) -> None:
        """Start OBS alone; it is tried once more if it dies on its way up, as some versions do.

        Raises:
            NoObs: it did not come up.
        """
        for _ in range(2):
            self._launch()
            if self._listens():
                return
        raise NoObs(f"OBS did not come up: {self.log()[-2000:]}")

    def quit(self) -> int:
        """Close its window as a person does; returns the exit code."""
        obs = self._running()
        _close_windows(self._display)
        try:
            return obs.wait(QUIT_WITHIN_S)
        except subprocess.TimeoutExpired:
            obs.kill()
            return obs.wait(5)

    def kill(self) -> None:
        """Let it crash."""
        self._running().kill()
        self._running().wait(5)

    def log(self) -> str:
        """Return what OBS wrote to its log."""
        logs = sorted((self.folder / "obs-studio" / "logs").glob("*.txt"))
        return logs[-1].read_text(errors="replace") if logs else ""

    def stop(self) -> None:
        """End everything and remove the folder."""
        if self._obs is not None and self._obs.poll() is None:
            self._obs.send_signal(signal.SIGCONT)
            self.quit()
        for process in reversed(self._started):
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)
        shutil.rmtree(self.folder, ignore_errors=True)

    # How it comes up.

    def _running(self) -> subprocess.Popen[bytes]:
        if self._obs is None:
            raise NoObs("OBS was not started")
        return self._obs

    def _configure(self) -> None:
        home = self.folder / "obs-studio"
        for path in (self.recordings, self.folder / "run", scenes := home / "basic" / "scenes"):
            path.mkdir(parents=True, exist_ok=True)
        (self.folder / "run").chmod(0o700)
        profile, collection = next(iter(self.profiles)), next(iter(self.collections))
        here = {
            "Profile": profile, "ProfileDir": profile, "SceneCollection": collection, "SceneCollectionFile": collection,
        }  # fmt: skip
        (home / "global.ini").write_text(
            _ini(
                {
                    "General": {"FirstRun": True, "EnableAutoUpdates": False, "LastVersion": 486539266},
                    "Basic": {**here, "ConfigOnNewProfile": False},
                    "BasicWindow": {"PreviewEnabled": False, "SysTrayEnabled": False},
                    "OBSWebSocket": {
                        "FirstLoad": False, "ServerEnabled": True, "ServerPort": self.port, "AlertsEnabled": False,
                        "AuthRequired": True, "ServerPassword": self.password,
                    },
                }
            )
        )  # fmt: skip
        for name, settings in self.profiles.items():
            self._write_profile(name, settings)
        for name, content in self.collections.items():
            (scenes / f"{name}.json").write_text(json.dumps(content))

    def _write_profile(self, name: str, settings: Mapping[str, object]) -> None:
        width, height = self.canvas
        simple = {key: value for key, value in settings.items() if key != "rate"}
        folder = self.folder / "obs-studio" / "basic" / "profiles" / name
        folder.mkdir(parents=True)
        (folder / "basic.ini").write_text(
            _ini(
                {
                    "General": {"Name": name},
                    "Video": {
                        "BaseCX": width, "BaseCY": height, "OutputCX": width, "OutputCY": height,
                        "FPSType": 1, "FPSInt": self.fps,
                    },
                    "Output": {"Mode": "Simple"},
                    "SimpleOutput": {"FilePath": self.recordings, "RecFormat": "mkv", **simple},
                    "AdvOut": {"RecFilePath": self.recordings, "RecFormat": "mkv"},
                    "Audio": {"SampleRate": settings.get("rate", 48000)},
                }
            )
        )  # fmt: skip

    def _start_screen(self) -> None:
        read, write = os.pipe()
        screen = ["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x720x24", "-nolisten", "tcp", "-noreset"]
        self._started.append(subprocess.Popen(screen, pass_fds=(write,), stderr=subprocess.DEVNULL))
        os.close(write)
        with os.fdopen(read) as told:
            self._display = f":{told.readline().strip()}"
        if self._display == ":":
            raise NoObs("Xvfb did not start")

    def _start_sound(self) -> None:
        native = f"module-native-protocol-unix socket={self.folder}/native auth-anonymous=1 auth-cookie-enabled=0"
        modules = (
            "module-null-sink norewinds=1 rate=48000 sink_name=speaker channels=2",
            "module-null-sink norewinds=1 rate=48000 sink_name=air channels=1 channel_map=mono",
            "module-sine-source source_name=mic frequency=220"
            if self.murmurs
            else "module-remap-source source_name=mic master=air.monitor channels=1 channel_map=mono remix=no",
            native,
        )
        loads = [part for module in modules for part in ("-L", module)]
        options = ["-n", "-F", "/dev/null", "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1"]
        quiet = ["--high-priority=no", "--realtime=no", "--log-level=error"]
        server = subprocess.Popen(
            ["pulseaudio", *options, *quiet, *loads], env=self._environment(), stderr=subprocess.DEVNULL
        )
        self._started.append(server)
        deadline = time.monotonic() + START_WITHIN_S
        while not (self.folder / "native").exists():
            if time.monotonic() > deadline:
                raise NoObs("pulseaudio did not answer")
            time.sleep(0.02)
        if self.murmurs:
            self._hush()

    def _hush(self) -> None:
        """Turn the tone down to what a room's noise is like."""
        import pulsectl

        with pulsectl.Pulse("siaga-demo", server=f"unix:{self.folder}/native") as server:
            server.volume_set_all_chans(server.get_source_by_name("mic"), MURMUR_VOLUME)

    def _environment(self) -> dict[str, str]:
        here = str(self.folder)
        return {
            **os.environ,
            **dict.fromkeys(("HOME", "XDG_CONFIG_HOME", "PULSE_RUNTIME_PATH", "PULSE_STATE_PATH"), here),
            "XDG_RUNTIME_DIR": f"{here}/run",
            "PULSE_SERVER": f"unix:{here}/native",
            "DBUS_SESSION_BUS_ADDRESS": "disabled:",
            "DBUS_SYSTEM_BUS_ADDRESS": "disabled:",
            "DISPLAY": self._display,
            "QT_QPA_PLATFORM": "xcb",
            "LIBGL_ALWAYS_SOFTWARE": "1",
            "GALLIUM_DRIVER": "llvmpipe",
            "LP_NUM_THREADS": "1",
            "LC_ALL": "C.UTF-8",
            "PATH": f"{here}/bin:{os.environ['PATH']}",
        }

    def _launch(self) -> None:
        options = ["--multi", "--disable-missing-files-check", "--disable-shutdown-check", "--websocket_ipv4_only"]
        self._obs = subprocess.Popen(
            ["obs", *options], env=self._environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def _listens(self) -> bool:
        """Wait until the port answers; false when OBS died or took too long."""
        obs, deadline = self._running(), time.monotonic() + START_WITHIN_S
        while obs.poll() is None and time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), 0.5).close()
            except OSError:
                time.sleep(0.02)
            else:
                return True
        obs.kill()
        obs.wait(5)
        return False


class _ClientMessage(ctypes.Structure):
    """XClientMessageEvent of Xlib, padded to the size of XEvent."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("serial", ctypes.c_ulong),
        ("send_event", ctypes.c_int),
        ("display", ctypes.c_void_p),
        ("window", ctypes.c_ulong),
        ("message_type", ctypes.c_ulong),
        ("format", ctypes.c_int),
        ("words", ctypes.c_long * 5),
        ("rest", ctypes.c_long * 12),
    )


def _close_windows(display: str) -> None:
    """Ask every top window of `display` to close, as a window manager's button does.

    Raises:
        NoObs: there is no such display.
    """
    x11 = ctypes.CDLL("libX11.so.6")
    x11.XOpenDisplay.restype = ctypes.c_void_p
    x11.XInternAtom.restype = x11.XDefaultRootWindow.restype = ctypes.c_ulong
    opened = ctypes.c_void_p(x11.XOpenDisplay(display.encode()))
    if not opened.value:
        raise NoObs(f"no X display {display}")
    protocols, delete = (x11.XInternAtom(opened, name, 0) for name in (b"WM_PROTOCOLS", b"WM_DELETE_WINDOW"))
    root, parent, children, number = (
        ctypes.c_ulong(),
        ctypes.c_ulong(),
        ctypes.POINTER(ctypes.c_ulong)(),
        ctypes.c_uint(),
    )
    x11.XQueryTree(
        opened, ctypes.c_ulong(x11.XDefaultRootWindow(opened)), ctypes.byref(root), ctypes.byref(parent),
        ctypes.byref(children), ctypes.byref(number),
    )  # fmt: skip
    for index in range(number.value):
        message = _ClientMessage(type=33, window=children[index], message_type=protocols, format=32)
        message.words[0] = delete
        x11.XSendEvent(opened, ctypes.c_ulong(children[index]), 0, ctypes.c_long(0), ctypes.byref(message))
    x11.XSync(opened, 0)
    x11.XCloseDisplay(opened)


def room_collection() -> dict[str, object]:
    """Return the scenes of the demo's rooms: those of the simulated OBS, with colours for what needs a camera."""
    simulated = json.loads(DEFAULT_COLLECTION.read_text())
    names, (width, height) = [entry["name"] for entry in simulated["scene_order"]], ROOM_CANVAS
    colours = {name: 0xFF203040 + 0x00181008 * number for number, name in enumerate(names)}
    solid = [
        source(f"Warna {name}", "color_source_v3", color=c, width=width, height=height) for name, c in colours.items()
    ]
    font = {"face": "DejaVu Sans", "size": 48, "style": "Book", "flags": 0}
    titles = [source(f"Nama {name}", "text_ft2_source_v2", text=name, font=font) for name in names]
    scenes = [scene(name, f"Warna {name}", f"Nama {name}") for name in names]
    return collection_of(COLLECTION, tuple(names), [*scenes, *solid, *titles])


def main(argv: list[str]) -> int:
    """Run an OBS for one room of the demo until told to end; 2 when it does not come up."""
    parser = simulation.arguments("python -m siaga.demo.realobs", "A real OBS Studio without a screen.")
    host, port = parser.parse_args(argv).listen
    studio = Studio(
        port or _free_port(),
        os.environ.get(PASSWORD_ENV) or secrets.token_urlsafe(12),
        {COLLECTION: room_collection()},
        {PROFILE: {"RecQuality": "Small"}},
        canvas=ROOM_CANVAS,
        murmurs=True,
    )
    try:
        studio.start()
        simulation.block_until_told(f"obs+ws://{host}:{studio.port}")
    except NoObs as trouble:
        print(f"real OBS: {trouble}", file=sys.stderr)
        return 2
    finally:
        studio.stop()
    return 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((simulation.LOOPBACK, 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
