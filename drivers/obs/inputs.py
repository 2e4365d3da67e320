"""What OBS takes in: how loud a sound input is, what a title says, a clip from its start."""

from __future__ import annotations

import asyncio
from functools import partial

from drivers.errors import DeviceRefused
from drivers.obs import model
from drivers.obs.conversation import Conversation, Goal, code_of, named, reached
from drivers.obs.model import Call, read
from drivers.outcomes import Result

GAIN_LOWEST_DB, GAIN_HIGHEST_DB = -100.0, 26.0
"""What OBS takes."""
GAIN_NEAR_DB = 0.1
PLAYS_WITHIN_S = 3.0
START_MS = 500
"""As near to its start as it takes to see that a clip plays again."""
MEDIA_WITHIN_S = 0.5
"""So long after its collection was loaded a clip may say that it is none."""
SCREENSHOT_WITHIN_S = 3.0
SNAPSHOT_QUALITY = 70
"""Of 100: a button is small."""
_RESTART = "OBS_WEBSOCKET_MEDIA_INPUT_ACTION_RESTART"
_NO_MEDIA, _PLAYING = "OBS_MEDIA_STATE_NONE", "OBS_MEDIA_STATE_PLAYING"
_TEXT_KINDS = "text_"
"""How every kind of text source begins, on each system."""
_FROM_FILE = ("from_file", "read_from_file")


class Inputs(Conversation):
    """The verbs for single inputs."""

    async def mute(self, input_name: str, on: bool) -> Result:
        """Mute or open a sound input.

        Raises:
            ValueError: an empty name.
            DeviceRefused: no such sound input, or OBS said yes and nothing changed.
            OutcomeUnknown: sent, and neither an answer nor the change came.
        """

        async def muted() -> bool:
            return (await self.ask(model.InputMuted, Call("GetInputMute", {"inputName": input_name}))).input_muted

        call = Call("SetInputMute", {"inputName": named("an input", input_name), "inputMuted": on})
        explain = partial(self._explain_input, input_name)
        return await self.go_to(Goal("muted", on, muted, call, f"mute {input_name}", explain=explain))

    async def volume(self, input_name: str, db: float) -> Result:
        """Set a sound input's fader.

        Raises:
            ValueError: an empty name, or a gain that OBS does not take.
            DeviceRefused: no such sound input, or OBS said yes and nothing changed.
            OutcomeUnknown: sent, and neither an answer nor the change came.
        """
        if not GAIN_LOWEST_DB <= db <= GAIN_HIGHEST_DB:
            raise ValueError(f"a volume is {GAIN_LOWEST_DB:g} to {GAIN_HIGHEST_DB:g} dB, got {db:g}")

        async def gain_db() -> float:
            asked = Call("GetInputVolume", {"inputName": input_name})
            return round((await self.ask(model.InputVolume, asked)).input_volume_db, 2)

        call = Call("SetInputVolume", {"inputName": named("an input", input_name), "inputVolumeDb": float(db)})
        explain = partial(self._explain_input, input_name)
        goal = Goal("gain_db", float(db), gain_db, call, f"gain {input_name}", near=GAIN_NEAR_DB, explain=explain)
        return await self.go_to(goal)

    async def text(self, input_name: str, text: str) -> Result:
        """Set what a text source says.

        Raises:
            ValueError: an empty name.
            DeviceRefused: no such text source, one that reads a file, or OBS said yes and nothing changed.
            OutcomeUnknown: sent, and neither an answer nor the change came.
        """
        call = Call(
            "SetInputSettings",
            {"inputName": named("an input", input_name), "inputSettings": {"text": text}, "overlay": True},
        )
        explain = partial(self._explain_input, input_name)
        return await self.go_to(
            Goal("text", text, partial(self.text_of, input_name), call, f"text {input_name}", explain=explain)
        )

    async def text_of(self, input_name: str) -> str:
        """Ask what a text source says.

        Raises:
            DeviceRefused: it is no text source, or takes its text from a file.
        """
        asked = await self.ask(model.InputSettings, Call("GetInputSettings", {"inputName": input_name}))
        if not asked.input_kind.startswith(_TEXT_KINDS):
            detail = f"{input_name!r} is a {asked.input_kind}, no text source"
            raise self.refusal("obs.not_text", detail, input=input_name)
        if any(asked.input_settings.get(name) is True for name in _FROM_FILE):
            detail = f"{input_name!r} shows a file's text; turn that off in its properties"
            raise self.refusal("obs.text_from_file", detail, input=input_name)
        return str(asked.input_settings.get("text", ""))

    async def restart_media(self, input_name: str) -> Result:
        """Play a clip from its start and return once it is seen to play; never sent twice.

        OBS says "playing" of a clip whose file is gone too, so its time must run.

        Raises:
            ValueError: an empty name.
            DeviceRefused: no such clip, or it does not play.
            OutcomeUnknown: sent, and neither an answer nor a playing clip was seen.
        """
        subject = f"media {named('an input', input_name)}"
        async with self.turn(subject) as began:
            if not await self._has_media(input_name):
                await asyncio.sleep(MEDIA_WITHIN_S)
            if not await self._has_media(input_name):
                raise self.refusal("obs.not_media", f"{input_name!r} is no media source", input=input_name)
            before = await self._media(input_name)
            call = Call("TriggerMediaInputAction", {"inputName": input_name, "mediaAction": _RESTART})
            told = await self.tell(subject, call)

            last: model.MediaStatus | None = None

            async def plays() -> bool:
                nonlocal last
                seen, last = last, await self._media(input_name)
                return _runs(seen, last) and _is_back(before, last)

            if await self.until(plays, PLAYS_WITHIN_S):
                return reached(began, {"playing": True}, told)
            if told.unheard is not None:
                raise told.unheard
            detail = f"OBS accepted to play {input_name!r}, and its time does not run: check its file"
            raise self.refusal("obs.media_not_playing", detail, input=input_name)

    async def snapshot(self, source: str, *, width_px: int) -> bytes:
        """Return a small JPEG of a source, whether it is on air or not; one at a time.

        Raises:
            DeviceRefused: no such source, or it gives no picture.
        """
        asked = {"sourceName": source, "imageFormat": "jpg", "imageWidth": width_px,
                 "imageCompressionQuality": SNAPSHOT_QUALITY}  # fmt: skip
        async with self.turn("snapshot"):
            try:
                answer = await self.ask(
                    model.Screenshot, Call("GetSourceScreenshot", asked), within_s=SCREENSHOT_WITHIN_S
                )
            except DeviceRefused as refused:
                raise self._explain_picture(refused, source) from refused
        return answer.content

    # Questions.

    async def _has_media(self, input_name: str) -> bool:
        return (await self._media(input_name)).media_state != _NO_MEDIA

    async def _media(self, input_name: str) -> model.MediaStatus:
        """Ask how far a clip is.

        Raises:
            DeviceRefused: there is none.
        """
        try:
            return await self.ask(model.MediaStatus, Call("GetMediaInputStatus", {"inputName": input_name}))
        except DeviceRefused as refused:
            raise await self._explain_input(input_name, refused) from None

    # Refusals, in words for a technician.

    async def _explain_input(self, input_name: str, refused: DeviceRefused) -> DeviceRefused:
        code = code_of(refused)
        if code == model.INVALID_RESOURCE_STATE:
            detail = f"{input_name!r} is an input without sound"
            return self.refusal("obs.input_without_sound", detail, input=input_name)
        if code not in {model.RESOURCE_NOT_FOUND, model.INVALID_RESOURCE_TYPE}:
            return refused
        there = tuple(row.input_name for row in read(model.InputList, await self.link.ask("GetInputList")).inputs)
        if input_name in there:  # while OBS changes its collection or quits, it denies inputs that it has
            return self.refusal("obs.busy", f"OBS has {input_name!r} and denied it: it is busy", input=input_name)
        return self.missing("obs.input_missing", "input", input_name, there)

    def _explain_picture(self, refused: DeviceRefused, source: str) -> DeviceRefused:
        if code_of(refused) == model.NO_PICTURE:
            return self.refusal("obs.no_picture", f"{source!r} gives no picture", source=source)
        if code_of(refused) == model.RESOURCE_NOT_FOUND:
            return self.refusal("obs.source_missing", f"OBS has no source {source!r}", source=source)
        return refused


def _runs(before: model.MediaStatus | None, now: model.MediaStatus) -> bool:
    """Whether the time of a clip goes on between two looks; OBS may keep saying when it ended."""
    if before is None or now.media_state != _PLAYING or not now.media_cursor:
        return False
    return now.media_cursor > (before.media_cursor or 0)


def _is_back(before: model.MediaStatus, now: model.MediaStatus) -> bool:
    """Whether a clip that was playing is nearer to its start than it was."""
    if before.media_state != _PLAYING or before.media_cursor is None or now.media_cursor is None:
        return True
    return now.media_cursor < max(before.media_cursor, START_MS)
