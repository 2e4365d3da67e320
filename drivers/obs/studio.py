"""Everything of OBS that we follow, as one frozen value, and how events change it. No input or output.

A snapshot asks for all of it in one batch; then events keep it true. OBS promises little of
its events: it merges quick switches, sends none for a switch to the scene on air, and two
events about different things may come in either order. So an event only ever says what *is*
now of one thing, and whatever cannot be learnt from it alone (`calls_for_snapshot`) is asked
anew; a snapshot every half minute mends what was missed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from pydantic import TypeAdapter, ValidationError

from drivers.errors import ProtocolViolation
from drivers.obs.model import EVENTS_MISSED, NOT_READY, SUCCESS, Call, Event, Reply
from drivers.outcomes import Reason
from drivers.ports import Programme


class Intent:
    """What a client may subscribe to (obs-websocket protocol, EventSubscription)."""

    GENERAL, CONFIG, SCENES, INPUTS, TRANSITIONS, OUTPUTS = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 4, 1 << 6
    UI = 1 << 10
    METERS = 1 << 16


FOLLOWED = Intent.GENERAL | Intent.CONFIG | Intent.SCENES | Intent.INPUTS | Intent.OUTPUTS | Intent.UI


class OutputState(StrEnum):
    """How far an output is."""

    STOPPED = "stopped"
    STARTING = "starting"
    STARTED = "started"
    STOPPING = "stopping"
    PAUSED = "paused"
    RECONNECTING = "reconnecting"


@dataclass(frozen=True, slots=True)
class Output:
    """The recording, the stream, the virtual camera or the replay buffer."""

    state: OutputState = OutputState.STOPPED
    path: str = ""
    """Where it records or recorded to, if OBS said so."""

    @property
    def active(self) -> bool:
        """Whether it puts something out."""
        return self.state not in {OutputState.STOPPED, OutputState.STARTING}

    @property
    def rests(self) -> bool:
        """Whether it neither puts something out nor is about to."""
        return self.state is OutputState.STOPPED


@dataclass(frozen=True, slots=True)
class Source:
    """An input of OBS; one without sound has neither mute nor gain."""

    kind: str
    muted: bool | None = None
    gain_db: float | None = None


@dataclass(frozen=True, slots=True)
class Studio:
    """What OBS is and does at one moment."""

    version: str
    requests: frozenset[str]
    scenes: tuple[str, ...]
    """From the top, as the operator sees them."""
    programme: str
    preview: str | None = None
    """The scene being prepared; none outside studio mode."""
    studio_mode: bool = False
    sources: Mapping[str, Source] = field(default_factory=dict)
    record: Output = Output()
    stream: Output = Output()
    virtual_camera: Output | None = None
    """None where OBS has no virtual camera."""
    replay: Output | None = None
    """None where the replay buffer is not set up."""
    collection: str = ""
    collections: tuple[str, ...] = ()
    profile: str = ""
    profiles: tuple[str, ...] = ()
    record_folder: str = ""
    transition: str = ""
    specials: tuple[str, ...] = ()
    """The inputs that OBS holds for the whole machine's sound."""
    busy: bool = False
    """It changes its scene collection: existing scenes are denied for a moment."""
    closing: bool = False

    def as_programme(self) -> Programme:
        """Return what a room wants to know of it."""
        return Programme(
            self.programme, self.scenes, self.record.active, self.stream.active,
            {name: source.muted for name, source in self.sources.items() if source.muted is not None},
            preview=self.preview if self.studio_mode else None,
            paused=self.record.state is OutputState.PAUSED,
            virtual_camera=None if self.virtual_camera is None else self.virtual_camera.active,
            replay=None if self.replay is None else self.replay.active,
            gains_db={name: source.gain_db for name, source in self.sources.items() if source.gain_db is not None},
            transition=self.transition, collection=self.collection, profile=self.profile,
        )  # fmt: skip


# Snapshot.

SNAPSHOT: tuple[Call, ...] = tuple(
    Call(name)
    for name in (
        "GetVersion", "GetSceneList", "GetInputList", "GetRecordStatus", "GetStreamStatus", "GetVirtualCamStatus",
        "GetReplayBufferStatus", "GetStudioModeEnabled", "GetSceneCollectionList", "GetProfileList",
        "GetRecordDirectory", "GetSpecialInputs", "GetCurrentSceneTransition",
    )
)  # fmt: skip
WANTED = frozenset({"GetVersion", "GetSceneList", "GetInputList", "GetRecordStatus"})
"""Without these there is no snapshot; the others may be refused."""


def sound_of(names: tuple[str, ...]) -> tuple[Call, ...]:
    """Return the questions that tell mute and gain of the inputs `names`, two for each."""
    return tuple(Call(ask, {"inputName": name}) for name in names for ask in ("GetInputMute", "GetInputVolume"))


def input_names(replies: tuple[Reply, ...]) -> tuple[str, ...]:
    """Return the inputs that a snapshot lists."""
    return tuple(_text(row, "inputName") for row in _rows(_told(replies)["GetInputList"], "inputs"))


def snapshot(replies: tuple[Reply, ...], sound: tuple[Reply, ...]) -> Studio:
    """Return the studio that the replies to `SNAPSHOT` and `sound_of` describe.

    Raises:
        DeviceRefused: OBS is not ready to be asked.
        ProtocolViolation: an answer that is wanted is missing or makes no sense.
    """
    told = _told(replies)
    version, scenes = told["GetVersion"], told["GetSceneList"]
    mode = told.get("GetStudioModeEnabled", {})
    collections, profiles = told.get("GetSceneCollectionList", {}), told.get("GetProfileList", {})
    specials = told.get("GetSpecialInputs", {})
    return Studio(
        version=_text(version, "obsVersion"),
        requests=frozenset(_texts(version, "availableRequests")),
        scenes=tuple(_text(row, "sceneName") for row in reversed(_rows(scenes, "scenes"))),
        programme=_text(scenes, "currentProgramSceneName"),
        preview=_maybe(scenes, "currentPreviewSceneName"),
        studio_mode=mode.get("studioModeEnabled") is True,
        sources=_sources(_rows(told["GetInputList"], "inputs"), sound),
        record=_output(told["GetRecordStatus"]),
        stream=_output(told.get("GetStreamStatus", {})),
        virtual_camera=_output(told["GetVirtualCamStatus"]) if "GetVirtualCamStatus" in told else None,
        replay=_output(told["GetReplayBufferStatus"]) if "GetReplayBufferStatus" in told else None,
        collection=_maybe(collections, "currentSceneCollectionName") or "",
        collections=_texts(collections, "sceneCollections"),
        profile=_maybe(profiles, "currentProfileName") or "",
        profiles=_texts(profiles, "profiles"),
        record_folder=_maybe(told.get("GetRecordDirectory", {}), "recordDirectory") or "",
        transition=_maybe(told.get("GetCurrentSceneTransition", {}), "transitionName") or "",
        specials=tuple(str(name) for name in specials.values() if name),
    )


def _told(replies: tuple[Reply, ...]) -> dict[str, Mapping[str, object]]:
    """Return the fields of every answer by its question.

    Raises:
        DeviceRefused: OBS is not ready to be asked.
        ProtocolViolation: an answer that is wanted is missing.
    """
    for reply in replies:
        if reply.code == NOT_READY:
            reply.accepted("obs")
    told = {reply.request: reply.fields for reply in replies if reply.code == SUCCESS}
    if missing := sorted(WANTED - set(told)):
        raise ProtocolViolation(Reason("obs.bad_answer", f"OBS answered a snapshot without {', '.join(missing)}"))
    return told


def _sources(rows: list[dict[str, object]], sound: tuple[Reply, ...]) -> dict[str, Source]:
    mutes, gains = sound[::2], sound[1::2]
    found: dict[str, Source] = {}
    for at, row in enumerate(rows):
        muted = mutes[at].fields.get("inputMuted") if at < len(mutes) and mutes[at].code == SUCCESS else None
        gain = gains[at].fields.get("inputVolumeDb") if at < len(gains) and gains[at].code == SUCCESS else None
        found[_text(row, "inputName")] = Source(
            _text(row, "inputKind"),
            muted if isinstance(muted, bool) else None,
            float(gain) if isinstance(gain, int | float) else None,
        )
    return found


def _output(fields: Mapping[str, object]) -> Output:
    if fields.get("outputPaused") is True:
        return Output(OutputState.PAUSED)
    if fields.get("outputReconnecting") is True:
        return Output(OutputState.RECONNECTING)
    return Output(OutputState.STARTED if fields.get("outputActive") is True else OutputState.STOPPED)


# Events.


def calls_for_snapshot(event: Event) -> bool:
    """Whether `event` changes more than it says."""
    return event.name in {
        EVENTS_MISSED, "CurrentSceneCollectionChanged", "CurrentProfileChanged", "StudioModeStateChanged",
        "InputCreated", "SceneNameChanged",
    }  # fmt: skip


def after(studio: Studio, event: Event) -> Studio:
    """Return the studio after `event`; one that makes no sense, or is unknown, changes nothing."""
    change = _CHANGES.get(event.name)
    if change is None:
        return studio
    try:
        return change(studio, event.fields)
    except ProtocolViolation:
        return studio


def _on_air(studio: Studio, told: Mapping[str, object]) -> Studio:
    return replace(studio, programme=_text(told, "sceneName"))


def _previewed(studio: Studio, told: Mapping[str, object]) -> Studio:
    return replace(studio, preview=_text(told, "sceneName"))


def _scenes(studio: Studio, told: Mapping[str, object]) -> Studio:
    return replace(studio, scenes=tuple(_text(row, "sceneName") for row in reversed(_rows(told, "scenes"))))


def _scene_gone(studio: Studio, told: Mapping[str, object]) -> Studio:
    return replace(studio, scenes=tuple(name for name in studio.scenes if name != _text(told, "sceneName")))


def _muted(studio: Studio, told: Mapping[str, object]) -> Studio:
    muted = told.get("inputMuted")
    return _changed(studio, told, lambda source: replace(source, muted=muted)) if isinstance(muted, bool) else studio


def _gain(studio: Studio, told: Mapping[str, object]) -> Studio:
    gain = told.get("inputVolumeDb")
    if not isinstance(gain, int | float) or isinstance(gain, bool):
        return studio
    return _changed(studio, told, lambda source: replace(source, gain_db=float(gain)))


def _changed(studio: Studio, told: Mapping[str, object], change: Callable[[Source], Source]) -> Studio:
    name = _text(told, "inputName")
    if name not in studio.sources:
        return studio
    return replace(studio, sources={**studio.sources, name: change(studio.sources[name])})


def _input_gone(studio: Studio, told: Mapping[str, object]) -> Studio:
    gone = _text(told, "inputName")
    return replace(studio, sources={name: source for name, source in studio.sources.items() if name != gone})


def _input_named(studio: Studio, told: Mapping[str, object]) -> Studio:
    before, now = _text(told, "oldInputName"), _text(told, "inputName")
    return replace(studio, sources={now if name == before else name: source for name, source in studio.sources.items()})


_STATES = {state.upper(): state for state in OutputState} | {"RESUMED": OutputState.STARTED}
_PREFIX = "OBS_WEBSOCKET_OUTPUT_"


def _output_now(before: Output | None, told: Mapping[str, object]) -> Output:
    word = _text(told, "outputState").removeprefix(_PREFIX)
    state = _STATES.get(word) or (OutputState.STARTED if told.get("outputActive") is True else OutputState.STOPPED)
    return Output(state, _maybe(told, "outputPath") or (before.path if before else ""))


def _recording(studio: Studio, told: Mapping[str, object]) -> Studio:
    return replace(studio, record=_output_now(studio.record, told))


def _streaming(studio: Studio, told: Mapping[str, object]) -> Studio:
    return replace(studio, stream=_output_now(studio.stream, told))


def _virtual_camera(studio: Studio, told: Mapping[str, object]) -> Studio:
    return replace(studio, virtual_camera=_output_now(studio.virtual_camera, told))


def _replay(studio: Studio, told: Mapping[str, object]) -> Studio:
    return replace(studio, replay=_output_now(studio.replay, told))


def _studio_mode(studio: Studio, told: Mapping[str, object]) -> Studio:
    on = told.get("studioModeEnabled") is True
    return replace(studio, studio_mode=on, preview=studio.preview if on else None)


_CHANGES: dict[str, Callable[[Studio, Mapping[str, object]], Studio]] = {
    "CurrentProgramSceneChanged": _on_air,
    "CurrentPreviewSceneChanged": _previewed,
    "SceneListChanged": _scenes,
    "SceneRemoved": _scene_gone,
    "InputMuteStateChanged": _muted,
    "InputVolumeChanged": _gain,
    "InputRemoved": _input_gone,
    "InputNameChanged": _input_named,
    "RecordStateChanged": _recording,
    "StreamStateChanged": _streaming,
    "VirtualcamStateChanged": _virtual_camera,
    "ReplayBufferStateChanged": _replay,
    "StudioModeStateChanged": _studio_mode,
    "CurrentSceneCollectionChanging": lambda studio, _: replace(studio, busy=True),
    "CurrentSceneCollectionChanged": lambda studio, told: replace(
        studio, busy=False, collection=_text(told, "sceneCollectionName")
    ),
    "CurrentProfileChanged": lambda studio, told: replace(studio, profile=_text(told, "profileName")),
    "ExitStarted": lambda studio, _: replace(studio, closing=True),
}


# Reading fields.

_ROWS = TypeAdapter(list[dict[str, object]])
_NAMES = TypeAdapter(tuple[str, ...])


def _text(told: Mapping[str, object], name: str) -> str:
    """Return a text that must be there.

    Raises:
        ProtocolViolation: it is not.
    """
    value = told.get(name)
    if not isinstance(value, str):
        raise ProtocolViolation(Reason("obs.bad_answer", f"OBS sent no text {name}: {value!r:.80}"))
    return value


def _maybe(told: Mapping[str, object], name: str) -> str | None:
    value = told.get(name)
    return value if isinstance(value, str) else None


def _rows(told: Mapping[str, object], name: str) -> list[dict[str, object]]:
    """Return a list of objects that must be there.

    Raises:
        ProtocolViolation: it is not.
    """
    try:
        return _ROWS.validate_python(told.get(name), strict=True)
    except ValidationError as error:
        raise ProtocolViolation(Reason("obs.bad_answer", f"OBS sent no list {name}")) from error


def _texts(told: Mapping[str, object], name: str) -> tuple[str, ...]:
    try:
        return _NAMES.validate_python(told.get(name, ()))
    except ValidationError:
        return ()
