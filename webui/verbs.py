"""What the verbs of devices are called in people's language, and how steps end."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from webui.i18n import N_

Translate = Callable[[str], str]

VERBS: dict[str, str] = {
    "power": N_("power"),
    "recall": N_("go to position"),
    "store": N_("store position"),
    "move-to": N_("move to"),
    "stop": N_("stop"),
    "scene": N_("scene"),
    "record": N_("recording"),
    "pause": N_("pause the recording"),
    "mute": N_("mute"),
    "mute-all": N_("mute everything"),
    "gain": N_("gain"),
    "default": N_("default device"),
    "volume": N_("fader"),
    "text": N_("text"),
    "media-restart": N_("play the clip"),
    "source": N_("input"),
    "transition": N_("transition"),
    "studio-mode": N_("studio mode"),
    "preview": N_("preview"),
    "take": N_("put on air"),
    "stream": N_("stream"),
    "virtual-camera": N_("virtual camera"),
    "replay": N_("replay memory"),
    "save-replay": N_("save the last seconds"),
    "collection": N_("scene collection"),
    "profile": N_("profile"),
    "hotkey": N_("hotkey"),
    "switch": N_("outlet"),
}
"""By the name that room files use; another one is shown as it is."""

PORTS = {"microphone": N_("Microphone"), "speaker": N_("Loudspeaker")}

OUTCOMES: dict[str, tuple[str, str]] = {
    "done": ("ready", N_("done")),
    "verified": ("ready", N_("verified")),
    "refused": ("fault", N_("refused")),
    "timed_out": ("fault", N_("out of time")),
    "failed": ("fault", N_("failed")),
    "skipped": ("degraded", N_("left out")),
    "undone": ("degraded", N_("taken back")),
    "unknown": ("unconfirmed", N_("not known")),
}
"""State and word of each way in which a step can end."""


def told(verb: str, arguments: Mapping[str, object], translate: Translate) -> str:
    """Return what a step tells its device: `mute: on (microphone)`."""
    on = arguments.get("on")
    words = [translate(VERBS[verb]) if verb in VERBS else verb]
    if isinstance(on, bool):
        words.append(translate(N_("on")) if on else translate(N_("off")))
    rest = [_value(name, value, translate) for name, value in arguments.items() if name != "on" and value is not None]
    return ": ".join(words) + (f" ({', '.join(rest)})" if rest else "")


def _value(name: str, value: object, translate: Translate) -> str:
    if isinstance(value, str) and name == "port":
        return translate(PORTS[value]) if value in PORTS else value
    number = value if not isinstance(value, float) else f"{value:g}"
    return f"{number} dB" if name == "db" else f"{number}°" if name.endswith("_deg") else str(number)
