"""Central's and the policy's file: the shipped ones are good, every mistake has its line."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from central.settings import load
from contract.yamlfile import FileMistakes

CONFIGS = Path(__file__).parents[3] / "configs"


def test_the_shipped_files_are_good() -> None:
    settings = load(CONFIGS / "central.yaml")
    assert settings.policy.lead_time == timedelta(days=3)
    assert settings.file.broker.managed
    calendar = settings.policy.calendar(settings.zone, 2026)
    assert date(2026, 8, 17) in calendar.holidays
    friday = calendar.hours(date(2026, 11, 6))
    assert friday is not None
    assert friday[1].isoformat() == "16:30:00"


def test_three_mistakes_of_a_policy_are_three_lines(tmp_path: Path) -> None:
    (tmp_path / "central.yaml").write_text("data: d\npolicy: p.yaml\n")
    (tmp_path / "p.yaml").write_text("lead_time: 3\nworking_hours: {usual: {monday: 16:00-07:30}}\nservable: 3\n")
    with pytest.raises(FileMistakes) as mistakes:
        load(tmp_path / "central.yaml")
    assert [mistake.line for mistake in mistakes.value.mistakes] == [1, 2, 3]
