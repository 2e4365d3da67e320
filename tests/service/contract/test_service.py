"""What a service manager hears, over a real socket, and when it hears nothing."""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from pathlib import Path

import pytest

from contract.service import Service, Watchdog
from tests.notify import manager


@pytest.fixture(params=["path", "abstract"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path | None:
    return tmp_path if request.param == "path" else None


def test_it_is_told_that_the_process_is_ready_and_that_it_stops(folder: Path | None) -> None:
    with manager(folder) as told:
        service = Service.of({"NOTIFY_SOCKET": told.address}, 1)
        service.ready("praja-1: ready")
        service.stopping("leaving")
        assert told.heard == [
            {"READY": "1", "STATUS": "praja-1: ready"},
            {"STOPPING": "1", "STATUS": "leaving"},
        ]


def test_a_title_with_line_breaks_cannot_say_anything_else() -> None:
    with manager() as told:
        Service(told.address).tell(STATUS="Rapat\nREADY=1\n WATCHDOG=1")
        assert told.heard == [{"STATUS": "Rapat READY=1 WATCHDOG=1"}]


def test_without_a_manager_nothing_is_told_and_nothing_fails() -> None:
    assert not Service.of({}, 1).tell(READY=1)


def test_a_manager_that_is_gone_stops_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert not Service(str(tmp_path / "gone")).tell(READY=1)
    assert "service manager was not told" in caplog.text


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({"WATCHDOG_USEC": "15000000", "WATCHDOG_PID": "7"}, timedelta(seconds=15)),
        ({"WATCHDOG_USEC": "15000000"}, timedelta(seconds=15)),
        ({"WATCHDOG_USEC": "15000000", "WATCHDOG_PID": "8"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
    ],
)
def test_the_watchdog_is_ours_when_it_is_meant_for_this_process(
    environment: dict[str, str], wanted: timedelta | None
) -> None:
    assert Service.of(environment, 7).watchdog == wanted


def test_signs_come_often_enough_that_three_may_be_lost() -> None:
    watchdog = Watchdog(Service(watchdog=timedelta(seconds=8)), {}, str)
    assert watchdog.every == timedelta(seconds=2)
    assert Watchdog(Service(watchdog=timedelta(minutes=5)), {}, str).every == timedelta(seconds=3)


def test_a_part_that_stalls_ends_the_signs_and_is_named(caplog: pytest.LogCaptureFixture) -> None:
    proved = {"plan": time.monotonic(), "journal": time.monotonic()}
    proofs = {"plan": lambda: proved["plan"], "journal": lambda: proved["journal"]}
    with manager() as told, caplog.at_level(logging.WARNING):
        watchdog = Watchdog(Service(told.address), proofs, lambda: "all well")
        assert watchdog.look() == ()
        assert told.heard[-1] == {"WATCHDOG": "1", "STATUS": "all well"}
        proved["journal"] -= 11
        assert watchdog.look() == watchdog.look() == ("journal",)
        assert told.heard[1:] == [{"STATUS": "stalled: journal"}] * 2
        proved["journal"] = time.monotonic()
        assert watchdog.look() == ()
        assert told.signs() == 2
    assert [record.getMessage() for record in caplog.records] == ["parts have stalled", "all parts work again"]
