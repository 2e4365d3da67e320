"""The files of the demo's office, as an office would write them, with times made short."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final, Protocol

from ruamel.yaml import YAML

OBS_PASSWORD_VARIABLE: Final = "SIAGA_OBS_PASSWORD"
ROOMS: Final = (
    "praja-1",
    "praja-2",
    "audio-visual",
    "balai-petitih",
    "data-center",
    "studio",
    "rapat-kadis",
    "media-center",
    "pusdalops",
    "command-center",
    "aula-bawah",
    "perpustakaan",
)
"""Ids of the rooms that the demo can run."""

Node = dict[str, object]


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast the demo's office works: real for people to try, compressed for a run of its own."""

    lead_time: timedelta
    prepare_lead: timedelta
    certify: timedelta
    setup: timedelta
    teardown: timedelta


REAL: Final = Pace(
    timedelta(days=3), timedelta(minutes=30), timedelta(minutes=5), timedelta(minutes=30), timedelta(minutes=15)
)
COMPRESSED: Final = Pace(
    timedelta(0), timedelta(seconds=20), timedelta(seconds=10), timedelta(seconds=20), timedelta(seconds=2)
)


class Place(Protocol):
    """A room as the example data name it."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def name(self) -> str:
        """Its name."""


@dataclass(frozen=True, slots=True)
class Devices:
    """Where a room's simulated devices listen."""

    camera: str
    obs: str
    sound: str


def write(path: Path, content: Node) -> Path:
    """Write `content` as YAML and return the path."""
    with path.open("w", encoding="utf-8") as file:
        YAML().dump(content, file)
    return path


def _span(duration: timedelta) -> str:
    return f"{duration.total_seconds():g}s"


def central_file(folder: Path, port: int, broker_port: int, pace: Pace) -> Path:
    """Write central's file and its policy; return the path of the first."""
    week = dict.fromkeys(("monday", "tuesday", "wednesday", "thursday", "friday"), "07:30-16:00")
    write(
        folder / "policy.yaml",
        {
            "lead_time": _span(pace.lead_time),
            "working_hours": {"usual": week | {"friday": "07:30-16:30"}},
            "buffers": {"setup": _span(pace.setup), "teardown": _span(pace.teardown)},
            "servable_limit": len(ROOMS),
        },
    )
    return write(
        folder / "central.yaml",
        {
            "listen": f"127.0.0.1:{port}",
            "public_url": f"http://127.0.0.1:{port}",
            "data": "central",
            "broker": {"at": "managed", "listen": f"127.0.0.1:{broker_port}"},
            "policy": "policy.yaml",
            "prepare_lead": _span(pace.prepare_lead),
        },
    )


def room_file(folder: Path, room: Place, broker: str, devices: Devices, pace: Pace) -> Path:
    """Write the file of `room`; its credentials and data stand beside it."""
    return write(
        folder / f"{room.id}.yaml",
        {
            "room": room.id,
            "name": room.name,
            "time_zone": "Asia/Pontianak",
            "central": {"broker": broker, "credentials": f"{room.id}.secrets.yaml"},
            "data": f"{room.id}.data",
            "tablet": {"listen": "127.0.0.1:0"},
            "devices": {
                "camera-1": {"at": devices.camera, "required": True},
                "obs": {"at": devices.obs, "password_env": OBS_PASSWORD_VARIABLE, "required": True},
                "sound": {"at": devices.sound, "required": True},
            },
            "prepare": {"lead": _span(pace.prepare_lead), "certify": _span(pace.certify)},
            "presets": PRESETS,
            "phases": {"prepare": "siap", "live": "mulai", "end": "selesai", "safe": "aman"},
            "checklist": [{"id": "papan-nama", "label": {"id": "Papan nama terpasang", "en": "Name plates in place"}}],
        },
    )


def _step(device: str, do: str, verify: bool = True, **args: object) -> Node:
    return {"device": device, "do": do, "args": args, "verify": verify, "within": "30s"}


def _camera(memory: int) -> Node:
    return _step("camera-1", "recall", memory=memory)


def _scene(name: str) -> Node:
    return _step("obs", "scene", name=name)


def _microphone(muted: bool) -> Node:
    return _step("sound", "mute", port="microphone", on=muted)


def _preset(indonesian: str, english: str, *steps: Node) -> Node:
    return {"label": {"id": indonesian, "en": english}, "steps": list(steps)}


PRESETS: Final[Node] = {
    "siap": _preset(
        "Siap",
        "Ready",
        _step("camera-1", "power", verify=False, on=True),
        {"together": [_camera(1), _scene("Jeda"), _microphone(True)]},
    ),
    "mulai": _preset("Mulai", "Start", {"together": [_camera(0), _scene("Kamera"), _microphone(False)]}),
    "podium": _preset("Podium", "Podium", {"together": [_camera(2), _scene("Kamera")]}),
    "meja-pimpinan": _preset("Meja pimpinan", "Head table", {"together": [_camera(3), _scene("Kamera")]}),
    "presentasi": _preset("Presentasi", "Slides", _scene("Presentasi")),
    "kamera-slide": _preset("Kamera + slide", "Camera + slides", {"together": [_camera(4), _scene("Kamera + slide")]}),
    "jeda": _preset("Jeda", "Break", {"together": [_scene("Jeda"), _microphone(True)]}),
    "selesai": _preset("Selesai", "End", {"together": [_camera(5), _scene("Hitam"), _microphone(True)]}),
    "aman": _preset(
        "Aman",
        "Safe",
        {"together": [_step("camera-1", "stop", verify=False), _scene("Hitam"), _microphone(True)]},
    ),
}
"""What every room of the demo can do; memories and scenes are those of the simulated devices."""
