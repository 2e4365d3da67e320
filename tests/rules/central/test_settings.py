"""Central's and the policy's file: the shipped ones are good, every mistake has its line."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from central.domain.calendar import Gap
from central.domain.words import Leader
from central.settings import Policy, load
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


def test_a_buffer_longer_than_anything_is_looked_for_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "central.yaml").write_text("data: d\npolicy: p.yaml\n")
    (tmp_path / "p.yaml").write_text("working_hours: {usual: {}}\nbuffers: {setup: 25h}\n")
    with pytest.raises(FileMistakes, match="at most 24 hours"):
        load(tmp_path / "central.yaml")


@pytest.mark.parametrize(
    ("year", "joint_leave", "works"),
    [
        (2024, date(2024, 4, 8), date(2024, 4, 16)),
        (2025, date(2025, 4, 2), date(2025, 4, 8)),
        (2026, date(2026, 3, 20), date(2026, 3, 25)),
    ],
)
def test_joint_leave_around_the_feast_is_free_in_each_year_that_has_its_decree(
    year: int, joint_leave: date, works: date
) -> None:
    settings = load(CONFIGS / "central.yaml")
    calendar = settings.policy.calendar(settings.zone, year)
    assert "cuti bersama" in calendar.holidays[joint_leave].lower()
    assert not calendar.works(joint_leave)
    assert calendar.works(works)


def test_ramadan_ends_with_its_last_day_and_a_year_without_a_circular_has_usual_hours() -> None:
    settings = load(CONFIGS / "central.yaml")
    calendar = settings.policy.calendar(settings.zone, 2027)
    closes = [hours[1] for day in (8, 9, 10) if (hours := calendar.hours(date(2027, 3, day)))]
    assert [moment.isoformat(timespec="minutes") for moment in closes] == ["15:00", "15:00", "16:00"]
    other = settings.policy.calendar(settings.zone, 2028).hours(date(2028, 2, 7))
    assert other is not None
    assert other[0].isoformat(timespec="minutes") == "07:30"


def rules(**more: object) -> Policy:
    return Policy.model_validate({"working_hours": {"usual": {"monday": "07:30-16:00"}}, **more})


def test_times_of_retention_are_days_or_for_ever() -> None:
    kept = rules(retention={"letters": "keep", "contacts": "400d"}).retention
    assert (kept.letters, kept.contacts, kept.journals) == (None, timedelta(days=400), "keep")
    said = kept.model_dump(mode="json")
    assert (said["letters"], said["contacts"]) == ("keep", "400d")


@pytest.mark.parametrize(
    ("kind", "time", "said"),
    [
        ("letters", "12h", "at least 1d"),
        ("contacts", "never", "a duration with its unit"),
        ("journals", "365d", "only keep is possible"),
        ("audit", "365d", "retention"),
    ],
)
def test_a_time_that_cannot_be_kept_is_a_mistake_with_its_reason(
    tmp_path: Path, kind: str, time: str, said: str
) -> None:
    (tmp_path / "central.yaml").write_text("data: d\npolicy: p.yaml\n")
    (tmp_path / "p.yaml").write_text(f"working_hours: {{usual: {{}}}}\nretention: {{{kind}: {time}}}\n")
    with pytest.raises(FileMistakes, match=said) as mistakes:
        load(tmp_path / "central.yaml")
    assert [mistake.line for mistake in mistakes.value.mistakes] == [2]


def test_an_office_says_who_counts_as_a_leader_and_in_which_order() -> None:
    own = rules(leaders=["secretary", "governor"]).rules(ZONE, 2026)
    counted = {leader: own.counted(leader) for leader in Leader}
    assert counted == {
        Leader.NONE: Leader.NONE,
        Leader.SECRETARY: Leader.GOVERNOR,  # he comes first there
        Leader.GOVERNOR: Leader.VICE_GOVERNOR,
        Leader.VICE_GOVERNOR: Leader.NONE,
    }
    usual = rules().rules(ZONE, 2026)
    assert [usual.counted(leader) for leader in Leader] == list(Leader)


@pytest.mark.parametrize("leaders", ["[governor, none]", "[governor, governor]", "[mayor]", "governor"])
def test_leaders_that_are_no_positions_are_a_mistake(tmp_path: Path, leaders: str) -> None:
    (tmp_path / "central.yaml").write_text("data: d\npolicy: p.yaml\n")
    (tmp_path / "p.yaml").write_text(f"working_hours: {{usual: {{}}}}\nleaders: {leaders}\n")
    with pytest.raises(FileMistakes, match="leaders"):
        load(tmp_path / "central.yaml")


ZONE = ZoneInfo("Asia/Pontianak")


def gaps(policy: Policy, today: date) -> list[tuple[Gap, int]]:
    return [(days.gap, days.first.year) for days in policy.missing(ZONE, today)]


def test_the_next_years_decree_is_missed_from_october_and_this_years_always() -> None:
    assert gaps(rules(), date(2027, 9, 30)) == []
    assert gaps(rules(), date(2027, 10, 1)) == [(Gap.DECREE, 2028)]
    assert (Gap.DECREE, 2028) in gaps(rules(), date(2028, 7, 1))
    assert gaps(rules(holidays={"decreed": [2028]}), date(2027, 10, 1)) == []


def test_an_office_with_a_list_of_its_own_knows_the_years_that_are_in_it() -> None:
    own = rules(holidays={"country": None, "also": {"2026-08-17": "Hari Kemerdekaan"}})
    assert gaps(own, date(2026, 5, 1)) == []
    assert gaps(own, date(2026, 12, 1)) == [(Gap.DECREE, 2027)]


def test_ramadan_without_hours_is_missed_from_ninety_days_before_to_its_end() -> None:
    shipped = load(CONFIGS / "central.yaml").policy
    assert gaps(shipped, date(2026, 12, 1)) == []  # its hours are there
    assert gaps(rules(), date(2026, 11, 1)) == []
    assert gaps(rules(), date(2026, 12, 1)) == [(Gap.RAMADAN, 2027)]
    assert gaps(rules(), date(2027, 3, 9)) == [(Gap.RAMADAN, 2027)]
    assert gaps(rules(), date(2027, 3, 10)) == []


def test_what_is_missing_says_what_to_do() -> None:
    decree, ramadan = rules().missing(ZONE, date(2027, 11, 20))
    assert "2028 under holidays, decreed" in str(decree)
    assert "under working_hours, periods" in str(ramadan)
