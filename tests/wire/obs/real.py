"""A real OBS Studio without a screen: Xvfb, a sound server of its own, a configuration of its own.

The room on it has three scenes of colours and texts, one whose camera is missing, and two
sound inputs. It is stopped by closing its window, as a person does: SIGTERM would lose
what it has not saved, and SIGINT crashes some versions.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.broker import free_port

START_WITHIN_S = 20.0
QUIT_WITHIN_S = 15.0
CANVAS = 320, 180
FPS = 10
PASSWORD = "a room's password"
SCENES = ("Jeda", "Ruang", "Materi")
BROKEN_SCENE = "Kamera hilang"
PROFILE, FULL_PROFILE = "Ruang", "Rekam"
"""The second has an encoder for recordings alone, so they can be paused, and a replay buffer."""
OTHER_SOUND_PROFILE = "Suara lain"
"""Loading it makes OBS ask on its screen whether it may restart."""
COLLECTION, OTHER_COLLECTION = "Ruang", "Aula"
OTHER_SCENES = ("Jeda", "Pidato")
MICROPHONE = "Mikrofon"
SPEAKER = "Suara komputer"
TITLE = "Judul"

_PACKAGES = {"obs": "obs-studio obs-plugins", "Xvfb": "xvfb", "pulseaudio": "pulseaudio"}


def needed() -> None:
    """Skip without OBS, but not where nobody would notice."""
    missing = [package for tool, package in _PACKAGES.items() if shutil.which(tool) is None]
    if missing and os.environ.get("CI"):
        pytest.fail(f"{' '.join(missing)} missing although CI is set")
    if missing:
        pytest.skip(f"no real OBS here: apt install {' '.join(missing)}")


def _source(name: str, kind: str, **settings: object) -> dict[str, object]:
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


def _scene(name: str, *sources: str) -> dict[str, object]:
    items = [_item(number, source) for number, source in enumerate(sources, start=1)]
    return _source(name, "scene", id_counter=len(items), items=items, custom_size=False)


def _collection() -> dict[str, object]:
    width, height = CANVAS
    colours = {"Jeda": 0xFF804020, "Ruang": 0xFF208040, "Materi": 0xFF402080}
    solid = [_source(f"Warna {n}", "color_source_v3", color=c, width=width, height=height) for n, c in colours.items()]
    font = {"face": "DejaVu Sans", "size": 24, "style": "Book", "flags": 0}
    title = _source(TITLE, "text_ft2_source_v2", text="Siaga", font=font)
    camera = _source("Kamera USB", "v4l2_input", device_id="/dev/video-not-there")
    scenes = [_scene(name, f"Warna {name}", *((TITLE,) if name == "Ruang" else ())) for name in SCENES]
    scenes.append(_scene(BROKEN_SCENE, "Kamera USB"))
    names = (*SCENES, BROKEN_SCENE)
    return _collection_of(COLLECTION, names, [*scenes, *solid, title, camera])


def _other_collection() -> dict[str, object]:
    return _collection_of(OTHER_COLLECTION, OTHER_SCENES, [_scene(name) for name in OTHER_SCENES])


def _collection_of(name: str, scenes: tuple[str, ...], sources: list[dict[str, object]]) -> dict[str, object]:
    return {
        "name": name, "current_scene": scenes[0], "current_program_scene": scenes[0],
        "scene_order": [{"name": scene} for scene in scenes],
        "sources": sources, "groups": [], "transitions": [], "quick_transitions": [],
        "current_transition": "Cut", "transition_duration": 300, "saved_projectors": [], "modules": {},
        "AuxAudioDevice1": _source(MICROPHONE, "pulse_input_capture", device_id="mic"),
        "DesktopAudioDevice1": _source(SPEAKER, "pulse_output_capture", device_id="speaker"),
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
class RealObs:
    """One OBS with everything it needs; `start`, use, `stop`."""

    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="obs-")))  # socket paths are short
    password: str = PASSWORD
    canvas: tuple[int, int] = CANVAS
    fps: int = FPS
    pretend_camera: bool = False
    """Let OBS believe that it has a virtual camera, which will not start."""

    def __post_init__(self) -> None:
        self.port = free_port()
        self.recordings = self.folder / "recordings"
        self._started: list[subprocess.Popen[bytes]] = []
        self._obs: subprocess.Popen[bytes] | None = None
        self._display = ""

    # Use cases.

    def start(self) -> None:
        """Start everything and return once obs-websocket listens."""
        self._configure()
        self._start_screen()
        self._start_sound()
        self.start_obs()

    def start_obs(self) -> None:
        """Start OBS alone; it is tried once more if it dies on its way up, as some versions do."""
        for last in (False, True):
            self._launch()
            if self._listens():
                return
            assert not last, f"OBS did not come up: {self.log()[-2000:]}"

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

    def freeze(self) -> None:
        """Stop it as a hung driver would: its port still accepts, nobody answers."""
        self._running().send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._running().send_signal(signal.SIGCONT)

    def play_tone(self, seconds: float) -> subprocess.Popen[bytes]:
        """Play a tone into the room's microphone."""
        raw = self.folder / "tone.raw"
        wave = bytes(
            byte
            for n in range(int(48000 * seconds))
            for byte in (9000 if n // 54 % 2 else -9000).to_bytes(2, "little", signed=True)
        )
        raw.write_bytes(wave)
        format_ = ["--raw", "--format=s16le", "--rate=48000", "--channels=1"]
        playing = subprocess.Popen(["pacat", "--playback", "--device=air", *format_, str(raw)], env=self._environment())
        self._started.append(playing)
        return playing

    def log(self) -> str:
        """Return what OBS wrote to its log."""
        logs = sorted((self.folder / "obs-studio" / "logs").glob("*.txt"))
        return logs[-1].read_text(errors="replace") if logs else ""

    def stop(self) -> None:
        """End everything and remove the folder."""
        if self._obs is not None and self._obs.poll() is None:
            self.thaw()
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
        assert self._obs is not None, "OBS was not started"
        return self._obs

    def _configure(self) -> None:
        home = self.folder / "obs-studio"
        for path in (self.recordings, self.folder / "run", scenes := home / "basic" / "scenes"):
            path.mkdir(parents=True, exist_ok=True)
        (self.folder / "run").chmod(0o700)
        here = {
            "Profile": PROFILE, "ProfileDir": PROFILE, "SceneCollection": COLLECTION, "SceneCollectionFile": COLLECTION,
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
        self._write_profile(PROFILE, RecQuality="Stream")
        self._write_profile(FULL_PROFILE, RecQuality="Small", RecRB=True, RecRBTime=5)
        self._write_profile(OTHER_SOUND_PROFILE, rate=44100)
        for tool, answer in (("modinfo", 0), ("pkexec", 1), ("modprobe", 1)) if self.pretend_camera else ():
            path = self.folder / "bin" / tool
            path.parent.mkdir(exist_ok=True)
            path.write_text(f"#!/bin/sh\nexit {answer}\n")
            path.chmod(0o755)
        (scenes / f"{COLLECTION}.json").write_text(json.dumps(_collection()))
        (scenes / f"{OTHER_COLLECTION}.json").write_text(json.dumps(_other_collection()))

    def _write_profile(self, name: str, *, rate: int = 48000, **simple: object) -> None:
        width, height = self.canvas
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
                    "Audio": {"SampleRate": rate},
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
        assert self._display != ":", "Xvfb did not start"

    def _start_sound(self) -> None:
        native = f"module-native-protocol-unix socket={self.folder}/native auth-anonymous=1 auth-cookie-enabled=0"
        modules = (
            "module-null-sink norewinds=1 rate=48000 sink_name=speaker channels=2",
            "module-null-sink norewinds=1 rate=48000 sink_name=air channels=1 channel_map=mono",
            "module-remap-source source_name=mic master=air.monitor channels=1 channel_map=mono remix=no",
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
            assert time.monotonic() < deadline, "pulseaudio did not answer"
            time.sleep(0.02)

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
    """Ask every top window of `display` to close, as a window manager's button does."""
    x11 = ctypes.CDLL("libX11.so.6")
    x11.XOpenDisplay.restype = ctypes.c_void_p
    x11.XInternAtom.restype = x11.XDefaultRootWindow.restype = ctypes.c_ulong
    opened = ctypes.c_void_p(x11.XOpenDisplay(display.encode()))
    assert opened.value, f"no X display {display}"
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
