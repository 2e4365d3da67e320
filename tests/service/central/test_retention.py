"""What is past its time goes, what is not stays, and the audit says how much went; on both databases."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from central.backup import back_up
from central.db import tables as t
from central.db.notes import noted
from central.errors import Erased, Unfit
from central.evidence import Evidence
from central.folderlock import files_still
from central.model import Decision, Direction, Request, Upload
from central.retention.eraser import Eraser
from central.retention.kinds import BATCH, Gone
from central.services import Services
from tests.service.central.office import (
    APPLICANT,
    HEAD,
    NOW,
    PDF,
    STARTS,
    VERIFIER,
    approval,
    disposed,
    draft,
    office,
)

YEAR = timedelta(days=365)
JPEG = b"\xff\xd8\xffa picture"


@dataclass
class Here:
    """An office whose clock tests move."""

    services: Services
    clock: list[datetime]

    def refused(self, title: str = "Rapat", letter: bytes = b"one") -> Request:
        """Return a request that is over, with a letter of its own."""
        sent = self.services.desk.submit(draft(title), Upload("surat.pdf", PDF.content + letter), APPLICANT)
        self.services.desk.dispose(sent.id, Direction(accept=True), HEAD)
        return self.services.desk.decide(sent.id, Decision(approve=False, reason="Penuh"), VERIFIER)

    def after(self, length: timedelta) -> dict[str, Gone]:
        """Erase what is past its time when so much of it has passed."""
        self.clock[0] = NOW + length
        done = self.services.retention.make()
        assert done.error == ""
        return {name: gone for name, gone in done.gone.items() if gone.count}

    def audits(self) -> list[dict[str, object]]:
        query = sa.select(t.audit.c.detail).where(t.audit.c.action == "retention.erase").order_by(t.audit.c.id)
        with self.services.store.reading() as connection:
            return [json.loads(text) for text in connection.scalars(query)]

    def count(self, table: sa.Table) -> int:
        with self.services.store.reading() as connection:
            return connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0


@pytest.fixture
def here(tmp_path: Path, database: str | None) -> Iterator[Here]:
    clock = [NOW]
    with office(tmp_path, database, now=lambda: clock[0]) as services:
        yield Here(services, clock)


def test_a_letter_goes_at_the_end_of_its_time_and_the_request_says_so(here: Here) -> None:
    request = here.refused()
    path = here.services.settings.folder / "letters"
    assert here.after(4 * YEAR).keys() == {"contacts"}
    size = len(PDF.content) + 3
    assert here.after(6 * YEAR) == {"letters": Gone(1, size)}
    assert [file for file in path.rglob("*") if file.is_file()] == []
    with pytest.raises(Erased) as gone:
        here.services.desk.letter(request.id, APPLICANT)
    assert gone.value.code == "letter.erased"
    kept = here.services.desk.get(request.id, APPLICANT).letter
    assert (kept.number, kept.subject) == (request.letter.number, request.letter.subject)
    assert kept.file is not None
    assert kept.file.erased_at == NOW + 6 * YEAR
    assert kept.file.sha256 == hashlib.sha256(PDF.content + b"one").hexdigest()
    assert here.after(7 * YEAR) == {}


def test_a_letter_that_a_younger_or_an_open_request_refers_to_stays(here: Here) -> None:
    here.refused()
    waiting = here.services.desk.submit(draft(), Upload("b.pdf", PDF.content + b"two"), APPLICANT)
    here.clock[0] = NOW + 5 * YEAR
    late = draft("Lagi", starts=STARTS + 5 * YEAR)
    younger = here.services.desk.submit(late, Upload("a.pdf", PDF.content + b"one"), APPLICANT)
    here.services.desk.withdraw(younger.id, "Batal", APPLICANT)
    assert "letters" not in here.after(6 * YEAR)
    for request in (waiting, younger):
        assert here.services.desk.letter(request.id, APPLICANT)[1].startswith(b"%PDF")
    assert here.after(11 * YEAR)["letters"].count == 1
    assert here.services.desk.letter(waiting.id, APPLICANT)[1].endswith(b"two")  # nobody has directed it yet


def test_a_letter_that_went_and_is_sent_in_again_is_here_again(here: Here) -> None:
    old = here.refused()
    here.after(6 * YEAR)
    again = draft("Lagi", starts=STARTS + 6 * YEAR)
    new = here.services.desk.submit(again, Upload("a.pdf", PDF.content + b"one"), APPLICANT)
    for request in (old, new):
        file, content = here.services.desk.letter(request.id, APPLICANT)
        assert content == PDF.content + b"one"
        assert file.erased_at is None
    assert "letters" not in here.after(6 * YEAR)


def test_whoever_sends_a_letter_in_while_it_goes_has_it_afterwards(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("central.retention.files.BATCH", 1)
    letters = [b"%d" % number for number in range(40)]
    for number, letter in enumerate(letters):
        here.refused(f"Rapat {number}", letter)
    here.clock[0] = NOW + 6 * YEAR
    sent: list[Request] = []

    def send() -> None:
        for letter in letters:
            again = draft("Lagi", starts=STARTS + 6 * YEAR)
            sent.append(here.services.desk.submit(again, Upload("a.pdf", PDF.content + letter), APPLICANT))

    sender = threading.Thread(target=send)
    sender.start()
    while sender.is_alive():
        assert here.services.retention.make().error == ""
    sender.join()
    assert len(sent) == len(letters)
    for request, letter in zip(sent, letters, strict=True):
        assert here.services.desk.letter(request.id, APPLICANT)[1] == PDF.content + letter


def test_people_are_no_longer_named_in_a_request_nor_in_its_earlier_versions(here: Here) -> None:
    first = here.services.desk.submit(draft(), PDF, APPLICANT)
    here.services.desk.dispose(first.id, Direction(accept=False, note="Lengkapi"), HEAD)
    other = replace(draft("Baru"), contact=replace(draft().contact, name="Siti"))
    here.services.desk.resubmit(first.id, other, None, APPLICANT)
    here.services.desk.withdraw(first.id, "Batal", APPLICANT)
    waiting = here.services.desk.submit(draft("Menunggu"), PDF, APPLICANT)
    assert here.after(YEAR) == {}
    before = here.services.desk.get(first.id, APPLICANT)
    assert here.after(3 * YEAR)["contacts"] == Gone(1)
    request = here.services.desk.get(first.id, APPLICANT)
    assert (request.contact.name, request.contact.phone, request.own_people) == ("", "", "")
    assert (request.title, request.moves, request.version) == ("Baru", before.moves, before.version + 1)
    (change,) = here.services.desk.changes(request)
    assert set(change.fields) == {"title"}
    assert here.services.desk.get(waiting.id, APPLICANT).contact.name == "Budi"


def test_an_approved_request_without_a_report_loses_nothing(here: Here) -> None:
    request = disposed(here.services.desk)
    here.services.desk.decide(request.id, approval(), VERIFIER)
    add_picture(here.services.evidence, "praja-1", came_at=STARTS)
    assert here.after(20 * YEAR) == {}
    assert here.services.desk.get(request.id, APPLICANT).contact.name == "Budi"
    here.services.desk.withdraw(request.id, "Tidak jadi", APPLICANT)
    assert set(here.after(20 * YEAR)) == {"letters", "contacts", "pictures"}


def add_picture(evidence: Evidence, room: str, content: bytes = JPEG, *, came_at: datetime) -> str:
    name = hashlib.sha256(content).hexdigest()
    evidence.add(room, name, content, offset=0, length=len(content))
    os.utime(evidence._path(room, name), (came_at.timestamp(), came_at.timestamp()))
    return name


def test_pictures_go_and_leave_a_mark_and_half_a_picture_goes_too(here: Here) -> None:
    evidence = here.services.evidence
    old, new = (
        add_picture(evidence, "praja-1", JPEG + at, came_at=NOW + when)
        for at, when in ((b"1", timedelta()), (b"2", YEAR))
    )
    half = "ab" * 32
    evidence.add("praja-2", half, JPEG[:4], offset=0, length=9)
    os.utime(evidence._path("praja-2", half).with_suffix(".part"), (NOW.timestamp(), NOW.timestamp()))
    assert here.after(2.5 * YEAR) == {"pictures": Gone(2, len(JPEG) + 1 + 4)}
    assert evidence.erased("praja-1", old) == here.clock[0]
    with pytest.raises(Erased):
        evidence.read("praja-1", old)
    assert evidence.has("praja-1", new)
    assert evidence.held("praja-2", half) == 0
    assert here.after(2.5 * YEAR) == {}
    assert add_picture(evidence, "praja-1", JPEG + b"1", came_at=here.clock[0]) == old  # a room that still had it
    assert evidence.erased("praja-1", old) is None


def test_a_picture_that_a_later_session_brings_again_begins_its_time_anew(here: Here) -> None:
    evidence = here.services.evidence
    name = add_picture(evidence, "praja-1", came_at=NOW - YEAR)
    assert evidence.held("praja-1", name) is None  # the room asks, and is told that it is here
    assert here.after(1.5 * YEAR) == {}
    assert evidence.has("praja-1", name)


def test_messages_drafts_log_ins_and_keys_go_each_after_its_own_time(here: Here) -> None:
    over, waiting = here.refused(), here.services.desk.submit(draft(), PDF, APPLICANT, key="wait")
    here.services.drafts.save({"title": "Belum"}, APPLICANT)
    told = {"created_at": NOW, "event": "x", "channel": "email", "next_at": NOW}
    with here.services.store.writing() as connection:
        for request in (over, waiting):
            for state in ("sent", "failed", "waiting"):
                connection.execute(t.message.insert(), told | {"request_id": request.id, "state": state})
            row = {"request_id": request.id, "kind": "displaced", "body": "{}", "created_at": NOW}
            connection.execute(t.notice.insert(), row)
        connection.execute(t.request_key.insert(), {"person_id": APPLICANT.id, "key": "over", "request_id": over.id})
        seen = {"person_id": APPLICANT.id, "seen_at": NOW, "began_at": NOW}
        for name, ends in (("ended", NOW), ("lasts", NOW + 30 * YEAR)):
            connection.execute(t.login_session.insert(), seen | {"token_hash": name, "ends_at": ends})
        connection.execute(t.throttle.insert(), {"key": "login x", "failures": 3, "until": NOW})
        connection.execute(t.sign_on_attempt.insert(), {"state_hash": "s", "until": NOW})
        connection.execute(t.answered.insert(), {"person_id": APPLICANT.id, "key": "k", "at": NOW})
    assert here.after(timedelta(days=40)) == {"keys": Gone(2)}
    assert here.after(timedelta(days=100)) == {"log_ins": Gone(3)}
    assert here.after(1.5 * YEAR) == {"messages": Gone(3), "drafts": Gone(1)}
    left = {table.name: here.count(table) for table in (t.message, t.notice, t.request_key, t.login_session)}
    assert left == {"message": 4, "notice": 1, "request_key": 1, "login_session": 1}


def test_many_go_in_batches_and_one_row_of_the_audit_says_how_many(here: Here) -> None:
    many = 2 * BATCH + 7
    with here.services.store.writing() as connection:
        rows = [{"key": f"address {number}", "failures": 1, "until": NOW} for number in range(many)]
        connection.execute(t.throttle.insert(), rows)
    assert here.after(YEAR) == {"log_ins": Gone(many)}
    assert here.count(t.throttle) == 0
    assert here.audits() == [{"log_ins": {"count": many, "bytes": 0}}]
    assert here.services.audit.seal() > 0
    assert here.services.audit.verify().holds


def test_a_look_says_what_would_go_and_changes_nothing(here: Here) -> None:
    here.refused()
    here.clock[0] = NOW + 6 * YEAR
    add_picture(here.services.evidence, "praja-1", came_at=NOW)
    found = {one.kind: one.gone for one in here.services.retention.look() if one.gone.count}
    assert (here.audits(), here.services.retention.last()) == ([], None)
    assert here.after(6 * YEAR) == found
    assert set(found) == {"letters", "pictures", "contacts"}


def test_what_the_policy_keeps_for_ever_stays(here: Here) -> None:
    request = here.refused()
    settings = here.services.settings
    kept = settings.policy.retention.model_copy(update={"letters": None, "contacts": None})
    policy = settings.policy.model_copy(update={"retention": kept})
    eraser = Eraser(
        here.services.store,
        replace(settings, policy=policy),
        here.services.desk._letters,
        here.services.evidence,
        now=lambda: NOW + 30 * YEAR,
    )
    assert eraser.make().gone == {}
    assert {one.kind for one in eraser.look() if one.time is None} == {"letters", "contacts"}
    assert here.services.desk.letter(request.id, APPLICANT)[1].startswith(b"%PDF")


def test_a_run_that_is_broken_off_says_what_went_before_and_the_next_does_the_rest(here: Here) -> None:
    here.refused()
    letters = here.services.settings.folder / "letters"
    (letter,) = (file for file in letters.rglob("*") if file.is_file())
    with here.services.store.writing() as connection:
        connection.execute(t.throttle.insert(), {"key": "x", "failures": 1, "until": NOW})
    with pytest.MonkeyPatch.context() as patch:
        first, *rest = here.services.retention._kinds
        patch.setattr(here.services.retention, "_kinds", [*rest, first])
        letter.unlink()
        letter.mkdir()  # what no program deletes as a file
        here.clock[0] = NOW + 6 * YEAR
        done = here.services.retention.make()
    assert str(letter) in done.error
    assert set(done.gone) == {"contacts", "log_ins"}
    assert here.audits()[0]["error"] == done.error
    letter.rmdir()
    letter.write_bytes(PDF.content + b"one")
    assert set(here.after(6 * YEAR)) == {"letters"}
    assert set(here.audits()[1]) == {"letters"}
    with here.services.store.reading() as connection:
        assert noted(connection, "retention sum") == "{}"


def test_it_is_due_once_a_day_at_the_time_of_the_backup_and_an_hour_after_a_failure(here: Here, tmp_path: Path) -> None:
    eraser, folder = here.services.retention, here.services.settings.folder
    assert eraser.is_due()
    eraser.make()
    assert not eraser.is_due()
    here.clock[0] = NOW + timedelta(days=1)
    assert eraser.is_due()
    with files_still(folder):
        assert "try again" in eraser.make().error
        with pytest.raises(Unfit, match="copied or erased"):
            back_up(here.services.store, folder, tmp_path / "b.tar")
    assert not eraser.is_due()
    here.clock[0] += timedelta(hours=1)
    assert eraser.is_due()
