"""`siaga check` of central's file: what the calendar lacks is told and fails nothing."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from siaga.check import check_file


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "central.yaml").write_text("data: d\npolicy: policy.yaml\n")
    usual = "working_hours: {usual: {monday: 07:30-16:00}}\n"
    (tmp_path / "policy.yaml").write_text(f"{usual}holidays: {{country: null}}\n")
    return tmp_path / "central.yaml"


async def test_a_year_without_its_decree_is_a_warning_and_no_mistake(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = await check_file(config)
    assert found.good
    assert f"the holiday decree of {date.today().year} is not known" in found.warnings[0]  # noqa: DTZ011  # the machine's own
    found.show(as_json=True)
    assert json.loads(capsys.readouterr().out)["warnings"] == list(found.warnings)
    found.show(as_json=False)
    assert "warning: the holiday decree of" in capsys.readouterr().out


async def test_years_that_the_office_wrote_down_are_known(config: Path) -> None:
    year = date.today().year  # noqa: DTZ011
    policy = config.parent / "policy.yaml"
    policy.write_text(policy.read_text().replace("null", f"null, decreed: [{year}, {year + 1}]"))
    found = await check_file(config)
    assert found.warnings == ()


async def test_a_variable_that_the_file_names_and_nobody_set_is_a_warning(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with config.open("a") as file:
        file.write("notifications: {channels: {email: {url_env: TEST_MAIL_ADDRESS}}}\n")
    told = "notifications.channels.email.url_env: TEST_MAIL_ADDRESS is not set here"
    assert any(warning.startswith(told) for warning in (await check_file(config)).warnings)
    monkeypatch.setenv("TEST_MAIL_ADDRESS", "json://127.0.0.1")
    assert not any(warning.startswith(told) for warning in (await check_file(config)).warnings)
