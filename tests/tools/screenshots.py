"""The pictures of the README, taken from a demo that runs: `make screenshots`.

python -m tests.tools.screenshots FOLDER
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from playwright.async_api import Browser, Page, ViewportSize, async_playwright

from siaga.demo.example import fill
from siaga.demo.files import REAL, ROOMS
from siaga.demo.office import Office
from siaga.demo.processes import Children
from siaga.demo.site import Site, made

CHROMIUM = "/usr/bin/chromium"
FLAGS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync")
SIZE: ViewportSize = {"width": 1280, "height": 800}
PREPARED_WITHIN_MS = 90_000
ANSWERED_WITHIN_MS = 30_000
SHOWN = {"Mulai sesi": "Mulai", "Meja pimpinan": "Meja pimpinan"}
"""Which preset is done after a button was pressed."""


async def take(folder: Path) -> None:
    """Run the demo, wait until the first room is ready, and take the pictures."""
    with made(None) as data, made(folder) as out:
        async with Children(data / "logs") as children:
            site = Site(data, children, REAL, 0)
            await site.start_central(3)
            for room in ROOMS[:3]:
                await site.start_room(room)
            async with Office(site.url, site.password) as office:
                await fill(office, ROOMS[:3])
            async with async_playwright() as playwright:
                browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
                await _tablet(browser, site.rooms[ROOMS[0]].tablet, out)
                await _central(browser, site, out)
                await browser.close()


async def _page(browser: Browser, scheme: str) -> Page:
    context = await browser.new_context(viewport=SIZE, color_scheme="dark" if scheme == "dark" else "light")
    return await context.new_page()


async def _tablet(browser: Browser, url: str, out: Path) -> None:
    page = await _page(browser, "dark")
    await page.goto(url)
    await page.locator("[data-run=done]").filter(has_text="Siap").wait_for(timeout=PREPARED_WITHIN_MS)
    for name in ("Mulai sesi", "Meja pimpinan"):
        await page.get_by_role("button", name=name).click()
        await page.locator("[data-run=done]").filter(has_text=SHOWN[name]).wait_for(timeout=ANSWERED_WITHIN_MS)
    await page.screenshot(path=out / "tablet.png")


async def _central(browser: Browser, site: Site, out: Path) -> None:
    page = await _page(browser, "light")
    await page.goto(f"{site.url}/login")
    await page.fill("input[name=username]", "bidang")
    await page.fill("input[name=password]", site.password)
    await page.locator("form[action='/login'] button").click()
    await page.goto(f"{site.url}/kotak-masuk")
    await page.screenshot(path=out / "verification.png")
    await page.goto(f"{site.url}/dinding?tv=1")
    await page.wait_for_timeout(3_000)
    await page.screenshot(path=out / "wall.png")


if __name__ == "__main__":
    asyncio.run(take(Path(sys.argv[1])))
