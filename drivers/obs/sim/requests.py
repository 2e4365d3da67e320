"""The requests that the simulated OBS knows, with OBS's status codes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from inspect import isawaitable

from drivers.obs.sim.studio import FPS, Input, Studio

Fields = dict[str, object]

PICTURE = (
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDACgcHiMeGSgjISMtKygwPGRBPDc3PHtYXUlkkYCZlo+AjIqgtObDoKrarYqMyP/L2u71"
    "////m8H////6/+b9//j/wAALCAAJABABAREA/8QAFgABAQEAAAAAAAAAAAAAAAAAAAME/8QAHhAAAgIABwAAAAAAAAAAAAAAAQIA"
    "AwQFESE0crH/2gAIAQEAAD8Ay4Ohb7SjkgBddoxlC0WhEJIK67ymWchuh9EZnyF6D0z/2Q=="
)
"""A grey JPEG of 16 by 9 points, whatever size is asked for."""


@dataclass(frozen=True)
class Answer:
    """Status and fields of one answer."""

    code: int = 100
    comment: str = ""
    fields: Fields | None = field(default=None)


class Refused(Exception):
    """A request that is answered with an error code."""

    def __init__(self, code: int, comment: str = "") -> None:
        super().__init__(comment)
        self.answer = Answer(code, comment)


def _field(given: object, name: str) -> object:
    if not isinstance(given, dict):
        raise Refused(301, "Your request data is missing or invalid (non-object)")
    if given.get(name) is None:
        raise Refused(300, f"Your request is missing the `{name}` field.")
    return given[name]


def _name(given: object, name: str) -> str:
    value = _field(given, name)
    if not isinstance(value, str):
        raise Refused(401, f"The field value of `{name}` must be a string.")
    if not value:
        raise Refused(403, f"The field value of `{name}` must not be empty.")
    return value


def _sound_input(studio: Studio, given: object) -> tuple[str, Input]:
    name = _name(given, "inputName")
    if name in studio.scenes:
        raise Refused(602, "The specified source is not an input.")
    if name not in studio.inputs:
        raise Refused(600, f"No source was found by the name of `{name}`.")
    if not studio.inputs[name].has_sound:
        raise Refused(604, "The specified input does not support audio.")
    return name, studio.inputs[name]


def _version(_: Studio, __: object) -> Fields:
    return {
        "obsVersion": "29.0.2", "obsWebSocketVersion": "5.1.0", "rpcVersion": 1, "availableRequests": sorted(REQUESTS),
        "supportedImageFormats": ["bmp", "jpg", "png"], "platform": "debian", "platformDescription": "Siaga simulator",
    }  # fmt: skip


def _scene_list(studio: Studio, _: object) -> Fields:
    rows = [{"sceneIndex": at, "sceneName": name} for at, name in enumerate(reversed(studio.scenes))]
    return {"currentProgramSceneName": studio.programme, "currentPreviewSceneName": None, "scenes": rows}


def _programme(studio: Studio, _: object) -> Fields:
    return {"currentProgramSceneName": studio.programme}


async def _switch(studio: Studio, given: object) -> None:
    name = _name(given, "sceneName")
    if name in studio.inputs:
        raise Refused(602, "The specified source is not a scene.")
    if name not in studio.scenes:
        raise Refused(600, f"No source was found by the name of `{name}`.")
    await studio.switch(name)


def _inputs(studio: Studio, _: object) -> Fields:
    rows = [
        {"inputName": name, "inputKind": one.kind, "unversionedInputKind": one.kind}
        for name, one in studio.inputs.items()
    ]
    return {"inputs": rows}


def _get_mute(studio: Studio, given: object) -> Fields:
    return {"inputMuted": _sound_input(studio, given)[1].muted}


def _set_mute(studio: Studio, given: object) -> None:
    name, _ = _sound_input(studio, given)
    muted = _field(given, "inputMuted")
    if not isinstance(muted, bool):
        raise Refused(401, "The field value of `inputMuted` must be boolean.")
    studio.mute(name, muted)


def _start(studio: Studio, _: object) -> None:
    if studio.recording:
        raise Refused(500)
    studio.start_record()


def _stop(studio: Studio, _: object) -> Fields:
    if not studio.recording:
        raise Refused(501)
    studio.stop_record()
    return {"outputPath": studio.path}


def _stream(_: Studio, __: object) -> Fields:
    return {
        "outputActive": False, "outputReconnecting": False, "outputTimecode": "00:00:00.000", "outputDuration": 0,
        "outputCongestion": 0.0, "outputBytes": 0, "outputSkippedFrames": 0, "outputTotalFrames": 0,
    }  # fmt: skip


def _video(_: Studio, __: object) -> Fields:
    size = {"baseWidth": 1280, "baseHeight": 720, "outputWidth": 1280, "outputHeight": 720}
    return {"fpsNumerator": FPS, "fpsDenominator": 1, **size}


def _screenshot(studio: Studio, given: object) -> Fields:
    name, form = _name(given, "sourceName"), _name(given, "imageFormat")
    if name not in studio.inputs and name not in studio.scenes:
        raise Refused(600, f"No source was found by the name of `{name}`.")
    if form not in {"jpg", "jpeg"}:
        raise Refused(400, "Your specified image format is invalid or not supported by this system.")
    return {"imageData": f"data:image/{form};base64,{PICTURE}"}


def _virtual_camera(_: Studio, __: object) -> None:
    raise Refused(604, "VirtualCam is not available.")


def _sleep(_: Studio, __: object) -> None:
    raise Refused(206, "The Sleep request cannot be used outside of a batch.")


REQUESTS: dict[str, Callable[[Studio, object], Fields | Awaitable[Fields | None] | None]] = {
    "GetVersion": _version,
    "GetStats": lambda studio, _: studio.stats(),
    "GetSceneList": _scene_list,
    "GetCurrentProgramScene": _programme,
    "SetCurrentProgramScene": _switch,
    "GetInputList": _inputs,
    "GetInputMute": _get_mute,
    "SetInputMute": _set_mute,
    "GetRecordStatus": lambda studio, _: studio.record_status(),
    "StartRecord": _start,
    "StopRecord": _stop,
    "GetStreamStatus": _stream,
    "GetVideoSettings": _video,
    "GetStudioModeEnabled": lambda *_: {"studioModeEnabled": False},
    "GetSourceScreenshot": _screenshot,
    "GetVirtualCamStatus": _virtual_camera,
    "Sleep": _sleep,
}


async def answer(studio: Studio, name: str, given: object) -> Answer:
    """Return what OBS answers to the request `name`."""
    if name not in REQUESTS:
        return Answer(204, "Your request type is not valid.")
    try:
        fields = REQUESTS[name](studio, given)
        return Answer(fields=await fields if isawaitable(fields) else fields)
    except Refused as refused:
        return refused.answer
