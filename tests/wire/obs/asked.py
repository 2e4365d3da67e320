"""The requests that are put to a real OBS and to the simulated one, in this order.

The order matters: each leaves the room as the next expects it. Refusals come first in each
family, then what changes something.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.wire.obs.real import (
    BROKEN_SCENE,
    COLLECTION,
    FULL_PROFILE,
    MICROPHONE,
    OTHER_COLLECTION,
    PROFILE,
    TITLE,
)


@dataclass(frozen=True)
class Ask:
    """One request."""

    request: str
    given: object = None
    exact: bool = False
    """Its answer is kept whole, not only in shape."""
    changes: bool = False
    """Its events are awaited and kept."""
    awaited: str = ""
    """The event, with an output's state, that ends the wait."""


def ask(request: str, given: object = None, /, **fields: object) -> Ask:
    """Return a question, by shape."""
    return Ask(request, given if given is not None else fields or None)


def exact(request: str, /, **fields: object) -> Ask:
    """Return a question whose answer is the same on every OBS."""
    return Ask(request, fields or None, exact=True)


def change(request: str, awaited: str = "", /, **fields: object) -> Ask:
    """Return a command; with its events."""
    return Ask(request, fields or None, changes=True, awaited=awaited)


_GENERAL = (
    ask("GetVersion"),
    ask("GetStats"),
    ask("NoSuchRequest"),
    ask("Sleep", sleepMillis=10),
    ask("GetHotkeyList"),
    ask("TriggerHotkeyByName"),
    ask("TriggerHotkeyByName", hotkeyName="OBSBasic.NoSuch"),
    change("TriggerHotkeyByName", hotkeyName="OBSBasic.ResetStats"),
    ask("BroadcastCustomEvent"),
    ask("BroadcastCustomEvent", eventData="text"),
    change("BroadcastCustomEvent", eventData={"a": 1}),
    ask("CallVendorRequest", vendorName="nobody", requestType="nothing"),
)
_CONFIG = (
    exact("GetSceneCollectionList"),
    ask("GetProfileList"),
    exact("GetVideoSettings"),
    ask("GetRecordDirectory"),
    ask("GetStreamServiceSettings"),
    ask("SetStreamServiceSettings"),
    ask("SetStreamServiceSettings", streamServiceType="rtmp_custom"),
    ask("SetStreamServiceSettings", streamServiceType="nonsense", streamServiceSettings={}),
    ask("SetCurrentSceneCollection"),
    ask("SetCurrentSceneCollection", sceneCollectionName="Tidak ada"),
    ask("SetCurrentProfile", profileName="Tidak ada"),
    ask("GetProfileParameter", parameterCategory="General", parameterName="Name"),
    ask("GetProfileParameter", parameterCategory="General"),
)
_SCENES = (
    exact("GetSceneList"),
    exact("GetCurrentProgramScene"),
    ask("GetCurrentPreviewScene"),
    ask("GetGroupList"),
    ask("SetCurrentProgramScene"),
    ask("SetCurrentProgramScene", []),
    ask("SetCurrentProgramScene", sceneName=None),
    ask("SetCurrentProgramScene", sceneName=7),
    ask("SetCurrentProgramScene", sceneName=""),
    ask("SetCurrentProgramScene", sceneName="Tidak ada"),
    ask("SetCurrentProgramScene", sceneName=TITLE),
    change("SetCurrentProgramScene", "CurrentProgramSceneChanged", sceneName="Ruang"),
    change("SetCurrentProgramScene", sceneName="Ruang"),
    exact("GetCurrentProgramScene"),
    ask("SetCurrentPreviewScene", sceneName="Jeda"),
    change("CreateScene", "SceneCreated", sceneName="Tambahan"),
    ask("CreateScene", sceneName="Tambahan"),
    ask("CreateScene", sceneName=TITLE),
    change("SetSceneName", "SceneNameChanged", sceneName="Tambahan", newSceneName="Cadangan"),
    change("RemoveScene", "SceneRemoved", sceneName="Cadangan"),
    ask("RemoveScene", sceneName="Cadangan"),
)
_ITEMS = (
    ask("GetSceneItemList", sceneName="Tidak ada"),
    ask("GetSceneItemList", sceneName="Ruang"),
    exact("GetSceneItemList", sceneName=BROKEN_SCENE),
    ask("GetSceneItemId", sceneName="Ruang"),
    ask("GetSceneItemId", sceneName="Ruang", sourceName="Tidak ada"),
    exact("GetSceneItemId", sceneName="Ruang", sourceName=TITLE),
    exact("GetSceneItemEnabled", sceneName="Ruang", sceneItemId=2),
    ask("GetSceneItemEnabled", sceneName="Ruang", sceneItemId=99),
    ask("GetSceneItemEnabled", sceneName="Ruang", sceneItemId="2"),
    ask("GetSceneItemEnabled", sceneName="Ruang", sceneItemId=-1),
    ask("SetSceneItemEnabled", sceneName="Ruang", sceneItemId=2),
    ask("SetSceneItemEnabled", sceneName="Ruang", sceneItemId=2, sceneItemEnabled="no"),
    change("SetSceneItemEnabled", "SceneItemEnableStateChanged", sceneName="Ruang", sceneItemId=2,
           sceneItemEnabled=False),
    change("SetSceneItemEnabled", sceneName="Ruang", sceneItemId=2, sceneItemEnabled=False),
    exact("GetSceneItemEnabled", sceneName="Ruang", sceneItemId=2),
    change("SetSceneItemEnabled", "SceneItemEnableStateChanged", sceneName="Ruang", sceneItemId=2,
           sceneItemEnabled=True),
    exact("GetSceneItemIndex", sceneName="Ruang", sceneItemId=2),
    exact("GetSceneItemLocked", sceneName="Ruang", sceneItemId=2),
    ask("GetSceneItemTransform", sceneName="Ruang", sceneItemId=1),
    ask("GetSourceActive", sourceName="Tidak ada"),
    exact("GetSourceActive", sourceName="Warna Ruang"),
    exact("GetSourceActive", sourceName="Warna Jeda"),
)  # fmt: skip
_INPUTS = (
    ask("GetInputList"),
    ask("GetInputList", inputKind="v4l2_input"),
    ask("GetInputList", inputKind="no_such_kind"),
    ask("GetInputList", inputKind=3),
    ask("GetInputKindList"),
    exact("GetSpecialInputs"),
    ask("GetInputMute"),
    ask("GetInputMute", inputName=""),
    ask("GetInputMute", inputName="Tidak ada"),
    ask("GetInputMute", inputName="Ruang"),
    ask("GetInputMute", inputName="Warna Jeda"),
    exact("GetInputMute", inputName=MICROPHONE),
    ask("SetInputMute", inputName=MICROPHONE),
    ask("SetInputMute", inputName=MICROPHONE, inputMuted="yes"),
    ask("SetInputMute", inputName="Warna Jeda", inputMuted=True),
    change("SetInputMute", "InputMuteStateChanged", inputName=MICROPHONE, inputMuted=True),
    change("SetInputMute", "InputMuteStateChanged", inputName=MICROPHONE, inputMuted=True),
    change("ToggleInputMute", "InputMuteStateChanged", inputName=MICROPHONE),
    exact("GetInputVolume", inputName=MICROPHONE),
    ask("GetInputVolume", inputName="Warna Jeda"),
    ask("SetInputVolume", inputName=MICROPHONE),
    ask("SetInputVolume", inputName=MICROPHONE, inputVolumeDb="loud"),
    ask("SetInputVolume", inputName=MICROPHONE, inputVolumeDb=27),
    ask("SetInputVolume", inputName=MICROPHONE, inputVolumeDb=-101),
    ask("SetInputVolume", inputName=MICROPHONE, inputVolumeMul=21),
    ask("SetInputVolume", inputName=MICROPHONE, inputVolumeDb=-3, inputVolumeMul=0.5),
    change("SetInputVolume", "InputVolumeChanged", inputName=MICROPHONE, inputVolumeDb=-6.0),
    ask("GetInputVolume", inputName=MICROPHONE),
    change("SetInputVolume", "InputVolumeChanged", inputName=MICROPHONE, inputVolumeMul=1.0),
    exact("GetInputVolume", inputName=MICROPHONE),
    exact("GetInputAudioTracks", inputName=MICROPHONE),
    change("SetInputAudioTracks", "InputAudioTracksChanged", inputName=MICROPHONE, inputAudioTracks={"2": False}),
    exact("GetInputAudioTracks", inputName=MICROPHONE),
    exact("GetInputAudioBalance", inputName=MICROPHONE),
    exact("GetInputAudioSyncOffset", inputName=MICROPHONE),
    exact("GetInputAudioMonitorType", inputName=MICROPHONE),
    ask("GetInputSettings", inputName=TITLE),
    ask("GetInputSettings", inputName="Tidak ada"),
    ask("GetInputSettings", inputName="Ruang"),
    ask("SetInputSettings", inputName=TITLE),
    ask("SetInputSettings", inputName=TITLE, inputSettings="Rapat"),
    ask("SetInputSettings", inputName=TITLE, inputSettings={}),
    change("SetInputSettings", inputName=TITLE, inputSettings={"text": "Rapat Koordinasi"}),
    ask("GetInputSettings", inputName=TITLE),
    ask("GetInputDefaultSettings", inputKind="color_source_v3"),
    ask("GetInputDefaultSettings", inputKind="no_such_kind"),
    ask("GetInputPropertiesListPropertyItems", inputName="Kamera USB", propertyName="no_such"),
    ask("GetInputPropertiesListPropertyItems", inputName="Tidak ada", propertyName="device_id"),
)
_PICTURES = (
    ask("GetSourceScreenshot"),
    ask("GetSourceScreenshot", sourceName="Tidak ada", imageFormat="jpg"),
    ask("GetSourceScreenshot", sourceName="Ruang"),
    ask("GetSourceScreenshot", sourceName="Ruang", imageFormat="gif"),
    ask("GetSourceScreenshot", sourceName="Ruang", imageFormat="jpg", imageWidth=4),
    ask("GetSourceScreenshot", sourceName="Ruang", imageFormat="jpg", imageWidth=5000),
    ask("GetSourceScreenshot", sourceName="Ruang", imageFormat="jpg", imageCompressionQuality=101),
    ask("GetSourceScreenshot", sourceName="Ruang", imageFormat="jpg", imageWidth=160, imageHeight=90),
    ask("GetSourceScreenshot", sourceName="Warna Ruang", imageFormat="png", imageWidth=16),
    ask("GetSourceScreenshot", sourceName="Kamera USB", imageFormat="jpg"),
    ask("GetSourceScreenshot", sourceName=MICROPHONE, imageFormat="jpg"),
)
_MEDIA = (
    ask("GetMediaInputStatus", inputName="Tidak ada"),
    ask("GetMediaInputStatus", inputName=TITLE),
    ask("CreateInput", sceneName="Jeda", inputName="Klip", inputKind="no_such_kind"),
    ask("CreateInput", sceneName="Jeda", inputName=TITLE, inputKind="ffmpeg_source"),
    change("CreateInput", "InputCreated", sceneName="Jeda", inputName="Klip", inputKind="ffmpeg_source",
           inputSettings={"local_file": "/tidak/ada.mp4"}),
    ask("GetMediaInputStatus", inputName="Klip"),
    ask("TriggerMediaInputAction", inputName="Klip"),
    ask("TriggerMediaInputAction", inputName="Klip", mediaAction="OBS_WEBSOCKET_MEDIA_INPUT_ACTION_DANCE"),
    ask("TriggerMediaInputAction", inputName="Klip", mediaAction="OBS_WEBSOCKET_MEDIA_INPUT_ACTION_NONE"),
    change("TriggerMediaInputAction", inputName="Klip", mediaAction="OBS_WEBSOCKET_MEDIA_INPUT_ACTION_STOP"),
    change("SetInputName", "InputNameChanged", inputName="Klip", newInputName="Film"),
    ask("SetInputName", inputName="Film", newInputName=TITLE),
    change("RemoveInput", "InputRemoved", inputName="Film"),
    ask("RemoveInput", inputName="Tidak ada"),
)  # fmt: skip
_TRANSITIONS = (
    exact("GetSceneTransitionList"),
    exact("GetCurrentSceneTransition"),
    exact("GetCurrentSceneTransitionCursor"),
    ask("GetTransitionKindList"),
    ask("SetCurrentSceneTransition", transitionName="Tidak ada"),
    change("SetCurrentSceneTransition", "CurrentSceneTransitionChanged", transitionName="Fade"),
    exact("GetCurrentSceneTransition"),
    ask("SetCurrentSceneTransitionDuration"),
    ask("SetCurrentSceneTransitionDuration", transitionDuration=10),
    ask("SetCurrentSceneTransitionDuration", transitionDuration=20001),
    change("SetCurrentSceneTransitionDuration", "CurrentSceneTransitionDurationChanged", transitionDuration=200),
    change("SetCurrentProgramScene", "CurrentProgramSceneChanged", sceneName="Materi"),
    change("SetCurrentSceneTransition", "CurrentSceneTransitionChanged", transitionName="Cut"),
)
_STUDIO_MODE = (
    exact("GetStudioModeEnabled"),
    ask("TriggerStudioModeTransition"),
    ask("SetStudioModeEnabled"),
    ask("SetStudioModeEnabled", studioModeEnabled="on"),
    change("SetStudioModeEnabled", "StudioModeStateChanged", studioModeEnabled=True),
    exact("GetStudioModeEnabled"),
    exact("GetCurrentPreviewScene"),
    ask("SetCurrentPreviewScene", sceneName="Tidak ada"),
    change("SetCurrentPreviewScene", "CurrentPreviewSceneChanged", sceneName="Jeda"),
    exact("GetCurrentPreviewScene"),
    exact("GetCurrentProgramScene"),
    change("TriggerStudioModeTransition", "CurrentProgramSceneChanged"),
    exact("GetCurrentProgramScene"),
    change("SetStudioModeEnabled", "StudioModeStateChanged", studioModeEnabled=False),
    exact("GetCurrentProgramScene"),
    ask("GetCurrentPreviewScene"),
)
_OUTPUTS = (
    exact("GetRecordStatus"),
    ask("StopRecord"),
    ask("PauseRecord"),
    change("StartRecord", "RecordStateChanged STARTED"),
    ask("GetRecordStatus"),
    ask("StartRecord"),
    ask("ResumeRecord"),
    change("StopRecord", "RecordStateChanged STOPPED"),
    ask("GetRecordStatus"),
    exact("GetStreamStatus"),
    ask("StopStream"),
    ask("GetVirtualCamStatus"),
    ask("StartVirtualCam"),
    ask("StopVirtualCam"),
    ask("ToggleVirtualCam"),
    ask("GetReplayBufferStatus"),
    ask("StartReplayBuffer"),
    ask("SaveReplayBuffer"),
    ask("GetLastReplayBufferReplay"),
    ask("GetOutputStatus", outputName="Tidak ada"),
    ask("GetOutputList"),
)
_FULL_PROFILE = (
    change("SetCurrentProfile", "CurrentProfileChanged", profileName=FULL_PROFILE),
    change("SetCurrentProfile", profileName=FULL_PROFILE),
    ask("GetProfileList"),
    exact("GetReplayBufferStatus"),
    ask("StopReplayBuffer"),
    ask("SaveReplayBuffer"),
    change("StartReplayBuffer", "ReplayBufferStateChanged STARTED"),
    exact("GetReplayBufferStatus"),
    ask("StartReplayBuffer"),
    change("SaveReplayBuffer", "ReplayBufferSaved"),
    ask("GetLastReplayBufferReplay"),
    change("StopReplayBuffer", "ReplayBufferStateChanged STOPPED"),
    change("StartRecord", "RecordStateChanged STARTED"),
    change("PauseRecord", "RecordStateChanged PAUSED"),
    ask("GetRecordStatus"),
    ask("PauseRecord"),
    change("ResumeRecord", "RecordStateChanged RESUMED"),
    ask("ResumeRecord"),
    change("StopRecord", "RecordStateChanged STOPPED"),
    change("SetCurrentProfile", "CurrentProfileChanged", profileName=PROFILE),
)
_COLLECTIONS = (
    change("SetCurrentSceneCollection", "CurrentSceneCollectionChanged", sceneCollectionName=OTHER_COLLECTION),
    exact("GetSceneCollectionList"),
    exact("GetSceneList"),
    change("SetCurrentSceneCollection", sceneCollectionName=OTHER_COLLECTION),
    change("SetCurrentSceneCollection", "CurrentSceneCollectionChanged", sceneCollectionName=COLLECTION),
    exact("GetSceneList"),
)
ASKED: tuple[Ask, ...] = (
    *_GENERAL, *_CONFIG, *_SCENES, *_ITEMS, *_INPUTS, *_PICTURES, *_MEDIA, *_TRANSITIONS, *_STUDIO_MODE, *_OUTPUTS,
    *_FULL_PROFILE, *_COLLECTIONS,
)  # fmt: skip
