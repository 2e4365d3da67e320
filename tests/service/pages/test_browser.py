"""The pages in a real browser: with no script, in both themes and languages, live, and clean under the policy."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, async_playwright, expect

from central.domain.words import Leader
from contract import Readiness
from tests.service.pages.office import PASSWORD, PDF, Office, busy, heard, office_in, served

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not Path("/usr/bin/chromium").exists(), reason="no /usr/bin/chromium on this machine"),
]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
TARGET_PX = 24
SMALL_TARGETS = f"""() => [...document.querySelectorAll("a, button, input:not([type=hidden]), select, summary")]
    .filter((node) => node.checkVisibility() && !node.matches(".skip"))
    .map((node) => [node.outerHTML.slice(0, 80), (node.closest("label") ?? node).getBoundingClientRect()])
    .filter(([, box]) => box.height < {TARGET_PX} || box.width < {TARGET_PX})
    .map(([html]) => html)"""
OVERFLOW = "() => document.documentElement.scrollWidth > innerWidth"


@dataclass
class Visit:
    """A browser's context, its page and what the page complained about."""

    page: Page
    complaints: list[str]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with office_in(tmp_path) as office:
        yield office


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        yield chromium
        await chromium.close()


@asynccontextmanager
async def visiting(
    browser: Browser, url: str, cookies: dict[str, str], *, script: bool = True, size: tuple[int, int] = (1280, 800)
) -> AsyncIterator[Visit]:
    context = await browser.new_context(
        java_script_enabled=script, viewport={"width": size[0], "height": size[1]}, base_url=url
    )
    await context.add_cookies([{"name": name, "value": value, "url": url} for name, value in cookies.items()])
    page = await context.new_page()
    page.set_default_timeout(10_000)
    visit = Visit(page, [])
    page.on("console", lambda message: visit.complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: visit.complaints.append(str(error)))
    yield visit
    await context.close()


async def logged_in(page: Page, login: str) -> None:
    await page.goto("/login")
    await page.fill("#username", login)
    await page.fill("#password", PASSWORD)
    await page.click("main button")


async def test_the_whole_sop_without_a_script(browser: Browser, office: Office, tmp_path: Path) -> None:
    letter = tmp_path / "surat.pdf"
    letter.write_bytes(PDF)
    async with served(office) as url:
        async with visiting(browser, url, {}, script=False) as visit:
            page = visit.page
            await logged_in(page, "pemohon")
            await page.get_by_role("link", name="Permohonan baru").click()
            await page.get_by_role("button", name="Kirim permohonan").click()
            await expect(page.locator(".mistakes")).to_be_visible()
            typed = {"#letter_number": "005/881/Dinsos", "#letter_date": "2026-11-02", "#letter_subject": "Fasilitasi"}
            typed |= {"#contact_phone": "0812", "#title": "Bimtek SP4N", "#date": "2026-11-09", "#participants": "40"}
            typed |= {"#start": "09:00", "#end": "11:00", "#own_people": "Budi"}
            for field, value in typed.items():
                await page.fill(field, value)
            await page.select_option("#room", "praja-1")
            await page.set_input_files("#letter", letter)
            await page.get_by_role("button", name="Kirim permohonan").click()
            await expect(page.locator("h1")).to_have_text("Bimtek SP4N")
        async with visiting(browser, url, {}, script=False) as visit:
            page = visit.page
            await logged_in(page, "kadis")
            await page.fill("#note", "Tindak lanjuti")
            await page.get_by_role("button", name="Teruskan ke bidang").click()
            await expect(page.locator(".note")).to_have_text("Diteruskan ke bidang.")
        async with visiting(browser, url, {}, script=False) as visit:
            page = visit.page
            await logged_in(page, "bidang")
            await page.select_option("#operator", "yoga")
            await page.get_by_role("button", name="Periksa ruang").click()
            await expect(page.locator("#operator")).to_have_value("yoga")
            await page.get_by_role("button", name="Setujui", exact=True).click()
            await expect(page.locator(".note")).to_have_text("Disetujui. Ruang menerima jadwalnya.")
            await page.goto("/jadwal?hari=2026-11-09")
            await page.get_by_role("link", name="Bimtek SP4N").click()
            await expect(page.locator("dd", has_text="Yoga Pratama")).to_be_visible()


async def test_a_rooms_card_changes_on_an_open_wall_when_the_room_speaks(browser: Browser, office: Office) -> None:
    busy(office)
    async with (
        served(office) as url,
        visiting(browser, url, {"sid": office.token("teknisi")}) as visit,
    ):
        await visit.page.goto("/dinding?tv=1")
        await expect(visit.page.locator("body")).to_have_attribute("data-link", "live")
        card = visit.page.locator("#card-praja-2")
        await expect(card).to_have_attribute("data-state", "ready")
        heard(office, "praja-2", Readiness.NOT_READY)
        await expect(card).to_have_attribute("data-state", "fault")
        await expect(card.locator(".pill")).to_have_text("Belum siap")
        assert visit.complaints == []


@pytest.mark.parametrize("language", ["id", "en"])
@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_every_page_is_clean(browser: Browser, office: Office, theme: str, language: str) -> None:
    session, waiting = busy(office)
    office.request("Menunggu disposisi")
    office.approved(office.request("Rapat biasa"))
    led = office.forwarded(office.request("Rakor Gubernur", leader=Leader.GOVERNOR)).id
    proposal = office.services.displacing.propose(led, office.person("bidang")).id
    office.later(timedelta(minutes=25))
    pages = {
        "bidang": ["/kotak-masuk", f"/kotak-masuk/{waiting}", "/dinding", "/dinding?tv=1", "/jadwal", "/ruang"],
        "teknisi": ["/waktu"],
        "kadis": [
            f"/penggeseran/{proposal}",
            "/pendelegasian",
            "/kotak-masuk",
            f"/sesi/{session}",
            "/laporan",
            "/akun",
        ],
        "pemohon": ["/permohonan", "/permohonan/baru", f"/permohonan/{waiting}", "/kotak-masuk"],
        "auditor": ["/audit"],
        "admin": ["/pengguna", f"/pengguna/{office.person('bidang').id}", "/kalender"],
        "": ["/login"],
    }
    pages["bidang"] += [
        f"/kotak-masuk/{led}",
        "/jadwal/terlayani?hari=2026-11-09",
        "/penggeseran",
        "/pesan",
        "/kelola",
        "/kelola/equipment?ubah=laptop",
        "/kelola/leave",
    ]
    office.services.drafts.save({"title": "Rapat nanti"}, office.person("pemohon"))
    chosen = {"siaga_tema": theme, "siaga_language": language}
    async with served(office) as url:
        for login, paths in pages.items():
            cookies = chosen | ({"sid": office.token(login)} if login else {})
            async with visiting(browser, url, cookies) as visit:
                for path in paths:
                    await look_at(visit.page, path)
                allowed = [text for text in visit.complaints if "403" not in text]
                assert allowed == []


@pytest.mark.parametrize(("theme", "language"), [("light", "id"), ("dark", "en")])
async def test_the_pages_of_one_room_and_of_the_stop_are_clean(
    browser: Browser, office: Office, theme: str, language: str
) -> None:
    busy(office)
    cookies = {"siaga_tema": theme, "siaga_language": language, "sid": office.token("teknisi")}
    async with served(office) as url, visiting(browser, url, cookies) as visit:
        for path in ("/ruang/praja-1", "/ruang/praja-1/perintah?jenis=prepare", "/darurat"):
            await look_at(visit.page, path)
        assert visit.complaints == []


async def look_at(page: Page, path: str) -> None:
    await page.goto(path)
    found = await Axe().run(page)
    told = [(v["id"], [n["html"][:160] for n in v["nodes"][:3]]) for v in found.response["violations"]]
    assert told == [], path
    assert await page.evaluate(SMALL_TARGETS) == [], path
    for width, height in ((1280, 800), (1920, 1080)):
        await page.set_viewport_size({"width": width, "height": height})
        assert not await page.evaluate(OVERFLOW), (path, width)
