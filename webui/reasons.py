"""Machine reasons as sentences for people.

Drivers and rooms say why something is not well as a stable code with named values. Here a
code becomes a sentence in the reader's language. A code without a sentence, or one whose
values are not as expected, is shown by its English detail: less comfortable, never empty.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from webui.i18n import N_

Translate = Callable[[str], str]


class Reason(Protocol):
    """Why something is not well; `drivers.outcomes.Reason` and the contract's are such."""

    @property
    def code(self) -> str:
        """Dotted and stable."""

    @property
    def detail(self) -> str:
        """Plain English, for logs."""

    @property
    def values(self) -> Mapping[str, object]:
        """What the sentence needs, by name."""


SENTENCES: dict[str, str] = {
    "link.unreachable": N_("No link to %(where)s: check address, power and cable"),
    "link.broken": N_("The link to %(where)s broke"),
    "camera.no_answer": N_("The camera does not answer"),
    "camera.unreachable": N_("No link to the camera: check address, power and cable"),
    "camera.power_off": N_("The camera is off"),
    "camera.moving": N_("The camera still moves"),
    "obs.bad_answer": N_("OBS answers in a way that is not understood"),
    "obs.closed": N_("The link to OBS is closed"),
    "obs.not_open": N_("The link to OBS is closed"),
    "obs.lost": N_("The link to OBS broke"),
    "obs.no_answer": N_("OBS does not answer"),
    "obs.not_obs": N_("What answers at that address is not OBS"),
    "obs.wrong_password": N_("OBS refuses the password"),
    "obs.refused": N_("OBS refused the command"),
    "obs.scene_missing": N_("OBS has no scene “%(scene)s”"),
    "obs.stuck": N_("OBS takes no more commands"),
    "obs.too_old": N_("OBS %(version)s is too old"),
    "obs.slow": N_("OBS shows only %(fps)s pictures a second"),
    "obs.slow_answer": N_("OBS took %(rtt_ms)s ms to answer"),
    "obs.just_started": N_("OBS has just started, its speed cannot be judged yet"),
    "obs.render_lag": N_("OBS drops %(pct)s %% of its pictures"),
    "obs.record_folder_missing": N_("The recording folder is missing"),
    "obs.disk_low": N_("Only %(free_mb)s MB left for recording"),
    "sound.bad_answer": N_("The sound system answers in a way that is not understood"),
    "sound.bad_order": N_("The sound system did not understand the command"),
    "sound.clipping": N_("The microphone is too loud: turn its gain down"),
    "sound.device_missing": N_("“%(device)s” is not there: check plug and name"),
    "sound.faint": N_("The loudspeaker is hardly heard in the room"),
    "sound.microphone_dead": N_("The microphone gives nothing at all: muted at the device, or dead"),
    "sound.no_answer": N_("The sound system does not answer"),
    "sound.no_levels": N_("No sound level was measured yet"),
    "sound.no_pactl": N_("The sound system's tools are not installed"),
    "sound.no_server": N_("No sound system runs on this machine"),
    "sound.no_such_port": N_("There is no such sound port"),
    "sound.noisy": N_("Noise of %(floor_dbfs)s dBFS: a fan, a hum, or too much gain"),
    "sound.not_heard": N_("The loudspeaker is not heard by the microphone"),
    "sound.not_opened": N_("The sound device could not be opened"),
    "sound.not_taken": N_("The sound system did not take the setting"),
    "sound.port_muted": N_("Not checked while muted"),
    "sound.room_too_loud": N_("The room is too loud to check the sound"),
    "sound.samples_lost": N_("Sound was lost while measuring"),
    "sound.server_babbles": N_("The sound system answers in a way that is not understood"),
    "sound.server_hangs": N_("The sound system hangs"),
    "sound.worker_lost": N_("The sound worker has stopped and is being started again"),
    "sound.worker_unstable": N_("The sound worker keeps stopping"),
    "sound.wrong_source": N_("The wrong microphone is used: %(found)s"),
    "preset.unknown": N_("There is no such preset"),
    "preset.busy": N_("Another preset is still running"),
    "session.none": N_("There is no session to start"),
    "session.not_live": N_("No session is running"),
    "session.too_early": N_("It is too early to start this session"),
    "device.unknown": N_("There is no such device"),
}
"""By code; what is in %(name)s comes from the reason's values."""

MEASURES: dict[str, str] = {
    "active_fps": N_("Pictures a second"),
    "render_skipped": N_("Dropped pictures"),
    "disk_free": N_("Room for recording"),
    "rtt": N_("Answering time"),
    "version": N_("Version"),
    "power": N_("Power"),
    "model": N_("Model"),
    "position": N_("Position"),
    "microphone.present": N_("Microphone connected"),
    "speaker.present": N_("Loudspeaker connected"),
    "microphone.routed": N_("Microphone in use"),
    "microphone.signal": N_("Microphone level"),
    "microphone.noise_floor": N_("Noise"),
    "microphone.clipping": N_("Too loud"),
    "loop.heard": N_("Loudspeaker heard"),
    "loop.gain": N_("Loudness in the room"),
    "loop.latency": N_("Sound delay"),
    "worker.restarts": N_("Sound worker restarts"),
}
"""Names of measured values; an unknown one is shown as it is."""


def sentence(reason: Reason, translate: Translate) -> str:
    """Return `reason` in the language of `translate`."""
    pattern = SENTENCES.get(reason.code)
    if pattern is None:
        return reason.detail
    try:
        return translate(pattern) % dict(reason.values)
    except (KeyError, TypeError, ValueError):
        return reason.detail


def measure_name(name: str, translate: Translate) -> str:
    """Return the name of a measured value in the language of `translate`."""
    known = MEASURES.get(name)
    return translate(known) if known else name.replace("_", " ").replace(".", " · ")
