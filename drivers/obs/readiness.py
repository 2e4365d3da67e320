"""Is this OBS fit for the session? One judgement per row, values in and a measure out. No input or output.

The cheap look of every second (`model.measures`) says how OBS runs. Here stands what is looked
at before a session and now and then: whether what the room's presets will ask for is there,
whether cameras show something that moves, whether the disk holds the whole recording. What
could not be found out is `UNPROVEN`, never a pass.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from drivers.obs.model import folder_missing
from drivers.obs.supervisor import State
from drivers.outcomes import Measure, Reason, Scalar, Verdict
from drivers.ports import ShowWanted

# Kinds of inputs, by how their names begin.

CAMERAS = ("v4l2_input", "dshow_input", "av_capture_input", "macos-avcapture", "decklink-input", "ndi_source")
"""A sensor is never twice alike, so a picture that is has stopped."""
MEDIA = ("ffmpeg_source", "vlc_source")
SILENT = ("pulse_", "wasapi_", "coreaudio_", "alsa_", "jack_", "sndio_")
"""Sound alone: no size is as it should be."""
MAY_BE_EMPTY = ("text_", "browser_source", "game_capture", "window_capture", "xcomposite_input", "scene", "group")
"""Nothing to show now and then is in the nature of these."""

BLACK_BELOW = 8.0
"""Mean brightness of 255."""
FADER_OPEN_DB = -30.0
LOUD_ENOUGH_DBFS = -60.0
CLIPS_DBFS = -1.0
CPU_WARN_PCT = 70.0
MEMORY_GROWS_WARN_MB = 500.0
LAG_WARN, LAG_FAIL = 0.01, 0.05
FRAME_TIME_SHARE = 0.8
CONGESTED = 0.2
DISK_SPARE = 1.5
SWITCHES_PER_MINUTE = 3
OWN_FOR_S = 6.0
"""A switch this soon after we asked for that scene is ours."""
NAMES_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Seen:
    """One source in one scene, wherever it stands there."""

    scene: str
    source: str
    kind: str
    width: float = 0.0
    height: float = 0.0
    shown: bool = True
    media: str = ""
    """The state of a clip, without its prefix."""
    device_there: bool | None = None
    """Whether the machine lists the camera's device; none when it was not said."""

    @property
    def dead(self) -> bool:
        """Whether there is nothing behind it."""
        if self.device_there is False or self.media == "ERROR":
            return True
        if self.width or self.height or self.kind.startswith((*SILENT, *MAY_BE_EMPTY)):
            return False
        return not self.kind.startswith(MEDIA) or self.media == "ENDED"

    @property
    def unsure(self) -> bool:
        """Whether it shows nothing yet, as a clip that was never played."""
        return self.kind.startswith(MEDIA) and not self.dead and not self.width


@dataclass(frozen=True, slots=True)
class Picture:
    """What two small pictures of one input, a second apart, were like."""

    source: str
    kind: str
    code: int = 100
    """How OBS answered; 702: it has no picture."""
    luma: float | None = None
    same: bool | None = None
    rests: bool = False
    """It is set to switch itself off while it is not on air."""


@dataclass(frozen=True, slots=True)
class Fader:
    """A sound input as it stands; the peak is what arrives before fader and mute."""

    there: bool
    muted: bool | None = None
    gain_db: float | None = None
    peaks: tuple[float, ...] | None = None
    """The loudest of each meter message; none when it was not listened to."""


@dataclass(frozen=True, slots=True)
class Load:
    """GetStats, as far as it is judged here."""

    cpu_pct: float
    memory_mb: float
    frame_ms: float
    output_skipped: int
    output_total: int


@dataclass(frozen=True, slots=True)
class Found:
    """Everything that one inspection asked for."""

    state: State
    reason: Reason | None = None
    scenes: tuple[str, ...] = ()
    collection: str = ""
    profile: str = ""
    canvas: tuple[int, int] = (0, 0)
    fps: float = 0.0
    sources: tuple[Seen, ...] = ()
    pictures: tuple[Picture, ...] = ()
    virtual_camera: bool | None = None
    load: Load | None = None
    load_before: Load | None = None
    memory_at_first_mb: float | None = None
    disk_mb: float | None = None
    bitrate_kbps: float | None = None
    splits: bool | None = None
    """Whether its mode of output can split recordings; none: nobody asked."""
    faders: Mapping[str, Fader] = field(default_factory=dict)
    recording: bool = False
    streaming: bool = False
    congestion: float = 0.0
    reconnecting: bool = False
    studio_mode: bool = False
    strange_switches: int = 0
    """In the last minute."""


def rows(wanted: ShowWanted, found: Found) -> tuple[Measure, ...]:
    """Return all judgements; of an OBS that is not ready only that it is not."""
    link = link_row(found)
    if found.state is not State.READY:
        return (link,)
    return (
        link, setup_row(wanted, found), canvas_row(wanted, found), scenes_row(wanted, found.scenes),
        sources_row(wanted, found.sources), pictures_row(wanted, found), virtual_camera_row(wanted, found),
        encode_row(found), frame_time_row(found), cpu_row(found), memory_row(found), space_row(wanted, found),
        inputs_row(wanted, found.faders), outputs_row(wanted, found), studio_mode_row(wanted, found),
        hands_row(found.strange_switches), *((split_row(found),) if wanted.split else ()),
        *((levels_row(wanted, found.faders),) if wanted.listens else ()),
    )  # fmt: skip


def link_row(found: Found) -> Measure:
    """Judge the link's state."""
    if found.state is State.READY:
        return Measure("link", found.state.value, Verdict.PASS, limit=State.READY.value)
    reason = found.reason or Reason("obs.not_open", "the link to OBS is not open")
    return Measure("link", found.state.value, Verdict.FAIL, limit=State.READY.value, reason=reason)


def setup_row(wanted: ShowWanted, found: Found) -> Measure:
    """Judge whether scene collection and profile are the room's."""
    value = f"{found.collection} / {found.profile}"
    limit = " / ".join(name for name in (wanted.collection, wanted.profile) if name)
    pairs = ((wanted.collection, found.collection), (wanted.profile, found.profile))
    if all(want in {"", there} for want, there in pairs):
        return Measure("setup", value, Verdict.PASS, limit=limit)
    detail = f"OBS has scene collection and profile {value}, wanted {limit}"
    values: dict[str, Scalar] = {"found": value, "wanted": limit}
    return Measure("setup", value, Verdict.FAIL, limit=limit, reason=Reason("obs.other_setup", detail, values))


def canvas_row(wanted: ShowWanted, found: Found) -> Measure:
    """Judge canvas and frame rate as they are set."""
    value = f"{found.canvas[0]}x{found.canvas[1]}@{found.fps:g}"
    size = wanted.canvas or found.canvas
    rate = wanted.fps or found.fps
    limit = f"{size[0]}x{size[1]}@{rate:g}" if wanted.canvas or wanted.fps else ""
    if size == found.canvas and math.isclose(rate, found.fps, rel_tol=0.01):
        return Measure("canvas", value, Verdict.PASS, limit=limit)
    values: dict[str, Scalar] = {"found": value, "wanted": limit}
    reason = Reason("obs.other_canvas", f"OBS draws {value}, wanted {limit}", values)
    return Measure("canvas", value, Verdict.FAIL, limit=limit, reason=reason)


def scenes_row(wanted: ShowWanted, there: Sequence[str]) -> Measure:
    """Judge whether every scene of the presets exists, to the letter; twins of one are a trap."""
    missing = [name for name in wanted.scenes if name not in there]
    value, limit = len(set(wanted.scenes)) - len(set(missing)), f"{len(set(wanted.scenes))}"
    if missing:
        detail = f"OBS lacks the scenes {_names(missing)}, found {_names(there)}"
        reason = Reason("obs.scenes_missing", detail, {"scenes": _names(missing)})
        return Measure("scenes_wanted", value, Verdict.FAIL, limit=limit, reason=reason)
    twins = [name for name in there if name not in wanted.scenes and _plain(name) in set(map(_plain, wanted.scenes))]
    if twins:
        detail = f"OBS has scenes that differ from a preset's only in case or spaces: {_names(twins)}"
        reason = Reason("obs.scene_twins", detail, {"scenes": _names(twins)})
        return Measure("scenes_wanted", value, Verdict.WARN, limit=limit, reason=reason)
    return Measure("scenes_wanted", value, Verdict.PASS, limit=limit)


def sources_row(wanted: ShowWanted, sources: Iterable[Seen]) -> Measure:
    """Judge whether anything is behind the sources: in the presets' scenes it must be, elsewhere it should."""
    shown = [one for one in sources if one.shown]
    dead = [one for one in shown if one.dead]
    here = _unique(f"{one.source} ({one.scene})" for one in dead if one.scene in wanted.scenes)
    value = len({one.source for one in shown if not one.dead})
    limit = f"{len({one.source for one in shown})}"
    if dead:
        names = here or _unique(f"{one.source} ({one.scene})" for one in dead)
        detail = f"nothing is behind the sources {_names(names)}: device unplugged or file gone"
        reason = Reason("obs.sources_dead", detail, {"sources": _names(names)})
        return Measure("sources", value, Verdict.FAIL if here else Verdict.WARN, limit=limit, reason=reason)
    absent = _absent(wanted, shown)
    if absent:
        reason = Reason("obs.sources_missing", f"no sources {_names(absent)}", {"sources": _names(absent)})
        return Measure("sources", value, Verdict.FAIL, limit=limit, reason=reason)
    return _unsure_sources(wanted, shown, Measure("sources", value, Verdict.PASS, limit=limit))


def _absent(wanted: ShowWanted, sources: Iterable[Seen]) -> list[str]:
    there = {(one.scene, one.source) for one in sources}
    hidden = {scene for scene, _ in there}
    return _unique(
        f"{source} ({scene})" for scene, source in wanted.sources if scene in hidden and (scene, source) not in there
    )


def _unsure_sources(wanted: ShowWanted, shown: Iterable[Seen], fine: Measure) -> Measure:
    unsure = _unique(one.source for one in shown if one.unsure and one.scene in wanted.scenes)
    if not unsure:
        return fine
    reason = Reason("obs.clip_unproven", f"the clips {_names(unsure)} were never played", {"sources": _names(unsure)})
    return Measure(fine.name, fine.value, Verdict.UNPROVEN, limit=fine.limit, reason=reason)


def pictures_row(wanted: ShowWanted, found: Found) -> Measure:
    """Judge whether the cameras of the presets' scenes show something, and something that moves."""
    of = {one.source for one in found.sources if one.scene in wanted.scenes}
    worst = max(
        (_picture(one, one.source in of) for one in found.pictures), key=lambda m: _RANK[m.verdict], default=None
    )
    moving = sum(1 for one in found.pictures if _picture(one, one.source in of).verdict is Verdict.PASS)
    limit = f"{len(found.pictures)}"
    if worst is None or worst.verdict is Verdict.PASS:
        return Measure("pictures", moving, Verdict.PASS, limit=limit)
    return Measure("pictures", moving, worst.verdict, limit=limit, reason=worst.reason)


_RANK = {Verdict.PASS: 0, Verdict.UNPROVEN: 1, Verdict.WARN: 2, Verdict.FAIL: 3}


def _picture(one: Picture, is_wanted: bool) -> Measure:
    """Judge one input."""
    luma = None if one.luma is None else round(one.luma, 1)
    verdict, reason = _of_picture(one, Verdict.FAIL if is_wanted else Verdict.WARN)
    return Measure("picture", luma, verdict, reason=reason)


def _of_picture(one: Picture, grave: Verdict) -> tuple[Verdict, Reason | None]:
    values: dict[str, Scalar] = {"source": one.source}
    stands = one.same is True and one.kind.startswith(CAMERAS)
    if one.rests and (one.luma is None or stands):
        detail = f"{one.source!r} is off while it is not on air: not looked at"
        return Verdict.UNPROVEN, Reason("obs.camera_rests", detail, values)
    if one.luma is None:
        return grave, Reason("obs.no_picture", f"{one.source!r} gives no picture: OBS answered {one.code}", values)
    if one.luma < BLACK_BELOW:
        luma = round(one.luma, 1)
        detail = f"{one.source!r} is black: mean brightness {luma}, wanted >= {BLACK_BELOW:g}"
        return grave, Reason("obs.picture_black", detail, {**values, "luma": luma})
    if stands:
        detail = f"{one.source!r} stands still: two pictures a second apart are alike to the last bit"
        return grave, Reason("obs.picture_frozen", detail, values)
    if one.same is None:
        return Verdict.UNPROVEN, Reason("obs.picture_unproven", f"{one.source!r} was seen only once", values)
    return Verdict.PASS, None


def virtual_camera_row(wanted: ShowWanted, found: Found) -> Measure:
    """Judge the virtual camera where a preset needs it: installed, and running once it was asked for."""
    value = "absent" if found.virtual_camera is None else "on" if found.virtual_camera else "off"
    if not wanted.virtual_camera:
        return Measure("virtual_camera", value, Verdict.PASS)
    if found.virtual_camera is None:
        reason = Reason("obs.no_virtual_camera", "OBS has no virtual camera: wanted one that is installed")
        return Measure("virtual_camera", value, Verdict.FAIL, limit="on", reason=reason)
    if wanted.virtual_camera_now and not found.virtual_camera:
        reason = Reason("obs.virtual_camera_off", "the virtual camera is off, wanted on")
        return Measure("virtual_camera", value, Verdict.FAIL, limit="on", reason=reason)
    return Measure("virtual_camera", value, Verdict.PASS, limit="on" if wanted.virtual_camera_now else "")


def encode_row(found: Found) -> Measure:
    """Judge the frames that an output lost between two looks."""
    limit = f"<= {LAG_WARN:.0%}"
    before, now = found.load_before, found.load
    due = 0 if before is None or now is None else now.output_total - before.output_total
    if before is None or now is None or due <= 0:
        return Measure("encode_skipped", 0.0, Verdict.PASS, "%", limit)  # nothing is put out, so nothing is lost
    share = (now.output_skipped - before.output_skipped) / due
    percent = round(100 * share, 2)
    if share <= LAG_WARN:
        return Measure("encode_skipped", percent, Verdict.PASS, "%", limit)
    reason = Reason("obs.encode_lag", f"the encoder lost {percent:g} % of its frames, wanted {limit}", {"pct": percent})
    return Measure("encode_skipped", percent, Verdict.FAIL if share > LAG_FAIL else Verdict.WARN, "%", limit, reason)


def frame_time_row(found: Found) -> Measure:
    """Judge how long one frame takes to draw."""
    if found.load is None or not found.fps:
        return _unasked("frame_time", "ms")
    at_most = FRAME_TIME_SHARE * 1000 / found.fps
    took, limit = round(found.load.frame_ms, 1), f"<= {at_most:.1f} ms"
    if found.load.frame_ms <= at_most:
        return Measure("frame_time", took, Verdict.PASS, "ms", limit)
    reason = Reason("obs.frame_slow", f"OBS draws a frame in {took} ms, wanted {limit}", {"ms": took})
    return Measure("frame_time", took, Verdict.WARN, "ms", limit, reason)


def cpu_row(found: Found) -> Measure:
    """Judge OBS's share of the processors."""
    if found.load is None:
        return _unasked("cpu", "%")
    share, limit = round(found.load.cpu_pct, 1), f"<= {CPU_WARN_PCT:g} %"
    if share <= CPU_WARN_PCT:
        return Measure("cpu", share, Verdict.PASS, "%", limit)
    reason = Reason("obs.cpu_busy", f"OBS takes {share} % of the machine, wanted {limit}", {"pct": share})
    return Measure("cpu", share, Verdict.WARN, "%", limit, reason)


def memory_row(found: Found) -> Measure:
    """Judge how much OBS has grown since it was first looked at."""
    if found.load is None:
        return _unasked("memory", "MB")
    first = found.load.memory_mb if found.memory_at_first_mb is None else found.memory_at_first_mb
    used, limit = round(found.load.memory_mb), f"<= {first + MEMORY_GROWS_WARN_MB:.0f} MB"
    if found.load.memory_mb - first <= MEMORY_GROWS_WARN_MB:
        return Measure("memory", used, Verdict.PASS, "MB", limit)
    grown = round(found.load.memory_mb - first)
    reason = Reason("obs.memory_grows", f"OBS has grown by {grown} MB, wanted {limit}", {"grown_mb": grown})
    return Measure("memory", used, Verdict.WARN, "MB", limit, reason)


def needed_mb(kbps: float, length: timedelta) -> float:
    """Return what a recording of `length` takes, with half as much to spare."""
    return kbps / 8 / 1000 * length.total_seconds() * DISK_SPARE


def space_row(wanted: ShowWanted, found: Found) -> Measure:
    """Judge whether the planned session fits on the disk; no space at all means that there is no folder."""
    if wanted.recording_for is None:
        return Measure("record_space", None if found.disk_mb is None else round(found.disk_mb), Verdict.PASS, "MB")
    if found.disk_mb is None or found.bitrate_kbps is None:
        return _unasked("record_space", "MB")
    need = needed_mb(found.bitrate_kbps, wanted.recording_for)
    free, limit = round(found.disk_mb), f">= {need:.0f} MB"
    if found.disk_mb >= need and found.disk_mb > 0:
        return Measure("record_space", free, Verdict.PASS, "MB", limit)
    minutes = round(wanted.recording_for.total_seconds() / 60)
    detail = f"{free} MB left, wanted {limit} for {minutes} minutes at {found.bitrate_kbps:g} kbit/s"
    values: dict[str, Scalar] = {"free_mb": free, "need_mb": round(need), "minutes": minutes}
    reason = folder_missing() if found.disk_mb == 0 else Reason("obs.disk_short", detail, values)
    return Measure("record_space", free, Verdict.FAIL, "MB", limit, reason)


def split_row(found: Found) -> Measure:
    """Judge whether recordings can be split as the room asks."""
    if found.splits:
        return Measure("record_split", True, Verdict.PASS)
    detail = "wanted recordings in parts, found OBS to be in the simple output mode: choose Advanced and Standard"
    return Measure("record_split", False, Verdict.WARN, reason=Reason("obs.split_impossible", detail))


def inputs_row(wanted: ShowWanted, faders: Mapping[str, Fader]) -> Measure:
    """Judge whether the sound inputs exist, are muted as wanted, and have an open fader."""
    missing = [name for name in wanted.inputs if not faders.get(name, Fader(False)).there]
    limit = f"{len(wanted.inputs)}"
    value = len(wanted.inputs) - len(missing)
    if missing:
        reason = Reason("obs.inputs_missing", f"OBS lacks the inputs {_names(missing)}", {"inputs": _names(missing)})
        return Measure("inputs", value, Verdict.FAIL, limit=limit, reason=reason)
    other = [
        name for name, mute in wanted.inputs.items() if mute is not None and faders[name].muted not in {None, mute}
    ]
    if other:
        reason = Reason("obs.mute_differs", f"muted otherwise than wanted: {_names(other)}", {"inputs": _names(other)})
        return Measure("inputs", value, Verdict.WARN, limit=limit, reason=reason)
    low = [name for name, one in faders.items() if one.gain_db is not None and one.gain_db <= FADER_OPEN_DB]
    if low:
        detail = f"faders at {FADER_OPEN_DB:g} dB or below: {_names(low)}"
        return Measure(
            "inputs", value, Verdict.WARN, limit=limit, reason=Reason("obs.fader_low", detail, {"inputs": _names(low)})
        )
    return Measure("inputs", value, Verdict.PASS, limit=limit)


def levels_row(wanted: ShowWanted, faders: Mapping[str, Fader]) -> Measure:
    """Judge what arrives at the microphones, before fader and mute, so that nobody has to be unmuted for it."""
    limit = f"> {LOUD_ENOUGH_DBFS:g} dBFS"
    heard = {name: one.peaks for name, one in faders.items() if one.peaks is not None and name in wanted.microphones}
    if not wanted.microphones:
        return Measure("input_level", None, Verdict.PASS, "dBFS")
    unheard = [name for name in wanted.microphones if not heard.get(name)]
    if unheard:
        reason = Reason("obs.no_levels", f"OBS told no level of {_names(unheard)}", {"inputs": _names(unheard)})
        return Measure("input_level", None, Verdict.UNPROVEN, "dBFS", limit, reason)
    loudest = {name: max(peaks or (0.0,)) for name, peaks in heard.items()}
    return _loudness(loudest, limit)


def _loudness(loudest: Mapping[str, float], limit: str) -> Measure:
    """Judge the loudest peak of each microphone; the worst one speaks."""
    worst = min(loudest, key=lambda name: loudest[name])
    peak = loudest[worst]
    values: dict[str, Scalar] = {"input": worst}
    if peak == 0.0:
        reason = Reason("obs.microphone_dead", f"not a single bit of sound arrives from {worst!r}", values)
        return Measure("input_level", None, Verdict.FAIL, "dBFS", limit, reason)
    dbfs = round(20 * math.log10(peak), 1)
    if dbfs <= LOUD_ENOUGH_DBFS:
        reason = Reason(
            "obs.microphone_quiet", f"{worst!r} brings {dbfs} dBFS, wanted {limit}", values | {"dbfs": dbfs}
        )
        return Measure("input_level", dbfs, Verdict.WARN, "dBFS", limit, reason)
    clipped = [name for name, one in loudest.items() if 20 * math.log10(one) >= CLIPS_DBFS]
    if clipped:
        reason = Reason("obs.microphone_clips", f"too loud: {_names(clipped)}", {"input": _names(clipped)})
        return Measure("input_level", dbfs, Verdict.WARN, "dBFS", f"< {CLIPS_DBFS:g} dBFS", reason)
    return Measure("input_level", dbfs, Verdict.PASS, "dBFS", limit)


def outputs_row(wanted: ShowWanted, found: Found) -> Measure:
    """Judge whether what should be put out is, what should not is not, and how the stream gets through."""
    running = [name for name, on in (("recording", found.recording), ("stream", found.streaming)) if on]
    value = " + ".join(running) or "none"
    if wanted.recording is not None and wanted.recording is not found.recording:
        code = "obs.recording_off" if wanted.recording else "obs.recording_on"
        return Measure(
            "outputs",
            value,
            Verdict.WARN,
            reason=Reason(code, f"recording is {found.recording}, wanted {wanted.recording}"),
        )
    if wanted.streaming is not None and wanted.streaming is not found.streaming:
        code = "obs.stream_off" if wanted.streaming else "obs.stream_on"
        return Measure(
            "outputs",
            value,
            Verdict.WARN,
            reason=Reason(code, f"the stream is {found.streaming}, wanted {wanted.streaming}"),
        )
    if found.streaming and (found.reconnecting or found.congestion >= CONGESTED):
        percent = round(100 * found.congestion)
        detail = f"the stream gets through badly: congestion {percent} %, reconnecting {found.reconnecting}"
        return Measure("outputs", value, Verdict.WARN, reason=Reason("obs.stream_congested", detail, {"pct": percent}))
    return Measure("outputs", value, Verdict.PASS)


def studio_mode_row(wanted: ShowWanted, found: Found) -> Measure:
    """Judge studio mode, in which a person's click does not go on air at once."""
    if found.studio_mode and not wanted.studio_mode:
        reason = Reason("obs.studio_mode_on", "studio mode is on, and no preset asks for it")
        return Measure("studio_mode", True, Verdict.WARN, limit="off", reason=reason)
    return Measure("studio_mode", found.studio_mode, Verdict.PASS)


def hands_row(switches: int) -> Measure:
    """Judge how often somebody else switched the scene within a minute."""
    limit = f"<= {SWITCHES_PER_MINUTE}"
    if switches <= SWITCHES_PER_MINUTE:
        return Measure("other_hands", switches, Verdict.PASS, "/min", limit)
    reason = Reason(
        "obs.other_hands", f"somebody else switched the scene {switches} times in a minute", {"count": switches}
    )
    return Measure("other_hands", switches, Verdict.WARN, "/min", limit, reason)


class Hands:
    """Counts the switches that were not ours."""

    def __init__(self) -> None:
        self._asked: dict[str, float] = {}
        self._strange: deque[float] = deque(maxlen=100)

    def asked(self, scene: str, at_s: float) -> None:
        """Take note that we ask for a scene; for `take`, any scene (the empty name) is ours."""
        self._asked[scene] = at_s

    def switched(self, scene: str, at_s: float) -> None:
        """Take note of a switch, ours or not."""
        if not any(at_s - self._asked.get(name, float("-inf")) <= OWN_FOR_S for name in (scene, "")):
            self._strange.append(at_s)

    def strange(self, at_s: float) -> int:
        """Return how many of the last minute's switches were somebody else's."""
        return sum(1 for then in self._strange if at_s - then <= 60)


def luma_of_bmp(picture: bytes) -> float | None:
    """Return the mean brightness of a BMP of 24 or 32 bits, from 0 to 255; none for what is not one."""
    if len(picture) < 54 or picture[:2] != b"BM":
        return None
    start, depth = int.from_bytes(picture[10:14], "little"), int.from_bytes(picture[28:30], "little") // 8
    points = picture[start:]
    if depth not in {3, 4} or len(points) < depth:
        return None
    blue, green, red = (sum(points[at::depth]) / len(points[at::depth]) for at in range(3))
    return 0.114 * blue + 0.587 * green + 0.299 * red


def _unasked(name: str, unit: str) -> Measure:
    return Measure(name, None, Verdict.UNPROVEN, unit, reason=Reason("obs.not_told", f"OBS did not tell {name}"))


def _unique(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _names(names: Sequence[str]) -> str:
    rest = len(names) - NAMES_SHOWN
    return ", ".join(names[:NAMES_SHOWN]) + (f" + {rest}" if rest > 0 else "")


def _plain(name: str) -> str:
    return "".join(name.split()).casefold()
