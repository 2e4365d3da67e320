"""The recording, the stream, the virtual camera and the replay buffer."""

from __future__ import annotations

from drivers.obs.sim.given import Fields, Given, Refused
from drivers.obs.sim.outputs import Output
from drivers.obs.sim.requests.kinds import Requests
from drivers.obs.sim.studio import Studio

_STREAMING: Fields = {"outputReconnecting": False, "outputCongestion": 0.0, "outputSkippedFrames": 0}
_FLAGS = ("AUDIO", "ENCODED", "MULTI_TRACK", "SERVICE", "VIDEO")


def _idle(output: Output) -> None:
    if output.active:
        raise Refused(500)


def _running(output: Output) -> None:
    if not output.active:
        raise Refused(501)


def _record_status(studio: Studio, _: Given) -> Fields:
    return {**studio.recorder.status(), "outputPaused": studio.recorder.paused}


def _start_record(studio: Studio, _: Given) -> None:
    _idle(studio.recorder)
    studio.start_record()


def _stop_record(studio: Studio, _: Given) -> Fields:
    _running(studio.recorder)
    studio.stop_record()
    return {"outputPath": studio.path}


def _pause(studio: Studio, _: Given) -> None:
    if studio.recorder.paused:
        raise Refused(502)
    if studio.settings.can_pause and not studio.faults.pause_is_lost:
        studio.recorder.pause()


def _resume(studio: Studio, _: Given) -> None:
    if not studio.recorder.paused:
        raise Refused(503)
    studio.recorder.resume()


def _stream_status(studio: Studio, _: Given) -> Fields:
    status = studio.streamer.status()
    frames = studio.video.fps * int(str(status["outputDuration"])) // 1000
    return {**status, **_STREAMING, "outputTotalFrames": frames}


def _start_stream(studio: Studio, _: Given) -> None:
    _idle(studio.streamer)
    studio.streamer.start(dies=studio.faults.stream_dies or not studio.settings.service_settings)


def _stop_stream(studio: Studio, _: Given) -> None:
    _running(studio.streamer)
    studio.streamer.stop()


def _camera(studio: Studio) -> Output:
    if studio.faults.vcam_absent:
        raise Refused(604, "VirtualCam is not available.")
    return studio.vcam


def _start_camera(studio: Studio, _: Given) -> None:
    _idle(_camera(studio))
    if not studio.faults.vcam_dead:
        studio.vcam.start()


def _stop_camera(studio: Studio, _: Given) -> None:
    _running(_camera(studio))
    studio.vcam.stop()


def _toggle_camera(studio: Studio, given: Given) -> Fields:
    (_stop_camera if _camera(studio).active else _start_camera)(studio, given)
    return {"outputActive": studio.vcam.state in {"STARTING", "STARTED"}}


def _replay(studio: Studio) -> Output:
    if not studio.settings.has_replay:
        raise Refused(604, "Replay buffer is not available.")
    return studio.replay


def _start_replay(studio: Studio, _: Given) -> None:
    _idle(_replay(studio))
    studio.replay.start()


def _stop_replay(studio: Studio, _: Given) -> None:
    _running(_replay(studio))
    studio.replay.stop()


def _save_replay(studio: Studio, _: Given) -> None:
    _running(_replay(studio))
    studio.save_replay()


def _last_replay(studio: Studio, _: Given) -> Fields:
    _running(_replay(studio))
    return {"savedReplayPath": studio.last_replay}


def _output_status(studio: Studio, given: Given) -> Fields:
    name = given.text("outputName")
    if name != "simple_file_output":
        raise Refused(600, f"No output was found with the name `{name}`.")
    return {**studio.recorder.status(), **_STREAMING, "outputTotalFrames": 0}


def _output_list(studio: Studio, _: Given) -> Fields:
    row = {
        "outputName": "simple_file_output", "outputKind": "ffmpeg_muxer", "outputActive": studio.recording,
        "outputWidth": 0, "outputHeight": 0,
        "outputFlags": {f"OBS_OUTPUT_{flag}": flag != "SERVICE" for flag in _FLAGS},
    }  # fmt: skip
    return {"outputs": [row]}


REQUESTS: Requests = {
    "GetRecordStatus": _record_status,
    "StartRecord": _start_record,
    "StopRecord": _stop_record,
    "PauseRecord": _pause,
    "ResumeRecord": _resume,
    "GetStreamStatus": _stream_status,
    "StartStream": _start_stream,
    "StopStream": _stop_stream,
    "GetVirtualCamStatus": lambda studio, _: {"outputActive": _camera(studio).active},
    "StartVirtualCam": _start_camera,
    "StopVirtualCam": _stop_camera,
    "ToggleVirtualCam": _toggle_camera,
    "GetReplayBufferStatus": lambda studio, _: {"outputActive": _replay(studio).active},
    "StartReplayBuffer": _start_replay,
    "StopReplayBuffer": _stop_replay,
    "SaveReplayBuffer": _save_replay,
    "GetLastReplayBufferReplay": _last_replay,
    "GetOutputStatus": _output_status,
    "GetOutputList": _output_list,
}
