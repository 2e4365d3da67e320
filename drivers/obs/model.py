"""What OBS answers, as frozen values, and what those values say of its health. No input or output.

Fields that we do not use are ignored, so a newer OBS reads as well as an older one. Only
the words of obs-websocket 5 stand here; its wire is in `link`.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from drivers.errors import DeviceRefused, ProtocolViolation
from drivers.outcomes import Measure, Reason, Scalar, Verdict

SUCCESS = 100
"""OBS took the request. It does not say that the effect is there."""
NOT_READY = 207
"""What newer OBS answer while they start, change their collection or end."""
RESOURCE_NOT_FOUND = 600
INVALID_RESOURCE_TYPE = 602
INVALID_RESOURCE_STATE = 604
OUTPUT_RUNNING = 500
OUTPUT_NOT_RUNNING = 501
OUTPUT_PAUSED = 502
OUTPUT_NOT_PAUSED = 503
STUDIO_MODE_OFF = 506
NO_PICTURE = 702

EVENTS_MISSED = "SiagaEventsMissed"
"""Told in place of events that came faster than they were read: look at everything anew."""

OBS_AT_LEAST = 28
"""The first OBS that brings obs-websocket 5 along."""
NEEDED_REQUESTS = frozenset({
    "GetSceneList", "GetCurrentProgramScene", "SetCurrentProgramScene", "GetInputList", "GetInputMute", "SetInputMute",
    "GetRecordStatus", "StartRecord", "StopRecord", "GetStreamStatus", "GetStats", "GetVideoSettings",
})  # fmt: skip

FPS_PASS = 0.95
FPS_WARN = 0.8
SKIPPED_WARN = 0.01
SKIPPED_FAIL = 0.05
FRAMES_BETWEEN_LOOKS = 30
"""Fewer frames between two looks say nothing."""
FRAMES_SINCE_START = 150
"""OBS skips a handful of frames while it starts; its totals count only after that."""
DISK_WARN_MB = 10_240.0
DISK_FAIL_MB = 1_024.0
ROUND_TRIP_WARN_MS = 200.0


@dataclass(frozen=True, slots=True)
class Call:
    """One request to OBS."""

    request: str
    fields: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reply:
    """What OBS said to one request."""

    request: str
    code: int
    comment: str = ""
    fields: Mapping[str, object] = field(default_factory=dict)

    def accepted(self, where: str) -> Mapping[str, object]:
        """Return the fields of a reply that is no refusal.

        Raises:
            DeviceRefused: OBS answered another code than 100; `code` is in the reason's values.
        """
        if self.code == NOT_READY:
            detail = f"{where}: OBS is not ready for {self.request}: it starts, ends or changes its scene collection"
            raise DeviceRefused(Reason("obs.starting", detail, {"request": self.request, "code": self.code}))
        if self.code != SUCCESS:
            detail = f"{where}: OBS refused {self.request} with {self.code}: {self.comment or 'no comment'}"
            values: dict[str, Scalar] = {"request": self.request, "code": self.code, "comment": self.comment}
            raise DeviceRefused(Reason("obs.refused", detail, values))
        return self.fields


@dataclass(frozen=True, slots=True)
class Event:
    """What OBS tells unasked."""

    name: str
    fields: Mapping[str, object] = field(default_factory=dict)


class Answer(BaseModel):
    """The fields of one answer, named as OBS names them."""

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True)


class Version(Answer):
    """GetVersion."""

    obs_version: str
    rpc_version: int
    available_requests: frozenset[str]


class Stats(Answer):
    """GetStats."""

    cpu_usage: float
    memory_usage: float
    available_disk_space: float
    """In MB; exactly 0.0 means that the recording folder is not there."""
    active_fps: float
    render_skipped_frames: int
    render_total_frames: int


class Screenshot(Answer):
    """GetSourceScreenshot."""

    image_data: str
    """`data:image/jpg;base64,…`"""

    @property
    def content(self) -> bytes:
        """The picture's bytes; empty when they are no base64."""
        try:
            return b64decode(self.image_data.partition(",")[2], validate=True)
        except ValueError:
            return b""


class VideoSettings(Answer):
    """GetVideoSettings."""

    fps_numerator: int
    fps_denominator: int

    @property
    def fps(self) -> float:
        """The frame rate that was asked for."""
        return self.fps_numerator / self.fps_denominator


class SceneRow(Answer):
    """One scene of GetSceneList."""

    scene_name: str


class SceneList(Answer):
    """GetSceneList."""

    current_program_scene_name: str
    scenes: tuple[SceneRow, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """As the operator sees them, from the top; OBS sends them from the bottom."""
        return tuple(row.scene_name for row in reversed(self.scenes))


class ProgrammeScene(Answer):
    """GetCurrentProgramScene."""

    current_program_scene_name: str


class InputRow(Answer):
    """One input of GetInputList."""

    input_name: str
    input_kind: str


class InputList(Answer):
    """GetInputList."""

    inputs: tuple[InputRow, ...]


class InputMuted(Answer):
    """GetInputMute."""

    input_muted: bool


class InputVolume(Answer):
    """GetInputVolume."""

    input_volume_db: float


class InputSettings(Answer):
    """GetInputSettings."""

    input_kind: str
    input_settings: dict[str, object]


class MediaStatus(Answer):
    """GetMediaInputStatus."""

    media_state: str
    media_duration: float | None = None
    media_cursor: float | None = None
    """In ms, as the duration."""


class PreviewScene(Answer):
    """GetCurrentPreviewScene."""

    current_preview_scene_name: str


class StudioMode(Answer):
    """GetStudioModeEnabled."""

    studio_mode_enabled: bool


class Transition(Answer):
    """GetCurrentSceneTransition."""

    transition_name: str
    transition_duration: float | None = None
    """In ms; none for one that has its own."""


class TransitionRow(Answer):
    """One transition of GetSceneTransitionList."""

    transition_name: str
    transition_fixed: bool = False


class TransitionList(Answer):
    """GetSceneTransitionList."""

    transitions: tuple[TransitionRow, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """As OBS lists them."""
        return tuple(row.transition_name for row in self.transitions)

    @property
    def fixed(self) -> frozenset[str]:
        """Those whose duration cannot be set."""
        return frozenset(row.transition_name for row in self.transitions if row.transition_fixed)


class ItemId(Answer):
    """GetSceneItemId."""

    scene_item_id: int


class ItemEnabled(Answer):
    """GetSceneItemEnabled."""

    scene_item_enabled: bool


class ItemRow(Answer):
    """One item of GetSceneItemList."""

    source_name: str


class ItemList(Answer):
    """GetSceneItemList."""

    scene_items: tuple[ItemRow, ...]


class OutputStatus(Answer):
    """GetRecordStatus, GetStreamStatus, GetVirtualCamStatus and GetReplayBufferStatus; the last two know less."""

    output_active: bool
    output_paused: bool = False
    output_reconnecting: bool = False
    output_bytes: int = 0


class StreamService(Answer):
    """GetStreamServiceSettings, of which the key must not go anywhere."""

    stream_service_type: str
    stream_service_settings: dict[str, object]

    @property
    def usable(self) -> bool:
        """Whether a start can come to anything; without a key, most services are not even asked."""
        server, key = (self.stream_service_settings.get(name) for name in ("server", "key"))
        if self.stream_service_type == "rtmp_common":
            return bool(key)
        return bool(server) or bool(self.stream_service_settings.get("bearer_token"))


class ProfileParameter(Answer):
    """GetProfileParameter."""

    parameter_value: str | None = None


class SavedReplay(Answer):
    """GetLastReplayBufferReplay."""

    saved_replay_path: str = ""


class HotkeyList(Answer):
    """GetHotkeyList."""

    hotkeys: tuple[str, ...]


class CollectionList(Answer):
    """GetSceneCollectionList."""

    current_scene_collection_name: str
    scene_collections: tuple[str, ...]


class ProfileList(Answer):
    """GetProfileList."""

    current_profile_name: str
    profiles: tuple[str, ...]


class StoppedRecord(Answer):
    """StopRecord."""

    output_path: str = ""


A = TypeVar("A", bound=Answer)


def read(kind: type[A], fields: Mapping[str, object]) -> A:
    """Return `fields` as a `kind`.

    Raises:
        ProtocolViolation: a field is missing or of another type.
    """
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        wrong = ", ".join(".".join(map(str, e["loc"])) for e in error.errors())
        raise ProtocolViolation(Reason("obs.bad_answer", f"OBS answered {kind.__name__} with bad {wrong}")) from error


@dataclass(frozen=True, slots=True)
class Look:
    """Everything that one check asked."""

    version: Version
    stats: Stats
    video: VideoSettings
    scenes: SceneList
    record: OutputStatus
    rtt_ms: float


def measures(before: Stats | None, now: Look) -> tuple[Measure, ...]:
    """Return what `now` says of OBS's health; `before` is the last look's counters."""
    return (
        _version(now.version),
        Measure("scene", now.scenes.current_program_scene_name, Verdict.PASS),
        Measure("scenes", len(now.scenes.scenes), Verdict.PASS),
        _fps(now.stats.active_fps, now.video.fps),
        _skipped(before, now.stats),
        _disk(now.stats.available_disk_space),
        Measure("recording", now.record.output_active, Verdict.PASS),
        *_running_out(now),
        _round_trip(now.rtt_ms),
    )


def _major(version: str) -> int:
    head = version.split(".", 1)[0]
    return int(head) if head.isdecimal() else 0


def _version(version: Version) -> Measure:
    missing = sorted(NEEDED_REQUESTS - version.available_requests)
    limit = f">= {OBS_AT_LEAST}"
    if _major(version.obs_version) >= OBS_AT_LEAST and version.rpc_version >= 1 and not missing:
        return Measure("version", version.obs_version, Verdict.PASS, limit=limit)
    detail = f"OBS {version.obs_version} is too old: wanted {limit}, missing {', '.join(missing) or 'nothing else'}"
    reason = Reason("obs.too_old", detail, {"version": version.obs_version})
    return Measure("version", version.obs_version, Verdict.FAIL, limit=limit, reason=reason)


def _fps(active: float, wanted: float) -> Measure:
    limit = f">= {FPS_PASS * wanted:.1f} fps"
    ratio = active / wanted
    value = round(active, 1)
    if ratio >= FPS_PASS:
        return Measure("active_fps", value, Verdict.PASS, "fps", limit)
    verdict = Verdict.WARN if ratio >= FPS_WARN else Verdict.FAIL
    detail = f"OBS renders {active:.1f} pictures a second, wanted {wanted:.1f}: the machine is too busy"
    return Measure("active_fps", value, verdict, "fps", limit, Reason("obs.slow", detail, {"fps": value}))


def skipped_ratio(before: Stats | None, now: Stats) -> float | None:
    """Return the share of frames not rendered since `before`, or since the start; none when too few were due."""
    if before is not None and now.render_total_frames - before.render_total_frames >= FRAMES_BETWEEN_LOOKS:
        due = now.render_total_frames - before.render_total_frames
        return (now.render_skipped_frames - before.render_skipped_frames) / due
    if now.render_total_frames < FRAMES_SINCE_START:
        return None
    return now.render_skipped_frames / now.render_total_frames


def _skipped(before: Stats | None, now: Stats) -> Measure:
    limit = f"<= {SKIPPED_WARN:.0%}"
    ratio = skipped_ratio(before, now)
    if ratio is None:
        reason = Reason("obs.just_started", "OBS has rendered too few frames to judge its lag")
        return Measure("render_skipped", None, Verdict.UNPROVEN, "%", limit, reason)
    percent = round(100 * ratio, 2)
    if ratio <= SKIPPED_WARN:
        return Measure("render_skipped", percent, Verdict.PASS, "%", limit)
    verdict = Verdict.FAIL if ratio > SKIPPED_FAIL else Verdict.WARN
    detail = f"OBS skipped {percent:g} % of its frames, wanted {limit}: the machine's graphics are overloaded"
    return Measure("render_skipped", percent, verdict, "%", limit, Reason("obs.render_lag", detail, {"pct": percent}))


def folder_missing() -> Reason:
    """Return why OBS cannot record: it reports exactly no space when the folder is gone."""
    detail = "OBS has no folder to record into: wanted an existing one, check Settings > Output > Recording Path"
    return Reason("obs.record_folder_missing", detail)


def _disk(free_mb: float) -> Measure:
    limit = f">= {DISK_WARN_MB:.0f} MB"
    value = round(free_mb)
    if free_mb >= DISK_WARN_MB:
        return Measure("disk_free", value, Verdict.PASS, "MB", limit)
    verdict = Verdict.WARN if free_mb >= DISK_FAIL_MB else Verdict.FAIL
    low = Reason("obs.disk_low", f"{value} MB left to record into, wanted {limit}", {"free_mb": value})
    return Measure("disk_free", value, verdict, "MB", limit, folder_missing() if free_mb == 0 else low)


def _running_out(now: Look) -> tuple[Measure, ...]:
    """Return that a recording that runs is about to fill its disk; nothing stops it, so somebody must know."""
    free_mb = round(now.stats.available_disk_space)
    if not now.record.output_active or free_mb >= DISK_FAIL_MB:
        return ()
    limit = f">= {DISK_FAIL_MB:.0f} MB"
    detail = f"a recording runs and {free_mb} MB are left, wanted {limit}: it goes on until the disk is full"
    reason = Reason("obs.record_disk_low", detail, {"free_mb": free_mb})
    return (Measure("recording_disk", "low", Verdict.FAIL, "", limit, reason),)


def _round_trip(rtt_ms: float) -> Measure:
    limit = f"<= {ROUND_TRIP_WARN_MS:.0f} ms"
    value = round(rtt_ms, 1)
    if rtt_ms <= ROUND_TRIP_WARN_MS:
        return Measure("rtt", value, Verdict.PASS, "ms", limit)
    reason = Reason("obs.slow_answer", f"OBS took {value} ms to answer, wanted {limit}", {"rtt_ms": value})
    return Measure("rtt", value, Verdict.WARN, "ms", limit, reason)
