"""Media inputs: files that play."""

from __future__ import annotations

from drivers.obs.sim.given import Fields, Given, Refused
from drivers.obs.sim.requests.kinds import Requests, input_
from drivers.obs.sim.sources import Input
from drivers.obs.sim.studio import MEDIA, Studio

LASTS_MS = 10_000
"""Every file is this long."""
_ACTION = "OBS_WEBSOCKET_MEDIA_INPUT_ACTION_"
_LEADS_TO = {
    "PLAY": "PLAYING", "PAUSE": "PAUSED", "STOP": "STOPPED", "RESTART": "PLAYING", "NEXT": "PLAYING",
    "PREVIOUS": "PLAYING",
}  # fmt: skip


def _status(studio: Studio, given: Given) -> Fields:
    _, one = input_(studio, given)
    moving = one.media in {"PLAYING", "PAUSED"}
    return {
        "mediaState": f"OBS_MEDIA_STATE_{one.media}", "mediaDuration": LASTS_MS if moving else None,
        "mediaCursor": _cursor(studio, one) if moving else None,
    }  # fmt: skip


def _cursor(studio: Studio, one: Input) -> int:
    return min(int(1000 * (studio.clock.now() - one.media_since_s)), LASTS_MS) if one.media == "PLAYING" else 0


def _trigger(studio: Studio, given: Given) -> None:
    (name, one), action = input_(studio, given), given.text("mediaAction")
    verb = action.removeprefix(_ACTION)
    if verb not in _LEADS_TO:
        raise Refused(400, "You have specified an invalid media input action.")
    studio.emit("MediaInputActionTriggered", MEDIA, {"inputName": name, "mediaAction": action})
    if one.plays:  # a file that is gone stays ended, whatever is said
        one.media, one.media_since_s = _LEADS_TO[verb], studio.clock.now()
        if one.media == "PLAYING":
            studio.emit("MediaInputPlaybackStarted", MEDIA, {"inputName": name})


REQUESTS: Requests = {"GetMediaInputStatus": _status, "TriggerMediaInputAction": _trigger}
