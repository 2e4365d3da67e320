"""The tablet in a real browser: what a technician sees and what a finger does."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Locator, Page, WebSocketRoute, async_playwright, expect

from agent.tone import Answer, HeldBaseline, Stage, Task, Tone
from agent.web.face import Phase, PresetRun, QuestionView, RunState, SoundAlarmView
from drivers.outcomes import Measure, Reason, Verdict
from drivers.ports import Baseline
from tests.service.tablet.room import FakeRoom, served
from tests.until import until

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
TOUCH_PX = 60


@dataclass
class Tablet:
    """An open tablet page, the room behind it, and what it complained about."""

    page: Page
    room: FakeRoom
    port: int
    complaints: list[str] = field(default_factory=list)
    asked_for: list[str] = field(default_factory=list)

    async def live(self) -> None:
        await expect(self.page.locator("body")).to_have_attribute("data-link", "live", timeout=8000)

    async def hold(self, target: str) -> Locator:
        """Put the mouse down on `target` and wait until the camera is told."""
        button = self.page.locator(target)
        before = len(self.room.driven)
        await button.hover()
        await self.page.mouse.down()
        await until(lambda: len(self.room.driven) > before)
        return button


@asynccontextmanager
async def opened(
    browser: Browser, room: FakeRoom, port: int, width: int = 1280, height: int = 800
) -> AsyncIterator[Tablet]:
    context = await browser.new_context(viewport={"width": 1280, "height": 800})
    page = await context.new_page()
    tablet = Tablet(page, room, port)
    page.on("console", lambda message: tablet.complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: tablet.complaints.append(str(error)))
    page.on("request", lambda request: tablet.asked_for.append(request.url))
    await page.goto(f"http://127.0.0.1:{port}/")
    await tablet.live()
    yield tablet
    await context.close()


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        yield chromium
        await chromium.close()


@pytest.fixture
async def tablet(browser: Browser) -> AsyncIterator[Tablet]:
    room = FakeRoom()
    async with served(room) as port, opened(browser, room, port) as tablet:
        yield tablet


async def test_the_page_loads_clean_and_asks_nobody_else(tablet: Tablet) -> None:
    await expect(tablet.page.locator("#head .pill")).to_have_text("Terbatas")
    await expect(tablet.page.locator(".port [data-meter=microphone] i")).to_have_attribute("style", re.compile("inset"))
    assert {urlsplit(url).netloc for url in tablet.asked_for} == {f"127.0.0.1:{tablet.port}"}
    assert tablet.complaints == []


async def test_a_preset_is_selected_only_when_the_room_says_so(tablet: Tablet) -> None:
    button = tablet.page.locator("[data-do=run]", has_text="Mulai")
    await button.click()
    await until(lambda: tablet.room.asked == [("run", "mulai")])
    await expect(button).to_have_attribute("aria-pressed", "false")
    tablet.room.ran("mulai", PresetRun(RunState.RUNNING, 1, 3))
    await expect(button).to_contain_text("Berjalan")
    await expect(button).to_have_attribute("aria-pressed", "false")
    tablet.room.ran("mulai", PresetRun(RunState.DONE, 3, 3, at=datetime.now(UTC)))
    await expect(button).to_have_attribute("aria-pressed", "true")
    tablet.room.ran("mulai", PresetRun(RunState.FAILED, 2, 3, Reason("camera.no_answer", "no answer")))
    await expect(button).to_have_attribute("data-run", "failed")
    await expect(tablet.page.locator("#readiness")).to_contain_text("Kamera tidak menjawab")
    assert tablet.complaints == []


async def test_a_refusal_is_said_in_words(tablet: Tablet) -> None:
    tablet.room.refusal = Reason("preset.busy", "busy")
    await tablet.page.locator("[data-do=run]", has_text="Mulai").click()
    await expect(tablet.page.locator("#toast")).to_have_text("Tombol lain masih berjalan")


async def test_a_session_starts_with_a_press_and_ends_only_with_a_hold(tablet: Tablet) -> None:
    page, room = tablet.page, tablet.room
    await page.locator("[data-do=start]").click()
    await expect(page.locator("#head .pill")).to_have_text("Berlangsung")
    end = page.locator("#end-session")
    await end.click()
    await page.locator("[data-do=extend]").click()
    await until(lambda: bool(room.asked) and room.asked[-1][0] == "extend")
    assert "end" not in [what for what, _ in room.asked]  # a tap is not enough
    await end.hover()
    await page.mouse.down()
    await until(lambda: bool(room.asked) and room.asked[-1][0] == "end")
    await page.mouse.up()
    await expect(page.locator("#session")).to_contain_text("Selesai: 2 insiden")


async def test_a_running_preset_can_be_cancelled_at_once(tablet: Tablet) -> None:
    page, room = tablet.page, tablet.room
    room.ran("mulai", PresetRun(RunState.RUNNING, 1, 4))
    await expect(page.locator("#running")).to_contain_text("langkah 2 dari 4")
    await page.locator("#cancel-run").click()
    await until(lambda: room.asked == [("cancel", "mulai")])
    room.ran("mulai", PresetRun(RunState.FAILED, 4, 4, Reason("run.cancelled", "cancelled")))
    await expect(page.locator("#cancel-run")).to_have_count(0)
    assert tablet.complaints == []


async def test_a_late_step_asks_and_the_answer_goes_to_the_room(tablet: Tablet) -> None:
    page, room = tablet.page, tablet.room
    until_then = datetime.now(UTC) + timedelta(seconds=60)
    question = QuestionView("run-1", "2", "siap", "sound", "mute", {"port": "speaker", "on": True}, until_then)
    room.become(replace(room.now, questions=(question,)))
    await expect(page.locator("#running")).to_contain_text("bisu: hidup (Pengeras)")
    await page.locator("#decide-no").click()
    await until(lambda: room.asked == [("decide", ("run-1", "2", False))])


async def test_what_a_preset_would_do_is_shown_and_it_is_run_with_values(tablet: Tablet) -> None:
    page, room = tablet.page, tablet.room
    await page.locator("#open-foresight").click()
    podium = page.locator("#foreseen-podium")
    await podium.locator("summary").click()
    await expect(podium).to_contain_text("biasanya 17 dtk, paling lama 60 dtk")
    await expect(podium).to_contain_text("akan gagal: tidak menjawab")
    await podium.locator("input[name=posisi]").fill("7")
    await podium.get_by_role("button").click()
    await until(lambda: room.asked == [("run", ("podium", {"posisi": 7}))])
    await expect(page.locator("#foresight-sheet")).not_to_be_visible()


async def test_an_extension_that_costs_the_next_session_is_confirmed_first(tablet: Tablet) -> None:
    page, room = tablet.page, tablet.room
    await page.locator("[data-do=start]").click()
    room.refusal = Reason("session.next_prepares", "10 minutes", {"title": "Evaluasi SPBE", "minutes": 10})
    await page.locator("[data-do=extend]").click()
    costs = page.locator("#costs")
    await expect(costs).to_contain_text("memotong 10 menit persiapan sesi berikutnya: Evaluasi SPBE")
    room.refusal = None
    await costs.get_by_role("button").click()
    await until(lambda: room.asked[-1] == ("extend", (timedelta(minutes=15), True)))


async def slide_off(tablet: Tablet) -> None:
    await tablet.page.mouse.move(5, 5)


async def lift(tablet: Tablet) -> None:
    await tablet.page.mouse.up()


async def leave_window(tablet: Tablet) -> None:
    await tablet.page.evaluate("dispatchEvent(new Event('blur'))")


async def hide(tablet: Tablet) -> None:
    await tablet.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


async def cancel(tablet: Tablet) -> None:
    await tablet.page.evaluate(
        """() => { const held = document.querySelector("[data-holding]");
        for (let id = 0; id < 9; id++) held?.dispatchEvent(new PointerEvent("pointercancel", {pointerId: id})); }"""
    )


async def kill_page(tablet: Tablet) -> None:
    await tablet.page.close()


async def leave_page(tablet: Tablet) -> None:
    await tablet.page.goto("about:blank")


async def reload(tablet: Tablet) -> None:
    await tablet.page.reload()


@pytest.mark.parametrize("ending", [lift, slide_off, leave_window, hide, cancel, leave_page, reload, kill_page])
async def test_every_way_a_hold_can_end_stops_the_camera(
    tablet: Tablet, ending: Callable[[Tablet], Awaitable[None]]
) -> None:
    await tablet.hold("[data-drive='1,0,0']")
    assert tablet.room.driven[0] == ("camera-1", 0.5, 0.0, 0.0)
    assert tablet.room.stopped == []
    await ending(tablet)
    await until(lambda: tablet.room.stopped == ["camera-1"])


async def test_a_hold_is_repeated_and_goes_to_the_chosen_camera_at_the_chosen_speed(tablet: Tablet) -> None:
    await tablet.page.locator("[data-camera=camera-2]").click()
    await tablet.page.locator("[data-fine]").click()
    await tablet.hold("[data-drive='0,0,-1']")
    await until(lambda: len(tablet.room.driven) >= 3)
    assert set(tablet.room.driven) == {("camera-2", 0.0, 0.0, -0.15)}
    await tablet.page.mouse.up()
    await until(lambda: tablet.room.stopped == ["camera-2"])


async def test_another_tablet_is_told_and_takes_over_only_when_it_says_so(browser: Browser, tablet: Tablet) -> None:
    await tablet.hold("[data-drive='1,0,0']")
    async with opened(browser, tablet.room, tablet.port) as second:
        button = second.page.locator("[data-drive='-1,0,0']")
        await button.hover()
        await second.page.mouse.down()
        note = second.page.locator("#taken")
        await expect(note).to_contain_text("tablet 127.0.0.1 #1")
        await expect(button).not_to_have_attribute("data-holding", "")
        await second.page.mouse.up()
        assert tablet.room.stopped == []
        assert await violations(second.page) == []
        await note.locator("[data-take]").click()
        await until(lambda: tablet.room.stopped == ["camera-1"])
        await expect(note).to_be_hidden()
        await until(lambda: tablet.room.driven[-1] == ("camera-1", 0.0, 0.0, 0.0))
        await button.hover()
        await second.page.mouse.down()
        await until(lambda: tablet.room.driven[-1] == ("camera-1", -0.5, 0.0, 0.0))
        assert tablet.room.stopped == ["camera-1"]
        assert second.complaints == []


async def test_the_space_bar_holds_too(tablet: Tablet) -> None:
    await tablet.page.locator("[data-drive='0,1,0']").focus()
    await tablet.page.keyboard.down(" ")
    await until(lambda: bool(tablet.room.driven))
    await tablet.page.keyboard.up(" ")
    await until(lambda: tablet.room.stopped == ["camera-1"])


async def test_a_dead_agent_shows_and_a_new_one_is_taken_up_without_reload(browser: Browser) -> None:
    room = FakeRoom()
    async with AsyncExitStack() as stack:
        first = AsyncExitStack()
        port = await first.enter_async_context(served(room))
        tablet = await stack.enter_async_context(opened(browser, room, port))
        await tablet.page.evaluate("window.sameDocument = true")
        await first.aclose()
        await expect(tablet.page.locator("body")).to_have_attribute("data-link", "stale", timeout=5000)
        await expect(tablet.page.locator(".lost")).to_be_visible()
        assert await tablet.page.locator(".work").evaluate("node => node.inert")
        # a page must never navigate while nobody answers: the browser's error page does not come back
        assert await tablet.page.evaluate("[...document.forms].every(form => form.closest('[inert], dialog'))")
        room.become(replace(room.now, phase=Phase.LIVE))
        await stack.enter_async_context(served(room, port))
        await tablet.live()
        await expect(tablet.page.locator("#head .pill")).to_have_text("Berlangsung")
        assert not await tablet.page.locator(".work").evaluate("node => node.inert")
        assert await tablet.page.evaluate("window.sameDocument")


async def test_a_link_that_only_falls_silent_is_lost_too(tablet: Tablet) -> None:
    links: list[WebSocketRoute] = []
    dead: list[WebSocketRoute] = []

    def relay(route: WebSocketRoute) -> None:
        links.append(route)
        route.connect_to_server().on_message(lambda message: None if route in dead else route.send(message))

    await tablet.page.route_web_socket("**/live", relay)
    await tablet.page.reload()
    await tablet.live()
    await tablet.hold("[data-drive='1,0,0']")
    dead += links
    await until(lambda: tablet.room.stopped == ["camera-1"])
    await until(lambda: len(links) > 1)
    await tablet.live()


async def test_ticks_notes_and_mutes_reach_the_room(tablet: Tablet) -> None:
    page, room = tablet.page, tablet.room
    await page.locator("#readiness [data-do=tick]").click()
    await expect(page.locator("#readiness [data-do=tick]")).to_have_count(0)
    await page.locator("#mute-microphone").click()
    await expect(page.locator("#mute-microphone")).to_contain_text("DIAM")
    await page.locator("[data-open=note]").click()
    await page.locator("#note-name").fill("Rina")
    await page.locator("#note-text").fill("lampu padam")
    await page.locator("#note .primary").click()
    await expect(page.locator("#note")).to_be_hidden()
    assert room.asked == [("tick", ("papan-nama", True)), ("mute", ("microphone", True)), ("note", "Rina: lampu padam")]


async def test_the_list_of_a_session_that_is_over_is_completed_beside_that_of_the_next(tablet: Tablet) -> None:
    page, room = tablet.page, tablet.room
    now = datetime.now(UTC)
    assert room.now.session
    begun, ended = now - timedelta(hours=2), now - timedelta(hours=1)
    over = replace(room.now.session, id="s-0", title="Rapat Pagi", start=begun, ended_at=ended)
    room.become(replace(room.now, notable=(room.now.session, over)))
    await page.locator("#open-checks").click()
    finished = page.locator("#checks-sheet [data-finished=s-0]")
    await expect(finished).to_contain_text("Rapat Pagi")
    await finished.locator("[data-do=tick]").click()
    await expect(finished.locator("[data-do=tick]")).to_have_attribute("aria-checked", "true")
    await expect(page.locator("#tick-s-1-papan-nama")).to_have_attribute("aria-checked", "false")
    assert room.asked == [("tick", ("papan-nama", True))]
    assert tablet.complaints == []


async def test_one_touch_mutes_everything_also_over_a_sheet_and_opening_takes_a_hold(tablet: Tablet) -> None:
    page, room = tablet.page, tablet.room
    await page.locator("#open-checks").click()
    await page.locator("#checks-sheet .mute-all").click()
    await until(lambda: room.asked == [("mute-all", None)])
    await page.locator("#checks-sheet [data-close]").click()
    await expect(page.locator(".top .mute-all")).to_contain_text("SEMUA DIAM")
    port = page.locator("#mute-microphone")
    await port.click()
    assert room.asked == [("mute-all", None)]  # a tap opens nothing
    await port.hover()
    await page.mouse.down()
    await until(lambda: room.asked[-1] == ("mute", ("microphone", False)))
    await page.mouse.up()
    assert tablet.complaints == []


async def test_that_not_everything_was_muted_is_said_loudly(tablet: Tablet) -> None:
    room = tablet.room
    failed = PresetRun(RunState.FAILED, 1, 1, Reason("sound.worker_lost", "x"), datetime.now(UTC))
    room.become(replace(room.now, silencing=failed))
    await expect(tablet.page.locator(".top .mute-all")).to_contain_text("Belum diam")
    await expect(tablet.page.locator(".top .mute-all")).to_have_attribute("data-silence", "failed")


async def test_feedback_is_told_with_a_step_down_that_a_person_presses(tablet: Tablet) -> None:
    page, room = tablet.page, tablet.room
    howl = SoundAlarmView("howl", "sound", Reason("sound.alarm_howl", "x"), datetime.now(UTC), critical=True)
    room.become(replace(room.now, alarms=(howl,)))
    await expect(page.locator(".sound-alarm")).to_contain_text("Denging")
    assert room.asked == []
    assert await violations(page) == []
    assert await page.evaluate(SMALL_TARGETS, TOUCH_PX) == []
    await page.locator("#softer").click()
    await until(lambda: room.asked == [("gain", ("microphone", -9.0))])
    room.become(replace(room.now, alarms=()))
    await expect(page.locator(".sound-alarm")).to_have_count(0)


async def test_an_alarm_of_the_sound_moves_no_button_and_the_gravest_stands_first(tablet: Tablet) -> None:
    page, room = tablet.page, tablet.room
    places = (
        "() => [...document.querySelectorAll('.work .button:not(#softer)')].map(b => b.getBoundingClientRect().top)"
    )
    await expect(page.locator(".sound-alarms")).to_contain_text("Tidak ada alarm suara")
    before = await page.evaluate(places)
    light = SoundAlarmView("clipping", "sound", Reason("sound.alarm_clipping", "x"), datetime.now(UTC), critical=False)
    grave = replace(light, alarm="howl", reason=Reason("sound.alarm_howl", "x"), critical=True)
    for alarms in ((light,), (light, grave)):
        room.become(replace(room.now, alarms=alarms))
        await expect(page.locator(".sound-alarm")).to_have_count(len(alarms))
        assert await page.evaluate(places) == before
    await expect(page.locator(".sound-alarm").first).to_contain_text("Denging")
    await expect(page.locator(".sound-alarm").first).to_contain_text("1 lagi")


COVERED = """(bar) => [...document.querySelectorAll(`${bar} > header > .button, ${bar} > .button`)].filter((button) => {
  const box = button.getBoundingClientRect();
  return !button.contains(document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2));
}).map((button) => button.textContent)"""


@pytest.mark.parametrize(("opener", "sheet"), [(".open-checks", "checks-sheet"), ("[data-open=note]", "note")])
async def test_a_tone_is_announced_over_an_open_sheet_too_and_covers_no_button(
    tablet: Tablet, opener: str, sheet: str
) -> None:
    page, room = tablet.page, tablet.room
    await page.locator(opener).first.click()
    announced = page.locator(f"#{sheet} .announced")
    await expect(announced).to_be_hidden()
    room.become(replace(room.now, announced=True))
    await expect(announced).to_contain_text("Nada uji berbunyi")
    await expect(announced).to_be_visible()
    assert await page.evaluate(COVERED, f"#{sheet}") == []
    assert await violations(page) == []
    assert await page.evaluate(SMALL_TARGETS, TOUCH_PX) == []
    await announced.get_by_role("button").click()
    await until(lambda: room.asked == [("tone-cancel", None)])
    await page.locator(f"#{sheet} [data-close]").click()
    await expect(page.locator("body > .announced")).to_be_visible()
    assert await page.evaluate(COVERED, ".top") == []


def baseline(gain_db: float) -> Baseline:
    return Baseline("spk", "mic", 0.0, 0.0, gain_db, 34.2, -61.5, 1, tuple(gain_db + band for band in range(6)), 0.98)


async def test_a_calibration_goes_step_by_step_and_a_person_has_the_last_word(tablet: Tablet) -> None:
    page, room = tablet.page, tablet.room
    await page.locator(".more").click()
    sheet = page.locator("#sound-sheet")
    await expect(sheet).to_contain_text("Selama itu tidak ada yang berbicara")
    await sheet.locator("#tone-calibrate").click()
    await until(lambda: room.asked == [("tone", Task.CALIBRATION)])
    now = datetime.now(UTC)
    tone = Tone(Task.CALIBRATION, Stage.ANNOUNCED, "tablet", now)
    room.become(replace(room.now, tone=tone, announced=True))
    await expect(sheet.locator("#soundcheck")).to_contain_text("Sebentar lagi nada berbunyi")
    await expect(sheet.locator(".announced")).to_be_visible()
    await sheet.locator("#tone-cancel").click()
    await until(lambda: room.asked[-1] == ("tone-cancel", None))
    former = HeldBaseline(baseline(-14.0), now, "tablet 10.0.0.4")
    asking = replace(tone, stage=Stage.ASKING, measured=baseline(-12.5), former=former)
    room.become(replace(room.now, tone=asking, announced=False))
    await expect(sheet).to_contain_text("Apakah Anda mendengar tiga nada")
    await expect(sheet.locator("tr", has_text="Kekerasan di ruang")).to_contain_text("12.5 dB\u221214.0 dB")
    assert await violations(page) == []
    assert await page.evaluate(SMALL_TARGETS, TOUCH_PX) == []
    await sheet.locator("#heard-unsure").click()
    await until(lambda: room.asked[-1] == ("tone-heard", Answer.UNSURE))
    room.become(
        replace(room.now, tone=replace(asking, stage=Stage.NOT_HEARD, reason=Reason("sound.person_unsure", "x")))
    )
    await expect(sheet).to_contain_text("Tidak ada yang diubah")
    await expect(sheet).to_contain_text("Belum pasti terdengar")
    assert tablet.complaints == []


async def test_what_is_heard_is_drawn_with_its_faults_in_words_and_its_last_minutes(tablet: Tablet) -> None:
    page, room = tablet.page, tablet.room
    await page.locator(".more").click()
    await expect(page.locator("[data-flag=hum]")).to_be_hidden()
    room.flags = {"hum"}
    await expect(page.locator("[data-flag=hum]")).to_be_visible()
    await expect(page.locator("[data-flag=clipping]")).to_be_hidden()
    drawn = """() => { const c = document.querySelector("[data-graph]");
        const column = (x) => [...c.getContext("2d").getImageData(x, 0, 1, c.height).data];
        const used = (x) => column(x).some((v, i) => i % 4 == 3 && v == 255);
        const blank = [...Array(c.width).keys()].filter(x => !used(x)).length; return [blank, c.width]; }"""
    await page.wait_for_function(f"({drawn})()[0] < 800")
    assert tablet.complaints == []


async def test_a_gain_is_a_place_to_go_to_and_not_a_push(tablet: Tablet) -> None:
    await tablet.page.locator(".more").click()
    await tablet.page.locator("#gain-microphone-3").click()
    await until(lambda: tablet.room.asked == [("gain", ("microphone", 0.0))])
    await expect(tablet.page.locator("#gain-microphone-3")).to_have_attribute("data-args", re.compile("3.0"))


async def test_the_three_answers_of_a_check_are_three_on_the_page(tablet: Tablet) -> None:
    page, room = tablet.page, tablet.room
    measures = tuple(
        Measure(name, None, verdict, reason=None if verdict is Verdict.PASS else Reason("sound.faint", "x", {}))
        for name, verdict in (
            ("loop.gain", Verdict.PASS),
            ("loop.heard", Verdict.FAIL),
            ("loop.polarity", Verdict.UNPROVEN),
        )
    )
    room.become(replace(room.now, checked=Tone(Task.CHECK, Stage.DONE, "tablet", datetime.now(UTC), measures=measures)))
    await page.locator(".more").click()
    table = page.locator("#soundcheck [aria-label=Temuan]")
    for name, state in (("Kekerasan", "ready"), ("Pengeras terdengar", "fault"), ("Polaritas", "unconfirmed")):
        await expect(table.locator("tr", has_text=name).locator(".pill")).to_have_attribute("data-state", state)
    assert await violations(page) == []


async def test_readiness_opens_the_full_list_with_values_and_limits(tablet: Tablet) -> None:
    await tablet.page.locator("#open-checks").click()
    sheet = tablet.page.locator("#checks-sheet")
    await expect(sheet).to_contain_text("380 ms")
    await expect(sheet).to_contain_text("≤ 200 ms")
    await sheet.locator("#recheck").click()
    await until(lambda: bool(tablet.room.asked) and tablet.room.asked[0][0] == "recheck")
    assert await violations(tablet.page) == []


async def test_central_away_is_only_a_hint(tablet: Tablet) -> None:
    tablet.room.become(replace(tablet.room.now, central_online=False))
    await expect(tablet.page.locator(".central-away")).to_contain_text("Pusat luring")
    await expect(tablet.page.locator("body")).to_have_attribute("data-link", "live")


async def violations(page: Page) -> list[str]:
    found = (await Axe().run(page)).response["violations"]
    return [f"{rule['id']}: {[node['target'] for node in rule['nodes']]}" for rule in found]


SMALL_TARGETS = """least => [...document.querySelectorAll("button, a[href], input, select")]
    .filter(node => node.checkVisibility())
    .map(node => [node.outerHTML.slice(0, 80), node.getBoundingClientRect()])
    .filter(([_, box]) => box.width < least || box.height < least).map(([html]) => html)"""

CUT_OFF = """() => {
    const seen = (names) => [...document.querySelectorAll(names)].filter(node => node.checkVisibility());
    const outside = seen(".top > *, .panel > *").filter(node => {
        const box = node.getBoundingClientRect();
        return box.right > innerWidth + 1 || box.bottom > innerHeight + 1;
    });
    const over = seen("html, .pad, .cameras, .work, .sound").filter(node => node.scrollWidth > node.clientWidth + 1);
    return [...outside, ...over].map(node => node.className || node.tagName);
}"""


async def test_a_list_of_presets_that_is_cut_off_says_that_it_goes_on(browser: Browser) -> None:
    room = FakeRoom()
    many = tuple(replace(room.facts.presets[0], name=f"tombol-{number}") for number in range(12))
    room.facts = replace(room.facts, presets=many)
    async with served(room) as port, opened(browser, room, port) as tablet:
        page, arrow = tablet.page, tablet.page.locator(".more-below")
        await page.set_viewport_size({"width": 1024, "height": 600})
        await expect(arrow).to_be_visible()
        last = page.locator(".preset").last
        await last.scroll_into_view_if_needed()
        await expect(arrow).to_be_hidden()
        await page.locator(".preset").first.scroll_into_view_if_needed()
        await expect(arrow).to_be_visible()
        box = await arrow.bounding_box()
        assert box is not None
        await page.mouse.click(box["x"] - 60, box["y"] + box["height"] / 2)  # what lies beside and under it is pressed
        await until(lambda: [what for what, _ in room.asked] == ["run"])
        assert tablet.complaints == []


@pytest.mark.parametrize("language", ["id", "en"])
async def test_everything_is_large_in_place_and_accessible(browser: Browser, language: str) -> None:
    room = FakeRoom()
    async with served(room) as port, opened(browser, room, port) as tablet:
        page = tablet.page
        if language == "en":
            await page.locator("form[action='/language/en'] button").click()
            await tablet.live()
        for phase in (Phase.PREPARED, Phase.LIVE, Phase.ENDED):
            room.become(replace(room.now, phase=phase))
            await expect(page.locator("#end-session")).to_have_count(1 if phase is Phase.LIVE else 0)
            assert await page.evaluate(SMALL_TARGETS, TOUCH_PX) == []
        for width, height in ((1280, 800), (1024, 600)):
            await page.set_viewport_size({"width": width, "height": height})
            assert await page.evaluate(CUT_OFF) == [], (width, height)
            assert await page.evaluate(SMALL_TARGETS, TOUCH_PX) == []
        assert await violations(page) == []
        await page.locator("form[action='/theme/light'] button").click()
        await tablet.live()
        assert await violations(page) == []
        assert tablet.complaints == []
