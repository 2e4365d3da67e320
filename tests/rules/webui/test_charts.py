from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from webui.charts import Bar, Stretch, bar_chart, level_chart, timing_chart

ZONE = ZoneInfo("Asia/Pontianak")
START = datetime(2026, 11, 3, 2, 0, tzinfo=UTC)


def levels() -> str:
    points = [(START + timedelta(seconds=10 * n), -20.0 - n % 7) for n in range(60)]
    return level_chart({"Mikrofon": points}, title="Level 100 % & <utuh>", unit="dBFS", zone=ZONE, limit=(-50, "batas"))


def timing() -> str:
    stretches = [
        Stretch("camera-1", START, START + timedelta(seconds=20), "siap", "ready"),
        Stretch("obs", START + timedelta(seconds=20), START + timedelta(seconds=24), tone="fault"),
    ]
    return timing_chart(stretches, title="Waktu persiapan", zone=ZONE)


def bars() -> str:
    return bar_chart([Bar("Praja I", 3.5), Bar("Praja II", 7, "degraded")], title="Sesi", unit="jam")


@pytest.mark.parametrize(("draw", "words"), [
    (levels, ["Level 100 % & <utuh>", "dBFS", "Mikrofon", "batas", "09.05"]),
    (timing, ["Waktu persiapan", "camera-1", "obs", "siap", "09.00.10"]),
    (bars, ["Sesi", "Praja I", "jam", "3.5"]),
])  # fmt: skip
def test_text_in_a_chart_stays_text(draw: Callable[[], str], words: list[str]) -> None:
    found = {node.text for node in ET.fromstring(draw()).iter("{http://www.w3.org/2000/svg}text")}
    assert set(words) <= found


@pytest.mark.parametrize("draw", [levels, timing, bars])
def test_the_same_figures_give_the_same_bytes_without_inline_style(draw: Callable[[], str]) -> None:
    svg = draw()
    assert svg == draw()
    assert "style" not in svg
    assert "script" not in svg


def test_nothing_to_draw_is_an_empty_chart() -> None:
    assert ET.fromstring(timing_chart([], title="Kosong", zone=ZONE)).tag.endswith("svg")
    assert ET.fromstring(bar_chart([], title="Kosong", unit="jam")).tag.endswith("svg")
