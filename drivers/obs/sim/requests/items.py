"""What stands in a scene."""

from __future__ import annotations

from drivers.obs.sim.given import Fields, Given, Refused
from drivers.obs.sim.requests.kinds import Requests, scene
from drivers.obs.sim.sources import Item
from drivers.obs.sim.studio import ITEMS, Studio

_UNTOUCHED: Fields = {
    "alignment": 5, "boundsAlignment": 0, "boundsHeight": 0.0, "boundsType": "OBS_BOUNDS_NONE", "boundsWidth": 0.0,
    "cropBottom": 0, "cropLeft": 0, "cropRight": 0, "cropTop": 0, "positionX": 0.0, "positionY": 0.0, "rotation": 0.0,
    "scaleX": 1.0, "scaleY": 1.0,
}  # fmt: skip


def _transform(studio: Studio, item: Item) -> Fields:
    width, height = map(float, studio.size(item.source))
    return {**_UNTOUCHED, "sourceWidth": width, "sourceHeight": height, "width": width, "height": height}


def _row(studio: Studio, at: int, item: Item) -> Fields:
    is_scene = item.source in studio.scenes
    return {
        "sceneItemId": item.number, "sceneItemIndex": at, "sceneItemEnabled": item.enabled,
        "sceneItemLocked": item.locked, "sceneItemBlendMode": "OBS_BLEND_NORMAL", "sourceName": item.source,
        "sourceType": "OBS_SOURCE_TYPE_SCENE" if is_scene else "OBS_SOURCE_TYPE_INPUT",
        "inputKind": None if is_scene else studio.inputs[item.source].kind, "isGroup": False if is_scene else None,
        "sceneItemTransform": _transform(studio, item),
    }  # fmt: skip


def _list(studio: Studio, given: Given) -> Fields:
    here = studio.items(scene(studio, given))
    return {"sceneItems": [_row(studio, at, item) for at, item in enumerate(here)]}


def _id(studio: Studio, given: Given) -> Fields:
    name, wanted = scene(studio, given), given.text("sourceName")
    at = int(given.number("searchOffset", -1)) if given.has("searchOffset") else 0
    found = [item.number for item in studio.items(name) if item.source == wanted]
    if at >= len(found) or not found:
        raise Refused(600, "No scene items were found in the specified scene by that name or offset.")
    return {"sceneItemId": found[at]}


def _item(studio: Studio, given: Given) -> tuple[str, Item]:
    name, number = scene(studio, given), int(given.number("sceneItemId", 0))
    for item in studio.items(name):
        if item.number == number:
            return name, item
    raise Refused(600, f"No scene items were found in scene `{name}` with the ID `{number}`.")


def _set_enabled(studio: Studio, given: Given) -> None:
    (name, item), on = _item(studio, given), given.flag("sceneItemEnabled")
    if item.enabled is not on:
        item.enabled = on
        told: Fields = {"sceneName": name, "sceneItemId": item.number, "sceneItemEnabled": on}
        studio.emit("SceneItemEnableStateChanged", ITEMS, told)


def _index(studio: Studio, given: Given) -> Fields:
    name, item = _item(studio, given)
    return {"sceneItemIndex": studio.items(name).index(item)}


REQUESTS: Requests = {
    "GetSceneItemList": _list,
    "GetGroupSceneItemList": _list,
    "GetSceneItemId": _id,
    "GetSceneItemEnabled": lambda studio, given: {"sceneItemEnabled": _item(studio, given)[1].enabled},
    "SetSceneItemEnabled": _set_enabled,
    "GetSceneItemIndex": _index,
    "GetSceneItemLocked": lambda studio, given: {"sceneItemLocked": _item(studio, given)[1].locked},
    "GetSceneItemTransform": lambda studio, given: {"sceneItemTransform": _transform(studio, _item(studio, given)[1])},
}
