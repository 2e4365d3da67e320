"""Messages: written with the deed, sent by mail through a real server, tried again, signed to programs."""

from __future__ import annotations

import asyncio
import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
import sqlalchemy as sa
from apprise.plugins.telegram import NotifyTelegram
from apprise.plugins.whatsapp import NotifyWhatsApp

from central.app import make_courier
from central.db import tables as t
from central.errors import Invalid, Refused
from central.model import Decision, Direction, Person, Reschedule
from central.notices.carriers import NotDelivered, redacted, signature
from central.notices.courier import PAUSE_AT_MOST, Courier, pause
from central.notices.post import FAILED, SENT, WAITING
from central.notices.wording import Parcel
from central.services import Services, make_services
from central.settings import Channel, Notifications, Webhook
from tests.service.central.mailserver import Letterbox, mailserver
from tests.service.central.office import (
    APPLICANT,
    HEAD,
    NOW,
    PDF,
    PEOPLE,
    STARTS,
    VERIFIER,
    approval,
    draft,
    office,
    settings_in,
)
from tests.until import until

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # Apprise loads it
MAIL = Notifications(channels={"email": Channel(url_env="TEST_MAIL_URL")}, attempts=3)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@contextmanager
def telling(
    folder: Path, wanted: Notifications, database: str | None = None
) -> Iterator[tuple[Services, Courier, Clock]]:
    """Open the office with notifications; its clock can be moved."""
    with office(folder, database):
        pass
    settings, clock = settings_in(folder, database), Clock()
    settings = replace(settings, file=settings.file.model_copy(update={"notifications": wanted}))
    services = make_services(settings, now=clock)
    with services.store.writing() as connection:
        roles = [{"person_id": person.id, "role": role} for role, person in PEOPLE.items()]
        connection.execute(t.person_role.insert(), roles)
    try:
        yield services, make_courier(services), clock
    finally:
        services.store.close()


@pytest.fixture
def mails(monkeypatch: pytest.MonkeyPatch) -> Iterator[Letterbox]:
    with mailserver() as box:
        monkeypatch.setenv("TEST_MAIL_URL", f"mailto://{box.address}?from=siaga@office.example&to={{to}}")
        yield box


def reached(services: Services, *people: Person, language: str = "id") -> None:
    for person in people:
        services.mailbox.reach(person, language, {"email": f"{person.login}@office.example"})


def test_an_approval_comes_as_mail_with_a_calendar_entry_in_the_readers_language(
    tmp_path: Path, mails: Letterbox
) -> None:
    with telling(tmp_path, MAIL) as (here, courier, _):
        reached(here, APPLICANT)
        reached(here, *(p for p in PEOPLE.values() if p.login == "technician"), language="en")
        request = here.desk.submit(draft(), PDF, APPLICANT)
        here.desk.dispose(request.id, Direction(accept=True), HEAD)
        here.desk.decide(request.id, approval(), VERIFIER)
        while courier.deliver("email"):
            pass
        assert mails.recipients == ["applicant@office.example"] * 3 + ["technician@office.example"]
        first, *_, to_applicant, to_technician = mails.mails
        assert first["subject"] == f"Permohonan {request.receipt} telah diterima: Bimtek SP4N-LAPOR"
        assert to_applicant["subject"] == f"Permohonan {request.receipt} telah disetujui: Bimtek SP4N-LAPOR"
        assert to_technician["subject"] == f"Request {request.receipt} was approved: Bimtek SP4N-LAPOR"
        (entry,) = to_applicant.iter_attachments()
        assert (entry.get_content_type(), entry.get_filename()) == ("text/calendar", "siaga.ics")
        calendar = bytes(entry.get_payload(decode=True)).decode()
        assert "DTSTART:20261106T060000Z\r\n" in calendar
        assert "STATUS:CONFIRMED" in calendar
        assert list(first.iter_attachments()) == []
        body = to_technician.get_body(("plain",))
        assert body is not None
        assert "Technician: Rina Marlina" in body.get_content()
        assert f"/permohonan/{request.id}" in body.get_content()


def test_a_session_called_off_leaves_calendars(tmp_path: Path, mails: Letterbox, database: str | None) -> None:
    with telling(tmp_path, MAIL, database) as (here, courier, _):
        request = here.desk.submit(draft(), PDF, APPLICANT)
        here.desk.dispose(request.id, Direction(accept=True), HEAD)
        here.desk.decide(request.id, approval(), VERIFIER)
        reached(here, APPLICANT)
        here.desk.withdraw(request.id, "Acara ditunda", APPLICANT)
        courier.deliver("email")
        (mail,) = mails.mails
        (entry,) = mail.iter_attachments()
        assert "STATUS:CANCELLED" in bytes(entry.get_payload(decode=True)).decode()
        body = mail.get_body(("plain",))
        assert body is not None
        assert "Acara ditunda" in body.get_content()


def test_a_session_that_is_moved_moves_in_calendars_and_the_mail_names_both_plans(
    tmp_path: Path, mails: Letterbox
) -> None:
    with telling(tmp_path, MAIL) as (here, courier, _):
        request = here.desk.submit(draft(), PDF, APPLICANT)
        here.desk.dispose(request.id, Direction(accept=True), HEAD)
        reached(here, APPLICANT)
        here.desk.decide(request.id, approval(), VERIFIER)
        later = Reschedule("Ruang dipakai tamu", starts=STARTS + timedelta(days=3), room_id="praja-2")
        here.rescheduling.apply(request.id, later, VERIFIER)
        courier.deliver("email")
        _, mail = mails.mails
        assert mail["subject"] == f"Sesi {request.receipt} telah dipindahkan: Bimtek SP4N-LAPOR"
        first, second = (calendar_of(one) for one in mails.mails)
        assert "DTSTART:20261109T060000Z\r\n" in second
        assert "Praja II" in second
        assert line("UID", first) == line("UID", second)
        assert int(line("SEQUENCE", first)) < int(line("SEQUENCE", second))
        body = mail.get_body(("plain",))
        assert body is not None
        text = body.get_content()
        assert "Ruang dipakai tamu" in text
        assert "Senin, 9 November 2026" in text
        assert "Rencana sebelumnya: Jumat, 6 November 2026, 13.00" in " ".join(text.split())


def calendar_of(mail: EmailMessage) -> str:
    (entry,) = mail.iter_attachments()
    return bytes(entry.get_payload(decode=True)).decode()


def line(name: str, calendar: str) -> str:
    return next(text.partition(":")[2] for text in calendar.splitlines() if text.startswith(f"{name}:"))


def test_what_is_not_taken_is_tried_again_later_and_given_up_in_the_end(
    tmp_path: Path, mails: Letterbox, database: str | None
) -> None:
    with telling(tmp_path, MAIL, database) as (here, courier, clock):
        reached(here, APPLICANT)
        mails.refuse_next = 4
        here.desk.submit(draft(), PDF, APPLICANT)
        assert courier.deliver("email") == 1
        (row,) = here.mailbox.messages()
        assert (row.state, row.attempts) == (WAITING, 1)
        assert row.error
        assert courier.deliver("email") == 0  # not before its time
        for _ in range(2):
            clock.now += timedelta(hours=3)
            courier.deliver("email")
        (row,) = here.mailbox.messages(state=FAILED)
        assert row.attempts == 3
        clock.now += timedelta(hours=3)
        assert courier.deliver("email") == 0
        here.mailbox.again(row.id, HEAD)
        mails.refuse_next = 0
        assert courier.deliver("email") == 1
        assert [one.state for one in here.mailbox.messages()] == [SENT]
        with pytest.raises(Refused):
            here.mailbox.again(row.id, HEAD)
        assert here.mailbox.counts() == {WAITING: 0, FAILED: 0, SENT: 1}


def test_a_deed_that_is_not_done_tells_nobody(tmp_path: Path, mails: Letterbox) -> None:
    with telling(tmp_path, MAIL) as (here, _, _clock):
        reached(here, APPLICANT)
        request = here.desk.submit(draft(), PDF, APPLICANT)
        here.desk.dispose(request.id, Direction(accept=True), HEAD)
        before = here.mailbox.counts()
        with pytest.raises(Invalid):
            here.desk.decide(request.id, Decision(approve=True), VERIFIER)
        with pytest.raises(Refused):
            here.desk.dispose(request.id, Direction(accept=True), HEAD)
        assert here.mailbox.counts() == before


def test_a_killed_courier_leaves_its_message_to_the_next(
    tmp_path: Path, mails: Letterbox, database: str | None
) -> None:
    with telling(tmp_path, MAIL, database) as (here, courier, clock):
        reached(here, APPLICANT)
        here.desk.submit(draft(), PDF, APPLICANT)

        class Killed(BaseException):
            pass

        class Deadly:
            def send(self, parcel: Parcel) -> None:
                raise Killed

        dying = make_courier(here)
        dying._carriers["email"] = Deadly()
        with pytest.raises(Killed):
            dying.deliver("email")
        assert courier.deliver("email") == 0  # claimed
        clock.now += timedelta(minutes=3)
        assert courier.deliver("email") == 1
        assert len(mails.mails) == 1


async def test_the_courier_sends_when_the_bell_rings_and_a_dead_channel_holds_up_nobody(
    tmp_path: Path, mails: Letterbox
) -> None:
    channels = {"email": MAIL.channels["email"], "grup": Channel(url_env="TEST_NO_SUCH", roles=(PEOPLE_ROLE,))}
    with telling(tmp_path, Notifications(channels=channels)) as (here, courier, _):
        reached(here, APPLICANT)
        running = asyncio.create_task(courier.run(here.bell))
        request = await asyncio.to_thread(here.desk.submit, draft(), PDF, APPLICANT)
        await until(lambda: len(mails.mails) == 1)
        await until(lambda: any("TEST_NO_SUCH is empty" in one.error for one in here.mailbox.messages()))
        assert {one.channel: one.state for one in here.mailbox.messages(request_id=request.id)}["grup"] == WAITING
        running.cancel()
        await asyncio.wait([running])


PEOPLE_ROLE = next(role for role in PEOPLE if role.value == "head")


class Receiver(http.server.BaseHTTPRequestHandler):
    """A program that takes webhooks."""

    taken: list[tuple[dict[str, str], bytes]]
    statuses: list[int]
    """What it answers, one after the other; the last one from then on."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.taken.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0])
        self.send_header("location", "http://127.0.0.1:9/elsewhere")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@contextmanager
def receiving(*statuses: int) -> Iterator[tuple[str, list[tuple[dict[str, str], bytes]]]]:
    taken: list[tuple[dict[str, str], bytes]] = []
    kind = type("Receiving", (Receiver,), {"taken": taken, "statuses": list(statuses) or [204]})
    with http.server.HTTPServer(("127.0.0.1", 0), kind) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/siaga", taken
        finally:
            server.shutdown()
            thread.join()


def test_a_program_gets_signed_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_HOOK", "a shared secret")
    with receiving() as (url, taken):
        hooks = {"sibowal": Webhook(url=url, secret_env="TEST_HOOK", events=("submit",))}
        with telling(tmp_path, Notifications(webhooks=hooks)) as (here, courier, clock):
            request = here.desk.submit(draft(), PDF, APPLICANT)
            here.desk.dispose(request.id, Direction(accept=True), HEAD)
            assert courier.deliver("webhook:sibowal") == 1
            ((headers, body),) = taken
            assert headers["webhook-timestamp"] == f"{clock.now.timestamp():.0f}"
            made = signature("a shared secret", headers["webhook-id"], headers["webhook-timestamp"], body)
            assert headers["webhook-signature"] == made
            said = json.loads(body)
            assert (said["type"], said["data"]["id"], said["data"]["receipt"]) == (
                "request.submit",
                request.id,
                request.receipt,
            )
            assert "tracking" not in said["data"]  # whoever has it needs no log-in


GATEWAYS = {
    "telegram": ("tgram://123456789:abcdefghijklmnopqrstuvwxyz012345678/{to}", "12315544"),
    "whatsapp": ("whatsapp://EAAtokenOfTheOffice123@123456789012345/{to}", "628125550123"),
    "gerbang": ("json://127.0.0.1:PORT/{to}", "628125550123"),
}
"""What stands in the environment, and an address of a person, for each way without mail."""


@pytest.mark.parametrize("name", GATEWAYS)
def test_a_gateway_gets_the_message_in_the_readers_language_and_again_when_it_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Over a real socket: the services' own programs of Apprise, told that the service is on this machine."""
    pattern, address = GATEWAYS[name]
    wanted = Notifications(channels={name: Channel(url_env="TEST_GATEWAY")})
    with receiving(500, 200) as (url, taken), telling(tmp_path, wanted) as (here, courier, clock):
        gateway = url.removesuffix("/siaga")
        monkeypatch.setattr(NotifyTelegram, "notify_url", f"{gateway}/bot")
        monkeypatch.setattr(NotifyWhatsApp, "notify_url", f"{gateway}/{{fb_ver}}/{{phone_id}}/messages")
        monkeypatch.setenv("TEST_GATEWAY", pattern.replace("PORT", url.split(":")[2].split("/")[0]))
        here.mailbox.reach(APPLICANT, "en", {name: address})
        request = here.desk.submit(draft(), PDF, APPLICANT)
        courier.deliver(name)
        (row,) = here.mailbox.messages()
        assert (row.state, row.attempts) == (WAITING, 1)
        assert "tokenOfTheOffice" not in row.error
        assert "abcdefgh" not in row.error
        assert len(taken) == 1
        clock.now += timedelta(hours=1)
        courier.deliver(name)
        (row,) = here.mailbox.messages()
        assert (row.state, row.error) == (SENT, "")
        headers, body = taken[-1]
        assert "content-type" in headers
        said = body.decode()
        assert request.receipt in said
        assert "The letter of Dinas Sosial has arrived" in said
        assert name == "gerbang" or address in said  # there it stands in the path


@pytest.mark.parametrize("status", [302, 410, 500])
def test_any_other_answer_of_a_program_is_a_failure_and_no_redirect_is_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setenv("TEST_HOOK", "a shared secret")
    with receiving(status) as (url, taken):
        hooks = {"x": Webhook(url=url, secret_env="TEST_HOOK")}
        with telling(tmp_path, Notifications(webhooks=hooks)) as (here, courier, _):
            here.desk.submit(draft(), PDF, APPLICANT)
            courier.deliver("webhook:x")
            (row,) = here.mailbox.messages()
            assert (row.state, row.error) == (WAITING, f"wanted 2xx, got {status}")
            assert len(taken) == 1


def test_pauses_grow_and_differ_and_end() -> None:
    waits = [pause(n, 7) for n in range(1, 30)]
    assert waits == sorted(waits)
    assert waits[0] >= timedelta(seconds=30)
    assert waits[-1] == PAUSE_AT_MOST
    assert len({pause(3, ident) for ident in range(20)}) > 10


def test_no_secret_of_an_address_is_shown() -> None:
    text = "cannot log in to smtp.office.example as siaga with hunter22secret"
    assert redacted(text, "mailtos://siaga:hunter22secret@smtp.office.example") == (
        "cannot log in to smtp.office.example as siaga with ***"
    )


def test_an_address_that_could_change_the_channels_own_is_refused(tmp_path: Path) -> None:
    with telling(tmp_path, MAIL) as (here, _, _clock):
        for wrong in ("a@b.example?to=other@x.example", "no mail", "a@b&cc=x@y.example"):
            with pytest.raises(Invalid):
                here.mailbox.reach(APPLICANT, "id", {"email": wrong})
        with here.store.reading() as connection:
            assert connection.scalar(sa.select(sa.func.count()).select_from(t.person_address)) == 0


def test_an_empty_variable_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEST_MAIL_URL", raising=False)
    with telling(tmp_path, MAIL) as (here, courier, _):
        reached(here, APPLICANT)
        here.desk.submit(draft(), PDF, APPLICANT)
        courier.deliver("email")
        assert "TEST_MAIL_URL is empty" in here.mailbox.messages()[0].error
        assert issubclass(NotDelivered, Exception)
