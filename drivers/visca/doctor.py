"""Finds out what an unknown camera is like, without moving it unless asked to.

Each probe ends in findings: what was seen, whether it is by the book, and what it means for
whoever controls the camera. What the camera cannot be asked, for example in standby, is said
too and never guessed. `examine` makes a report; the profile that comes out of it is written
by `drivers.visca.profiles`.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from statistics import median

from drivers.address import DeviceAddress
from drivers.errors import DeviceUnreachable
from drivers.outcomes import Scalar, Verdict
from drivers.visca import table
from drivers.visca.codec import Ack, BadSequence, Completion, ErrorCode, Kind, from_nibbles
from drivers.visca.exchange import Exchange, Heard
from drivers.visca.line import Framing, Line
from drivers.visca.lines.udp import UdpLine
from drivers.visca.neighbours import answering
from drivers.visca.profiles import MODELS, VENDORS
from drivers.visca.reading import said
from drivers.visca.row import Row
from drivers.visca.stub import stub, suggested
from drivers.visca.table import Version
from drivers.visca.trace import Trace
from drivers.visca.trial import Trial

TRIES = 3
"""A question that a network may have lost is asked so often."""
ROUND_TRIPS = 20
SLOW_S = 0.2
WALK_WITHIN_S = 20.0
"""For all inquiries of the table; what is left then was not asked."""
WALK_ANSWER_S = 0.3
COMMAND_WITHIN_S = 1.0
V_PERIODS = {"60 Hz": 1 / 60, "50 Hz": 1 / 50, "30 Hz": 1 / 30, "25 Hz": 1 / 25}
BLOCKS = 6
BLOCK_BYTES = 13


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found out."""

    name: str
    value: Scalar
    verdict: Verdict
    meaning: str


@dataclass(slots=True)
class Report:
    """What was found out about one camera."""

    address: str
    findings: list[Finding] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    """Inquiries of the table that it does not answer."""

    def add(self, name: str, value: Scalar, verdict: Verdict, meaning: str) -> None:
        """Add one finding."""
        self.findings.append(Finding(name, value, verdict, meaning))

    def value(self, name: str) -> Scalar:
        """Return what was found under `name`, or none."""
        return next((finding.value for finding in self.findings if finding.name == name), None)

    @property
    def values(self) -> dict[str, Scalar]:
        """All that was found, by name."""
        return {finding.name: finding.value for finding in self.findings}

    @property
    def answers(self) -> bool:
        """Whether the camera could be examined at all."""
        return all(finding.verdict is not Verdict.FAIL for finding in self.findings)

    def lines(self) -> list[str]:
        """Return one line a finding, for people."""
        width = max((len(finding.name) for finding in self.findings), default=0)
        return [
            f"{one.verdict:<8}  {one.name:<{width}}  {'-' if one.value is None else one.value}: {one.meaning}"
            for one in self.findings
        ]

    def as_json(self) -> dict[str, object]:
        """Return it as one JSON document."""
        findings = [
            {"name": one.name, "value": one.value, "verdict": str(one.verdict), "meaning": one.meaning}
            for one in self.findings
        ]
        return {"address": self.address, "answers": self.answers, "findings": findings}

    def stub(self) -> str:
        """Return a profile file for this camera, to be gone over by a person.

        Raises:
            ValueError: what was found contradicts itself.
        """
        return stub(self.values, tuple(self.refused))


async def examine(
    line: Line, address: DeviceAddress, trace: Trace, *, move: bool = False, tell: Callable[[str], None] | None = None
) -> Report:
    """Probe the camera at the other end of `line`; `tell` hears the name of each probe as it begins.

    With `move` it pans, tilts and zooms a little and goes back. However this ends, a camera
    that was moved gets a STOP.
    """
    report = Report(str(address))
    exchange = Exchange(line, trace)
    try:
        try:
            await exchange.open()
        except DeviceUnreachable as error:
            report.add("link", "none", Verdict.FAIL, error.reason.detail)
        else:
            await _Examination(exchange, report, tell or (lambda _: None)).run(move=move)
    except DeviceUnreachable as error:
        report.add("link", "broken", Verdict.FAIL, error.reason.detail)
    finally:
        await exchange.close()
    if report.value("link") in {"none", "silent"}:
        await _neighbours(report, address)
    return report


async def _neighbours(report: Report, address: DeviceAddress) -> None:
    """Say what else answers at that address."""
    found = await answering(address)
    if found:
        report.add("answers_on", " ".join(found), Verdict.WARN, f"it answers on {found[0]}: use that address")
    else:
        report.add("answers_on", "nothing", Verdict.FAIL, "no other carrier answers there: check address and power")


class _Examination:
    """The probes, in the order that each needs."""

    def __init__(self, exchange: Exchange, report: Report, tell: Callable[[str], None]) -> None:
        self._exchange = exchange
        self._report = report
        self._add = report.add
        self._tell = tell
        self._on = False
        self._patience_s = WALK_ANSWER_S

    async def run(self, *, move: bool) -> None:
        """Run all probes that make sense."""
        if not await self._answers():
            return
        probes: list[tuple[str, Callable[[], Awaitable[None]]]] = [
            ("power", self._power),
            ("round trip", self._round_trip),
            ("position", self._position),
            ("zoom, focus and memory", self._lens),
            ("status", self._status),
            ("blocks", self._blocks),
            ("sequence numbers", self._numbers),
            ("answer port", self._answer_port),
            ("acknowledgement", self._acknowledgement),
            ("all inquiries", self._walk),
        ]
        for name, probe in probes:
            self._tell(name)
            await probe()
        if move:
            self._tell("small moves")
            await self._moves()
        self._profile()

    async def _moves(self) -> None:
        """Move a little, where the camera is on and says where it looks."""
        if self._report.value("power") == "standby" or self._report.value("pan_nibbles") is None:
            self._add("moves", None, Verdict.UNPROVEN, "not tried: in standby, or its position cannot be read")
            return
        for name, value, verdict, meaning in await Trial(self._exchange, self._report.values).run():
            self._add(name, value, verdict, meaning)

    def _profile(self) -> None:
        known = suggested(self._report.values)
        if known is not None:
            self._add("profile", known.name, Verdict.PASS, "the profile that fits what it answered")
        else:
            self._add("profile", "none", Verdict.WARN, "no profile knows it: write one with --stub FILE")

    # Asking.

    async def _ask(self, row: Row, *values: int) -> Heard:
        """Ask an inquiry until something is said, a few times at most."""
        heard = Heard(0)
        for _ in range(TRIES):
            heard = await self._exchange.ask(self._frame(row, *values), kind=row.kind)
            if heard.said and not isinstance(heard.reply, BadSequence):
                break
        return heard

    def _frame(self, row: Row, *values: int) -> bytes:
        return row.encode(*values, address=self._exchange.line.address)

    def _unasked(self, name: str, heard: Heard) -> None:
        """Say why something was not learnt."""
        if not self._on and heard.code == ErrorCode.NOT_EXECUTABLE:
            self._add(name, None, Verdict.UNPROVEN, "cannot be asked in standby: switch it on and ask again")
        elif heard.reply is None:
            self._add(name, "silent", Verdict.WARN, "it does not answer this inquiry")
        else:
            self._add(name, "refused", Verdict.WARN, f"it does not know this inquiry: {said(heard.reply)}")

    # Who.

    async def _answers(self) -> bool:
        self._tell("version")
        heard = await self._ask(table.VERSION_INQ)
        if heard.reply is None:
            lost = self._exchange.lost
            why = lost.detail if lost else f"{self._exchange.line.where}: wanted a version, found no answer"
            self._add("link", "silent", Verdict.FAIL, why)
            return False
        self._add("link", self._exchange.line.where, Verdict.PASS, f"{self._exchange.line.framing.value} framing")
        if heard.content is None or len(heard.content) != table.VERSION_INQ.answer_bytes:
            self._unasked("version", heard)
            return True
        self._version(Version.parse(heard.content))
        return True

    def _version(self, version: Version) -> None:
        self._add("vendor", f"{version.vendor:04X}", Verdict.PASS, VENDORS.get(version.vendor, "a vendor of no list"))
        self._add("model", f"{version.model:04X}", Verdict.PASS, MODELS.get(version.model, "a model of no list"))
        self._add("rom", f"{version.rom:04X}", Verdict.PASS, "its firmware")
        usual = version.sockets == 2
        meaning = "commands that may run at once" if usual else "two are usual; one is kept free for STOP"
        self._add("sockets", version.sockets, Verdict.PASS if usual else Verdict.WARN, meaning)

    async def _power(self) -> None:
        heard = await self._ask(table.POWER_INQ)
        power = heard.content[0] if heard.content else None
        # A camera that does not say is taken for on: what it refuses then is not blamed on standby.
        self._on = power != 3
        if power == 2:
            self._add("power", "on", Verdict.PASS, "everything can be asked")
        elif power == 3:
            self._add("power", "standby", Verdict.WARN, "most cannot be asked: switch it on and ask again")
        elif power is None:
            self._unasked("power", heard)
        else:
            self._add("power", f"{power:02X}", Verdict.WARN, "neither on (02) nor standby (03)")

    # How fast.

    async def _round_trip(self) -> None:
        took_s, lost = [], 0
        for _ in range(ROUND_TRIPS):
            heard = await self._exchange.ask(self._frame(table.POWER_INQ))
            took_s += [heard.after_s] if heard.said else []
            lost += not heard.said
        if not took_s:
            self._add("rtt_ms", None, Verdict.WARN, "the power inquiry is not answered")
            return
        usual_s, worst_s = median(took_s), max(took_s)
        self._patience_s = min(WALK_ANSWER_S, max(0.1, 5 * usual_s))
        verdict = Verdict.PASS if usual_s <= SLOW_S else Verdict.WARN
        self._add("rtt_ms", _ms(usual_s), verdict, f"median of {ROUND_TRIPS}, wanted {SLOW_S * 1000:g} ms at most")
        self._add("rtt_worst_ms", _ms(worst_s), Verdict.PASS, "the slowest of them")
        meaning = "nothing was lost" if not lost else "the network loses messages: look at cable and switch"
        self._add("lost_percent", round(100 * lost / ROUND_TRIPS), Verdict.WARN if lost else Verdict.PASS, meaning)
        self._v_period(usual_s)  # the wire's time passes while the camera waits for its next picture

    def _v_period(self, between_s: float) -> None:
        """Tell the pictures a second from the pace of answers to questions that follow each other at once."""
        near = [name for name, period_s in V_PERIODS.items() if 0.85 * period_s <= between_s <= 1.1 * period_s]
        if near:
            pace = min(near, key=lambda name: abs(V_PERIODS[name] - between_s))
            self._add("v_period_ms", _ms(V_PERIODS[pace]), Verdict.PASS, f"it looks at one message a picture, {pace}")
        else:
            meaning = f"answers come every {_ms(between_s):g} ms, which is no picture rate"
            self._add("v_period_ms", None, Verdict.UNPROVEN, meaning)

    # Where it looks.

    async def _position(self) -> None:
        heard = await self._ask(table.POSITION_INQ)
        widths = {8: (4, 4), 9: (5, 4), 10: (5, 5)}.get(len(heard.content or b""))
        if heard.content is None:
            self._unasked("position", heard)
        elif widths is None:
            found = heard.content.hex(" ").upper()
            self._add("position", found, Verdict.WARN, "wanted 8, 9 or 10 bytes: its positions cannot be read")
        else:
            pan, tilt = heard.content[: widths[0]], heard.content[widths[0] :]
            self._add("pan_nibbles", widths[0], Verdict.PASS, "digits that it writes pan with")
            self._add("tilt_nibbles", widths[1], Verdict.PASS, "digits that it writes tilt with")
            self._add("pan_steps", from_nibbles(pan, signed=True), Verdict.PASS, "where it looks now")
            self._add("tilt_steps", from_nibbles(tilt, signed=True), Verdict.PASS, "where it looks now")

    async def _lens(self) -> None:
        for name, inquiry, meaning in (
            ("zoom_steps", "CAM_ZoomPosInq", "the zoom's place"),
            ("focus_steps", "CAM_FocusPosInq", "the focus's place"),
            ("memory", "CAM_MemoryInq", "the memory that was used last"),
        ):
            heard = await self._ask(table.BY_NAME[inquiry])
            if heard.content is None:
                self._unasked(name, heard)
            else:
                number = heard.content[0] if len(heard.content) == 1 else from_nibbles(heard.content)
                self._add(name, number, Verdict.PASS, f"{meaning}, {len(heard.content)} bytes")

    async def _status(self) -> None:
        heard = await self._ask(table.BY_NAME["Pan-tiltModeInq"])
        if heard.content is None:
            self._unasked("pan_tilt_status", heard)
        else:
            self._add("pan_tilt_status", heard.content.hex(" ").upper(), Verdict.PASS, "tells whether a move has ended")
        heard = await self._ask(table.BY_NAME["Pan-tiltMaxSpeedInq"])
        if heard.content is None or len(heard.content) != 2:
            self._unasked("max_speed", heard)
            return
        pan, tilt = heard.content
        self._add("pan_speed_max", pan, Verdict.PASS, "the fastest pan speed, in its own numbers")
        self._add("tilt_speed_max", tilt, Verdict.PASS, "the fastest tilt speed, in its own numbers")

    async def _blocks(self) -> None:
        known, last = [], Heard(0)
        for block in range(BLOCKS):
            address = self._exchange.line.address
            last = await self._exchange.ask(bytes((0x80 | address, 0x09, 0x7E, 0x7E, block, 0xFF)))
            known += [block] if last.content is not None and len(last.content) == BLOCK_BYTES else []
        if known:
            meaning = "block inquiries that it answers: much in one question"
            self._add("blocks", " ".join(f"{block:02X}" for block in known), Verdict.PASS, meaning)
        else:
            self._unasked("blocks", last)

    # What it does with messages.

    async def _numbers(self) -> None:
        """See what a message under a number that was used before is answered with."""
        if self._exchange.line.framing is not Framing.SONY:
            self._add("numbers", "none", Verdict.PASS, "a bare line: answers are told apart by their order")
            return
        first = again = Heard(0)
        for _ in range(TRIES):
            first = await self._exchange.ask(self._frame(table.POWER_INQ))
            again = await self._exchange.ask(self._frame(table.POWER_INQ), number=first.number)
            if first.said and again.said:
                break
        if self._exchange.lies or (first.said and first.said[0].number != first.number):
            meaning = "it answers under numbers of its own: matched by order, one question at a time"
            self._add("numbers", "lies", Verdict.WARN, meaning)
        elif isinstance(again.reply, BadSequence):
            self._add("numbers", "kept", Verdict.PASS, "a number twice is refused (0F 01): nothing runs twice")
        elif again.content is not None:
            meaning = "a number twice is answered again: a resent command may run twice"
            self._add("numbers", "ignored", Verdict.WARN, meaning)
        else:
            self._add("numbers", "unclear", Verdict.WARN, "a number twice is not answered: nothing can be told from it")

    async def _answer_port(self) -> None:
        """See whether an answer comes to the port that asked."""
        line = self._exchange.line
        if not isinstance(line, UdpLine):
            return
        beside = Exchange(UdpLine(str(line.to[0]), line.peer[1], line.framing, local_port=0), Trace(line.framing))
        try:
            await beside.open(reset=False)
            heard = Heard(0)
            for _ in range(TRIES):
                if not heard.said:
                    heard = await beside.ask(self._frame(table.VERSION_INQ))
        finally:
            await beside.close()
        if heard.said:
            self._add("answer_port", "sender", Verdict.PASS, "it answers to the port that asked")
        else:
            meaning = "it answers to port 52381 alone: one program on this machine can speak to such cameras"
            self._add("answer_port", "52381", Verdict.WARN, meaning)

    async def _acknowledgement(self) -> None:
        """See how a command is answered that changes nothing: stop the zoom, which rests."""
        heard = Heard(0)
        for _ in range(TRIES):
            heard = await self._exchange.ask(self._frame(table.ZOOM_STOP), kind=Kind.COMMAND, within_s=COMMAND_WITHIN_S)
            if heard.said:
                break
        kinds = [type(one.reply) for one in heard.said]
        if Ack in kinds and Completion in kinds:
            acked, done = (next(o.after_s for o in heard.said if isinstance(o.reply, k)) for k in (Ack, Completion))
            meaning = f"ACK after {_ms(acked):g} ms, done after {_ms(done):g} ms"
            self._add("commands", "ack, completion", Verdict.PASS, meaning)
        elif Completion in kinds:
            self._add("commands", "completion only", Verdict.WARN, "it never says ACK: its completion is both")
        elif Ack in kinds:
            self._add(
                "commands", "ack only", Verdict.WARN, "it never says that it is done: its position is asked instead"
            )
        elif heard.code is not None:
            self._unasked("commands", heard)
        else:
            self._add(
                "commands", "silent", Verdict.WARN, "it answers no command: nothing can be proved but by position"
            )

    async def _walk(self) -> None:
        """Ask every inquiry of the table once."""
        found: Counter[str] = Counter()
        names: dict[str, list[str]] = {"answered": [], "refused": [], "silent": [], "unusual": []}
        rows = [row for row in table.TABLE if row.kind is Kind.INQUIRY and not row.fields]
        until = time.monotonic() + WALK_WITHIN_S
        for row in rows:
            if time.monotonic() >= until:
                break
            heard = await self._exchange.ask(self._frame(row), within_s=self._patience_s)
            if not heard.said:
                heard = await self._exchange.ask(self._frame(row), within_s=self._patience_s)
            names[_manner(row, heard)].append(row.name)
            found["asked"] += 1
        self._report.refused = names["refused"] + names["silent"] if self._on else []
        for manner, rows_of in names.items():
            self._add(f"inquiries_{manner}", len(rows_of), Verdict.PASS, _few(rows_of))
        if found["asked"] < len(rows):
            self._add("inquiries_not_asked", len(rows) - found["asked"], Verdict.UNPROVEN, "there was no more time")


def _manner(row: Row, heard: Heard) -> str:
    """Return how an inquiry was answered."""
    if heard.content is not None:
        return "answered" if len(heard.content) in row.answer_lengths else "unusual"
    return "refused" if heard.said else "silent"


def _few(names: Sequence[str], most: int = 8) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return (", ".join(names[:most]) or "none") + more


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)
