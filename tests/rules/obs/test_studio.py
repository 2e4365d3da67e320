"""The picture of OBS: from a snapshot, and after events in whatever order they come."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import ProtocolViolation
from drivers.obs.model import EVENTS_MISSED, Event, Reply
from drivers.obs.studio import (
    SNAPSHOT,
    Output,
    OutputState,
    Source,
    Studio,
    after,
    calls_for_snapshot,
    input_names,
    snapshot,
    sound_of,
)

STUDIO = Studio(
    version="29.0.2",
    requests=frozenset({"GetVersion"}),
    scenes=("Jeda", "Ruang", "Materi"),
    programme="Jeda",
    sources={"Mikrofon": Source("pulse_input_capture", False, 0.0), "Judul": Source("text_ft2_source_v2")},
)
# As a real OBS 29.0.2 answered; shortened.
REPLIES = (
    Reply("GetVersion", 100, fields={"obsVersion": "29.0.2", "availableRequests": ["GetVersion", "GetStats"]}),
    Reply(
        "GetSceneList",
        100,
        fields={
            "currentProgramSceneName": "Jeda",
            "currentPreviewSceneName": None,
            "scenes": [{"sceneIndex": 0, "sceneName": "Ruang"}, {"sceneIndex": 1, "sceneName": "Jeda"}],
        },
    ),
    Reply(
        "GetInputList",
        100,
        fields={
            "inputs": [
                {"inputKind": "text_ft2_source_v2", "inputName": "Judul"},
                {"inputKind": "pulse_input_capture", "inputName": "Mikrofon"},
            ]
        },
    ),
    Reply("GetRecordStatus", 100, fields={"outputActive": True, "outputPaused": True}),
    Reply("GetStreamStatus", 100, fields={"outputActive": False, "outputReconnecting": False}),
    Reply("GetVirtualCamStatus", 604, "VirtualCam is not available."),
    Reply("GetSpecialInputs", 100, fields={"mic1": "Mikrofon", "mic2": None}),
)
SOUND = (
    Reply("GetInputMute", 604),
    Reply("GetInputVolume", 604),
    Reply("GetInputMute", 100, fields={"inputMuted": True}),
    Reply("GetInputVolume", 100, fields={"inputVolumeDb": -6.0, "inputVolumeMul": 0.5}),
)


def test_snapshot_of_a_real_answer() -> None:
    seen = snapshot(REPLIES, SOUND)
    assert seen.scenes == ("Jeda", "Ruang")
    assert seen.programme == "Jeda"
    assert seen.record == Output(OutputState.PAUSED)
    assert seen.virtual_camera is None
    assert seen.specials == ("Mikrofon",)
    assert seen.sources == {
        "Judul": Source("text_ft2_source_v2"),
        "Mikrofon": Source("pulse_input_capture", True, -6.0),
    }


def test_snapshot_asks_each_input_for_mute_and_gain() -> None:
    names = input_names(REPLIES)
    assert [(call.request, call.fields["inputName"]) for call in sound_of(names)] == [
        ("GetInputMute", "Judul"),
        ("GetInputVolume", "Judul"),
        ("GetInputMute", "Mikrofon"),
        ("GetInputVolume", "Mikrofon"),
    ]
    assert len({call.request for call in SNAPSHOT}) == len(SNAPSHOT)


@pytest.mark.parametrize("gone", ["GetVersion", "GetSceneList", "GetInputList", "GetRecordStatus"])
def test_snapshot_without_what_is_wanted_is_none(gone: str) -> None:
    with pytest.raises(ProtocolViolation, match=gone):
        snapshot(tuple(reply for reply in REPLIES if reply.request != gone), SOUND)


def output(word: str, path: str | None = None) -> dict[str, object]:
    active = word in {"STARTED", "STOPPING", "PAUSED"}
    return {"outputActive": active, "outputState": f"OBS_WEBSOCKET_OUTPUT_{word}", "outputPath": path}


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (Event("CurrentProgramSceneChanged", {"sceneName": "Ruang"}), replace(STUDIO, programme="Ruang")),
        (Event("SceneRemoved", {"sceneName": "Materi"}), replace(STUDIO, scenes=("Jeda", "Ruang"))),
        (
            Event("SceneListChanged", {"scenes": [{"sceneName": "B"}, {"sceneName": "A"}]}),
            replace(STUDIO, scenes=("A", "B")),
        ),
        (
            Event("RecordStateChanged", output("STARTED", "/r/a.mkv")),
            replace(STUDIO, record=Output(OutputState.STARTED, "/r/a.mkv")),
        ),
        (Event("StreamStateChanged", output("STARTING")), replace(STUDIO, stream=Output(OutputState.STARTING))),
        (
            Event("VirtualcamStateChanged", output("STARTED")),
            replace(STUDIO, virtual_camera=Output(OutputState.STARTED)),
        ),
        (Event("CurrentSceneCollectionChanging", {}), replace(STUDIO, busy=True)),
        (
            Event("CurrentSceneCollectionChanged", {"sceneCollectionName": "Aula"}),
            replace(STUDIO, collection="Aula"),
        ),
        (Event("ExitStarted"), replace(STUDIO, closing=True)),
        (
            Event("InputRemoved", {"inputName": "Judul"}),
            replace(STUDIO, sources={"Mikrofon": STUDIO.sources["Mikrofon"]}),
        ),
    ],
    ids=lambda value: value.name if isinstance(value, Event) else "",
)
def test_event_says_what_is_now(event: Event, expected: Studio) -> None:
    assert after(STUDIO, event) == expected


def test_sound_events_change_their_input_alone() -> None:
    muted = after(STUDIO, Event("InputMuteStateChanged", {"inputName": "Mikrofon", "inputMuted": True}))
    both = after(muted, Event("InputVolumeChanged", {"inputName": "Mikrofon", "inputVolumeDb": -12}))
    assert both.sources["Mikrofon"] == Source("pulse_input_capture", True, -12.0)
    assert both.sources["Judul"] == STUDIO.sources["Judul"]


def test_recording_keeps_its_path_until_the_next() -> None:
    started = after(STUDIO, Event("RecordStateChanged", output("STARTED", "/r/a.mkv")))
    assert after(started, Event("RecordStateChanged", output("STOPPING"))).record == Output(
        OutputState.STOPPING, "/r/a.mkv"
    )


@pytest.mark.parametrize(
    "name", [EVENTS_MISSED, "CurrentSceneCollectionChanged", "StudioModeStateChanged", "InputCreated"]
)
def test_what_cannot_be_learnt_from_an_event_is_asked(name: str) -> None:
    assert calls_for_snapshot(Event(name))


NAMES = st.sampled_from(["Jeda", "Ruang", "Materi"])
SUBJECTS = {
    "scene": NAMES.map(lambda name: Event("CurrentProgramSceneChanged", {"sceneName": name})),
    "mute": st.booleans().map(lambda on: Event("InputMuteStateChanged", {"inputName": "Mikrofon", "inputMuted": on})),
    "record": st.sampled_from(["STARTING", "STARTED", "STOPPING", "STOPPED", "PAUSED", "RESUMED"]).map(
        lambda word: Event("RecordStateChanged", output(word, "/r/a.mkv"))
    ),
    "stream": st.sampled_from(["STARTING", "STARTED", "RECONNECTING", "STOPPED"]).map(
        lambda word: Event("StreamStateChanged", output(word))
    ),
}


@given(st.data())
def test_any_interleaving_and_merging_of_the_same_events_ends_the_same(data: st.DataObject) -> None:
    told = {subject: data.draw(st.lists(events, min_size=1, max_size=5)) for subject, events in SUBJECTS.items()}
    ordered = [event for events in told.values() for event in events]
    queues = {subject: list(events) for subject, events in told.items()}
    mixed: list[Event] = []
    while any(queues.values()):
        subject = data.draw(st.sampled_from([name for name, left in queues.items() if left]))
        event = queues[subject].pop(0)
        if not queues[subject] or data.draw(st.booleans()):  # OBS may leave out all but the last
            mixed.append(event)

    def played(events: list[Event]) -> Studio:
        studio = STUDIO
        for event in events:
            studio = after(studio, event)
        return studio

    assert played(mixed) == played(ordered)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
KEYS = ("sceneName", "scenes", "inputName", "inputMuted", "inputVolumeDb", "outputState", "oldInputName")


@given(
    st.sampled_from(
        ["CurrentProgramSceneChanged", "SceneListChanged", "InputMuteStateChanged", "InputVolumeChanged",
         "RecordStateChanged", "InputNameChanged", "InputRemoved", "SceneRemoved", "CanvasCreated", ""]
    ),
    st.dictionaries(st.sampled_from(KEYS), JUNK),
)  # fmt: skip
def test_no_event_breaks_it(name: str, fields: dict[str, object]) -> None:
    assert after(STUDIO, Event(name, fields)).version == STUDIO.version
