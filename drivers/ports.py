"""What a room wants of its devices, whatever their make.

Every verb goes *to a state* and returns once that state is reached; there are no toggles,
and asking twice is harmless. Every verb may raise a `DriverError` (`drivers.errors`) and a
`ValueError` for an argument outside the device's range, before a byte is sent. A driver
puts its own limit on every wait; a caller may set a shorter one with `asyncio.timeout`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, MutableMapping
from dataclasses import asdict, astuple, dataclass, field
from datetime import timedelta
from math import isfinite
from typing import Protocol, runtime_checkable

from drivers.outcomes import Health, Measure, Result, Scalar


class Device(Protocol):
    """Anything that can be opened, asked how it is, and closed."""

    name: str
    """What the room calls it, for messages."""

    async def open(self) -> None:
        """Make the link and leave the device still (a camera is stopped first).

        Raises:
            DeviceUnreachable: no link or no answer in time.
            DeviceRefused: it answered and would not have us, for example a wrong password.
        """

    async def close(self) -> None:
        """Let go of everything; never raises, may be called twice or before `open`."""

    async def check(self) -> Health:
        """Ask the hardware, not a cache, and return what was measured.

        Raises:
            DeviceUnreachable: no link or no answer in time.
        """


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a device says it is."""

    vendor: str
    model: str
    version: str


@dataclass(frozen=True, slots=True)
class Position:
    """Where a camera looks.

    Pan to the right and tilt upwards are positive, in degrees; `zoom` runs from 0 (wide)
    to 1 (the end of the optical range).
    """

    pan_deg: float
    tilt_deg: float
    zoom: float


@runtime_checkable
class Camera(Device, Protocol):
    """A pan-tilt-zoom camera."""

    async def identify(self) -> Identity:
        """Ask vendor, model and version."""

    async def power(self, on: bool) -> Result:
        """Switch on or to standby and return once the camera says it is there."""

    async def recall(self, memory: int) -> Result:
        """Move to a stored position and return once the move has ended."""

    async def store(self, memory: int) -> Result:
        """Store where the camera looks now."""

    async def position(self) -> Position:
        """Ask where the camera looks."""

    async def move_to(self, pan_deg: float, tilt_deg: float, zoom: float | None = None) -> Result:
        """Move to a position and return once the move has ended."""

    async def drive(
        self, pan: float, tilt: float, zoom: float, *, lease: timedelta, owner: str = "", take_over: bool = False
    ) -> None:
        """Move with speeds from -1 to 1 for at most `lease`; call again to go on, newest wins.

        When the lease ends unrenewed the driver itself stops the camera. While the lease of
        another `owner` lasts, only who says `take_over` gets the camera, and it is stopped
        first. Returns once the command is accepted for sending, not when the move ends.
        """

    async def stop(self, *, prove: bool = True) -> Result:
        """Stop pan, tilt and zoom ahead of everything queued.

        Returns once acknowledged and, with `prove`, once it was looked whether the camera
        stands; without, that is looked at in the background and `check` says it.
        """


@runtime_checkable
class RemembersPlaces(Protocol):
    """A camera that is told where its memories were when they were stored, so that a recall can be proved."""

    expectations: MutableMapping[int, Position]
    """By memory. Whoever owns the camera puts a lasting mapping here before `open`."""
    on_stored: Callable[[int, Position], None] | None
    """Called after a memory was stored, with the place."""

    def compare(self, memory: int, at: Position) -> Mapping[str, Scalar]:
        """Return `proved`, and how far `at` is from where the memory was stored; nothing where nobody knows."""


@dataclass(frozen=True, slots=True)
class Programme:
    """What a switcher is doing."""

    scene: str
    scenes: tuple[str, ...]
    recording: bool
    streaming: bool
    muted: dict[str, bool]
    """Per sound input, by the name the switcher gives it."""
    preview: str | None = None
    """The scene that is being prepared; none outside studio mode."""
    paused: bool = False
    """The recording rests in the middle."""
    virtual_camera: bool | None = None
    """Whether it runs; none where there is none."""
    replay: bool | None = None
    """Whether the last seconds are kept; none where that is not set up."""
    gains_db: dict[str, float] = field(default_factory=dict)
    """Per sound input, where its fader stands."""
    transition: str = ""
    collection: str = ""
    profile: str = ""


@runtime_checkable
class Switcher(Device, Protocol):
    """What puts pictures on air: OBS Studio, a vision mixer."""

    async def state(self) -> Programme:
        """Ask what is on air."""

    async def scene(self, name: str) -> Result:
        """Put a scene on air and return once the switcher says it is."""

    async def record(self, on: bool) -> Result:
        """Start or stop the recording and return once it runs or rests."""

    async def mute(self, input_name: str, on: bool) -> Result:
        """Mute or open a sound input and return once it is read back."""


@runtime_checkable
class Stage(Protocol):
    """A switcher with a preview, transitions, and scenes made of sources."""

    async def preview(self, name: str) -> Result:
        """Put a scene into the preview; refused outside studio mode."""

    async def take(self) -> Result:
        """Put on air what is in the preview."""

    async def studio_mode(self, on: bool) -> Result:
        """Have a preview beside the programme, or not; what is on air stays."""

    async def transition(self, name: str, duration: timedelta | None = None) -> Result:
        """Choose how the next switch looks, and how long it takes."""

    async def source(self, scene: str, source: str, on: bool) -> Result:
        """Show or hide a source wherever it stands in a scene."""

    async def shows(self, scene: str, source: str) -> bool:
        """Ask whether a source is shown wherever it stands in a scene."""


@runtime_checkable
class Inputs(Protocol):
    """A switcher with faders, titles and clips."""

    async def volume(self, input_name: str, db: float) -> Result:
        """Set a sound input's fader."""

    async def text(self, input_name: str, text: str) -> Result:
        """Set what a title says."""

    async def text_of(self, input_name: str) -> str:
        """Ask what a title says."""

    async def restart_media(self, input_name: str) -> Result:
        """Play a clip from its start and return once it plays."""


@runtime_checkable
class Outputs(Protocol):
    """A switcher that puts out more than one recording."""

    async def pause(self, on: bool) -> Result:
        """Pause the recording or go on with it."""

    async def stream(self, on: bool) -> Result:
        """Start or stop the stream and return once it runs or rests."""

    async def virtual_camera(self, on: bool) -> Result:
        """Start or stop the camera that other programs on that machine see."""

    async def replay(self, on: bool) -> Result:
        """Keep the last seconds ready to be saved, or no longer."""

    async def save_replay(self) -> Result:
        """Write the last seconds to a file and return once it is named."""


@runtime_checkable
class Setups(Protocol):
    """A switcher that can be set up anew as a whole."""

    async def collection(self, name: str) -> Result:
        """Load another collection of scenes; refused while something is recorded or streamed."""

    async def profile(self, name: str) -> Result:
        """Load other settings; refused while something is put out."""

    async def hotkey(self, name: str) -> Result:
        """Press a hotkey once; what it does is not known."""


@runtime_checkable
class Snapshot(Protocol):
    """A switcher that can show what one of its sources looks like."""

    async def snapshot(self, source: str, *, width_px: int) -> bytes:
        """Return a small JPEG of a source, whether it is on air or not."""


@runtime_checkable
class NamesRecordings(Protocol):
    """A switcher that names its recordings after what is recorded, and tells when one is closed."""

    record_as: str
    """Title of what is recorded from now on; empty: the switcher's own names."""
    on_recorded: Callable[[str, float | None], None] | None
    """Called with the path of a recording that came to rest, whoever ended it, and how many seconds it ran."""
    is_local: bool
    """Whether its files are on this machine."""


@dataclass(frozen=True, slots=True)
class ShowWanted:
    """What a room will ask of its switcher, and so must find there."""

    scenes: tuple[str, ...] = ()
    sources: tuple[tuple[str, str], ...] = ()
    """Scene and source, of those that are shown and hidden."""
    inputs: Mapping[str, bool | None] = field(default_factory=dict)
    """Sound inputs, and whether they should be muted now; none: either."""
    microphones: tuple[str, ...] = ()
    """Of the inputs, those at which something must arrive."""
    listens: bool = False
    """Whether to listen for it, which takes three seconds."""
    collection: str = ""
    profile: str = ""
    canvas: tuple[int, int] | None = None
    fps: float | None = None
    virtual_camera: bool = False
    """A preset needs it."""
    virtual_camera_now: bool = False
    """It should run by now."""
    studio_mode: bool = False
    recording: bool | None = None
    streaming: bool | None = None
    recording_for: timedelta | None = None
    """How long will be recorded; none: nothing will."""
    split: bool = False
    """Recordings are to be split into several files."""


@runtime_checkable
class Inspected(Protocol):
    """A switcher that can be looked through before a session."""

    async def inspect(self, wanted: ShowWanted) -> tuple[Measure, ...]:
        """Look whether everything wanted is there; `check` tells what was found until the link breaks.

        Raises:
            DeviceUnreachable: no link or no answer in time.
        """


@dataclass(frozen=True, slots=True)
class Level:
    """How loud a microphone is over one block."""

    rms_dbfs: float
    peak_dbfs: float
    digital_zero: bool
    """Every sample was exactly 0, as no living microphone ever is."""
    momentary_lufs: float | None = None
    """The last 400 ms as people hear them (ITU-R BS.1770); None before so much was heard."""
    flags: frozenset[str] = frozenset()
    """What is wrong as long as it is: `digital_zero`, `silence`, `clipping`, `hum`, `howl`, `narrow_band`."""


@dataclass(frozen=True, slots=True)
class SoundPort:
    """One end of the room's sound: its microphone or its loudspeaker."""

    name: str
    """`microphone` or `speaker`, as presets write it."""
    device: str
    """The exact name the sound system gives the device."""
    present: bool
    muted: bool
    gain_db: float
    is_default: bool | None = None
    """Whether programs that name no device use it; None where the sound system does not tell."""


MAX_STEP_UP_DB = 6.0
"""How far a careful gain may go up at once: half as loud again is a shock, more may howl."""


@runtime_checkable
class Sound(Device, Protocol):
    """The room's microphone, loudspeaker and the path between them."""

    async def inventory(self) -> tuple[SoundPort, ...]:
        """Ask which ports are there and how they are set."""

    def levels(self) -> AsyncIterator[Level]:
        """Yield the microphone's level about 20 times a second until closed."""

    async def prove(self, *, loop: bool) -> tuple[Measure, ...]:
        """Measure microphone and, with `loop`, play a short chirp and look for it in the microphone."""

    async def mute(self, port: str, on: bool) -> Result:
        """Mute or open a port; completed only when read back."""

    async def gain(self, port: str, db: float, *, careful: bool = False) -> Result:
        """Set a port's gain in dB; completed only when read back.

        `careful` is for a port that people hear now: going up more than `MAX_STEP_UP_DB`
        from where it stands is refused, and nothing is set. The driver knows no sessions, so
        whoever runs one says so. Down is always allowed.
        """


@runtime_checkable
class DefaultDevices(Protocol):
    """A sound whose devices can be made those of programs that name none, as meeting programs do."""

    async def make_default(self, port: str) -> Result:
        """Make a port's device the default; completed only when read back.

        From then on `check` finds fault with another program's choosing another one.
        """


@runtime_checkable
class TellsPorts(Protocol):
    """A sound that says by itself when its ports came, went, moved or were set by somebody else."""

    on_ports_changed: Callable[[], None] | None
    """Called at every such change; `check` and `inventory` tell what it is."""


@runtime_checkable
class MutesAll(Protocol):
    """A sound that can be silenced in one action."""

    async def mute_all(self) -> Result:
        """Mute every port, before anything that waits; completed only when all are read back.

        What waits and would open a port again is refused.
        """


class BadBaseline(ValueError):
    """Something that is no baseline."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """How a room heard itself when it was calibrated; later proofs are held against it.

    It belongs to two devices by their exact names: with another loudspeaker or microphone
    it says nothing.
    """

    speaker: str
    microphone: str
    speaker_gain_db: float
    """Where the port's gain stood; the loop's follows it."""
    microphone_gain_db: float
    gain_db: float
    """From what is played to what is heard."""
    latency_ms: float
    noise_floor_dbfs: float
    polarity: int
    """+1 or -1; 0 where the room's reflections do not let it be told."""
    bands_db: tuple[float, ...]
    """The loop's gain in each band, lowest first."""
    rho: float
    """How alike tone and recording were, 0 to 1."""

    def __post_init__(self) -> None:
        """Refuse what no calibration gives.

        Raises:
            BadBaseline: a number is not finite, or the polarity is none.
        """
        numbers = (value for value in (*astuple(self), *self.bands_db) if isinstance(value, float))
        if not all(map(isfinite, numbers)) or self.polarity not in {-1, 0, 1}:
            raise BadBaseline(f"baseline: wanted finite numbers and a polarity of -1, 0 or 1, got {self}")

    def to_json(self) -> dict[str, str | float | list[float]]:
        """Return what `from_json` reads."""
        return asdict(self) | {"bands_db": [*self.bands_db]}

    @classmethod
    def from_json(cls, value: object) -> Baseline:
        """Return the baseline that `value`, as read from JSON, holds; what else is in it is ignored.

        Raises:
            BadBaseline: something is missing or of another kind.
        """
        if not isinstance(value, Mapping):
            raise BadBaseline(f"baseline: wanted an object, got {type(value).__name__}")
        polarity, bands = value.get("polarity"), value.get("bands_db")
        if isinstance(polarity, bool) or not isinstance(polarity, int) or not isinstance(bands, list | tuple):
            raise BadBaseline(f"baseline: wanted polarity and a list of bands_db, got {polarity!r} and {bands!r}")
        return cls(
            speaker=_text(value.get("speaker")),
            microphone=_text(value.get("microphone")),
            speaker_gain_db=_number(value.get("speaker_gain_db")),
            microphone_gain_db=_number(value.get("microphone_gain_db")),
            gain_db=_number(value.get("gain_db")),
            latency_ms=_number(value.get("latency_ms")),
            noise_floor_dbfs=_number(value.get("noise_floor_dbfs")),
            polarity=polarity,
            bands_db=tuple(map(_number, bands)),
            rho=_number(value.get("rho")),
        )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise BadBaseline(f"baseline: wanted a device name, got {value!r}")
    return value


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadBaseline(f"baseline: wanted a number, got {value!r}")
    return float(value)


@runtime_checkable
class Calibrates(Protocol):
    """A sound that can be measured once, with a person listening, and held against that ever after."""

    baseline: Baseline | None
    """Set by whoever keeps it, before or after `open`; `prove` and `check` compare with it."""

    async def calibrate(self) -> Baseline:
        """Play the tone three times and return the median; does not keep it.

        Raises:
            DeviceRefused: a port is missing or muted, somebody speaks, the tone was not
                heard, or the three differ by more than 1 dB or 5 ms from their median.
        """


@dataclass(frozen=True, slots=True)
class Strip:
    """One channel of a mixer."""

    name: str
    """As the room calls it, or where it is on the mixer."""
    muted: bool
    gain_db: float


@runtime_checkable
class Mixer(Device, Protocol):
    """A mixer or sound processor on the network: it is set, it does not let the room listen."""

    on_changed: Callable[[Strip], None] | None
    """Called when a channel that the room names is set otherwise than before, whoever did it."""

    async def strips(self) -> tuple[Strip, ...]:
        """Ask how every channel that the room names is set."""

    async def strip(self, channel: str) -> Strip:
        """Ask how one channel is set."""

    async def mute(self, channel: str, on: bool) -> Result:
        """Mute or open a channel; completed only when read back."""

    async def mute_all(self) -> Result:
        """Mute every channel that the room names, before anything that waits; completed only when all are read back."""

    async def gain(self, channel: str, db: float, *, careful: bool = False) -> Result:
        """Set a channel's gain in dB; completed only when read back.

        `careful` refuses to go up more than `MAX_STEP_UP_DB` at once; see `Sound.gain`.
        """


@dataclass(frozen=True, slots=True)
class Showing:
    """What a display does."""

    on: bool
    source: str = ""
    """Its input, by name; empty where it does not say, as many do not while they are off."""


@runtime_checkable
class Display(Device, Protocol):
    """A projector or a screen."""

    async def power(self, on: bool) -> Result:
        """Switch on or off and return once warmed up or cooled down enough to answer so."""

    async def source(self, name: str) -> Result:
        """Select an input by the name the display lists."""

    async def showing(self) -> Showing:
        """Ask whether it is on, and on which input."""


@runtime_checkable
class Power(Device, Protocol):
    """A switched outlet, or a machine that can be woken."""

    async def switch(self, outlet: int, on: bool) -> Result:
        """Switch an outlet; completed only when read back."""
