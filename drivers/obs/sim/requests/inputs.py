"""Inputs: which there are, their sound and their settings."""

from __future__ import annotations

from drivers.obs.sim.given import Fields, Given, Refused
from drivers.obs.sim.requests.kinds import Requests, free_name, input_, scene, sound_input
from drivers.obs.sim.sources import DEVICES, SPECIALS, decibels
from drivers.obs.sim.studio import INPUTS, ITEMS, MEDIA, Studio, unversioned

DEFAULTS: dict[str, Fields] = {
    "image_source": {"linear_alpha": False, "unload": False},
    "color_source_v3": {"color": 4291940817, "height": 1080, "width": 1920},
    "pulse_input_capture": {"device_id": "default"},
    "pulse_output_capture": {"device_id": "default"},
    "v4l2_input": {"auto_reset": False, "buffering": True, "framerate": -1, "input": -1, "timeout_frames": 5},
    "ffmpeg_source": {
        "buffering_mb": 2, "clear_on_media_end": True, "is_local_file": True, "linear_alpha": False, "looping": False,
        "reconnect_delay_sec": 10, "restart_on_activate": True, "speed_percent": 100,
    },
    "text_ft2_source_v2": {"antialiasing": True, "word_wrap": False, "drop_shadow": False},
}  # fmt: skip
"""The kinds of inputs there are, and what they start from."""


def _row(name: str, kind: str) -> Fields:
    return {"inputName": name, "inputKind": kind, "unversionedInputKind": unversioned(kind)}


def _list(studio: Studio, given: Given) -> Fields:
    wanted = given.text("inputKind") if given.has("inputKind") else ""
    there = {} if studio.changing else studio.inputs
    rows = [_row(name, one.kind) for name, one in there.items()]
    return {"inputs": [row for row in rows if not wanted or wanted in row.values()]}


def _specials(studio: Studio, _: Given) -> Fields:
    return {role: studio.here.specials.get(role) for role in SPECIALS.values()}


def _kind(given: Given) -> str:
    kind = given.text("inputKind")
    if kind not in DEFAULTS:
        raise Refused(605)
    return kind


def _set_mute(studio: Studio, given: Given) -> None:
    name, _ = sound_input(studio, given)
    studio.mute(name, given.flag("inputMuted"))


def _toggle_mute(studio: Studio, given: Given) -> Fields:
    name, one = sound_input(studio, given)
    studio.mute(name, not one.muted)
    return {"inputMuted": one.muted}


def _volume(studio: Studio, given: Given) -> Fields:
    _, one = sound_input(studio, given)
    return {"inputVolumeDb": one.gain_db, "inputVolumeMul": one.gain_mul}


def _set_volume(studio: Studio, given: Given) -> None:
    name, _ = sound_input(studio, given)
    by_db, by_mul = given.has("inputVolumeDb"), given.has("inputVolumeMul")
    gain_db = given.number("inputVolumeDb", -100, 26) if by_db else 0.0
    gain_mul = given.number("inputVolumeMul", 0, 20) if by_mul else 1.0
    if by_db and by_mul:
        raise Refused(404, "You may only specify one volume field.")
    if not by_db and not by_mul:
        raise Refused(300, "You must specify one volume field.")
    studio.set_gain(name, gain_db if by_db else decibels(gain_mul))


def _set_tracks(studio: Studio, given: Given) -> None:
    name, one = sound_input(studio, given)
    for track, on in given.object("inputAudioTracks").items():
        if track in one.tracks and isinstance(on, bool):
            one.tracks[track] = on
    studio.emit("InputAudioTracksChanged", INPUTS, {"inputName": name, "inputAudioTracks": dict(one.tracks)})


def _sync_offset(studio: Studio, given: Given) -> Fields:
    sound_input(studio, given)
    return {"inputAudioSyncOffset": 0}


def _monitor_type(studio: Studio, given: Given) -> Fields:
    sound_input(studio, given)
    return {"monitorType": "OBS_MONITORING_TYPE_NONE"}


def _settings(studio: Studio, given: Given) -> Fields:
    _, one = input_(studio, given)
    return {"inputKind": one.kind, "inputSettings": one.settings}


def _set_settings(studio: Studio, given: Given) -> None:
    _, one = input_(studio, given)
    new = given.object("inputSettings", may_be_empty=True)
    replace = given.has("overlay") and not given.flag("overlay")
    one.settings = new if replace else one.settings | new


def _properties(studio: Studio, given: Given) -> Fields:
    _, one = input_(studio, given)
    if given.text("propertyName") != "device_id" or not one.is_camera:
        raise Refused(600, "Unable to find a property by that name.")
    there = () if studio.faults.camera_absent else DEVICES
    return {"propertyItems": [{"itemName": path, "itemValue": path, "itemEnabled": True} for path in there]}


def _create(studio: Studio, given: Given) -> Fields:
    where, name = scene(studio, given), free_name(studio, given, "inputName", "input")
    if given.text("inputKind") not in DEFAULTS:
        raise Refused(
            605,
            "Your specified input kind is not supported by OBS. Check that your specified kind is properly versioned "
            "and that any necessary plugins are loaded.",
        )
    kind = given.text("inputKind")
    settings = given.object("inputSettings", may_be_empty=True) if given.has("inputSettings") else {}
    item = studio.add_input(where, name, kind, **settings)
    studio.tell_input(name, DEFAULTS[kind])
    studio.tell_item(where, item, len(studio.items(where)) - 1)
    studio.emit("SceneItemSelected", ITEMS, {"sceneName": where, "sceneItemId": item.number})
    if studio.inputs[name].media == "ENDED":
        studio.emit("MediaInputPlaybackEnded", MEDIA, {"inputName": name})
    return {"sceneItemId": item.number}


def _remove(studio: Studio, given: Given) -> None:
    name, _ = input_(studio, given)
    del studio.inputs[name]
    for items in studio.here.items.values():
        items[:] = [item for item in items if item.source != name]
    studio.emit("InputRemoved", INPUTS, {"inputName": name})


def _rename(studio: Studio, given: Given) -> None:
    name, one = input_(studio, given)
    new = free_name(studio, given, "newInputName", "new input")
    studio.here.inputs = {new if key == name else key: value for key, value in studio.inputs.items()}
    for item in (item for items in studio.here.items.values() for item in items):
        item.source = new if item.source == name else item.source
    studio.emit("InputNameChanged", INPUTS, {"oldInputName": name, "inputName": new})
    studio.inputs[new] = one


REQUESTS: Requests = {
    "GetInputList": _list,
    "GetInputKindList": lambda *_: {"inputKinds": list(DEFAULTS)},
    "GetSpecialInputs": _specials,
    "GetInputDefaultSettings": lambda _, given: {"defaultInputSettings": DEFAULTS[_kind(given)]},
    "GetInputMute": lambda studio, given: {"inputMuted": sound_input(studio, given)[1].muted},
    "SetInputMute": _set_mute,
    "ToggleInputMute": _toggle_mute,
    "GetInputVolume": _volume,
    "SetInputVolume": _set_volume,
    "GetInputAudioTracks": lambda studio, given: {"inputAudioTracks": dict(sound_input(studio, given)[1].tracks)},
    "SetInputAudioTracks": _set_tracks,
    "GetInputAudioBalance": lambda studio, given: {"inputAudioBalance": sound_input(studio, given)[1].balance},
    "GetInputAudioSyncOffset": _sync_offset,
    "GetInputAudioMonitorType": _monitor_type,
    "GetInputSettings": _settings,
    "SetInputSettings": _set_settings,
    "GetInputPropertiesListPropertyItems": _properties,
    "CreateInput": _create,
    "RemoveInput": _remove,
    "SetInputName": _rename,
}
