"""The room's sound behind the `Sound` port.

Tried on null devices of PulseAudio and PipeWire and on the room model; no real sound card, USB
speakerphone or conference bar was ever at hand. Windows (`audio+wasapi`) was never tried at all.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from math import inf, isfinite
from typing import TypeVar

from drivers.address import DeviceAddress
from drivers.audio import lines
from drivers.audio.lines import Line
from drivers.audio.link import KEEP_SECONDS, Dial, Link, Wire
from drivers.audio.loop import (
    answer_of,
    baseline_of,
    busy_reason,
    loop_measures,
    muted_measure,
    muted_reason,
    speech_treble_db,
    tone_gain_db,
    trusted,
    unproven,
)
from drivers.audio.model import (
    LEVELS_A_SECOND,
    MICROPHONE,
    SPEAKER,
    Limits,
    LoopAnswer,
    default_measure,
    fault_measures,
    floor_dbfs,
    gain_measure,
    level_measures,
    not_opened_measure,
    present_measure,
    restarts_measure,
    routed_measure,
    setting_measure,
)
from drivers.audio.options import (
    CANCELLED,
    DEFAULT,
    ECHO,
    OPTIONAL,
    OPTIONS,
    limits_option,
    ports_option,
    server_device,
    windows_device,
)
from drivers.audio.speech import disturbs, speech_measures
from drivers.audio.wires import ChildWire, TcpWire
from drivers.errors import AddressError, DeviceRefused, DeviceUnreachable, OutcomeUnknown, ProtocolViolation
from drivers.outcomes import Health, Measure, Outcome, Reason, Result, Verdict, judge
from drivers.ports import Baseline, Level, SoundPort
from drivers.untried import tell_untried

ANSWER_WITHIN_S = 6.0
"""Three looks at a sound server of at most two seconds each."""
PROVED_WITHIN_S = 15.0
LEVELS_WITHIN_S = 3.0
POSTPONED_S = 4.0
"""So long a proof waits for people to pause; then it says that nothing was proved."""
CALIBRATION_TONES = 3
CALIBRATION_LISTENS_S = 2
GAIN_RANGE_DB = (-80.0, 20.0)
GAIN_TOLERANCE_DB = 0.5

T = TypeVar("T")


class RoomSound:
    """Implements `drivers.ports.Sound`, `Calibrates`, `DefaultDevices` and `MutesAll` over a sound worker.

    `optional` are the ports that the room can do without; `defaults` are those whose devices
    programs that name none should use.
    `cancels_echo` says that the microphone takes its own loudspeaker out of what it hears,
    as conference speakerphones do.
    """

    def __init__(
        self,
        name: str,
        dial: Dial,
        *,
        optional: frozenset[str] = frozenset(),
        defaults: frozenset[str] = frozenset(),
        cancels_echo: bool = False,
        limits: Limits | None = None,
    ) -> None:
        self.name = name
        self._limits = limits or Limits()
        self._link = Link(name, dial, self._limits)
        self._optional = optional
        self._defaults = defaults
        self._cancels_echo = cancels_echo
        self._baseline: Baseline | None = None
        self._tone_ended = -inf

    @property
    def on_ports_changed(self) -> Callable[[], None] | None:
        """Called when a port came, went, moved or was set by somebody else."""
        return self._link.on_changed

    @on_ports_changed.setter
    def on_ports_changed(self, changed: Callable[[], None] | None) -> None:
        self._link.on_changed = changed

    @property
    def baseline(self) -> Baseline | None:
        """What the room was like when it was calibrated."""
        return self._baseline

    @baseline.setter
    def baseline(self, baseline: Baseline | None) -> None:
        self._baseline = baseline
        self._link.own_treble_db = speech_treble_db(baseline) if baseline and not self._cancels_echo else None

    async def open(self) -> None:
        """Start or reach the worker; a missing microphone is for `check` to find."""
        await self._link.open()

    async def close(self) -> None:
        """End the worker and every `levels`."""
        await self._link.close()

    async def check(self) -> Health:
        """Ask for the ports and listen for a second; plays nothing."""
        ports, routed = await self._look()
        measures = [*map(self._present, ports), restarts_measure(self._link.unwanted_ends())]
        measures += [setting(port) for port in ports if port.present for setting in (setting_measure, gain_measure)]
        measures += [default_measure(port) for port in ports if port.present and port.name in self._defaults]
        microphone = _port(ports, MICROPHONE)
        if microphone.present:
            measures += [routed] if routed else []
            measures += [] if microphone.muted else await self._listen()
        return judge(tuple(measures))

    async def inventory(self) -> tuple[SoundPort, ...]:
        """Ask which ports are there and how they are set."""
        return (await self._look())[0]

    def levels(self) -> AsyncIterator[Level]:
        """Yield the microphone's level 20 times a second until closed."""
        return self._link.levels()

    async def prove(self, *, loop: bool) -> tuple[Measure, ...]:
        """Measure the microphone and, with `loop`, play half a second of tone and look for it.

        Nothing is played while a port is muted or missing, nor while people speak: it waits
        a few seconds for them to pause.
        """
        ports, _ = await self._look()
        measures = [*map(self._present, ports)]
        if any(measure.verdict is Verdict.FAIL for measure in measures) or not _port(ports, MICROPHONE).present:
            return tuple(measures)
        muted = [port.name for port in ports if port.muted]
        if MICROPHONE not in muted:
            measures += await self._listen()
        if loop and not _port(ports, SPEAKER).present:
            measures += [
                unproven(measure.reason) for measure in measures if measure.name == "speaker.present" and measure.reason
            ]
        elif loop and muted:
            measures.append(muted_measure(muted))
        elif loop:
            measures += await self._hear_itself(ports)
        return tuple(measures)

    async def _hear_itself(self, ports: tuple[SoundPort, ...]) -> tuple[Measure, ...]:
        """Play the tone; where somebody muted or set a port meanwhile, nothing is proved.

        Raises:
            DeviceRefused: the sound system would not play it.
        """
        if busy := await self._wait_for_quiet():
            return (unproven(busy),)
        try:
            answer = await self._tone(ports, tone_gain_db(ports, self._baseline))
        except DeviceRefused as refused:
            if refused.reason.code != "sound.disturbed":
                raise
            return (unproven(refused.reason),)
        return loop_measures(answer, ports, self._baseline, limits=self._limits, cancels_echo=self._cancels_echo)

    async def _wait_for_quiet(self) -> Reason | None:
        """Return once the last half second disturbs nobody, or why not."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(POSTPONED_S), contextlib.aclosing(self._link.levels()) as levels:
                async for _ in levels:
                    if self._somebody() is None:
                        break
        somebody = self._somebody()
        return busy_reason(*somebody) if somebody else None

    def _somebody(self) -> tuple[float, float] | None:
        return disturbs(self._link.readings(), self._limits, self._baseline)

    async def calibrate(self) -> Baseline:
        """Play the tone three times and return the median; does not keep it.

        Raises:
            DeviceRefused: see `drivers.ports.Calibrates`.
        """
        ports, _ = await self._look()
        if reason := _cannot_be_calibrated(ports) or await self._hears_nothing():
            raise DeviceRefused(reason)
        await self._link.wait_for_readings(CALIBRATION_LISTENS_S * LEVELS_A_SECOND, within_s=LEVELS_WITHIN_S)
        if busy := await self._wait_for_quiet():
            raise DeviceRefused(busy)
        floor = floor_dbfs(self._link.readings())
        return baseline_of([trusted(await self._tone(ports)) for _ in range(CALIBRATION_TONES)], ports, floor)

    async def _hears_nothing(self) -> Reason | None:
        heard = [measure.reason for measure in await self._listen() if measure.name == "microphone.signal"]
        return heard[0]

    async def _tone(self, ports: tuple[SoundPort, ...], speaker_db: float | None = None) -> LoopAnswer:
        """Play the tone, with the loudspeaker at `speaker_db` meanwhile, and return what was found of it.

        Cancelled, it ends once nothing sounds any more and the loudspeaker stands where it stood.

        Raises:
            ProtocolViolation: the answer lacks something.
        """
        put_back: Line = {"do": "gain", "port": SPEAKER, "db": _port(ports, SPEAKER).gain_db}
        amends = None if speaker_db is None else put_back
        try:
            asking = self._link.ask_aloud(within_s=PROVED_WITHIN_S, amends=amends, speaker_db=speaker_db)
            return answer_of(await asking)
        except ValueError as error:
            raise ProtocolViolation(self._bad(error)) from error
        finally:
            self._tone_ended = time.monotonic()

    async def mute(self, port: str, on: bool) -> Result:
        """Mute or open a port; a worker that is being replaced is waited for.

        Raises:
            OutcomeUnknown: what was read back is not what was wanted.
        """
        _known(port)
        began = time.monotonic()
        answer = await self._link.insist("mute", within_s=ANSWER_WITHIN_S, port=port, on=on)
        muted = self._read(answer, "muted", lines.flag)
        if muted is not on:
            raise OutcomeUnknown(self._other(f"{port} muted {on}", muted))
        return Result(Outcome.COMPLETED, timedelta(seconds=time.monotonic() - began), {"muted": muted})

    async def gain(self, port: str, db: float, *, careful: bool = False) -> Result:
        """Set a port's gain; a worker that is being replaced is waited for.

        Raises:
            ValueError: `db` is outside the range.
            DeviceRefused: `careful`, and more than `MAX_STEP_UP_DB` over where it stands.
            OutcomeUnknown: what was read back is not what was wanted.
        """
        _known(port)
        low, high = GAIN_RANGE_DB
        if not isfinite(db) or not low <= db <= high:
            raise ValueError(f"gain must be {low:g} to {high:g} dB, got {db}")
        began = time.monotonic()
        answer = await self._link.insist("gain", within_s=ANSWER_WITHIN_S, port=port, db=db, careful=careful)
        gain_db = self._read(answer, "gain_db", lines.number)
        if abs(gain_db - db) > GAIN_TOLERANCE_DB:
            raise OutcomeUnknown(self._other(f"{port} gain {db:g} dB", gain_db))
        return Result(Outcome.COMPLETED, timedelta(seconds=time.monotonic() - began), {"gain_db": gain_db})

    async def mute_all(self) -> Result:
        """Mute every port.

        Raises:
            OutcomeUnknown: one of them reads back open.
            DeviceRefused: one that the room needs is not there; what is there was muted.
        """
        began = time.monotonic()
        answer = await self._link.insist("mute_all", within_s=ANSWER_WITHIN_S)
        muted = self._read(answer, "muted", lines.flags)
        if not all(muted.values()):
            raise OutcomeUnknown(self._other("every port muted", muted))
        for port in {MICROPHONE, SPEAKER} - muted.keys() - self._optional:
            detail = f"{self.name}: wanted {port} muted, found it missing; muted: {', '.join(muted) or 'nothing'}"
            raise DeviceRefused(Reason("sound.device_missing", detail, {"port": port, "device": port}))
        return Result(Outcome.COMPLETED, timedelta(seconds=time.monotonic() - began), {**muted})

    async def make_default(self, port: str) -> Result:
        """Make a port's device that of programs which name none; `check` then holds it to that.

        Raises:
            OutcomeUnknown: another one is read back as the default.
        """
        _known(port)
        began = time.monotonic()
        answer = await self._link.insist("default", within_s=ANSWER_WITHIN_S, port=port)
        self._defaults |= {port}
        if not (default := self._read(answer, "default", lines.flag)):
            raise OutcomeUnknown(self._other(f"{port} as the default", "another device"))
        return Result(Outcome.COMPLETED, timedelta(seconds=time.monotonic() - began), {"default": default})

    def _present(self, port: SoundPort) -> Measure:
        return present_measure(port, required=port.name not in self._optional)

    async def _listen(self) -> list[Measure]:
        readings = await self._link.wait_for_readings(LEVELS_A_SECOND, within_s=LEVELS_WITHIN_S)
        if not readings and self._link.absent:
            return [not_opened_measure(self._link.absent, self._link.absent_code)]
        own_floor_dbfs = self._baseline.noise_floor_dbfs if self._baseline else None
        return [
            *level_measures(readings, self._limits, own_floor_dbfs),
            *fault_measures(self._link.seconds(), self._limits),
            *(speech_measures(readings, self._limits) if self._heard_no_tone() else ()),
        ]

    def _heard_no_tone(self) -> bool:
        """Say whether what was heard lately is the room's: our own tones would pass for speech."""
        return time.monotonic() > self._tone_ended + KEEP_SECONDS

    async def _look(self) -> tuple[tuple[SoundPort, ...], Measure | None]:
        """Return the ports and, when the capture runs, whether it hangs on the right microphone.

        Raises:
            ProtocolViolation: the answer lacks something.
        """
        answer = await self._link.ask("inventory", within_s=ANSWER_WITHIN_S)
        try:
            ports = tuple(_sound_port(part) for part in lines.parts(answer, "ports"))
            device, captured = lines.text(answer, "device"), lines.text(answer, "captured")
            for wanted in (MICROPHONE, SPEAKER):
                _port(ports, wanted)
        except ValueError as error:
            raise ProtocolViolation(self._bad(error)) from error
        return ports, routed_measure(device, captured) if captured else None

    def _read(self, answer: Line, key: str, reader: Callable[[Line, str], T]) -> T:
        try:
            return reader(answer, key)
        except ValueError as error:
            raise ProtocolViolation(self._bad(error)) from error

    def _other(self, wanted: str, found: object) -> Reason:
        detail = f"{self.name}: wanted {wanted}, read back {found}"
        return Reason("sound.not_taken", detail, {"device": self.name})

    def _bad(self, error: ValueError) -> Reason:
        return Reason("sound.bad_answer", f"{self.name}: sound worker: {error}", {"device": self.name})


def _known(port: str) -> None:
    if port not in {MICROPHONE, SPEAKER}:
        raise ValueError(f"sound port must be microphone or speaker, got {port!r}")


def _cannot_be_calibrated(ports: tuple[SoundPort, ...]) -> Reason | None:
    missing = [measure.reason for port in ports if (measure := present_measure(port)).reason]
    muted = [port.name for port in ports if port.muted]
    return missing[0] if missing else muted_reason(muted) if muted else None


def _port(ports: tuple[SoundPort, ...], name: str) -> SoundPort:
    for port in ports:
        if port.name == name:
            return port
    raise ValueError(f"ports: wanted {name}, found {[port.name for port in ports]}")


def _sound_port(part: Line) -> SoundPort:
    return SoundPort(
        lines.text(part, "name"),
        lines.text(part, "device"),
        lines.flag(part, "present"),
        lines.flag(part, "muted"),
        lines.number(part, "gain_db"),
        None if part.get("is_default") is None else lines.flag(part, "is_default"),
    )


def _worker(address: DeviceAddress, named: Callable[[DeviceAddress, str], str], platform: str) -> Dial:
    """Return how to start a worker on this machine, which the address takes to be of one kind."""
    address.allow(SPEAKER, MICROPHONE, *OPTIONS)
    speaker, microphone = named(address, SPEAKER), named(address, MICROPHONE)

    async def dial() -> Wire:
        if sys.platform != platform:
            detail = f"{address.scheme}: wanted {platform}, this machine is {sys.platform}"
            raise DeviceUnreachable(Reason("sound.other_system", detail, {"scheme": address.scheme}))
        return await ChildWire.dial("--speaker", speaker, "--microphone", microphone)

    return dial


def _model(address: DeviceAddress) -> Dial:
    """Return how to reach a room model.

    Raises:
        AddressError: no port: a model has no usual one.
    """
    address.allow(*OPTIONS)
    host, port = address.endpoint(0)
    if not port:
        raise AddressError(f"{address}: a port is wanted, as the model printed it")

    async def dial() -> Wire:
        return await TcpWire.dial(host, port)

    return dial


def _dial(address: DeviceAddress) -> Dial:
    match address.scheme:
        case "audio+pulse":
            return _worker(address, server_device, "linux")
        case "audio+wasapi":
            tell_untried("sound on Windows")
            return _worker(address, windows_device, "win32")
        case _:
            return _model(address)


def connect(name: str, address: DeviceAddress, password: str | None) -> RoomSound:
    """Return the unopened sound of a room.

    Raises:
        AddressError: a device name or a port is missing, or a password is given.
    """
    if password is not None:
        raise AddressError(f"{address}: sound takes no password")
    if (echo := address.options.get(ECHO, CANCELLED)) != CANCELLED:
        raise AddressError(f"{address}: {ECHO} can be {CANCELLED}, or is left out, got {echo!r}")
    dial = _dial(address)
    return RoomSound(
        name,
        dial,
        optional=ports_option(address, OPTIONAL),
        defaults=ports_option(address, DEFAULT),
        cancels_echo=ECHO in address.options,
        limits=limits_option(address),
    )
