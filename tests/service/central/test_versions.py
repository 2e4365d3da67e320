"""A request that is sent in again says what changed; a public link shows how it goes on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from central.domain.resources import Need
from central.errors import NotFound
from central.model import Direction, Upload
from central.services import Services
from tests.service.central.office import APPLICANT, HEAD, PDF, draft, office


@pytest.fixture
def here(tmp_path: Path, database: str | None) -> Iterator[Services]:
    with office(tmp_path, database) as services:
        yield services


def test_each_new_version_says_what_changed(here: Services) -> None:
    request = here.desk.submit(draft(), PDF, APPLICANT)
    assert here.desk.changes(request) == ()
    here.desk.dispose(request.id, Direction(accept=False, note="Lengkapi"), HEAD)
    other = replace(draft("Judul baru"), needs=(Need("mic", 2),), streaming=True)
    again = here.desk.resubmit(request.id, other, Upload("baru.pdf", b"%PDF-1.7\nnew"), APPLICANT)
    (change,) = here.desk.changes(again)
    assert set(change.fields) == {"title", "needs", "streaming", "letter_sha256"}
    assert change.fields["title"] == ("Bimtek SP4N-LAPOR", "Judul baru")
    assert again.version > request.version
    here.desk.dispose(request.id, Direction(accept=False, note="Lagi"), HEAD)
    here.desk.resubmit(request.id, other, None, APPLICANT)
    assert here.desk.changes(again) == (change,)  # nothing else changed


def test_a_link_leads_to_its_request_only(here: Services) -> None:
    first, second = (here.desk.submit(draft(title), PDF, APPLICANT) for title in ("Satu", "Dua"))
    assert first.tracking != second.tracking
    assert here.desk.tracked(second.tracking).title == "Dua"
    for wrong in ("", "x", first.tracking[:-1]):
        with pytest.raises(NotFound):
            here.desk.tracked(wrong)
