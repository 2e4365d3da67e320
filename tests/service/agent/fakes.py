"""Devices written by hand: they do what they are told when the test lets them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

from drivers.errors import DeviceRefused, DeviceUnreachable
from drivers.outcomes import Condition, Health, Measure, Outcome, Reason, Result, Verdict, judge
from drivers.ports import Identity, Level, Position, Programme, SoundPort, Strip

DONE = Result(Outcome.COMPLETED, timedelta(0))


class FakeCamera:
    """A camera that moves at once, or waits until `go` is set."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.at = 0
        self.is_there = True
        self.health = Health(Condition.OK)
        self.refuses: set[int] = set()
        self.told: list[str] = []
        self.began = asyncio.Event()
        self.go = asyncio.Event()
        self.go.set()
        self.moving = 0

    async def open(self) -> None:
        self._must_be_there()

    async def close(self) -> None:
        return

    async def check(self) -> Health:
        self._must_be_there()
        return self.health

    def _must_be_there(self) -> None:
        if not self.is_there:
            raise DeviceUnreachable(Reason("camera.no_answer", f"{self.name}: no answer"))

    async def identify(self) -> Identity:
        return Identity("fake", "camera", "1")

    async def power(self, on: bool) -> Result:
        self.told.append(f"power {on}")
        return DONE

    async def recall(self, memory: int) -> Result:
        self._must_be_there()
        self.told.append(f"recall {memory}")
        self.moving += 1
        assert self.moving == 1, "two runs at one camera"
        self.began.set()
        try:
            await self.go.wait()
        finally:
            self.moving -= 1
        if memory in self.refuses:
            raise DeviceRefused(Reason("camera.refused", f"{self.name}: no memory {memory}"))
        self.at = memory
        return DONE

    async def store(self, memory: int) -> Result:
        return DONE

    async def position(self) -> Position:
        return Position(float(self.at), 0, 0)

    async def move_to(self, pan_deg: float, tilt_deg: float, zoom: float | None = None) -> Result:
        return DONE

    async def drive(
        self, pan: float, tilt: float, zoom: float, *, lease: timedelta, owner: str = "", take_over: bool = False
    ) -> None:
        self.told.append(f"drive {pan:g} {tilt:g} {zoom:g}")

    async def stop(self, *, prove: bool = True) -> Result:
        self.told.append("stop")
        return DONE


class FakeSwitcher:
    """A switcher that may lie: with `stuck` it says yes and stays where it is."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.on_air = "Hitam"
        self.recording = False
        self.streaming = False
        self.is_there = True
        self.stuck = False
        self.began = asyncio.Event()
        self.go = asyncio.Event()
        self.go.set()

    async def open(self) -> None:
        return

    async def close(self) -> None:
        return

    async def check(self) -> Health:
        return Health(Condition.OK)

    async def state(self) -> Programme:
        if not self.is_there:
            raise DeviceUnreachable(Reason("obs.no_answer", f"{self.name}: no answer"))
        return Programme(self.on_air, ("Hitam", "Jeda", "Kamera"), self.recording, self.streaming, {})

    async def scene(self, name: str) -> Result:
        self.began.set()
        await self.go.wait()
        if not self.stuck:
            self.on_air = name
        return DONE

    async def record(self, on: bool) -> Result:
        self.recording = on
        return DONE

    async def mute(self, input_name: str, on: bool) -> Result:
        return DONE


class FakeSound:
    """A sound system without a room."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.muted = {"microphone": False, "speaker": False}
        self.told: list[str] = []
        self.heard_open: list[bool] = []
        self.sounding = False
        self.mute_waits: asyncio.Event | None = None
        self.began = asyncio.Event()
        self.go = asyncio.Event()
        self.go.set()

    async def open(self) -> None:
        return

    async def close(self) -> None:
        return

    async def check(self) -> Health:
        return Health(Condition.OK)

    async def inventory(self) -> tuple[SoundPort, ...]:
        return tuple(SoundPort(name, f"{name}-1", True, muted, 0.0) for name, muted in self.muted.items())

    async def levels(self) -> AsyncIterator[Level]:
        while True:
            await asyncio.sleep(0.05)
            yield Level(-40.0, -30.0, False)

    async def prove(self, *, loop: bool) -> tuple[Measure, ...]:
        self.heard_open.append(not self.muted["microphone"])
        self.sounding = loop
        self.began.set()
        try:
            await self.go.wait()
        finally:
            self.sounding = False
        return ()

    async def mute(self, port: str, on: bool) -> Result:
        if self.mute_waits is not None:
            await self.mute_waits.wait()
        self.muted[port] = on
        return DONE

    async def mute_all(self) -> Result:
        self.told.append("mute_all")
        self.muted = dict.fromkeys(self.muted, True)
        return DONE

    async def gain(self, port: str, db: float, *, careful: bool = False) -> Result:
        return DONE


class FakeMixer:
    """A mixer of two channels."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.on_changed: Callable[[Strip], None] | None = None
        self.muted = {"podium": False, "lantai": True}

    async def open(self) -> None:
        return

    async def close(self) -> None:
        return

    async def check(self) -> Health:
        return judge(tuple(Measure(f"mixer.muted.{name}", on, Verdict.PASS) for name, on in self.muted.items()))

    async def strips(self) -> tuple[Strip, ...]:
        return tuple(Strip(name, on, 0.0) for name, on in self.muted.items())

    async def strip(self, channel: str) -> Strip:
        return Strip(channel, self.muted[channel], 0.0)

    async def mute(self, channel: str, on: bool) -> Result:
        self.muted[channel] = on
        return DONE

    async def mute_all(self) -> Result:
        self.muted = dict.fromkeys(self.muted, True)
        return DONE

    async def gain(self, channel: str, db: float, *, careful: bool = False) -> Result:
        return DONE
