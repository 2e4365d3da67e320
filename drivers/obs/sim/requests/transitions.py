"""How one scene gives way to the next."""

from __future__ import annotations

from drivers.obs.sim.given import Fields, Given, Refused
from drivers.obs.sim.requests.kinds import Requests
from drivers.obs.sim.studio import TRANSITIONS, Studio

KINDS = {"Cut": "cut_transition", "Fade": "fade_transition"}


def _row(name: str) -> Fields:
    return {
        "transitionConfigurable": False, "transitionFixed": name == "Cut", "transitionKind": KINDS[name],
        "transitionName": name,
    }  # fmt: skip


def _list(studio: Studio, _: Given) -> Fields:
    name = studio.here.transition
    rows = [_row(one) for one in KINDS]
    return {"currentSceneTransitionName": name, "currentSceneTransitionKind": KINDS[name], "transitions": rows}


def _current(studio: Studio, _: Given) -> Fields:
    name = studio.here.transition
    lasts = None if name == "Cut" else studio.here.transition_ms
    return {**_row(name), "transitionDuration": lasts, "transitionSettings": None}


def _set(studio: Studio, given: Given) -> None:
    name = given.text("transitionName")
    if name not in KINDS:
        raise Refused(600, "No scene transition was found by that name.")
    studio.here.transition = name
    studio.emit("CurrentSceneTransitionChanged", TRANSITIONS, {"transitionName": name})


def _set_duration(studio: Studio, given: Given) -> None:
    ms = int(given.number("transitionDuration", 50, 20000))
    studio.here.transition_ms = ms
    studio.emit("CurrentSceneTransitionDurationChanged", TRANSITIONS, {"transitionDuration": ms})


REQUESTS: Requests = {
    "GetTransitionKindList": lambda *_: {"transitionKinds": list(KINDS.values())},
    "GetSceneTransitionList": _list,
    "GetCurrentSceneTransition": _current,
    "SetCurrentSceneTransition": _set,
    "SetCurrentSceneTransitionDuration": _set_duration,
    "GetCurrentSceneTransitionCursor": lambda *_: {"transitionCursor": 1.0},
}
