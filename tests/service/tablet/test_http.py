"""The tablet's routes and socket without a browser."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from httpx import ASGITransport, AsyncClient
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from agent.programme import Shot
from agent.web.app import create_app
from agent.web.face import ManualView, Phase, PresetRun, RunState
from drivers.outcomes import Reason
from tests.service.tablet.room import FakeRoom, served
from tests.until import until

BUSY = Reason("preset.busy", "another preset is still running")


@pytest.fixture
def room() -> FakeRoom:
    return FakeRoom()


@pytest.fixture
async def http(room: FakeRoom) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(transport=ASGITransport(create_app(room)), base_url="http://tablet.test") as client:
        yield client


async def told(socket: ClientConnection, kind: str) -> dict[str, Any]:
    """Return the next message of `kind`."""
    while True:
        message: dict[str, Any] = json.loads(await socket.recv())
        if message["t"] == kind:
            return message


async def test_the_page_comes_in_the_language_that_was_chosen(http: AsyncClient) -> None:
    assert "Mulai sesi" in (await http.get("/")).text
    answer = await http.post("/language/en")
    assert answer.status_code == 303
    assert "Start session" in (await http.get("/")).text
    assert (await http.post("/language/xx")).status_code == 404


async def test_a_room_by_hand_alone_says_so_and_offers_the_way_back(http: AsyncClient, room: FakeRoom) -> None:
    assert 'data-do-held="automatic"' not in (await http.get("/")).text
    room.become(replace(room.now, manual=ManualView(datetime.now(UTC)), session=None))
    page = (await http.get("/")).text
    assert "Tidak ada yang berjalan sendiri" in page
    assert 'data-do-held="automatic"' in page
    assert "LATIHAN" not in page


async def test_the_picture_on_air_is_sent_once_per_picture_and_never_when_it_is_old(
    http: AsyncClient, room: FakeRoom
) -> None:
    assert (await http.get("/programme.jpg")).status_code == 204
    room.shot = Shot(b"\xff\xd8 a picture", datetime.now(UTC), "abc")
    answer = await http.get("/programme.jpg")
    assert (answer.content, answer.headers["content-type"]) == (b"\xff\xd8 a picture", "image/jpeg")
    again = await http.get("/programme.jpg", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    room.shot = Shot(b"\xff\xd8 a picture", datetime.now(UTC) - timedelta(seconds=6), "abc")
    assert (await http.get("/programme.jpg")).status_code == 204


async def test_a_presets_picture_is_on_its_button_and_has_an_address_of_its_own(
    http: AsyncClient, room: FakeRoom
) -> None:
    name = room.facts.presets[0].name
    assert (await http.get(f"/presets/{name}.jpg")).status_code == 404
    assert f"/presets/{name}.jpg" not in (await http.get("/")).text
    room.pictured[name] = Shot(b"\xff\xd8 a picture", datetime.now(UTC), "abc")
    room.become(replace(room.now, pictures={name: "abc"}))
    assert f'src="/presets/{name}.jpg?abc"' in (await http.get("/")).text
    answer = await http.get(f"/presets/{name}.jpg?abc")
    assert (answer.content, answer.headers["content-type"]) == (b"\xff\xd8 a picture", "image/jpeg")
    again = await http.get(f"/presets/{name}.jpg", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("part", ["head", "session", "readiness", "checks", "sound"])
@pytest.mark.parametrize("phase", Phase)
async def test_every_part_renders_in_every_phase(http: AsyncClient, room: FakeRoom, part: str, phase: Phase) -> None:
    room.become(replace(room.now, phase=phase))
    assert (await http.get(f"/f/{part}")).status_code == 200
    room.become(replace(room.now, session=None, upcoming=None, devices=(), muted={}, central_online=False))
    assert (await http.get(f"/f/{part}")).status_code == 200


async def test_a_part_that_is_none_is_not_found(http: AsyncClient) -> None:
    assert (await http.get("/f/nothing")).status_code == 404


async def test_answers_carry_the_content_policy(http: AsyncClient) -> None:
    headers = (await http.get("/")).headers
    assert "default-src 'self'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"


async def test_static_files_may_be_kept_for_a_year_and_others_are_not_there(http: AsyncClient) -> None:
    page = (await http.get("/")).text
    address = page.split('src="')[1].split('"')[0]
    answer = await http.get(address)
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-encoding"] == "gzip"
    assert (await http.get(address.replace("tablet.js", "../app.py"))).status_code == 404
    stale = await http.get("/static/000000000000/tablet.js", headers={"accept-encoding": "identity"})
    assert stale.headers["cache-control"] == "no-cache"


async def test_a_preset_is_run_for_another_controller(http: AsyncClient, room: FakeRoom) -> None:
    answer = await http.post("/api/v1/presets/mulai/run")
    assert (answer.status_code, answer.json()["run"]) == (202, "running")
    assert room.asked == [("run", "mulai")]


async def test_a_preset_that_is_none_or_refused_is_a_problem_with_a_code(http: AsyncClient, room: FakeRoom) -> None:
    unknown = await http.post("/api/v1/presets/nothing/run")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "preset.unknown")
    assert unknown.headers["content-type"] == "application/problem+json"
    room.refusal = BUSY
    refused = await http.post("/api/v1/presets/mulai/run")
    assert (refused.status_code, refused.json()["code"]) == (409, "preset.busy")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 202),
        ({"origin": "http://tablet.test"}, 202),
        ({"origin": "http://elsewhere.test"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-origin"}, 202),
    ],
)
async def test_another_sites_page_cannot_press(
    http: AsyncClient, room: FakeRoom, headers: dict[str, str], status: int
) -> None:
    assert (await http.post("/api/v1/presets/mulai/run", headers=headers)).status_code == status
    assert len(room.asked) == (status == 202)


async def test_a_body_that_is_too_long_is_refused(http: AsyncClient) -> None:
    answer = await http.post("/language/en", content=b"x" * 70_000)
    assert (answer.status_code, answer.json()["code"]) == (413, "body.too_large")


async def test_figures_and_health_are_served(http: AsyncClient) -> None:
    assert (await http.get("/healthz")).json()["ok"] is True
    text = (await http.get("/metrics")).text
    assert 'siaga_device_ok{device="obs",room="praja-1"} 0.0' in text
    assert 'siaga_device_ok{device="sound",room="praja-1"} 1.0' in text


async def test_a_page_gets_a_snapshot_then_changes_then_levels(room: FakeRoom) -> None:
    async with served(room) as port, connect(f"ws://127.0.0.1:{port}/live") as socket:
        snap = await told(socket, "snap")
        assert snap["state"]["room"]["phase"] == "prepared"
        room.become(replace(room.now, phase=Phase.LIVE))
        patch = await told(socket, "patch")
        assert patch["set"]["room"]["phase"] == "live"
        assert set(patch["set"]) == {"room"}
        assert patch["rev"] > snap["rev"]
        assert "microphone" in await told(socket, "m")


async def test_a_foreign_page_gets_no_socket(room: FakeRoom) -> None:
    async with served(room) as port:
        with pytest.raises(InvalidStatus):
            await connect(f"ws://127.0.0.1:{port}/live", additional_headers={"origin": "http://elsewhere.test"})


@pytest.mark.parametrize(
    ("what", "args", "asked"),
    [
        ("run", {"name": "mulai"}, ("run", "mulai")),
        ("extend", {"minutes": 15}, ("extend", timedelta(minutes=15))),
        ("tick", {"item": "papan-nama", "on": True}, ("tick", ("papan-nama", True))),
        ("mute", {"port": "microphone", "on": True}, ("mute", ("microphone", True))),
        ("mute-all", {}, ("mute-all", None)),
        ("gain", {"port": "microphone", "db": -6}, ("gain", ("microphone", -6.0))),
        ("note", {"text": "lampu padam"}, ("note", "lampu padam")),
    ],
)
async def test_a_command_reaches_the_room_and_is_answered(
    room: FakeRoom, what: str, args: dict[str, object], asked: tuple[str, object]
) -> None:
    async with served(room) as port, connect(f"ws://127.0.0.1:{port}/live") as socket:
        await socket.send(json.dumps({"t": "do", "id": "k1", "what": what, "args": args}))
        assert (await told(socket, "ack"))["ok"] is True
        assert room.asked == [asked]


async def test_a_refusal_is_answered_in_the_readers_language(room: FakeRoom) -> None:
    room.refusal = BUSY
    async with (
        served(room) as port,
        connect(f"ws://127.0.0.1:{port}/live", additional_headers={"cookie": "siaga_language=en"}) as english,
        connect(f"ws://127.0.0.1:{port}/live") as indonesian,
    ):
        for socket in (english, indonesian):
            await socket.send(json.dumps({"t": "do", "id": "k1", "what": "run", "args": {"name": "mulai"}}))
        assert (await told(english, "ack"))["text"] == "Another preset is still running"
        assert (await told(indonesian, "ack"))["text"] == "Tombol lain masih berjalan"


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"t": "do", "id": "1", "what": "explode"}, "command.unknown"),
        ({"t": "do", "id": "1", "what": "run", "args": {"nam": "mulai"}}, "command.malformed"),
        ({"t": "do", "id": "1", "what": "extend", "args": {"minutes": -5}}, "command.malformed"),
        ({"t": "do", "id": "1", "what": 7}, "malformed"),
    ],
)
async def test_nonsense_is_refused_and_does_nothing(room: FakeRoom, message: dict[str, object], code: str) -> None:
    async with served(room) as port, connect(f"ws://127.0.0.1:{port}/live") as socket:
        await socket.send(json.dumps(message))
        ack = await told(socket, "ack")
        assert (ack["ok"], ack["code"]) == (False, code)
        assert room.asked == []


@pytest.mark.parametrize("text", ["not json", "[]", "x" * 20_000])
async def test_a_page_that_breaks_the_rules_is_let_go(room: FakeRoom, text: str) -> None:
    async with served(room) as port, connect(f"ws://127.0.0.1:{port}/live") as socket:
        await socket.send(text)
        with pytest.raises(ConnectionClosed):
            await told(socket, "never")


async def test_a_page_that_sends_without_end_is_let_go(room: FakeRoom) -> None:
    async with served(room) as port, connect(f"ws://127.0.0.1:{port}/live") as socket:
        with pytest.raises(ConnectionClosed):
            await flood(socket)


async def flood(socket: ClientConnection) -> None:
    for _ in range(2000):
        await socket.send('{"t":"hold"}')
    await told(socket, "never")


def held(ident: int, camera: str = "camera-1", pan: float = 1, speed: int = 2) -> str:
    return json.dumps({"t": "hold", "id": ident, "cam": camera, "pan": pan, "tilt": 0, "zoom": 0, "speed": speed})


async def test_a_hold_moves_and_its_stop_stops(room: FakeRoom) -> None:
    async with served(room) as port, connect(f"ws://127.0.0.1:{port}/live") as socket:
        await socket.send(held(1, pan=-1, speed=1))
        await until(lambda: room.driven == [("camera-1", -0.15, 0.0, 0.0)])
        await socket.send('{"t":"stop","id":1}')
        await until(lambda: room.stopped == ["camera-1"])
        await socket.send(held(1))  # late, from before the stop
        await socket.send(held(2, "camera-2"))
        await until(lambda: len(room.driven) == 2)
        assert room.driven[1][0] == "camera-2"


async def test_a_page_that_goes_away_leaves_no_camera_moving(room: FakeRoom) -> None:
    async with served(room) as port:
        async with connect(f"ws://127.0.0.1:{port}/live") as socket:
            await socket.send(held(1))
            await until(lambda: bool(room.driven))
        await until(lambda: room.stopped == ["camera-1"])


def grab(ident: int, *, take: bool = False, **more: object) -> str:
    args = json.loads(held(ident)) | {"take": take} | more
    return json.dumps({"t": "do", "id": f"grab-{ident}", "what": "hold", "args": args})


async def test_a_second_hand_is_told_whose_the_camera_is(room: FakeRoom) -> None:
    async with (
        served(room) as port,
        connect(f"ws://127.0.0.1:{port}/live") as first,
        connect(f"ws://127.0.0.1:{port}/live") as second,
    ):
        await first.send(grab(7))
        assert (await told(first, "ack"))["ok"] is True
        await second.send(grab(1))
        busy = await told(second, "ack")
        assert (busy["ok"], busy["code"]) == (False, "camera.held_by")
        assert "tablet 127.0.0.1 #1" in busy["text"]
        await second.send(held(1, pan=-1))  # the finger is still down: it must not move off when the first lets go
        await first.send('{"t":"stop","id":7}')
        await until(lambda: room.stopped == ["camera-1"])
        await second.send(held(1, pan=-1))
        await second.send(grab(1))
        await told(second, "ack")
        assert room.driven == [("camera-1", 0.5, 0.0, 0.0)]
        await second.send(grab(2))
        assert (await told(second, "ack"))["ok"] is True


async def test_taking_over_stops_first_and_ends_the_other_hold(room: FakeRoom) -> None:
    async with (
        served(room) as port,
        connect(f"ws://127.0.0.1:{port}/live") as first,
        connect(f"ws://127.0.0.1:{port}/live") as second,
    ):
        await first.send(grab(7))
        await told(first, "ack")
        await second.send(grab(2, take=True, pan=-1))
        assert (await told(second, "ack"))["ok"] is True
        assert room.stopped == ["camera-1"]
        assert room.driven[-1] == ("camera-1", -0.5, 0.0, 0.0)
        await first.send(held(7))
        await first.send('{"t":"stop","id":7}')
        await first.send('{"t":"do","id":"after","what":"nothing"}')
        await told(first, "ack")
        assert room.stopped == ["camera-1"]  # a stray release must not end another's move
        assert len(room.driven) == 2


async def test_a_stop_does_not_wait_for_a_move_on_its_way(room: FakeRoom) -> None:
    async with served(room) as port, connect(f"ws://127.0.0.1:{port}/live") as socket:
        await socket.send(held(1))
        await until(lambda: len(room.driven) == 1)
        room.answers.clear()
        await socket.send(held(1))
        await socket.send('{"t":"stop","id":1}')
        await until(lambda: room.stopped == ["camera-1"])
        room.answers.set()
        await socket.send('{"t":"do","id":"after","what":"nothing"}')
        await told(socket, "ack")
        assert len(room.driven) == 1  # the move was called off, it does not follow the stop


async def test_a_page_that_goes_while_its_first_move_is_on_its_way_moves_nothing(room: FakeRoom) -> None:
    room.answers.clear()
    async with served(room) as port:
        async with connect(f"ws://127.0.0.1:{port}/live") as socket, connect(f"ws://127.0.0.1:{port}/live") as other:
            await socket.send(grab(1))
            await socket.close()
            async with AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:

                async def one_is_left() -> bool:
                    return 'siaga_tablets{room="praja-1"} 1' in (await http.get("/metrics")).text

                await until(one_is_left)
            room.answers.set()
            await other.send(grab(2))
            assert (await told(other, "ack"))["ok"] is True
        assert len(room.driven) == 1


async def test_a_hold_that_is_none_is_malformed(room: FakeRoom) -> None:
    async with served(room) as port, connect(f"ws://127.0.0.1:{port}/live") as socket:
        await socket.send(grab(1, speed=9))
        assert (await told(socket, "ack"))["code"] == "command.malformed"


async def test_two_changes_at_once_are_one_message(room: FakeRoom) -> None:
    async with served(room) as port, connect(f"ws://127.0.0.1:{port}/live") as socket:
        await told(socket, "snap")
        room.ran("mulai", PresetRun(RunState.RUNNING))
        room.ran("mulai", PresetRun(RunState.DONE))
        patch = await told(socket, "patch")
        assert patch["set"]["presets"]["mulai"]["run"] == "done"
