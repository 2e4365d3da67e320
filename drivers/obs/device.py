"""OBS Studio over obs-websocket 5, behind the `Switcher` port: `obs+ws://host:4455`.

OBS's success means "asked", not "done": a recording whose folder is gone is answered with
success and never starts. So no verb here returns before the state was read back.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from datetime import timedelta

from drivers.address import DeviceAddress
from drivers.errors import DeviceRefused, OutcomeUnknown
from drivers.obs import model
from drivers.obs.link import ObsLink
from drivers.obs.model import Call, read
from drivers.obs.supervisor import Standing, Supervisor
from drivers.outcomes import Health, Outcome, Reason, Result, Scalar, judge
from drivers.ports import Device, Programme

DEFAULT_PORT = 4455
SCENE_WITHIN_S = 2.0
MUTE_WITHIN_S = 2.0
START_WITHIN_S = 3.0
STOP_WITHIN_S = 8.0
"""A stop waits for the encoder: 0.6 s at rest, seconds on a busy machine."""
LOOK_EVERY_S = 0.05
STARTS_ARE_LOST_FOR_S = 5.0
"""So soon after a stop OBS may accept a start and lose it; one more is worth a try."""
START_AGAIN_AFTER_S = 1.0
SNAPSHOT_QUALITY = 70
"""Of 100: a button is small."""


def connect(name: str, address: DeviceAddress, password: str | None) -> Device:
    """Return the unopened OBS `name`.

    Raises:
        AddressError: no host, or an option; there are none.
    """
    address.allow()
    host, port = address.endpoint(DEFAULT_PORT)
    return ObsStudio(name, host, port, password)


class _Secret(str):
    """A password that does not print."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


class ObsStudio:
    """One OBS Studio; dependent commands go one by one, because OBS reorders what is in flight together."""

    def __init__(self, name: str, host: str, port: int, password: str | None) -> None:
        self.name = name
        self._supervisor = Supervisor(host, port, _Secret(password or ""))
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._looked: model.Stats | None = None
        self._stopped_at_s = float("-inf")

    async def open(self) -> None:
        """Connect and identify, in place of any link before.

        Raises:
            DeviceUnreachable: OBS does not run, or does not answer in time.
            DeviceRefused: the password is wrong.
            ProtocolViolation: something else than OBS listens there.
        """
        self._looked = None
        await self._supervisor.start()

    async def close(self) -> None:
        """Let go of the link; what was measured over it is forgotten too."""
        self._looked = None
        await self._supervisor.stop()

    @property
    def standing(self) -> Standing:
        """How OBS is at this moment and what it does, as events told; nothing is asked."""
        return self._supervisor.standing

    async def check(self) -> Health:
        """Ask OBS how it is.

        Raises:
            DeviceUnreachable: no link or no answer in time.
            ProtocolViolation: an answer that makes no sense.
        """
        began = time.monotonic()
        record = read(model.OutputStatus, await self._open_link.ask("GetRecordStatus"))
        rtt_ms = 1000 * (time.monotonic() - began)
        version, stats, video, scenes = await self._ask_all(
            "GetVersion", "GetStats", "GetVideoSettings", "GetSceneList"
        )
        look = model.Look(
            read(model.Version, version),
            read(model.Stats, stats),
            read(model.VideoSettings, video),
            read(model.SceneList, scenes),
            record,
            rtt_ms,
        )
        before, self._looked = self._looked, look.stats
        return judge(model.measures(before, look))

    async def state(self) -> Programme:
        """Ask what is on air, what runs and what is muted."""
        scenes, inputs, record, stream = await self._ask_all(
            "GetSceneList", "GetInputList", "GetRecordStatus", "GetStreamStatus"
        )
        listed = read(model.InputList, inputs)
        replies = await self._open_link.ask_all(
            [Call("GetInputMute", {"inputName": row.input_name}) for row in listed.inputs]
        )
        return model.programme(
            read(model.SceneList, scenes),
            read(model.OutputStatus, record).output_active,
            read(model.OutputStatus, stream).output_active,
            model.muted_inputs(listed, replies),
        )

    async def scene(self, name: str) -> Result:
        """Put `name` on air.

        Raises:
            ValueError: an empty name.
            DeviceRefused: no such scene, or OBS said yes and another scene stays on air.
            OutcomeUnknown: sent, and neither an answer nor the scene came.
        """
        if not name:
            raise ValueError("a scene's name is wanted, got an empty one")
        async with self._turns["scene"]:
            began = time.monotonic()
            if await self._on_air() == name:
                return _reached(began, {"scene": name})
            unheard = await self._set_scene(name)
            if await _until(lambda: self._is_on_air(name), SCENE_WITHIN_S):
                return _reached(began, {"scene": name}, unheard)
            raise unheard or self._not_taken("scene", name, await self._on_air())

    async def record(self, on: bool) -> Result:
        """Start or stop the recording.

        Raises:
            DeviceRefused: no folder, or OBS said yes and nothing changed.
            OutcomeUnknown: sent, and neither an answer nor the change came.
        """
        async with self._turns["record"]:
            began = time.monotonic()
            if await self._recording() is on:
                return _reached(began, {"recording": on})
            return await (self._start_record(began) if on else self._stop_record(began))

    async def mute(self, input_name: str, on: bool) -> Result:
        """Mute or open a sound input.

        Raises:
            ValueError: an empty name.
            DeviceRefused: no such sound input, or OBS said yes and nothing changed.
            OutcomeUnknown: sent, and neither an answer nor the change came.
        """
        if not input_name:
            raise ValueError("an input's name is wanted, got an empty one")
        async with self._turns[f"mute {input_name}"]:
            began = time.monotonic()
            if await self._muted(input_name) is on:
                return _reached(began, {"muted": on})
            unheard = await self._told("SetInputMute", inputName=input_name, inputMuted=on)
            if await _until(lambda: self._is_muted(input_name, on), MUTE_WITHIN_S):
                return _reached(began, {"muted": on}, unheard)
            raise unheard or self._not_taken(f"mute of {input_name}", on, not on)

    async def snapshot(self, source: str, *, width_px: int) -> bytes:
        """Return a small JPEG of a source, whether it is on air or not."""
        answer = await self._open_link.ask(
            "GetSourceScreenshot",
            sourceName=source, imageFormat="jpg", imageWidth=width_px, imageCompressionQuality=SNAPSHOT_QUALITY,
        )  # fmt: skip
        return read(model.Screenshot, answer).content

    # questions

    @property
    def _open_link(self) -> ObsLink:
        """The link.

        Raises:
            DeviceUnreachable: there is none.
        """
        return self._supervisor.link

    async def _ask_all(self, *requests: str) -> list[dict[str, object]]:
        link = self._open_link
        replies = await link.ask_all([Call(request) for request in requests])
        return [dict(reply.accepted(link.where)) for reply in replies]

    async def _on_air(self) -> str:
        answer = await self._open_link.ask("GetCurrentProgramScene")
        return read(model.ProgrammeScene, answer).current_program_scene_name

    async def _is_on_air(self, name: str) -> bool:
        return await self._on_air() == name

    async def _recording(self) -> bool:
        return read(model.OutputStatus, await self._open_link.ask("GetRecordStatus")).output_active

    async def _is_recording(self, on: bool) -> bool:
        return await self._recording() is on

    async def _is_muted(self, input_name: str, on: bool) -> bool:
        return await self._muted(input_name) is on

    async def _muted(self, input_name: str) -> bool:
        """Ask whether an input is muted.

        Raises:
            DeviceRefused: no such input, or one without sound.
        """
        try:
            answer = await self._open_link.ask("GetInputMute", inputName=input_name)
        except DeviceRefused as refused:
            raise await self._explain_input(refused, input_name) from refused
        return read(model.InputMuted, answer).input_muted

    # commands

    async def _told(self, request: str, **fields: object) -> OutcomeUnknown | None:
        """Send a command that sets a state; a missing answer is returned, for the state will tell.

        Raises:
            OutcomeUnknown: the link broke, so the state cannot be asked.
        """
        link = self._open_link
        try:
            await link.tell(request, **fields)
        except OutcomeUnknown as unheard:
            if link.lost is not None:
                raise
            return unheard
        return None

    async def _set_scene(self, name: str) -> OutcomeUnknown | None:
        """Send the switch.

        Raises:
            DeviceRefused: no such scene; names those there are.
        """
        try:
            return await self._told("SetCurrentProgramScene", sceneName=name)
        except DeviceRefused as refused:
            raise await self._explain_scene(refused, name) from refused

    async def _start_record(self, began: float) -> Result:
        """Start; once more when the first may have been lost so soon after a stop.

        Raises:
            DeviceRefused: no folder, or OBS said yes and does not record.
            OutcomeUnknown: neither an answer nor a recording came.
        """
        await self._need_folder()  # else OBS says yes and opens a dialog on the room's screen
        unheard = await self._told_to_record("StartRecord")
        if await _until(lambda: self._is_recording(True), START_WITHIN_S):
            return _reached(began, {"recording": True}, unheard)
        if time.monotonic() - self._stopped_at_s < STARTS_ARE_LOST_FOR_S + START_WITHIN_S:
            await asyncio.sleep(START_AGAIN_AFTER_S)
            unheard = await self._told_to_record("StartRecord")
            if await _until(lambda: self._is_recording(True), START_WITHIN_S):
                return _reached(began, {"recording": True}, unheard)
        if unheard:
            raise unheard
        detail = (
            f"{self.name}: OBS accepted the recording and did not start it within {START_WITHIN_S:g} s; "
            "check the recording folder, the encoder, and the room's screen for an open dialog"
        )
        raise DeviceRefused(Reason("obs.record_not_started", detail))

    async def _stop_record(self, began: float) -> Result:
        """Stop.

        Raises:
            DeviceRefused: OBS said yes and records on.
            OutcomeUnknown: neither an answer nor the end came.
        """
        unheard = await self._told_to_record("StopRecord")
        if await _until(lambda: self._is_recording(False), STOP_WITHIN_S):
            self._stopped_at_s = time.monotonic()
            return _reached(began, {"recording": False}, unheard)
        raise unheard or self._not_taken("recording", False, True)

    async def _told_to_record(self, request: str) -> OutcomeUnknown | None:
        """Send a start or stop; "is so already" is no refusal.

        Raises:
            DeviceRefused: for another reason.
        """
        try:
            return await self._told(request)
        except DeviceRefused as refused:
            if refused.reason.values.get("code") in {model.OUTPUT_RUNNING, model.OUTPUT_NOT_RUNNING}:
                return None
            raise

    async def _need_folder(self) -> None:
        """Look for the recording folder.

        Raises:
            DeviceRefused: it is not there.
        """
        stats = read(model.Stats, await self._open_link.ask("GetStats"))
        if stats.available_disk_space == 0:
            raise DeviceRefused(model.folder_missing())

    # refusals, in words for a technician

    async def _explain_scene(self, refused: DeviceRefused, name: str) -> DeviceRefused:
        if refused.reason.values.get("code") not in {model.RESOURCE_NOT_FOUND, model.INVALID_RESOURCE_TYPE}:
            return refused
        there = read(model.SceneList, await self._open_link.ask("GetSceneList")).names
        values: dict[str, Scalar] = {"scene": name, "scenes": ", ".join(there)}
        if name in there:  # while OBS changes its collection or quits, it denies scenes that it has
            return DeviceRefused(Reason("obs.busy", f"{self.name}: OBS has {name!r} and denied it: it is busy", values))
        detail = f"{self.name}: wanted scene {name!r}, found only {', '.join(there)}"
        return DeviceRefused(Reason("obs.scene_missing", detail, values))

    async def _explain_input(self, refused: DeviceRefused, input_name: str) -> DeviceRefused:
        code = refused.reason.values.get("code")
        if code not in {model.RESOURCE_NOT_FOUND, model.INVALID_RESOURCE_STATE}:
            return refused
        there = read(model.InputList, await self._open_link.ask("GetInputList"))
        names = ", ".join(row.input_name for row in there.inputs)
        values: dict[str, Scalar] = {"input": input_name, "inputs": names}
        if code == model.INVALID_RESOURCE_STATE:
            detail = f"{self.name}: {input_name!r} is an input without sound"
            return DeviceRefused(Reason("obs.input_without_sound", detail, values))
        detail = f"{self.name}: wanted input {input_name!r}, found only {names}"
        return DeviceRefused(Reason("obs.input_missing", detail, values))

    def _not_taken(self, what: str, wanted: Scalar, found: Scalar) -> DeviceRefused:
        detail = f"{self.name}: OBS accepted {what} {wanted!r} and did not do it: found {found!r}"
        return DeviceRefused(Reason("obs.not_taken", detail, {"what": what, "wanted": wanted, "found": found}))


def _reached(began: float, read_back: dict[str, Scalar], unheard: OutcomeUnknown | None = None) -> Result:
    """Return a good end; without OBS's word it rests on the state alone."""
    outcome = Outcome.COMPLETED if unheard is None else Outcome.SETTLED
    return Result(outcome, timedelta(seconds=time.monotonic() - began), read_back)


async def _until(holds: Callable[[], Awaitable[bool]], within_s: float) -> bool:
    """Whether the state was seen within the limit; looked at once in any case."""
    deadline = time.monotonic() + within_s
    while not await holds():
        if time.monotonic() >= deadline:
            return False
        await asyncio.sleep(LOOK_EVERY_S)
    return True
