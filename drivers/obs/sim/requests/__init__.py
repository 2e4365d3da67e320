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


def _version(_: Studio, __: Given) -> Fields:
    return {
        "obsVersion": "29.0.2", "obsWebSocketVersion": "5.1.0", "rpcVersion": 1, "availableRequests": sorted(REQUESTS),
        "supportedImageFormats": _FORMATS, "platform": "debian", "platformDescription": "Siaga simulator",
    }  # fmt: skip


def _hotkeys(_: Studio, __: Given) -> Fields:
    return {"hotkeys": list(HOTKEYS)}


def _hotkey(studio: Studio, given: Given) -> None:
    name = given.text("hotkeyName")
    if name not in HOTKEYS:
        raise Refused(600, "No hotkeys were found by that name.")
    HOTKEYS[name](studio)


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
