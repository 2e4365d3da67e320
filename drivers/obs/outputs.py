"""What OBS puts out: the recording, the stream, the virtual camera and the replay buffer.

OBS says yes to starts that never happen, and opens a dialog on the room's screen for some of
them. So what would open one is looked for before; a start counts when OBS says that it runs
and, where it can be counted, when bytes are written; and the first start after a stop, which
OBS may lose, is sent once more.

A stop never waits for a start to prove itself: the start gives way. And since a start that
nobody waits for any more may still come, a stop that finds nothing running looks for it.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from drivers.errors import CommandSuperseded, DeviceRefused, DeviceUnreachable, OutcomeUnknown
from drivers.obs import model
from drivers.obs.conversation import Conversation, Told, code_of, reached
from drivers.obs.model import Call, read
from drivers.obs.studio import Output, OutputState, Studio
from drivers.obs.supervisor import Standing
from drivers.outcomes import Reason, Result, Scalar

START_WITHIN_S = 3.0
COMES_WITHIN_S = 5.0
"""After that, a start that was not seen to come is lost."""
STARTING_WITHIN_S = 10.0
"""When OBS has said that it starts: a busy machine takes its time."""
STREAM_WITHIN_S = 15.0
"""A stream starts when a server far away has taken it."""
CAMERA_WITHIN_S = 1.5
STOP_WITHIN_S = 15.0
"""A stop waits for the encoder: 0.6 s at rest, 6 s out of a pause, more on a busy machine."""
PAUSE_WITHIN_S = 2.0
PAUSES_APART_S = 1.0
"""A pause taken back at once makes OBS lose the next one, or stall the recording for good."""
SAVED_WITHIN_S = 8.0
BYTES_WITHIN_S = 3.0
FRAMES_BEFORE_BYTES = 60
"""An encoder looks ahead so far before the first byte; at few frames a second that is longer."""
STARTS_ARE_LOST_FOR_S = 5.0
"""So soon after a stop OBS may accept a start and lose it; one more is worth a try."""
START_AGAIN_AFTER_S = 1.0
DISK_AT_LEAST_MB = 50.0
"""With less, OBS opens a dialog instead of recording."""
_ALREADY = frozenset({model.OUTPUT_RUNNING, model.OUTPUT_NOT_RUNNING, model.OUTPUT_PAUSED, model.OUTPUT_NOT_PAUSED})


@dataclass(frozen=True, slots=True)
class _Kind:
    """One of OBS's outputs."""

    subject: str
    shown: str
    """Its name in what is read back."""
    status: str
    start: str
    stop: str
    of: Callable[[Studio], Output | None]
    absent: str = ""
    """Why there may be none."""
    within_s: float = START_WITHIN_S
    lost: str = ""
    """Why it did not start."""
    hint: str = ""
    empty: str = ""
    """Why it counts as dead though it runs; empty where no bytes are counted."""


RECORD = _Kind(
    "record", "recording", "GetRecordStatus", "StartRecord", "StopRecord", lambda seen: seen.record,
    lost="obs.record_not_started", hint="check the recording folder, the encoder, and the room's screen for a dialog",
    empty="obs.record_empty",
)  # fmt: skip
STREAM = _Kind(
    "stream", "streaming", "GetStreamStatus", "StartStream", "StopStream", lambda seen: seen.stream,
    within_s=STREAM_WITHIN_S, lost="obs.stream_not_started",
    hint="check service, key and network, and the room's screen for a dialog", empty="obs.stream_empty",
)  # fmt: skip
CAMERA = _Kind(
    "virtual camera", "virtual_camera", "GetVirtualCamStatus", "StartVirtualCam", "StopVirtualCam",
    lambda seen: seen.virtual_camera, absent="obs.no_virtual_camera", within_s=CAMERA_WITHIN_S,
    lost="obs.virtual_camera_not_started", hint="check its driver on the room's computer",
)  # fmt: skip
REPLAY = _Kind(
    "replay", "replay", "GetReplayBufferStatus", "StartReplayBuffer", "StopReplayBuffer", lambda seen: seen.replay,
    absent="obs.no_replay_buffer", lost="obs.replay_not_started", hint="check the recording folder and the encoder",
)  # fmt: skip


class Outputs(Conversation):
    """The verbs for what leaves OBS."""

    def __init__(self, name: str, host: str, port: int, password: str | None) -> None:
        super().__init__(name, host, port, password)
        self._stopped_s: dict[str, float] = {}
        """By output, when it was last seen to come to rest."""
        self._stops: Counter[str] = Counter()
        """By output, how many wait to stop it."""
        self._unproven_s: dict[str, float] = {}
        """By output, when a start was sent that was not seen to come."""
        self._turned_s = float("-inf")
        """When a recording was last seen to pause or to go on."""
        self._before: Studio | None = None

    def _stood(self, standing: Standing) -> None:
        """Note when an output comes to rest and when a recording pauses or goes on, whoever did it."""
        before, self._before = self._before, standing.studio
        if before is None or standing.studio is None:
            return
        for kind in (RECORD, STREAM, CAMERA, REPLAY):
            then, now = kind.of(before), kind.of(standing.studio)
            if then is not None and now is not None and now.rests and not then.rests:
                self._stopped_s[kind.subject] = time.monotonic()
        states = {before.record.state, standing.studio.record.state}
        if len(states) == 2 and OutputState.PAUSED in states:
            self._turned_s = time.monotonic()

    async def record(self, on: bool) -> Result:
        """Start or stop the recording; a start counts when bytes are written.

        Raises:
            DeviceRefused: no folder, no space, or OBS said yes and nothing changed.
            OutcomeUnknown: sent, and neither an answer nor the change came.
        """
        return await self._put(RECORD, on, self._need_folder)

    async def pause(self, on: bool) -> Result:
        """Pause or go on with the recording.

        Raises:
            DeviceRefused: nothing is recorded, this recording cannot be paused, or OBS did not do it.
            OutcomeUnknown: sent, and neither an answer nor the change came.
        """
        async with self.turn("record") as began:
            seen = await self._status(RECORD)
            if not seen.output_active:
                raise self.refusal("obs.not_recording", "wanted a recording to pause, found none")
            if seen.output_paused is on:
                return reached(began, {"paused": on})
            await asyncio.sleep(max(0.0, self._turned_s + PAUSES_APART_S - time.monotonic()))
            told = await self._say(RECORD, "PauseRecord" if on else "ResumeRecord")

            async def there() -> bool:
                now = await self._status(RECORD)
                return now.output_active and now.output_paused is on

            if await self.until(there, PAUSE_WITHIN_S):
                self._turned_s = time.monotonic()
                return reached(began, {"paused": on}, told)
            raise told.unheard or await self._not_paused(on)

    async def stream(self, on: bool) -> Result:
        """Start or stop the stream; a start counts when bytes are sent.

        Raises:
            DeviceRefused: no service or key is set, or OBS said yes and nothing changed.
            OutcomeUnknown: sent, and neither an answer nor the change came.
        """
        return await self._put(STREAM, on, self._need_service)

    async def virtual_camera(self, on: bool) -> Result:
        """Start or stop the virtual camera.

        Raises:
            DeviceRefused: there is none, or OBS said yes and nothing changed.
            OutcomeUnknown: sent, and neither an answer nor the change came.
        """
        return await self._put(CAMERA, on)

    async def replay(self, on: bool) -> Result:
        """Start or stop the replay buffer.

        Raises:
            DeviceRefused: it is not set up, no folder, or OBS said yes and nothing changed.
            OutcomeUnknown: sent, and neither an answer nor the change came.
        """
        return await self._put(REPLAY, on, self._need_folder)

    async def save_replay(self) -> Result:
        """Write the replay buffer to a file and return once OBS names it; never sent twice.

        Raises:
            DeviceRefused: the buffer is off or not set up, or OBS said yes and saved nothing.
            OutcomeUnknown: sent, and neither an answer nor a file came.
        """
        async with self.turn("replay") as began:
            if not (await self._status(REPLAY)).output_active:
                raise self.refusal("obs.replay_off", "wanted a running replay buffer to save, found it off")
            if (await self._status(RECORD)).output_paused:  # one encoder for both, and it rests: OBS would say yes
                raise self.refusal("obs.replay_paused", "no replay can be saved while the recording is paused")
            await self._need_folder()
            before = await self._saved_replay()
            told = await self._say(REPLAY, "SaveReplayBuffer")
            saved = before

            async def there() -> bool:
                nonlocal saved
                saved = await self._saved_replay()
                return saved != before

            if await self.until(there, SAVED_WITHIN_S):
                return reached(began, {"path": saved}, told)
            raise told.unheard or self.refusal("obs.replay_not_saved", "OBS accepted to save and named no file")

    # To a state.

    async def _put(self, kind: _Kind, on: bool, needs: Callable[[], Awaitable[None]] | None = None) -> Result:
        """Bring an output to run or to rest.

        Raises:
            DeviceRefused: it cannot be, or OBS said yes and did not do it.
            CommandSuperseded: it was to start, and somebody wants it stopped.
            OutcomeUnknown: sent, and neither an answer nor the change came.
        """
        if not on:
            return await self._put_to_rest(kind)
        async with self.turn(kind.subject) as began:
            await self._settled(kind)
            if await self._runs(kind):
                return reached(began, {kind.shown: True})
            if needs is not None:
                await needs()
            return await self._start(kind, began)

    async def _put_to_rest(self, kind: _Kind) -> Result:
        """Stop what runs, or is about to.

        Raises:
            OutcomeUnknown: a start is under way and does not end.
        """
        self._stops[kind.subject] += 1
        try:
            async with self.turn(kind.subject) as began:
                await self._settled(kind)
                if await self._runs(kind) or await self._comes_late(kind):
                    return await self._stop(kind, began)
                if self._state(kind) is OutputState.STARTING:
                    detail = f"{self.name}: OBS is still starting {kind.shown} and cannot be stopped yet"
                    raise OutcomeUnknown(Reason("obs.still_starting", detail))
                return reached(began, {kind.shown: False})
        finally:
            self._stops[kind.subject] -= 1

    async def _comes_late(self, kind: _Kind) -> bool:
        """Whether a start that was not seen to come comes now."""
        sent_s = self._unproven_s.pop(kind.subject, None)
        if sent_s is None:
            return False
        return await self.until(lambda: self._runs(kind), sent_s + COMES_WITHIN_S - time.monotonic())

    async def _start(self, kind: _Kind, began: float) -> Result:
        """Start; once more when OBS said yes to the first so soon after a stop and lost it.

        Raises:
            CommandSuperseded: somebody wants it stopped.
            DeviceRefused: OBS said yes and it does not run, or runs empty.
            OutcomeUnknown: neither an answer nor a running output came.
        """
        fps = read(model.Stats, await self.link.ask("GetStats")).active_fps
        told = await self._say(kind, kind.start)
        runs = await self._comes_up(kind)
        if not runs and told.unheard is None and self._may_be_lost(kind):
            await asyncio.sleep(START_AGAIN_AFTER_S)
            if not await self._runs(kind):
                told = await self._say(kind, kind.start)
            runs = await self._comes_up(kind)
        if runs:
            self._unproven_s.pop(kind.subject, None)
        else:
            detail = f"OBS accepted {kind.start} and did not start within {kind.within_s:g} s; {kind.hint}"
            raise told.unheard or self.refusal(kind.lost, detail)
        if kind.empty and not await self._bytes_grow(kind, fps):
            raise self.refusal(kind.empty, f"OBS says {kind.shown} and counts no bytes")
        return reached(began, self._read_back(kind, True), told)

    async def _stop(self, kind: _Kind, began: float) -> Result:
        """Stop.

        Raises:
            DeviceRefused: OBS said yes and it runs on.
            OutcomeUnknown: neither an answer nor the end came.
        """
        told = await self._say(kind, kind.stop)

        async def rests() -> bool:
            return not await self._runs(kind)

        if not await self.until(rests, STOP_WITHIN_S):
            raise told.unheard or self.not_taken(kind.shown, False, True)
        self._stopped_s[kind.subject] = time.monotonic()
        path = told.fields.get("outputPath")
        return reached(began, self._read_back(kind, False) | ({"path": path} if isinstance(path, str) else {}), told)

    async def _say(self, kind: _Kind, request: str) -> Told:
        """Send a command; "is so already" is no refusal.

        Raises:
            DeviceRefused: for another reason.
        """
        if request == kind.start:
            self._unproven_s[kind.subject] = time.monotonic()
        try:
            return await self.tell(kind.subject, Call(request))
        except DeviceRefused as refused:
            self._unproven_s.pop(kind.subject, None)
            if code_of(refused) not in _ALREADY:
                raise
        return Told()

    async def _settled(self, kind: _Kind) -> None:
        """Wait for the end of a start or stop that somebody else asked for."""
        under_way = {OutputState.STARTING, OutputState.STOPPING}

        def rests_or_runs(standing: Standing) -> bool:
            output = None if standing.studio is None else kind.of(standing.studio)
            return output is None or output.state not in under_way

        await self._supervisor.until(rests_or_runs, STARTING_WITHIN_S)

    async def _comes_up(self, kind: _Kind) -> bool:
        """Whether it runs in time; longer when OBS says that it starts, shorter when it says that it failed."""
        failed = False

        async def decided() -> bool:
            nonlocal failed
            self._give_way(kind)
            if await self._runs(kind):
                return True
            state = self._state(kind)
            failed = failed or (began and state is OutputState.STOPPED)
            return failed

        began = self._state(kind) is OutputState.STARTING
        if not await self.until(decided, kind.within_s):
            began = self._state(kind) is OutputState.STARTING
            if not began or not await self.until(decided, STARTING_WITHIN_S):
                return False
        return not failed

    async def _bytes_grow(self, kind: _Kind, fps: float) -> bool:
        """Whether it writes, and not only says so."""
        lowest: int | None = None

        async def grown() -> bool:
            nonlocal lowest
            self._give_way(kind)
            seen = await self._status(kind)
            if seen.output_paused:
                return True
            lowest = seen.output_bytes if lowest is None else min(lowest, seen.output_bytes)
            return seen.output_bytes > lowest

        return await self.until(grown, min(max(BYTES_WITHIN_S, FRAMES_BEFORE_BYTES / max(fps, 1.0)), STARTING_WITHIN_S))

    def _give_way(self, kind: _Kind) -> None:
        """End a start that somebody waits to stop.

        Raises:
            CommandSuperseded: somebody does.
        """
        if self._stops[kind.subject]:
            raise CommandSuperseded(Reason("obs.superseded", f"{self.name}: {kind.start} gave way to {kind.stop}"))

    def _may_be_lost(self, kind: _Kind) -> bool:
        stopped_s = self._stopped_s.get(kind.subject, float("-inf"))
        return time.monotonic() - stopped_s < STARTS_ARE_LOST_FOR_S + kind.within_s

    def _state(self, kind: _Kind) -> OutputState | None:
        output = None if self.studio is None else kind.of(self.studio)
        return None if output is None else output.state

    def _read_back(self, kind: _Kind, on: bool) -> dict[str, Scalar]:
        output = None if self.studio is None else kind.of(self.studio)
        path = output.path if on and output is not None and output.active else ""
        return {kind.shown: on} | ({"path": path} if path else {})

    # Questions.

    async def _status(self, kind: _Kind) -> model.OutputStatus:
        """Ask how it is.

        Raises:
            DeviceRefused: OBS has none.
        """
        try:
            return await self.ask(model.OutputStatus, Call(kind.status))
        except DeviceRefused as refused:
            if kind.absent and code_of(refused) == model.INVALID_RESOURCE_STATE:
                raise self.refusal(kind.absent, f"OBS has no {kind.subject}: {refused}") from refused
            raise

    async def _runs(self, kind: _Kind) -> bool:
        return (await self._status(kind)).output_active

    async def _saved_replay(self) -> str:
        return (await self.ask(model.SavedReplay, Call("GetLastReplayBufferReplay"))).saved_replay_path

    async def _need_folder(self) -> None:
        """See that there is a folder with room in it, or OBS opens a dialog.

        Raises:
            DeviceRefused: there is none.
        """
        free_mb = read(model.Stats, await self.link.ask("GetStats")).available_disk_space
        if free_mb == 0:
            raise DeviceRefused(model.folder_missing())
        if free_mb < DISK_AT_LEAST_MB:
            detail = f"{free_mb:.0f} MB left to record into, wanted {DISK_AT_LEAST_MB:.0f}"
            raise self.refusal("obs.disk_full", detail, free_mb=round(free_mb))

    async def _need_service(self) -> None:
        """See that there is a service to stream to, or OBS opens a dialog.

        Raises:
            DeviceRefused: there is none.
        """
        if not (await self.ask(model.StreamService, Call("GetStreamServiceSettings"))).usable:
            raise self.refusal("obs.no_stream_service", "no stream service or key is set in OBS")

    async def _not_paused(self, on: bool) -> DeviceRefused:
        """Return why a recording that was to pause goes on."""
        try:
            shared = await self._shares_encoder()
        except (DeviceRefused, DeviceUnreachable):
            shared = False
        if on and shared:
            detail = "OBS accepted the pause and records on: the recording shares the stream's encoder"
            return self.refusal("obs.pause_impossible", detail)
        return self.not_taken("paused", on, not on)

    async def _shares_encoder(self) -> bool:
        """Ask whether recordings are made by the stream's encoder, which cannot pause."""
        simple = await self._parameter("Output", "Mode") != "Advanced"
        if simple:
            return await self._parameter("SimpleOutput", "RecQuality") == "Stream"
        return await self._parameter("AdvOut", "RecEncoder") == "none"

    async def _parameter(self, category: str, name: str) -> str | None:
        asked = Call("GetProfileParameter", {"parameterCategory": category, "parameterName": name})
        return (await self.ask(model.ProfileParameter, asked)).parameter_value
