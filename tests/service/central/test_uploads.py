"""Letters from people who mean harm: wrong content, bombs, paths, sizes; and what a download may do."""

from __future__ import annotations

import io
import zipfile
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from central.app import create_app
from central.domain.words import Role
from central.errors import Invalid
from central.letters import Letters
from central.model import Upload
from central.services import Services
from tests.service.central.office import STARTS, office

PASSWORD = "rahasia sekali"
MIB = 1024 * 1024


def bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a", b"\0" * (50 * MIB))
    return out.getvalue()


@pytest.fixture
def here(tmp_path: Path, database: str | None) -> Iterator[Services]:
    with office(tmp_path, database) as services:
        yield services


@pytest.fixture
async def client(here: Services) -> AsyncIterator[httpx.AsyncClient]:
    here.people.add("applicant", "Budi", PASSWORD, frozenset({Role.APPLICANT}), agency_id="dinsos")
    transport = httpx.ASGITransport(create_app(here), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as client:
        await client.post("/api/v1/login", json={"login": "applicant", "password": PASSWORD})
        yield client


FIELDS = {
    "agency_id": "dinsos", "letter_number": "005/881/Dinsos", "letter_date": "2026-11-01",
    "letter_subject": "Permohonan", "contact_name": "Budi", "contact_phone": "0812", "title": "Bimtek",
    "starts": STARTS.isoformat(),
    "ends": (STARTS + timedelta(hours=1)).isoformat(), "room_id": "praja-1", "participants": "20", "platform": "zoom",
}  # fmt: skip


async def send(client: httpx.AsyncClient, content: bytes, name: str = "surat.pdf") -> httpx.Response:
    files = {"letter": (name, content, "application/pdf")}
    return await client.post("/api/v1/requests", data=FIELDS, files=files)


WRONG = {
    "empty": b"",
    "a page": b"<!doctype html><script>alert(1)</script>",
    "a drawing with a script": b'<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>',
    "a program": b"MZ" + b"\0" * 400,
    "a PDF that begins elsewhere": b"<html>%PDF-1.7",
    "a picture of another kind": b"GIF89a" + b"\0" * 40,
    "half a mark": b"%PDF",
    "a bomb": bomb(),
}


@pytest.mark.parametrize("what", list(WRONG))
async def test_what_is_no_letter_is_refused_and_leaves_nothing(
    client: httpx.AsyncClient, here: Services, what: str
) -> None:
    answer = await send(client, WRONG[what])
    assert answer.status_code == 422
    assert {wrong["field"] for wrong in answer.json()["wrongs"]} == {"letter"}
    folder = here.settings.folder / "letters"
    assert [path for path in folder.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    "name",
    ["../../../etc/passwd", "..\\..\\x.pdf", "/abs.pdf", "a\0b.pdf", "x" * 5000, '";evil=".pdf', "\u202efdp.exe"],
)
async def test_no_name_leads_anywhere_or_into_a_header(client: httpx.AsyncClient, here: Services, name: str) -> None:
    answer = await send(client, b"%PDF-1.7 x", name)
    assert answer.status_code in {201, 400, 422}
    files = [path for path in here.settings.folder.rglob("*") if path.is_file() and path.parent.name != "data"]
    outside = [path for path in here.settings.folder.parent.iterdir() if path.name in {"x.pdf", "passwd", "abs.pdf"}]
    assert outside == []
    if answer.status_code == 201:
        letter = answer.json()["letter"]["file"]
        assert (here.settings.folder / "letters" / letter["sha256"][:2] / letter["sha256"]) in files
        assert len(letter["name"]) <= 120
        assert "/" not in letter["name"]
        assert '"' not in letter["name"]
        download = await client.get(f"/permohonan/{answer.json()['id']}/surat")
        assert download.headers["content-disposition"].startswith("attachment")
        assert "sandbox" in download.headers["content-security-policy"]
        assert download.headers["x-content-type-options"] == "nosniff"


async def test_a_page_behind_a_letters_mark_is_a_file_to_keep_only(client: httpx.AsyncClient) -> None:
    answer = await send(client, b"%PDF-1.7\n<script>alert(1)</script>", "surat.html")
    download = await client.get(f"/api/v1/requests/{answer.json()['id']}/letter")
    assert download.headers["content-type"] == "application/pdf"
    assert download.headers["content-disposition"].endswith('.pdf"')


async def test_more_than_the_limit_is_refused_before_it_is_read(client: httpx.AsyncClient, here: Services) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        yield b'--x\r\ncontent-disposition: form-data; name="letter"; filename="a.pdf"\r\n\r\n%PDF-'
        while sent < 200 * MIB:
            sent += MIB
            yield b"\0" * MIB

    headers = {"content-type": "multipart/form-data; boundary=x"}
    answer = await client.post("/api/v1/requests", content=endless(), headers=headers)
    assert answer.status_code == 413
    assert sent < 200 * MIB
    limit = here.settings.file.letters.at_most_mib * MIB
    just_over = await send(client, b"%PDF-" + b"x" * limit)
    assert just_over.status_code in {413, 422}


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200), name=st.text(max_size=300))
def test_any_bytes_under_any_name_are_kept_by_their_content_or_refused(
    tmp_path: Path, content: bytes, name: str
) -> None:
    letters = Letters(tmp_path / "letters", 100)
    try:
        kept = letters.keep(Upload(name, content))
    except Invalid:
        return
    assert letters.read(kept.sha256) == content
    assert kept.name
    assert not set(kept.name) & set('/\\"<>\r\n')
