"""The requests that the simulated OBS knows, with OBS's status codes."""

from __future__ import annotations

from collections.abc import Callable
from inspect import isawaitable

from drivers.obs.sim.given import Answer, Fields, Given, Refused
from drivers.obs.sim.requests import config, inputs, items, media, outputs, pictures, scenes, transitions
from drivers.obs.sim.requests.kinds import Requests
from drivers.obs.sim.studio import GENERAL, Studio

__all__ = ["REQUESTS", "answer"]

_FORMATS = ["bmp", "jpeg", "jpg", "png"]
HOTKEYS: dict[str, Callable[[Studio], object]] = {
    "OBSBasic.StartRecording": Studio.start_record,
    "OBSBasic.StopRecording": lambda studio: studio.stop_record() if studio.recording else None,
    "OBSBasic.ResetStats": lambda _: None,
    "OBSBasic.Screenshot": lambda _: None,
}
"""What a person could press, and what it does here."""
_OF_SOUND = ("libobs.mute", "libobs.unmute")
"""Hotkeys that each sound input has; all of one name."""


def _version(_: Studio, __: Given) -> Fields:
    return {
        "obsVersion": "29.0.2", "obsWebSocketVersion": "5.1.0", "rpcVersion": 1, "availableRequests": sorted(REQUESTS),
        "supportedImageFormats": _FORMATS, "platform": "debian", "platformDescription": "Siaga simulator",
    }  # fmt: skip


def _hotkeys(studio: Studio, _: Given) -> Fields:
    sounds = [name for one in studio.inputs.values() if one.has_sound for name in _OF_SOUND]
    return {"hotkeys": [*HOTKEYS, *sounds]}


def _hotkey(studio: Studio, given: Given) -> None:
    name = given.text("hotkeyName")
    if name not in HOTKEYS and name not in _OF_SOUND:
        raise Refused(600, "No hotkeys were found by that name.")
    if name in HOTKEYS:
        HOTKEYS[name](studio)
    else:
        _first_sound(studio, muted=name == "libobs.mute")


def _first_sound(studio: Studio, *, muted: bool) -> None:
    """Mute or open the first sound input: of hotkeys of one name OBS presses the first."""
    for name in [name for name, one in studio.inputs.items() if one.has_sound][:1]:
        studio.mute(name, muted)


def _custom_event(studio: Studio, given: Given) -> None:
    studio.emit("CustomEvent", GENERAL, given.object("eventData"))


def _vendor(_: Studio, given: Given) -> None:
    given.text("vendorName")
    given.text("requestType")
    raise Refused(600, "No vendor was found by that name.")


def _sleep(_: Studio, __: Given) -> None:
    raise Refused(206)


REQUESTS: Requests = {
    "GetVersion": _version,
    "GetStats": lambda studio, _: studio.stats(),
    "GetHotkeyList": _hotkeys,
    "TriggerHotkeyByName": _hotkey,
    "BroadcastCustomEvent": _custom_event,
    "CallVendorRequest": _vendor,
    "Sleep": _sleep,
    **config.REQUESTS,
    **scenes.REQUESTS,
    **items.REQUESTS,
    **inputs.REQUESTS,
    **media.REQUESTS,
    **transitions.REQUESTS,
    **outputs.REQUESTS,
    **pictures.REQUESTS,
}


async def answer(studio: Studio, name: str, given: object) -> Answer:
    """Return what OBS answers to the request `name`."""
    if not name:
        return Answer(203, "Your request's `requestType` may not be empty.")
    if not studio.ready:
        return Answer(207, "OBS is not ready to perform the request.")
    if name not in REQUESTS:
        return Answer(204, "Your request type is not valid.")
    try:
        fields = REQUESTS[name](studio, Given(given))
        return Answer(fields=await fields if isawaitable(fields) else fields)
    except Refused as refused:
        return refused.answer
