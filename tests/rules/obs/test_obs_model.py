from __future__ import annotations

import pytest

from drivers.errors import DeviceRefused, ProtocolViolation
from drivers.obs import model
from drivers.obs.model import Look, Reply, Stats, read
from drivers.outcomes import Condition, Measure, Verdict, judge


def stats(*, fps: float = 30.0, disk: float = 50_000.0, skipped: int = 0, total: int = 3000) -> Stats:
    return Stats(
        cpu_usage=4.0, memory_usage=230.0, available_disk_space=disk, active_fps=fps,
        render_skipped_frames=skipped, render_total_frames=total,
    )  # fmt: skip


def look(now: Stats, *, version: str = "29.0.2", rtt_ms: float = 1.0, without: str = "") -> Look:
    return Look(
        model.Version(
            obs_version=version, rpc_version=1, available_requests=frozenset(model.NEEDED_REQUESTS - {without})
        ),
        now,
        model.VideoSettings(fps_numerator=30, fps_denominator=1),
        model.SceneList(current_program_scene_name="Jeda", scenes=(model.SceneRow(scene_name="Jeda"),)),
        model.OutputStatus(output_active=False),
        rtt_ms,
    )


def measure(name: str, now: Look, before: Stats | None = None) -> Measure:
    return {m.name: m for m in model.measures(before, now)}[name]


def test_a_well_obs_is_ok_and_every_limit_is_shown() -> None:
    found = model.measures(None, look(stats()))
    assert judge(found).condition is Condition.OK
    assert {m.name for m in found if m.limit} == {"version", "active_fps", "render_skipped", "disk_free", "rtt"}


@pytest.mark.parametrize(
    ("fps", "verdict"), [(30.0, Verdict.PASS), (28.5, Verdict.PASS), (28.4, Verdict.WARN), (1.5, Verdict.FAIL)]
)
def test_a_busy_machine_shows_in_the_frame_rate(fps: float, verdict: Verdict) -> None:
    assert measure("active_fps", look(stats(fps=fps))).verdict is verdict


def test_skipped_frames_are_counted_between_two_looks() -> None:
    before = stats(skipped=100, total=1000)
    assert measure("render_skipped", look(stats(skipped=100, total=1150)), before).verdict is Verdict.PASS
    assert measure("render_skipped", look(stats(skipped=103, total=1150)), before).verdict is Verdict.WARN
    assert measure("render_skipped", look(stats(skipped=120, total=1150)), before).verdict is Verdict.FAIL


def test_frames_skipped_at_the_start_prove_nothing() -> None:
    found = measure("render_skipped", look(stats(skipped=18, total=60)))
    assert (found.verdict, found.value) == (Verdict.UNPROVEN, None)


def test_counters_of_a_restarted_obs_begin_anew() -> None:
    assert model.skipped_ratio(stats(skipped=5, total=90_000), stats(skipped=3, total=300)) == 0.01


def test_no_space_at_all_means_that_the_folder_is_missing() -> None:
    found = measure("disk_free", look(stats(disk=0.0)))
    assert found.verdict is Verdict.FAIL
    assert found.reason is not None
    assert found.reason.code == "obs.record_folder_missing"
    assert measure("disk_free", look(stats(disk=5_000.0))).verdict is Verdict.WARN


def test_an_obs_that_lacks_a_request_is_too_old() -> None:
    assert measure("version", look(stats(), without="GetInputMute")).verdict is Verdict.FAIL
    assert measure("version", look(stats(), version="27.2.4")).verdict is Verdict.FAIL


def test_a_slow_answer_warns() -> None:
    assert measure("rtt", look(stats(), rtt_ms=350.0)).verdict is Verdict.WARN


def test_scenes_come_in_the_operators_order() -> None:
    fields = {"currentProgramSceneName": "B", "scenes": [{"sceneName": "B", "sceneIndex": 0}, {"sceneName": "A"}]}
    assert read(model.SceneList, fields).names == ("A", "B")


def test_an_answer_without_its_field_is_named() -> None:
    with pytest.raises(ProtocolViolation, match="outputActive"):
        read(model.OutputStatus, {"other": 1})


def test_a_refusal_carries_its_code() -> None:
    with pytest.raises(DeviceRefused, match="600") as caught:
        Reply("SetCurrentProgramScene", 600, "No source").accepted("obs host:1")
    assert caught.value.reason.values["code"] == 600


@pytest.mark.parametrize(
    ("kind", "settings", "usable"),
    [
        ("rtmp_common", {}, False),
        ("rtmp_common", {"service": "YouTube - RTMPS", "server": "auto"}, False),  # OBS would open a dialog
        ("rtmp_common", {"service": "YouTube - RTMPS", "server": "auto", "key": "x"}, True),
        ("rtmp_custom", {"key": "x"}, False),
        ("rtmp_custom", {"server": "rtmp://127.0.0.1/live"}, True),
        ("whip_custom", {"server": "https://192.0.2.1/whip"}, True),
    ],
)
def test_stream_needs_where_to_and_most_a_key(kind: str, settings: dict[str, object], usable: bool) -> None:
    fields = {"streamServiceType": kind, "streamServiceSettings": settings}
    assert read(model.StreamService, fields).usable is usable


def test_obs_that_is_not_ready_is_not_called_a_refusal_of_the_request() -> None:
    with pytest.raises(DeviceRefused) as caught:
        Reply("GetSceneList", 207).accepted("obs")
    assert caught.value.reason.code == "obs.starting"
