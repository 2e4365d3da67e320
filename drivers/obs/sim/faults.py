"""What a simulated OBS does wrong, by name: lies in what it says and faults on its wire.

Every lie was seen in a real OBS; facts behind them stand beside each.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields


@dataclass
class Faults:
    """Switches; all of them may be turned while the simulator runs."""

    # Lies: OBS answers with success, or tells less than it did.

    start_is_lost: int = 0
    """So many StartRecord are answered with success and never happen."""
    pause_is_lost: bool = False
    """A pause is answered with success and does not happen, as with the stream's encoder."""
    wrong_scene: bool = False
    """A scene switch is answered with success and does not happen."""
    vcam_dead: bool = False
    """The virtual camera's start is answered with success and does not happen."""
    stream_dies: bool = False
    """A stream that has a service starts and stops at once."""
    disk_gone: bool = False
    """The recording folder is missing: no disk space is told and no start happens."""
    record_stalls: bool = False
    """The recording runs and not a byte is written."""
    coalesce: bool = False
    """Of events of one name that come within 50 ms the last alone is told."""
    reorder: bool = False
    """Requests sent together run in any order, and events come in any order."""
    preview_race: float = 0.0
    """The preview scene is set so many ms after the answer."""
    not_ready_ms: float = 0.0
    """So long after the start and after a collection change every request is answered 207, events are withheld."""
    collection_gap_ms: float = 90.0
    """So long a change of scene collection denies the scenes that there are."""
    lost_events: str = ""
    """Events of this name are never told; `all` for every one."""
    workers: int = 0
    """So many requests and events are worked on at a time, whoever sent them; 0 for any number."""

    # Faults of the machine and the wire.

    freeze: float | None = None
    """So many seconds after the start not a byte is read or written any more."""
    crash: float | None = None
    """So many seconds after the start the process is gone."""
    half_open: float | None = None
    """So many seconds after the start open connections go silent; new ones are served."""
    slow: float = 0.0
    """Every answer comes so many ms later."""
    slow_only: str = ""
    """Only requests of this name are slow."""
    drop_answer: str = ""
    """Requests of this name are carried out and not answered; `all` for every one."""
    garbage: bool = False
    """Before each answer comes a text that is no JSON."""
    close: int = 0
    """Whoever identifies is turned away with this close code."""
    one_byte: bool = False
    """Every byte goes out in a packet of its own."""
    big: int = 0
    """A screenshot has so many bytes."""
    storm: int = 0
    """So many events a second that nobody asked for."""
    duplicate: bool = False
    """Each answer comes twice."""
    wrong_id: bool = False
    """Before each answer comes one to a request that nobody sent."""
    newer: bool = False
    """It speaks like obs-websocket 5.7: more fields, unknown messages, unknown events."""
    vcam_absent: bool = False
    """The machine has no virtual camera."""
    camera_absent: bool = False
    """Camera devices are gone: their sources have no size and no picture."""
    camera_frozen: bool = False
    """Cameras show one picture for ever."""
    camera_black: bool = False
    """Cameras show black."""
    microphone_dead: bool = False
    """Sound inputs are silent to the last bit."""
    low_fps: float = 0.0
    """Frames a second that are really drawn."""

    @classmethod
    def parse(cls, settings: list[str]) -> Faults:
        """Return the faults that NAME or NAME=VALUE settings ask for.

        Raises:
            ValueError: an unknown name or a value that does not fit.
        """
        faults = cls()
        for setting in settings:
            name, has_value, value = setting.partition("=")
            faults.set(name, value if has_value else None)
        return faults

    def set(self, name: str, value: str | None) -> None:
        """Turn one switch, as the command line writes it.

        Raises:
            ValueError: an unknown name or a value that does not fit.
        """
        if name not in KINDS:
            raise ValueError(f"unknown fault {name!r}; known: {', '.join(KINDS)}")
        if value is None and KINDS[name] is not _yes:
            raise ValueError(f"{name} wants a value: {name}=...")
        try:
            setattr(self, name, True if value is None else KINDS[name](value))
        except ValueError as error:
            raise ValueError(f"{name}: {value!r} is no value for it") from error


def _yes(text: str) -> bool:
    return text.lower() not in {"", "0", "no", "off", "false"}


_READERS: dict[str, Callable[[str], object]] = {
    "int": int, "float": float, "float | None": float, "str": str, "bool": _yes,
}  # fmt: skip
KINDS: dict[str, Callable[[str], object]] = {one.name: _READERS[str(one.type)] for one in fields(Faults)}
_NAMES = list(KINDS)
LIES = tuple(_NAMES[: _NAMES.index("freeze")])
"""What it says and is not so; the other names are faults of the machine or the wire."""
