"""What OBS is set up with: its scene collection, its profile, and the hotkeys of both."""

from __future__ import annotations

import asyncio
from functools import partial

from drivers.errors import OutcomeUnknown
from drivers.obs import model
from drivers.obs.conversation import Conversation, named, reached
from drivers.obs.model import Call
from drivers.outcomes import Reason, Result

CHANGE_WITHIN_S = 10.0
"""A collection with many cameras takes a while."""
QUESTION_AT_MOST_S = 3600.0
"""So long a question at OBS's screen keeps other changes away."""
ASKED_AFTER_S = 3.0
"""A profile loads in a tenth of a second; a longer silence is a question at OBS's own screen."""
_HAVE_A_VERB = {
    "OBSBasic.StartRecording": "record", "OBSBasic.StopRecording": "record",
    "OBSBasic.PauseRecording": "pause", "OBSBasic.UnpauseRecording": "pause",
    "OBSBasic.StartStreaming": "stream", "OBSBasic.StopStreaming": "stream", "OBSBasic.ForceStopStreaming": "stream",
    "OBSBasic.StartReplayBuffer": "replay", "OBSBasic.StopReplayBuffer": "replay", "ReplayBuffer.Save": "save-replay",
    "OBSBasic.StartVirtualCam": "virtual-camera", "OBSBasic.StopVirtualCam": "virtual-camera",
    "OBSBasic.Transition": "take", "OBSBasic.TogglePreviewProgram": "studio-mode", "OBSBasic.SelectScene": "scene",
}  # fmt: skip
"""Hotkeys that may fail, or open a dialog, unseen."""
OUTPUTS = ("record", "replay", "stream", "virtual camera")


class Setups(Conversation):
    """The verbs for everything at once."""

    def __init__(self, name: str, host: str, port: int, password: str | None) -> None:
        super().__init__(name, host, port, password)
        self._question: asyncio.Task[dict[str, object]] | None = None
        """A change that OBS has not answered because it asks at its own screen."""

    async def collection(self, name: str) -> Result:
        """Load a scene collection, when nothing is recorded or streamed.

        Raises:
            ValueError: an empty name.
            DeviceRefused: no such collection, an output runs, or OBS did not do it.
            OutcomeUnknown: sent, and neither an answer nor the change came.
        """
        named("a scene collection", name)
        self._need_no_question()
        async with self.turn("setup", *OUTPUTS) as began:
            listed = await self._collections()
            if listed.current_scene_collection_name == name:
                return reached(began, {"collection": name})
            if name not in listed.scene_collections:
                raise self.missing("obs.collection_missing", "collection", name, listed.scene_collections)
            await self._need_rest(without_camera=True)
            call = Call("SetCurrentSceneCollection", {"sceneCollectionName": name})
            told = await self.tell("setup", call, within_s=CHANGE_WITHIN_S)

            async def loaded() -> bool:
                seen = await self._supervisor.look()
                return seen.collection == name and not seen.busy

            if await self.until(loaded, CHANGE_WITHIN_S):
                return reached(began, {"collection": name}, told)
            raise told.unheard or self.not_taken("collection", name, listed.current_scene_collection_name)

    async def profile(self, name: str) -> Result:
        """Load a profile, when no output runs.

        A profile with other sound settings makes OBS ask at its own screen whether it may
        restart, and no answer comes before a person gave one.

        Raises:
            ValueError: an empty name.
            DeviceRefused: no such profile, an output runs, or OBS did not do it.
            OutcomeUnknown: sent, and no answer came; a question stands probably on the room's screen.
        """
        named("a profile", name)
        self._need_no_question()
        async with self.turn("setup", *OUTPUTS) as began:
            listed = await self._profiles()
            if listed.current_profile_name == name:
                return reached(began, {"profile": name})
            if name not in listed.profiles:
                raise self.missing("obs.profile_missing", "profile", name, listed.profiles)
            await self._need_rest()
            call = Call("SetCurrentProfile", {"profileName": name})
            answer = self.send("setup", call, within_s=QUESTION_AT_MOST_S)
            await asyncio.wait({answer}, timeout=ASKED_AFTER_S)
            if not answer.done():
                self._question = answer
                raise OutcomeUnknown(await self._asks(name))
            answer.result()
            if await self.until(partial(self._is_loaded, name), CHANGE_WITHIN_S):
                return reached(began, {"profile": name})
            raise self.not_taken("profile", name, listed.current_profile_name)

    async def hotkey(self, name: str) -> Result:
        """Press a hotkey of OBS by its name; what it does OBS does not say, so it is never pressed twice.

        Raises:
            ValueError: an empty name.
            DeviceRefused: no such hotkey, several of that name, or one for which there is a verb that confirms.
            OutcomeUnknown: sent, and no answer came.
        """
        if verb := _HAVE_A_VERB.get(named("a hotkey", name)):
            raise self.refusal("obs.hotkey_has_verb", f"{name} may fail unseen; say {verb} instead", verb=verb)
        async with self.turn("hotkey") as began:
            there = (await self.ask(model.HotkeyList, Call("GetHotkeyList"))).hotkeys
            if name not in there:
                raise self.missing("obs.hotkey_missing", "hotkey", name, tuple(dict.fromkeys(there)))
            if there.count(name) > 1:
                detail = f"{there.count(name)} sources have a hotkey {name!r}; OBS would take any of them"
                raise self.refusal("obs.hotkey_ambiguous", detail, hotkey=name)
            told = await self.tell("hotkey", Call("TriggerHotkeyByName", {"hotkeyName": name}))
            if told.unheard is not None:
                raise told.unheard
            return reached(began, {"hotkey": name, "effect": "not known"})

    async def _asks(self, profile: str) -> Reason:
        detail = f"{self.name}: profile {profile!r} was sent, and OBS asks something at its own screen"
        return Reason("obs.dialog_open", detail, {"profile": profile, "loaded": await self._is_loaded(profile)})

    def _need_no_question(self) -> None:
        """See that OBS does not ask at its screen: each change that waits for that costs it one of its few threads.

        Raises:
            DeviceRefused: it does.
        """
        if self._question is not None and not self._question.done():
            raise self.refusal("obs.dialog_open", "OBS has not answered an earlier change: it asks at its own screen")

    async def _is_loaded(self, profile: str) -> bool:
        return (await self._profiles()).current_profile_name == profile

    async def _collections(self) -> model.CollectionList:
        return await self.ask(model.CollectionList, Call("GetSceneCollectionList"))

    async def _profiles(self) -> model.ProfileList:
        return await self.ask(model.ProfileList, Call("GetProfileList"))

    async def _need_rest(self, *, without_camera: bool = False) -> None:
        """See that nothing is put out: OBS would change its set-up under it.

        Raises:
            DeviceRefused: something is; names it.
        """
        seen = await self._supervisor.look()
        outputs = {"recording": seen.record, "stream": seen.stream, "replay": seen.replay}
        if not without_camera:
            outputs["virtual camera"] = seen.virtual_camera
        running = ", ".join(name for name, output in outputs.items() if output is not None and not output.rests)
        if running:
            raise self.refusal("obs.outputs_running", f"not while OBS runs {running}", running=running)
