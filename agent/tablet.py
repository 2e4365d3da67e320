"""The room as its tablet has it: `agent.web.face.RoomFace` on the engine. What it shows is `agent.shown`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta

from agent import soundhands
from agent.declined import Declined
from agent.engine import Engine
from agent.levels import Second
from agent.pictures import PresetPictures
from agent.programme import ProgrammePicture
from agent.shown import SOUND_PORTS, Shown
from agent.sounddesk import SoundDesk
from agent.tone import Answer, Task
from agent.tones import Tones
from agent.web import face
from drivers.errors import DriverError
from drivers.outcomes import Reason
from drivers.ports import Camera, Device, Level

log = logging.getLogger(__name__)


class Tablet:
    """Satisfies `RoomFace`."""

    def __init__(
        self,
        engine: Engine,
        *,
        sound: SoundDesk | None = None,
        is_online: Callable[[], bool],
        picture: ProgrammePicture | None = None,
        pictures: PresetPictures | None = None,
        drill: bool = False,
    ) -> None:
        self._engine = engine
        self._desk = sound
        self._picture = picture
        self._pictures = pictures
        self._is_leaving = False
        self._shown = Shown(
            engine, desk=sound, is_online=is_online, pictures=pictures, has_programme=picture is not None, drill=drill
        )

    @property
    def facts(self) -> face.RoomFacts:
        """What does not change."""
        return self._shown.facts

    def view(self) -> face.RoomView:
        """Return what is so now."""
        return self._shown.view()

    def leave(self) -> None:
        """Move no camera any more: the agent is ending, and has stopped them."""
        self._is_leaving = True

    def meters(self) -> Mapping[str, Level]:
        """Return the newest levels; only the microphone is listened to."""
        level = None if self._desk is None else self._desk.meter.newest()
        return {} if level is None else {"microphone": level}

    def levels(self) -> tuple[Second, ...]:
        """Return the latest seconds."""
        return () if self._desk is None else self._desk.meter.recent()

    def programme(self) -> face.Shot | None:
        """Return the newest picture of what is on air."""
        return None if self._picture is None else self._picture.look()

    def preset_picture(self, name: str) -> face.Shot | None:
        """Return the picture of what a preset last made."""
        return None if self._pictures is None else self._pictures.shot(name)

    def subscribe(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Call `changed` after every change."""
        return self._engine.subscribe(changed)

    def foresee(self, name: str) -> face.Foresight:
        """Return what a press on a preset would do now.

        Raises:
            Refused: no such preset.
        """
        try:
            found = self._engine.presses.rehearse(name)
        except Declined as error:
            raise face.Refused(error.reason) from error
        steps = (
            face.ForeseenStep(s.device, s.verb, s.arguments, s.takes, s.would, s.optional, s.starts_with)
            for s in found.steps
        )
        return face.Foresight(found.takes, found.at_most, found.is_good, tuple(steps))

    async def run_preset(self, name: str, *, who: str, values: Mapping[str, object] | None = None) -> None:
        """Start a preset."""
        self._do(lambda: self._engine.presses.press(name, cause="tablet", who=who, values=values))

    async def cancel(self, name: str, *, who: str) -> None:
        """Cancel the run of a preset."""
        self._do(lambda: self._engine.presses.cancel(name, who=who))

    async def decide(self, run: str, step: str, do: bool, *, who: str) -> None:
        """Say whether a late step is done."""
        self._do(lambda: self._engine.presses.decide(run, step, do, who=who))

    async def prepare(self, *, who: str) -> None:
        """Prepare the next session at once."""
        self._do(lambda: self._engine.steering.prepare_now(cause="tablet", who=who))

    async def start_session(self, *, who: str) -> None:
        """Go live."""
        self._do(lambda: self._engine.steering.start(who=who))

    async def end_session(self, *, who: str) -> None:
        """End the live session."""
        self._do(lambda: self._engine.steering.end(who=who))

    async def extend(self, by: timedelta, *, who: str, confirmed: bool = False) -> None:
        """Move the end of the live session."""
        self._do(lambda: self._engine.steering.extend(by, who=who, confirmed=confirmed))

    async def tick(self, item: str, on: bool, *, who: str, session: str | None = None) -> None:
        """Set or take back a tick; without a session, of the one that the page shows."""
        shown = self._shown.sessions()[0]
        named = session or (shown.id if shown else None)
        self._do(lambda: self._engine.remarks.tick(item, on, who=who, session=named))

    async def note(self, text: str, *, who: str, session: str | None = None) -> None:
        """Write an incident into the journal; without a session, of the one that the page shows."""
        shown = self._shown.notable(self._shown.sessions()[0])
        named = session or (shown[0].id if shown else None)
        self._do(lambda: self._engine.remarks.write_note(text, who=who, session=named))

    async def go_automatic(self, *, who: str) -> None:
        """Follow the schedule again."""
        self._do(lambda: self._engine.go_automatic(who=who))

    async def recheck(self, *, who: str) -> None:
        """Have every device looked at again."""
        log.info("recheck", extra={"action": "recheck", "who": who})
        for keeper in self._engine.equipment.keepers.values():
            keeper.poke()

    async def mute(self, port: str, on: bool, *, who: str) -> None:
        """Mute or open a sound port.

        Raises:
            Refused: the room has no such port.
        """
        sound = self._port(port)
        self._do(lambda: soundhands.set_mute(self._engine, sound, port, on, who=who))

    async def mute_all(self, *, who: str) -> None:
        """Mute everything, before whatever waits."""
        self._do(lambda: soundhands.mute_all(self._engine, who=who))

    async def gain(self, port: str, db: float, *, who: str) -> None:
        """Set the gain of a sound port.

        Raises:
            Refused: the room has no such port.
        """
        sound = self._port(port)
        self._do(lambda: soundhands.set_gain(self._engine, sound, port, db, who=who))

    async def begin_tone(self, task: Task, *, who: str) -> None:
        """Begin a sound check or a calibration."""
        self._do(lambda: self._tones().begin(task, who=who))

    async def answer_tone(self, heard: Answer, *, who: str) -> None:
        """Say whether the tones were heard."""
        self._do(lambda: self._tones().answer(heard, who=who))

    async def cancel_tone(self, *, who: str) -> None:
        """Cut off what is going, be it a certificate's tone."""
        if self._engine.certificates.is_sounding:
            self._do(self._engine.certificates.stop_tone)
        else:
            self._do(lambda: self._tones().cancel(who=who))

    def _tones(self) -> Tones:
        """Return what sounds.

        Raises:
            Declined: the room has no sound.
        """
        if self._desk is None:
            raise Declined("sound.no_port", "the room has no sound")
        return self._desk.tones

    def _port(self, port: str) -> str:
        """Return the device that a sound port belongs to.

        Raises:
            Refused: the room has no such port.
        """
        if self._desk is None or port not in SOUND_PORTS:
            raise face.Refused(Reason("sound.no_port", f"the room has no sound port {port!r}", {"port": port}))
        return self._desk.device

    async def drive(
        self,
        camera: str,
        pan: float,
        tilt: float,
        zoom: float,
        *,
        lease: timedelta,
        owner: str,
        take_over: bool,
    ) -> None:
        """Move a camera for at most `lease`.

        Raises:
            Refused: no such camera, it would not, somebody else moves it, or the room is stopping.
        """
        device = self._camera(camera)
        if self._is_leaving:
            raise face.Refused(Reason("room.stopping", "the agent is ending"))
        try:
            await device.drive(pan, tilt, zoom, lease=lease, owner=owner, take_over=take_over)
        except DriverError as error:
            raise face.Refused(error.reason) from error
        except ValueError as error:
            raise face.Refused(Reason("camera.bad_speed", str(error))) from error

    async def stop(self, camera: str) -> None:
        """Stop a camera.

        Raises:
            Refused: no such camera, or it did not answer.
        """
        try:
            await self._camera(camera).stop(prove=False)
        except DriverError as error:
            raise face.Refused(error.reason) from error

    def _camera(self, name: str) -> Camera:
        """Return a camera by name.

        Raises:
            Refused: the room has none of that name.
        """
        device: Device | None = self._engine.equipment.devices.get(name)
        if not isinstance(device, Camera):
            raise face.Refused(Reason("camera.unknown", f"the room has no camera {name!r}", {"camera": name}))
        return device

    @staticmethod
    def _do(action: Callable[[], object]) -> None:
        """Press something.

        Raises:
            Refused: the room will not.
        """
        try:
            action()
        except Declined as error:
            raise face.Refused(error.reason) from error
