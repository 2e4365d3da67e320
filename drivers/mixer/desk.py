"""What every network mixer has in common: its channels, the order of commands, and the proof of each.

A command is sent, then the mixer is asked, and only its answer counts. Commands of one mixer
run one after the other; `mute_all` does not wait for them: it is sent at once, and every
opening or gain that had not ended by then is superseded, so that nothing opens again what it closed.
"""

from __future__ import annotations

import asyncio
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from math import isfinite
from typing import Self, TypeVar

from drivers.address import DeviceAddress
from drivers.errors import (
    AddressError,
    CommandSuperseded,
    DeviceRefused,
    DeviceUnreachable,
    OutcomeUnknown,
)
from drivers.outcomes import Health, Measure, Outcome, Reason, Result, Verdict, judge
from drivers.ports import MAX_STEP_UP_DB, Strip

SLOW_MS = 200.0
MAX_CHANNELS = 64

T = TypeVar("T")

_NAME = re.compile(r"[\w. -]{1,64}")


class Desk(ABC):
    """A mixer with named channels; a maker's class says how its bytes do it.

    Implements `drivers.ports.Mixer`.
    """

    gain_range_db: tuple[float, float]
    gain_tolerance_db: float
    tries = 1
    """How often a command is told at most; more only where the carrier loses things."""

    def __init__(self, name: str, channels: Mapping[str, str]) -> None:
        self.name = name
        self.channels = dict(channels)
        """What the room calls a channel, and where it is on the mixer."""
        self.on_changed: Callable[[Strip], None] | None = None
        self._one_at_a_time = asyncio.Lock()
        self._silences = 0
        self._names = {place: channel for channel, place in self.channels.items()}
        self._known: dict[str, tuple[bool | None, float | None]] = {}

    @abstractmethod
    async def open(self) -> None:
        """Make the link, ask who is there and have changes told."""

    @abstractmethod
    async def close(self) -> None:
        """Let go of everything."""

    @abstractmethod
    async def identify(self) -> str:
        """Ask model and version, in the maker's words."""

    @abstractmethod
    def place_of(self, channel: str) -> str:
        """Return where a channel is on the mixer; a `ValueError` says how one is written."""

    @abstractmethod
    async def _ask_muted(self, place: str) -> bool: ...

    @abstractmethod
    async def _ask_gain(self, place: str) -> float: ...

    @abstractmethod
    async def _tell_muted(self, place: str, on: bool) -> None: ...

    @abstractmethod
    async def _tell_gain(self, place: str, db: float) -> None: ...

    async def _ready(self) -> None:
        """Return at once if a command can be sent; made for links that do not notice when they break."""
        return

    async def check(self) -> Health:
        """Ask who is there, and how each channel that the room names is set."""
        began = time.monotonic()
        who = await self.identify()
        took_ms = (time.monotonic() - began) * 1000.0
        slow = Reason("mixer.slow", f"{self.name}: answered after {took_ms:.0f} ms", {"took_ms": round(took_ms)})
        answers = Measure(
            "mixer.answers",
            round(took_ms, 1),
            Verdict.WARN if took_ms > SLOW_MS else Verdict.PASS,
            "ms",
            f"<= {SLOW_MS:g} ms",
            slow if took_ms > SLOW_MS else None,
        )
        strips = await self.strips()
        settings = [
            Measure(f"mixer.{what}.{strip.name}", value, Verdict.PASS, unit)
            for strip in strips
            for what, value, unit in (("muted", strip.muted, ""), ("gain_db", round(strip.gain_db, 1), "dB"))
        ]
        return judge((Measure("mixer.model", who, Verdict.PASS), answers, *await self._more_measures(), *settings))

    async def _more_measures(self) -> tuple[Measure, ...]:
        """Return what only this make can say of itself."""
        return ()

    async def strips(self) -> tuple[Strip, ...]:
        """Ask how every channel that the room names is set."""
        return tuple([await self.strip(channel) for channel in self.channels])

    async def strip(self, channel: str) -> Strip:
        """Ask how a channel is set."""
        place = self._place(channel)
        return Strip(channel, await self._ask_muted(place), await self._ask_gain(place))

    async def mute(self, channel: str, on: bool) -> Result:
        """Mute or open a channel."""
        place = self._place(channel)
        began = time.monotonic()
        async with _Turn(self, may_follow_silence=on) as turn:
            await self._ready()
            muted = await self._prove_muted(turn, channel, place, on)
        return _completed(began, {"muted": muted})

    async def mute_all(self) -> Result:
        """Mute every channel that the room names, before anything that waits.

        Raises:
            DeviceRefused: the room names no channels.
            OutcomeUnknown: not every channel says that it is muted.
        """
        if not self.channels:
            detail = f"{self.name}: wanted to mute all, its address names no channels: add ?channels=…"
            raise DeviceRefused(Reason("mixer.no_channels", detail, {"device": self.name}))
        began = time.monotonic()
        self._silences += 1
        places = {channel: self._place(channel) for channel in self.channels}
        ends = await asyncio.gather(
            *(self._silence(channel, place) for channel, place in places.items()), return_exceptions=True
        )
        failed = [end for end in ends if isinstance(end, BaseException)]
        for end in failed:
            if not isinstance(end, OutcomeUnknown | DeviceRefused | DeviceUnreachable):
                raise end
        if len(failed) == len(ends) and all(isinstance(end, DeviceUnreachable) for end in failed):
            raise failed[0]
        if failed:
            open_ = ", ".join(channel for channel, end in zip(places, ends, strict=True) if end is not None)
            detail = f"{self.name}: wanted all muted, not proved for {open_}"
            raise OutcomeUnknown(Reason("mixer.still_open", detail, {"device": self.name, "channels": open_}))
        return _completed(began, {"muted": True, "channels": len(places)})

    async def _silence(self, channel: str, place: str) -> None:
        turn = _Turn(self, may_follow_silence=True)
        await self._prove_muted(turn, channel, place, on=True)

    async def gain(self, channel: str, db: float, *, careful: bool = False) -> Result:
        """Set a channel's gain.

        Raises:
            ValueError: outside the mixer's range.
            DeviceRefused: `careful`, and more than 6 dB up from where it stands.
        """
        place = self._place(channel)
        low, high = self.gain_range_db
        if not isfinite(db) or not low <= db <= high:
            raise ValueError(f"gain must be {low:g} to {high:g} dB, got {db}")
        began = time.monotonic()
        async with _Turn(self, may_follow_silence=False) as turn:
            await self._ready()
            if careful and db - (stands := await self._ask_gain(place)) > MAX_STEP_UP_DB + self.gain_tolerance_db:
                limit = f"{MAX_STEP_UP_DB:g} dB up at most at once"
                detail = f"{self.name}: wanted {channel} from {stands:.1f} to {db:g} dB, {limit}"
                raise DeviceRefused(Reason("mixer.too_big_a_step", detail, {"most_db": MAX_STEP_UP_DB}))
            gain_db = await self._prove_gain(turn, channel, place, db)
        return _completed(began, {"gain_db": gain_db})

    async def _prove_muted(self, turn: _Turn, channel: str, place: str, on: bool) -> bool:
        """Tell and ask, as often as the carrier may lose something.

        Raises:
            OutcomeUnknown: it says otherwise afterwards.
        """
        what = f"{channel} muted {on}"
        for _ in range(self.tries):
            turn.still_wanted()
            await self._tell_muted(place, on)
            if await self._read_back(turn, what, self._ask_muted(place)) is on:
                turn.still_wanted()
                return on
        turn.still_wanted()
        raise OutcomeUnknown(self._other(what, f"muted {not on}"))

    async def _prove_gain(self, turn: _Turn, channel: str, place: str, db: float) -> float:
        """Do the same with a gain.

        Raises:
            OutcomeUnknown: it says otherwise afterwards.
        """
        what = f"{channel} gain {db:g} dB"
        gain_db = float("nan")
        for _ in range(self.tries):
            turn.still_wanted()
            await self._tell_gain(place, db)
            gain_db = await self._read_back(turn, what, self._ask_gain(place))
            if abs(gain_db - db) <= self.gain_tolerance_db:
                return round(gain_db, 2)
        raise OutcomeUnknown(self._other(what, f"{gain_db:.1f} dB"))

    async def _read_back(self, turn: _Turn, what: str, asking: Awaitable[T]) -> T:
        """Return the answer to a question after a command: without one nobody knows.

        Raises:
            OutcomeUnknown: no answer, or an error for one.
        """
        try:
            return await asking
        except (DeviceUnreachable, DeviceRefused) as error:
            turn.still_wanted()
            detail = f"{self.name}: wanted {what}, it was sent; then {error.reason.detail}"
            raise OutcomeUnknown(Reason("mixer.not_read_back", detail, {"device": self.name})) from error

    def _place(self, channel: str) -> str:
        return self.channels.get(channel) or self.place_of(channel)

    def _learn(self, place: str, *, muted: bool | None = None, gain_db: float | None = None) -> None:
        """Take in what the mixer says of a channel, and tell the listener what is new."""
        if place not in self._names:
            return
        before = self._known.get(place, (None, None))
        was_muted, was_db = before
        now = (was_muted if muted is None else muted, was_db if gain_db is None else gain_db)
        self._known[place] = now
        if None in before or now == before or self.on_changed is None:
            return
        strip = Strip(self._names[place], bool(now[0]), float(now[1] or 0.0))
        asyncio.get_running_loop().call_soon(self.on_changed, strip)

    def _other(self, wanted: str, found: str) -> Reason:
        detail = f"{self.name}: wanted {wanted}, read back {found}"
        return Reason("mixer.not_taken", detail, {"device": self.name})


class _Turn:
    """One command's turn; a `mute_all` in between takes it away."""

    def __init__(self, desk: Desk, *, may_follow_silence: bool) -> None:
        self._desk = desk
        self._lasts = may_follow_silence
        self._began = desk._silences

    async def __aenter__(self) -> Self:
        await self._desk._one_at_a_time.acquire()
        try:
            self.still_wanted()
        except CommandSuperseded:
            self._desk._one_at_a_time.release()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        self._desk._one_at_a_time.release()

    def still_wanted(self) -> None:
        """Return if no `mute_all` came since the command was given.

        Raises:
            CommandSuperseded: one came, and this would open or raise something.
        """
        if not self._lasts and self._desk._silences != self._began:
            detail = f"{self._desk.name}: everything was muted meanwhile"
            raise CommandSuperseded(Reason("mixer.all_muted", detail, {"device": self._desk.name}))


def _completed(began: float, read_back: Mapping[str, bool | float | int]) -> Result:
    return Result(Outcome.COMPLETED, timedelta(seconds=time.monotonic() - began), read_back)


def channels_of(address: DeviceAddress, place_of: Callable[[str], str]) -> dict[str, str]:
    """Return the channels that `?channels=NAME:PLACE,PLACE,…` names, checked.

    Raises:
        AddressError: a name or a place that cannot be, one twice, or too many.
    """
    channels: dict[str, str] = {}
    for part in filter(None, address.options.get("channels", "").split(",")):
        name, _, place = part.rpartition(":")
        name = name or place
        try:
            where = place_of(place)
        except ValueError as error:
            raise AddressError(f"{address}: {error}") from error
        if name in channels or where in channels.values() or not (name == place or _NAME.fullmatch(name)):
            raise AddressError(f"{address}: channel {part!r} must have a plain name, and each stand once")
        channels[name] = where
    if len(channels) > MAX_CHANNELS:
        raise AddressError(f"{address}: at most {MAX_CHANNELS} channels, got {len(channels)}")
    return channels
