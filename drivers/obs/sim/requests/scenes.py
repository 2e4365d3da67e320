"""Scenes: which there are, which is on air, which is prepared."""

from __future__ import annotations

from drivers.obs.sim.given import Fields, Given, Refused
from drivers.obs.sim.requests.kinds import Requests, free_name, scene, source
from drivers.obs.sim.studio import SCENES, Studio


def _rows(studio: Studio) -> list[dict[str, object]]:
    names = [] if studio.changing else studio.scenes
    return [{"sceneIndex": at, "sceneName": name} for at, name in enumerate(reversed(names))]


def _list(studio: Studio, _: Given) -> Fields:
    return {
        "currentProgramSceneName": studio.programme, "currentPreviewSceneName": studio.preview, "scenes": _rows(studio),
    }  # fmt: skip


async def _switch(studio: Studio, given: Given) -> None:
    await studio.switch(scene(studio, given))


def _in_studio_mode(studio: Studio) -> str:
    if studio.preview is None:
        raise Refused(506)
    return studio.preview


def _preview(studio: Studio, _: Given) -> Fields:
    return {"currentPreviewSceneName": _in_studio_mode(studio)}


def _set_preview(studio: Studio, given: Given) -> None:
    _in_studio_mode(studio)
    studio.set_preview(scene(studio, given))


async def _cut(studio: Studio, _: Given) -> None:
    _in_studio_mode(studio)
    await studio.cut_to_preview()


def _create(studio: Studio, given: Given) -> None:
    name = free_name(studio, given, "sceneName", "scene")
    studio.scenes.append(name)
    studio.emit("SceneCreated", SCENES, {"sceneName": name, "isGroup": False})
    _list_told(studio)


def _remove(studio: Studio, given: Given) -> None:
    name = scene(studio, given)
    studio.scenes.remove(name)
    studio.here.items.pop(name, None)
    studio.emit("SceneRemoved", SCENES, {"sceneName": name, "isGroup": False})
    _list_told(studio)


def _rename(studio: Studio, given: Given) -> None:
    name, new = scene(studio, given), free_name(studio, given, "newSceneName", "new scene")
    studio.scenes[studio.scenes.index(name)] = new
    studio.here.items[new] = studio.here.items.pop(name, [])
    if studio.programme == name:
        studio.programme = new
    studio.emit("SceneNameChanged", SCENES, {"oldSceneName": name, "sceneName": new})


def _list_told(studio: Studio) -> None:
    studio.emit("SceneListChanged", SCENES, {"scenes": _rows(studio)})


def _active(studio: Studio, given: Given) -> Fields:
    name = source(studio, given)
    shown = {item.source for item in studio.items(studio.programme) if item.enabled} | {studio.programme}
    return {"videoActive": name in shown, "videoShowing": name in shown or name == studio.preview}


REQUESTS: Requests = {
    "GetSceneList": _list,
    "GetGroupList": lambda *_: {"groups": []},
    "GetCurrentProgramScene": lambda studio, _: {"currentProgramSceneName": studio.programme},
    "SetCurrentProgramScene": _switch,
    "GetCurrentPreviewScene": _preview,
    "SetCurrentPreviewScene": _set_preview,
    "CreateScene": _create,
    "RemoveScene": _remove,
    "SetSceneName": _rename,
    "GetSourceActive": _active,
    "GetStudioModeEnabled": lambda studio, _: {"studioModeEnabled": studio.preview is not None},
    "SetStudioModeEnabled": lambda studio, given: studio.set_studio_mode(given.flag("studioModeEnabled")),
    "TriggerStudioModeTransition": _cut,
}
