"""What the office has: a file is taken in whole or not at all, and every bad cell is named."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from central.domain.words import Role
from central.errors import NotFound
from central.register import BadFile, Register
from central.registerfile import KINDS, read, write
from central.services import Services
from tests.service.central.office import NOW, PEOPLE, office

ADMIN = PEOPLE[Role.ADMIN]


@pytest.fixture
def here(tmp_path: Path, database: str | None) -> Iterator[Services]:
    with office(tmp_path, database) as services:
        yield services


def bad(register: Register, name: str, text: str) -> set[tuple[int, str, str]]:
    with pytest.raises(BadFile) as error:
        register.take(name, text.encode(), ADMIN)
    return {(cell.line, cell.column, cell.code.partition(":")[0]) for cell in error.value.cells}


@pytest.mark.parametrize("name", list(KINDS))
def test_what_is_saved_as_a_file_can_be_brought_back_and_changes_nothing(here: Services, name: str) -> None:
    here.register.take(
        "shifts", b"operator_id,weekday,opens,closes,first_day,last_day\nrina,monday,07.00,15.00,,\n", ADMIN
    )
    here.register.take(
        "leave", b"operator_id,starts,ends,reason\nyoga,2026-11-05 08:00,2026-11-06 08:00,=cuti\n", ADMIN
    )
    here.register.take(
        "equipment", b"id;name;count;faulty;site;setup_minutes;teardown_minutes\nmic;Mik;4;1;;10;\n", ADMIN
    )
    before = here.register.export(name)
    rows = before.count("\r\n") - 1
    assert here.register.take(name, b"\xef\xbb\xbf" + before.encode(), ADMIN) == rows
    assert here.register.export(name) == before


def test_every_bad_cell_of_a_file_is_named_and_nothing_of_it_is_taken(here: Services) -> None:
    before = here.register.export("equipment")
    file = """id,name,count,faulty,site,setup_minutes,teardown_minutes
laptop,Laptop,3,0,,,
Big Mic,,many,-1,,x,
laptop,Laptop again,2,5,,,
short,line
"""
    assert bad(here.register, "equipment", file) == {
        (3, "id", "ident"),
        (3, "name", "text"),
        (3, "count", "number"),
        (3, "faulty", "number"),
        (3, "setup_minutes", "number"),
        (4, "id", "twice"),
        (4, "faulty", "faulty"),
        (5, "", "cells"),
    }
    assert here.register.export("equipment") == before
    assert bad(here.register, "agencies", "id,nama\nx,y\n") == {
        (1, "name", "column_missing"),
        (1, "short", "column_missing"),
        (1, "nama", "column_unknown"),
    }
    assert bad(here.register, "agencies", "") == {(1, "", "empty")}
    shifts = (
        "operator_id,weekday,opens,closes,first_day,last_day\nnobody,senin,15:00,07:00,,\nrina,monday,15:00,07:00,,\n"
    )
    assert bad(here.register, "shifts", shifts) == {
        (2, "operator_id", "unknown"),
        (2, "weekday", "weekday"),
        (3, "closes", "order"),
    }


def test_rows_are_changed_by_their_id_and_leave_counts_in_the_verification(here: Services) -> None:
    here.register.put("staff", {"id": "rina", "name": "Rina M.", "active": "ya", "skills": "streaming protocol"}, ADMIN)
    (rina,) = (one for one in here.planner.staff() if one.id == "rina")
    assert rina.name == "Rina M."
    assert rina.skills == {"streaming", "protocol"}
    here.register.put("leave", {"operator_id": "rina", "starts": "2026-11-04", "ends": "2026-11-09"}, ADMIN)
    (rina,) = (one for one in here.planner.staff() if one.id == "rina")
    assert rina.leave[0].starts - NOW == timedelta(days=2) - timedelta(hours=9)  # midnight of the office
    (row,) = here.register.rows("leave")
    here.register.drop("leave", int(str(row["row"])), ADMIN)
    assert here.register.rows("leave") == ()
    with pytest.raises(NotFound):
        here.register.drop("staff", 1, ADMIN)
    with pytest.raises(NotFound):
        here.register.export("passwords")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=400) | st.text(max_size=200).map(str.encode), name=st.sampled_from(sorted(KINDS)))
def test_any_bytes_are_a_file_or_named_mistakes(content: bytes, name: str) -> None:
    rows, wrong = read(KINDS[name], content, ZoneInfo("Asia/Pontianak"), {})
    assert all(set(row) <= {column.name for column in KINDS[name].columns} for row in rows)
    assert all(cell.line >= 0 for cell in wrong)


@given(
    text=st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=40).filter(
        lambda s: s.strip() == s
    )
)
def test_no_cell_is_a_formula_and_every_text_comes_back(text: str) -> None:
    zone = ZoneInfo("Asia/Pontianak")
    file = write(KINDS["agencies"], [{"id": "a", "name": text, "short": "A"}], zone)
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in file.splitlines()[1].split(","))
    rows, wrong = read(KINDS["agencies"], file.encode(), zone, {})
    assert (rows, wrong) == ([{"id": "a", "name": text, "short": "A"}], [])
