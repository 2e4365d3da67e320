"""What OBS puts on air: scenes, the preview of its studio mode, transitions and what a scene shows."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from drivers.errors import DeviceRefused, DeviceUnreachable
from drivers.obs import model
from drivers.obs.conversation import Conversation, Goal, code_of, named, reached
from drivers.obs.model import Call, read
from drivers.outcomes import Outcome, Result

TRANSITION_SHORTEST = timedelta(milliseconds=50)
TRANSITION_LONGEST = timedelta(seconds=20)
_NO_SUCH_SCENE = frozenset({model.RESOURCE_NOT_FOUND, model.INVALID_RESOURCE_TYPE})
ITEMS_AT_MOST = 50
"""A source that stands more often in one scene is no mistake of ours."""


class Scenes(Conversation):
    """The verbs for pictures."""

    async def scene(self, name: str) -> Result:
        """Put `name` on air, also in studio mode; a slow transition has then begun, not ended.

        Raises:
            ValueError: an empty name.
            DeviceRefused: no such scene, or OBS said yes and another scene stays on air.
            OutcomeUnknown: sent, and neither an answer nor the scene came.
        """
        call = Call("SetCurrentProgramScene", {"sceneName": named("a scene", name)})
        return await self.go_to(
            Goal("scene", name, self._on_air, call, "scene", explain=partial(self._explain_scene, name))
        )

    async def preview(self, name: str) -> Result:
        """Put `name` into the preview of studio mode.

        OBS answers before it is there, so it is looked at until it is.

        Raises:
            ValueError: an empty name.
            DeviceRefused: not in studio mode, no such scene, or OBS did not do it.
            OutcomeUnknown: sent, and neither an answer nor the scene came.
        """
        call = Call("SetCurrentPreviewScene", {"sceneName": named("a scene", name)})
        return await self.go_to(
            Goal("preview", name, self._in_preview, call, "preview", explain=partial(self._explain_scene, name))
        )

    async def take(self) -> Result:
        """Put on air what is in the preview, by its name: OBS's own "transition" may cut to the one before.

        Raises:
            DeviceRefused: not in studio mode, or OBS did not do it.
            OutcomeUnknown: sent, and neither an answer nor the scene came.
        """
        async with self.turn("preview"):
            try:
                name = await self._in_preview()
            except DeviceRefused as refused:
                raise self._no_preview(refused) from None
            return await self.scene(name)

    async def studio_mode(self, on: bool) -> Result:
        """Enter or leave studio mode; what is on air stays.

        Raises:
            DeviceRefused: OBS said yes and did not do it.
            OutcomeUnknown: sent, and neither an answer nor the change came.
        """
        call = Call("SetStudioModeEnabled", {"studioModeEnabled": on})
        done = await self.go_to(Goal("studio_mode", on, self._in_studio_mode, call, "preview"))
        try:
            on_air = await self._on_air()
        except DeviceUnreachable:  # the mode is known all the same
            return done
        return Result(done.outcome, done.elapsed, {**done.read_back, "scene": on_air})

    async def transition(self, name: str, duration: timedelta | None = None) -> Result:
        """Choose how the next switch looks, and how long it takes.

        Raises:
            ValueError: a duration that OBS does not take.
            DeviceRefused: no such transition, one without a duration, or OBS did not do it.
            OutcomeUnknown: sent, and neither an answer nor the change came.
        """
        if duration is not None and not TRANSITION_SHORTEST <= duration <= TRANSITION_LONGEST:
            raise ValueError(f"a transition takes 50 ms to 20 s, got {duration.total_seconds():g} s")
        async with self.turn("transition") as began:
            listed = await self.ask(model.TransitionList, Call("GetSceneTransitionList"))
            if name not in listed.names:
                raise self.missing("obs.transition_missing", "transition", name, listed.names)
            if duration is not None and name in listed.fixed:
                raise self.refusal("obs.transition_fixed", f"{name!r} has no duration to set", transition=name)
            call = Call("SetCurrentSceneTransition", {"transitionName": name})
            done = await self.go(Goal("transition", name, self._transition, call, "transition"), began)
            if duration is None:
                return done
            ms = round(1000 * duration.total_seconds())
            call = Call("SetCurrentSceneTransitionDuration", {"transitionDuration": ms})
            timed = await self.go(Goal("duration_ms", ms, self._transition_ms, call, "transition"), began)
            return Result(_weaker(done, timed), timed.elapsed, {**done.read_back, **timed.read_back})

    async def source(self, scene: str, source: str, on: bool) -> Result:
        """Show or hide a source in a scene, everywhere it stands there.

        Raises:
            ValueError: an empty name.
            DeviceRefused: no such scene, no such source in it, or OBS did not do it.
            OutcomeUnknown: sent, and neither an answer nor the change came.
        """
        named("a scene", scene)
        named("a source", source)
        subject = f"source {scene}"
        async with self.turn(subject) as began:
            outcome = Outcome.COMPLETED
            for item in await self._items(scene, source):
                where = {"sceneName": scene, "sceneItemId": item}
                call = Call("SetSceneItemEnabled", {**where, "sceneItemEnabled": on})

                async def shown(where: dict[str, object] = where) -> bool:
                    return (await self.ask(model.ItemEnabled, Call("GetSceneItemEnabled", where))).scene_item_enabled

                done = await self.go(Goal("on", on, shown, call, subject), began)
                outcome = done.outcome if done.outcome is not Outcome.COMPLETED else outcome
            return Result(outcome, reached(began, {}).elapsed, {"scene": scene, "source": source, "on": on})

    async def shows(self, scene: str, source: str) -> bool:
        """Ask whether a source is shown wherever it stands in a scene.

        Raises:
            DeviceRefused: no such scene, or no such source in it.
        """
        asked = [
            Call("GetSceneItemEnabled", {"sceneName": scene, "sceneItemId": item})
            for item in await self._items(scene, source)
        ]
        replies = await self.link.ask_all(asked)
        return all(read(model.ItemEnabled, reply.accepted(self.name)).scene_item_enabled for reply in replies)

    # Questions.

    async def _on_air(self) -> str:
        return (await self.ask(model.ProgrammeScene, Call("GetCurrentProgramScene"))).current_program_scene_name

    async def _in_preview(self) -> str:
        return (await self.ask(model.PreviewScene, Call("GetCurrentPreviewScene"))).current_preview_scene_name

    async def _in_studio_mode(self) -> bool:
        return (await self.ask(model.StudioMode, Call("GetStudioModeEnabled"))).studio_mode_enabled

    async def _transition(self) -> str:
        return (await self.ask(model.Transition, Call("GetCurrentSceneTransition"))).transition_name

    async def _transition_ms(self) -> float | None:
        return (await self.ask(model.Transition, Call("GetCurrentSceneTransition"))).transition_duration

    async def _items(self, scene: str, source: str) -> list[int]:
        """Ask where a source stands in a scene.

        Raises:
            DeviceRefused: nowhere, or no such scene.
        """
        found: list[int] = []
        while len(found) < ITEMS_AT_MOST:
            asked = {"sceneName": scene, "sourceName": source, "searchOffset": len(found)}
            try:
                item = (await self.ask(model.ItemId, Call("GetSceneItemId", asked))).scene_item_id
            except DeviceRefused as refused:
                if code_of(refused) not in _NO_SUCH_SCENE:
                    raise
                break
            if item in found:
                break
            found.append(item)
        if not found:
            raise await self._no_item(scene, source)
        return found

    # Refusals, in words for a technician.

    async def _explain_scene(self, name: str, refused: DeviceRefused) -> DeviceRefused:
        if code_of(refused) == model.STUDIO_MODE_OFF:
            return self._no_preview(refused)
        if code_of(refused) not in _NO_SUCH_SCENE:
            return refused
        there = read(model.SceneList, await self.link.ask("GetSceneList")).names
        if name in there:  # while OBS changes its collection or quits, it denies scenes that it has
            return self.refusal("obs.busy", f"OBS has {name!r} and denied it: it is busy", scene=name)
        return self.missing("obs.scene_missing", "scene", name, there)

    def _no_preview(self, refused: DeviceRefused) -> DeviceRefused:
        if code_of(refused) != model.STUDIO_MODE_OFF:
            return refused
        return self.refusal("obs.not_in_studio_mode", "OBS has a preview only in studio mode, and it is off")

    async def _no_item(self, scene: str, source: str) -> DeviceRefused:
        """Return which of the two OBS does not have."""
        scenes = read(model.SceneList, await self.link.ask("GetSceneList")).names
        if scene not in scenes:
            return self.missing("obs.scene_missing", "scene", scene, scenes)
        listed = await self.ask(model.ItemList, Call("GetSceneItemList", {"sceneName": scene}))
        return self.missing(
            "obs.source_missing", "source", source, tuple(row.source_name for row in listed.scene_items)
        )


def _weaker(one: Result, other: Result) -> Outcome:
    return next((done.outcome for done in (one, other) if done.outcome is not Outcome.COMPLETED), Outcome.COMPLETED)
