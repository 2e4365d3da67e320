"""Each rule of the session as one dialogue: what goes out, what comes back, what that means."""

from __future__ import annotations

from itertools import pairwise

import pytest

from drivers.outcomes import Outcome
from drivers.visca import table
from drivers.visca.codec import Kind
from drivers.visca.session import Framing, Lane, Order, Quirks, Request, Session, Step, Timing
from tests.rules.visca.world import PAN_TILT_STOP, ZOOM_STOP, order

WIRE = Timing(byte_s=10 / 9600, in_order=True)
ACK_1, ACK_2, DONE_1, DONE_2, DONE = "90 41 FF", "90 42 FF", "90 51 FF", "90 52 FF", "90 50 FF"
STORE = order(table.STORE, 1)
OTHER_STORE = order(table.STORE, 2)
RECALL = order(table.RECALL, 1)
STEP = order(table.PAN_TILT_RELATIVE, 1, 1, 5, 5)
POWER = order(table.POWER_INQ)
MEMORY = order(table.MEMORY_INQ)
PLACE = order(table.POSITION_INQ)


def drive(speed: int, lane: Lane = Lane.USER) -> Order:
    return order(table.PAN_TILT_DRIVE, speed, 1, 2, 3, lane=lane, drive=True)


class Talk:
    """A session whose camera is the test."""

    def __init__(
        self, framing: Framing = Framing.RAW, timing: Timing | None = None, quirks: Quirks | None = None
    ) -> None:
        self.session = Session(framing, timing, quirks)
        self.now = 10.0
        self.step = Step((), (), None)

    def ask(self, wanted: Order) -> Request:
        return self.session.request(wanted)

    def out(self, room: int | None = None) -> list[bytes]:
        """Return the frames that go out now, without Sony's header."""
        self.step = self.session.tick(self.now, room=room)
        return [m[8:] if self.session.framing is Framing.SONY else m for m in self.step.send]

    def says(self, text: str, number: int | None = None, kind: int = 0x0111) -> None:
        data = bytes.fromhex(text)
        if self.session.framing is Framing.SONY:
            data = kind.to_bytes(2) + len(data).to_bytes(2) + (number or 0).to_bytes(4) + data
        self.session.received(data, self.now)

    def after(self, seconds: float) -> list[bytes]:
        self.now += seconds
        return self.out()

    def until_it_ends(self, *requests: Request) -> list[bytes]:
        """Let silence pass, and return what went out meanwhile."""
        sent = self.out()
        while any(r.outcome is None for r in requests):
            assert self.step.wake_at is not None
            self.now = self.step.wake_at
            sent += self.out()
        return sent


def test_a_command_over_a_bare_line_ends_with_its_sockets_completion() -> None:
    talk = Talk()
    store = talk.ask(STORE)
    assert talk.out() == [STORE.payload]
    talk.says(ACK_2)
    talk.says(DONE_1)
    assert store.outcome is None
    talk.says(DONE_2)
    assert store.outcome is Outcome.COMPLETED


def test_bytes_of_a_stream_come_cut_anywhere() -> None:
    talk = Talk()
    power = talk.ask(POWER)
    talk.out()
    for piece in ("90", "50 0", "2", "FF"):
        talk.session.received(bytes.fromhex(piece) if len(piece) % 3 == 2 else b"", talk.now)
    assert power.outcome is None
    talk.says("02 FF 90 50 02 FF")
    outcome: Outcome | None = power.outcome
    assert (outcome, power.answer) == (Outcome.COMPLETED, b"\x02")


def test_one_command_at_a_time_waits_for_its_acknowledgement() -> None:
    talk = Talk()
    talk.ask(STORE)
    talk.ask(OTHER_STORE)
    assert talk.out() == [STORE.payload]
    talk.says(ACK_1)
    assert talk.out() == [OTHER_STORE.payload]


def test_two_commands_run_and_the_third_waits() -> None:
    talk = Talk()
    first = talk.ask(STORE)
    talk.ask(OTHER_STORE)
    third = talk.ask(order(table.STORE, 3))
    talk.out()
    talk.says(ACK_1)
    talk.out()
    talk.says(ACK_2)
    assert talk.out() == []
    talk.says(DONE_1)
    assert talk.out() == [third.order.payload]
    assert first.outcome is Outcome.COMPLETED


def test_inquiries_slip_in_between_running_commands() -> None:
    talk = Talk()
    talk.ask(STORE)
    talk.ask(OTHER_STORE)
    talk.out()
    talk.says(ACK_1)
    talk.out()
    talk.says(ACK_2)
    power = talk.ask(POWER)
    assert talk.out() == [POWER.payload]
    talk.says("90 50 02 FF")
    assert power.answer == b"\x02"


def test_completions_come_in_any_order() -> None:
    talk = Talk()
    first, second = talk.ask(STORE), talk.ask(OTHER_STORE)
    talk.out()
    talk.says(ACK_1)
    talk.out()
    talk.says(ACK_2)
    talk.says(DONE_2)
    assert (first.outcome, second.outcome) == (None, Outcome.COMPLETED)


def test_two_commands_in_one_socket_complete_oldest_first() -> None:
    talk = Talk()
    first, second = talk.ask(STORE), talk.ask(OTHER_STORE)
    talk.out()
    talk.says(ACK_1)
    talk.out()
    talk.says(ACK_1)  # a PTZOptics Move SE does so
    talk.says(DONE_1)
    assert (first.outcome, second.outcome) == (Outcome.COMPLETED, None)
    talk.says(DONE_1)
    assert second.outcome is Outcome.COMPLETED


def test_refusal_may_name_a_socket_before_any_acknowledgement() -> None:
    talk = Talk()
    store = talk.ask(STORE)
    talk.out()
    talk.says("90 61 41 FF")
    assert (store.outcome, store.code) == (Outcome.REFUSED, 0x41)


def test_refusal_with_the_number_of_a_taken_socket_decides_nothing_the_first_time() -> None:
    talk = Talk()
    first, second = talk.ask(STORE), talk.ask(OTHER_STORE)
    talk.out()
    talk.says(ACK_1)
    talk.out()
    talk.says("90 61 41 FF")
    assert (first.outcome, second.outcome) == (None, None)
    assert talk.after(0.05) == [OTHER_STORE.payload]
    talk.says("90 61 41 FF")
    assert (first.outcome, second.outcome) == (None, Outcome.REFUSED)


def test_command_without_acknowledgement_completes_by_90_50() -> None:
    talk = Talk()
    store = talk.ask(STORE)
    talk.out()
    talk.says(DONE)
    assert store.outcome is Outcome.COMPLETED


def test_completion_of_a_socket_that_nobody_holds_proves_nothing() -> None:
    talk = Talk()
    store = talk.ask(STORE)
    talk.out()
    talk.says(DONE_1)
    assert store.outcome is None


def test_command_that_must_not_run_twice_is_sent_once_over_a_bare_line() -> None:
    talk = Talk()
    step = talk.ask(STEP)
    assert talk.until_it_ends(step) == [STEP.payload]
    assert (step.outcome, step.ran) == (Outcome.UNKNOWN, False)


def test_command_that_may_run_twice_is_resent_over_a_bare_line() -> None:
    talk = Talk()
    store = talk.ask(STORE)
    sent = talk.until_it_ends(store)
    assert len(sent) > 3
    assert store.outcome is Outcome.UNKNOWN


def test_with_numbers_a_command_that_must_not_run_twice_is_resent_all_the_same() -> None:
    talk = Talk(Framing.SONY)
    step = talk.ask(STEP)
    assert talk.out() == talk.after(0.05) == [STEP.payload]
    talk.says("0F 01", 1, 0x0201)
    assert (step.ran, step.outcome) == (True, None)


def test_waits_between_copies_grow() -> None:
    talk = Talk(Framing.SONY)
    talk.ask(POWER)
    times = []
    for _ in range(4):
        talk.out()
        times.append(talk.now)
        assert talk.step.wake_at is not None
        talk.now = talk.step.wake_at
    waits = [round(b - a, 4) for a, b in pairwise(times)]
    assert waits == [0.04, 0.06, 0.09]


def test_slow_network_is_given_twice_its_round_trip() -> None:
    talk = Talk(Framing.SONY)
    talk.ask(POWER)
    talk.out()
    talk.now += 0.039
    talk.says("90 50 02 FF", 1)
    talk.ask(POWER)
    talk.out()
    assert talk.step.wake_at == pytest.approx(talk.now + 2 * 0.039 + 0.02)


def test_serial_time_out_is_wire_time_two_pictures_and_a_little() -> None:
    talk = Talk(timing=WIRE)
    talk.ask(POWER)
    talk.out()
    assert talk.step.wake_at == pytest.approx(talk.now + (5 + 1 + 3) * 10 / 9600 + 0.04 + 0.02)


def test_late_answer_is_not_taken_for_the_next_inquirys() -> None:
    talk = Talk()
    power = talk.ask(POWER)
    talk.out()
    talk.after(0.05)  # asked again
    talk.says("90 50 02 FF")
    memory = talk.ask(MEMORY)
    assert talk.out() == []  # the same length: one more answer may come
    talk.says("90 50 02 FF")
    assert (power.answer, memory.outcome) == (b"\x02", None)
    assert talk.out() == [MEMORY.payload]
    talk.says("90 50 07 FF")
    assert memory.answer == b"\x07"


def test_late_answer_of_another_length_holds_nothing_up() -> None:
    talk = Talk()
    talk.ask(POWER)
    talk.out()
    talk.after(0.05)
    talk.says("90 50 02 FF")
    place = talk.ask(PLACE)
    assert talk.out() == [PLACE.payload]
    talk.says("90 50 02 FF")
    assert place.outcome is None
    talk.says("90 50 00 00 00 00 00 00 00 01 FF")
    assert place.answer == bytes((0, 0, 0, 0, 0, 0, 0, 1))


def test_quarantine_ends_when_strays_are_over() -> None:
    talk = Talk()
    talk.ask(POWER)
    talk.out()
    talk.after(0.05)
    talk.says("90 50 02 FF")
    talk.ask(MEMORY)
    talk.out()
    assert talk.step.wake_at == pytest.approx(talk.now + Timing().stray_s)
    assert talk.after(Timing().stray_s + 0.001) == [MEMORY.payload]


def test_odd_answer_is_given_to_the_caller_once_no_other_comes() -> None:
    talk = Talk()
    power = talk.ask(POWER)
    talk.out()
    talk.says("90 50 02 03 FF")
    talk.until_it_ends(power)
    assert (power.outcome, power.answer) == (Outcome.COMPLETED, b"\x02\x03")


def test_stop_overtakes_an_unacknowledged_command_at_once() -> None:
    talk = Talk()
    talk.ask(STORE)
    talk.out()
    talk.ask(PAN_TILT_STOP)
    assert talk.out() == [PAN_TILT_STOP.payload]


def test_first_acknowledgement_after_an_overtaking_stop_is_nobodys() -> None:
    talk = Talk(timing=WIRE)
    step = talk.ask(order(table.PAN_TILT_RELATIVE, 1, 1, 5, 5))
    talk.out()
    stop = talk.ask(PAN_TILT_STOP)
    talk.out()
    talk.says(ACK_1)
    assert (step.outcome, stop.outcome) == (None, None)
    talk.says(ACK_2)
    assert stop.outcome is Outcome.COMPLETED


def test_overtaken_command_never_completes() -> None:
    talk = Talk(timing=WIRE)
    step = talk.ask(STEP)
    talk.out()
    stop = talk.ask(ZOOM_STOP)
    talk.out()
    talk.says(ACK_1)
    talk.says(DONE_1)
    talk.until_it_ends(step, stop)
    assert step.outcome is Outcome.UNKNOWN


def test_error_that_may_be_anothers_does_not_end_stop() -> None:
    talk = Talk()
    talk.ask(POWER)
    talk.out()
    stop = talk.ask(PAN_TILT_STOP)
    talk.out()
    talk.says("90 60 41 FF")
    assert stop.outcome is None


def test_acknowledgement_cannot_be_an_inquirys_so_stop_may_have_it() -> None:
    talk = Talk()
    talk.ask(POWER)
    talk.out()
    stop = talk.ask(PAN_TILT_STOP)
    talk.out()
    talk.says(ACK_1)
    assert stop.outcome is Outcome.COMPLETED


def test_stop_is_resent_every_40_ms() -> None:
    talk = Talk(Framing.SONY)
    talk.ask(PAN_TILT_STOP)
    sent = talk.out()
    for _ in range(10):
        assert talk.step.wake_at == pytest.approx(talk.now + 0.04)
        assert talk.step.wake_at is not None
        talk.now = talk.step.wake_at + 1e-9
        sent += talk.out()
    assert sent == [PAN_TILT_STOP.payload] * 11


def test_stop_over_a_slow_wire_is_not_resent_before_it_can_be_answered() -> None:
    talk = Talk(timing=WIRE)
    talk.ask(PAN_TILT_STOP)
    talk.out()
    assert talk.step.wake_at == pytest.approx(talk.now + 12 * 10 / 9600 + 0.06)


def test_stop_to_a_camera_that_is_gone_ends_unknown() -> None:
    talk = Talk(Framing.SONY)
    stop = talk.ask(PAN_TILT_STOP)
    sent = talk.until_it_ends(stop)
    assert stop.outcome is Outcome.UNKNOWN
    assert len(sent) >= 45


def test_stops_of_all_axes_go_out_at_once_where_numbers_tell_them_apart() -> None:
    talk = Talk(Framing.SONY)
    talk.ask(PAN_TILT_STOP)
    talk.ask(ZOOM_STOP)
    assert talk.out() == [PAN_TILT_STOP.payload, ZOOM_STOP.payload]


def test_stops_over_a_bare_line_go_one_after_the_other() -> None:
    talk = Talk()
    talk.ask(PAN_TILT_STOP)
    talk.ask(ZOOM_STOP)
    assert talk.out() == [PAN_TILT_STOP.payload]
    talk.says(ACK_1)
    assert talk.out() == [ZOOM_STOP.payload]


def test_unanswered_stop_does_not_hold_up_the_next_for_long() -> None:
    talk = Talk()
    talk.ask(PAN_TILT_STOP)
    talk.ask(ZOOM_STOP)
    talk.out()
    assert ZOOM_STOP.payload not in talk.after(0.041)
    assert ZOOM_STOP.payload in talk.after(0.041)


def test_equal_stop_asked_for_meanwhile_ends_with_the_first() -> None:
    talk = Talk()
    first, second = talk.ask(PAN_TILT_STOP), talk.ask(PAN_TILT_STOP)
    assert talk.out() == [PAN_TILT_STOP.payload]
    talk.says(ACK_1)
    talk.out()
    assert talk.step.finished == (first, second)
    assert first.outcome is second.outcome is Outcome.COMPLETED


def test_stop_is_not_forgotten_when_nobody_waits_for_it() -> None:
    talk = Talk()
    stop = talk.ask(PAN_TILT_STOP)
    talk.session.abandon(stop)
    assert talk.out() == [PAN_TILT_STOP.payload]


def test_nothing_but_stop_is_sent_while_stop_lives() -> None:
    talk = Talk(Framing.SONY)
    talk.ask(PAN_TILT_STOP)
    talk.ask(POWER)
    talk.ask(STORE)
    assert talk.out() == [PAN_TILT_STOP.payload]


@pytest.mark.parametrize("framing", list(Framing))
def test_stop_over_a_line_that_may_reorder_is_sent_again_after_strays(framing: Framing) -> None:
    talk = Talk(framing)
    talk.ask(drive(5))
    talk.out()
    stop = talk.ask(PAN_TILT_STOP)
    sent = talk.out()
    for _ in range(60):
        if stop.outcome is not None:
            break
        talk.says(ACK_1, 2)
        talk.says(ACK_1, 3)
        talk.now += 0.02
        sent += talk.out()
    assert stop.outcome is Outcome.COMPLETED
    assert len(sent) >= 2


def test_lanes_go_in_order() -> None:
    talk = Talk(Framing.SONY)
    poll = talk.ask(order(table.MEMORY_INQ, lane=Lane.POLL))
    automation = talk.ask(order(table.POSITION_INQ, lane=Lane.AUTOMATION))
    user = talk.ask(POWER)
    sent = []
    for number in (1, 2, 3):
        sent += talk.out()
        talk.says("90 50 02 FF", number)
    assert sent == [user.order.payload, automation.order.payload, poll.order.payload]


def test_user_command_overtakes_a_waiting_one_of_automation() -> None:
    talk = Talk()
    talk.ask(POWER)
    talk.out()
    talk.ask(order(table.STORE, 1, lane=Lane.AUTOMATION))
    talk.ask(OTHER_STORE)
    talk.says("90 50 02 FF")
    assert talk.out() == [OTHER_STORE.payload]


def test_commands_of_one_lane_keep_their_order() -> None:
    talk = Talk()
    talk.ask(STORE)
    talk.ask(OTHER_STORE)
    talk.ask(order(table.STORE, 3))
    talk.out()
    talk.says(ACK_1)
    assert talk.out() == [OTHER_STORE.payload]


def test_newest_recall_takes_the_place_of_a_waiting_one() -> None:
    talk = Talk()
    talk.ask(POWER)
    talk.out()
    first, second = talk.ask(RECALL), talk.ask(order(table.RECALL, 2))
    assert first.outcome is Outcome.SUPERSEDED
    talk.says("90 50 02 FF")
    assert talk.out() == [second.order.payload]


def test_newest_focus_drive_wins_and_leaves_the_zoom_alone() -> None:
    talk = Talk()
    talk.ask(POWER)
    talk.out()
    zoom = talk.ask(order(table.ZOOM_DRIVE, 0x22, drive=True))
    slow, fast = (Order(n, Kind.COMMAND, p, axes=frozenset({table.Axis.FOCUS})) for n, p in (("a", b"a"), ("b", b"b")))
    first = talk.ask(slow)
    talk.ask(fast)
    assert (first.outcome, zoom.outcome) == (Outcome.SUPERSEDED, None)


def test_recall_takes_the_place_of_a_waiting_drive() -> None:
    talk = Talk()
    talk.ask(POWER)
    talk.out()
    driven = talk.ask(drive(3))
    talk.ask(RECALL)
    assert driven.outcome is Outcome.SUPERSEDED


def test_automation_takes_no_users_place() -> None:
    talk = Talk()
    talk.ask(POWER)
    talk.out()
    driven = talk.ask(drive(3))
    talk.ask(drive(9, Lane.AUTOMATION))
    assert driven.outcome is None
    talk.says("90 50 02 FF")
    assert talk.out() == [driven.order.payload]


def test_users_motion_takes_the_place_of_automations_on_any_shared_axis() -> None:
    talk = Talk()
    talk.ask(POWER)
    talk.out()
    recall = talk.ask(order(table.RECALL, 1, lane=Lane.AUTOMATION))
    talk.ask(order(table.ZOOM_DRIVE, 0x22, drive=True))
    assert recall.outcome is Outcome.SUPERSEDED


class TestHeldDrive:
    """A drive that the camera is already doing."""

    def held(self) -> Talk:
        talk = Talk()
        talk.ask(drive(5))
        talk.session.lease(talk.now + 0.4, (PAN_TILT_STOP,))
        talk.out()
        talk.says(ACK_1)
        talk.says(DONE_1)
        talk.out()
        return talk

    def test_is_not_sent_again(self) -> None:
        talk = self.held()
        again = talk.ask(drive(5))
        assert talk.out() == []
        assert (again.outcome, again.skipped) == (Outcome.COMPLETED, True)

    def test_is_sent_if_anything_differs(self) -> None:
        talk = self.held()
        talk.ask(drive(6))
        assert talk.out() == [drive(6).payload]

    def test_is_sent_after_something_else_ran_on_its_axis(self) -> None:
        talk = self.held()
        talk.ask(STEP)
        talk.out()
        talk.says(ACK_1)
        talk.says(DONE_1)
        talk.ask(drive(5))
        assert talk.out() == [drive(5).payload]

    def test_is_sent_after_a_second(self) -> None:
        talk = self.held()
        talk.session.lease(talk.now + 5, (PAN_TILT_STOP,))
        talk.now += 1.01
        talk.ask(drive(5))
        assert talk.out() == [drive(5).payload]

    def test_is_sent_after_its_lease_has_ended(self) -> None:
        talk = self.held()
        assert talk.after(0.4) == [PAN_TILT_STOP.payload]
        talk.says(ACK_1)
        talk.says(DONE_1)
        talk.ask(drive(5))
        talk.session.lease(talk.now + 0.4, (PAN_TILT_STOP,))
        assert talk.out() == [drive(5).payload]

    def test_is_sent_when_somebody_else_may_have_stopped_it(self) -> None:
        talk = self.held()
        talk.session.forget_motion()
        talk.ask(drive(5))
        assert talk.out() == [drive(5).payload]

    def test_is_sent_when_it_was_displaced(self) -> None:
        talk = Talk()
        talk.ask(drive(5))
        talk.session.lease(talk.now + 0.4, (PAN_TILT_STOP,))
        talk.out()
        talk.says(ACK_1)
        talk.says("90 61 04 FF")
        talk.ask(drive(5))
        assert talk.out() == [drive(5).payload]

    def test_without_a_lease_nothing_is_held(self) -> None:
        talk = Talk()
        talk.ask(drive(5))
        talk.out()
        talk.says(ACK_1)
        talk.says(DONE_1)
        talk.ask(drive(5))
        assert talk.out() == [drive(5).payload]


class TestRoom:
    """A wire that several cameras share."""

    def test_nothing_is_sent_without_room_and_the_lane_is_told(self) -> None:
        talk = Talk(timing=WIRE)
        talk.ask(STORE)
        assert talk.out(room=0) == []
        assert talk.step.wants is Lane.USER
        assert talk.out(room=1) == [STORE.payload]
        assert talk.step.wants is None

    def test_stop_wants_first(self) -> None:
        talk = Talk(timing=WIRE)
        talk.ask(STORE)
        talk.ask(PAN_TILT_STOP)
        talk.out(room=0)
        assert talk.step.wants is Lane.STOP
        assert talk.out(room=1) == [PAN_TILT_STOP.payload]

    def test_no_timer_rings_for_what_waits_for_room_alone(self) -> None:
        talk = Talk(timing=WIRE)
        talk.ask(STORE)
        talk.out(room=0)
        assert talk.step.wake_at is None

    def test_newest_drive_wins_until_there_is_room(self) -> None:
        talk = Talk(timing=WIRE)
        for speed in range(1, 10):
            talk.ask(drive(speed))
            talk.out(room=0)
        assert talk.out(room=1) == [drive(9).payload]

    def test_overdue_copy_waits_for_room_but_not_for_ever(self) -> None:
        talk = Talk(timing=WIRE)
        talk.ask(POWER)
        talk.out(room=1)
        talk.now += 0.2
        assert talk.out(room=0) == []
        assert talk.step.wants is Lane.USER
        assert talk.step.wake_at is not None
        assert talk.step.wake_at > talk.now

    def test_lease_ends_without_room_too(self) -> None:
        talk = Talk(timing=WIRE)
        talk.session.lease(talk.now + 0.1, (PAN_TILT_STOP,))
        talk.now += 0.1
        talk.out(room=0)
        assert talk.step.wants is Lane.STOP


class TestSettings:
    """Address Set and IF_Clear need no socket and are never acknowledged."""

    ADDRESS = Order("AddressSet", Kind.SETTING, bytes.fromhex("88 30 01 FF"))

    def test_address_set_ends_with_its_echo_that_counts_the_cameras(self) -> None:
        talk = Talk(timing=WIRE)
        request = talk.ask(self.ADDRESS)
        talk.out()
        talk.says("88 30 04 FF")
        assert (request.outcome, request.answer) == (Outcome.COMPLETED, b"\x03")

    def test_clear_for_all_ends_with_its_echo(self) -> None:
        talk = Talk(timing=WIRE)
        request = talk.ask(Order("IF_Clear", Kind.SETTING, bytes.fromhex("88 01 00 01 FF")))
        talk.out()
        talk.says("88 01 00 01 FF")
        assert request.outcome is Outcome.COMPLETED

    def test_clear_for_one_ends_with_90_50_and_what_ran_is_cancelled(self) -> None:
        talk = Talk()
        recall = talk.ask(RECALL)
        talk.out()
        talk.says(ACK_1)
        clear = talk.session.reset()
        assert talk.out() == [bytes.fromhex("81 01 00 01 FF")]
        talk.says(DONE)
        assert (clear.outcome, recall.outcome) == (Outcome.COMPLETED, Outcome.CANCELLED)

    def test_silent_chain_is_disconnected(self) -> None:
        talk = Talk(timing=WIRE)
        request = talk.ask(self.ADDRESS)
        talk.until_it_ends(request)
        assert request.outcome is Outcome.DISCONNECTED

    def test_network_change_is_told(self) -> None:
        talk = Talk(timing=WIRE)
        talk.says("90 38 FF")
        assert talk.session.network_changed


class TestQuirks:
    """Cameras that leave the protocol."""

    def test_numbers_that_lie_are_not_read(self) -> None:
        talk = Talk(Framing.SONY, quirks=Quirks(seq_lies=True))
        for answer in (b"\x02", b"\x03"):
            power = talk.ask(POWER)
            talk.out()
            talk.says(f"90 50 {answer.hex()} FF", 1)
            assert power.answer == answer

    def test_numbers_that_lie_allow_no_second_copy_of_what_must_not_run_twice(self) -> None:
        talk = Talk(Framing.SONY, quirks=Quirks(seq_lies=True))
        step = talk.ask(STEP)
        assert talk.until_it_ends(step) == [STEP.payload]
        assert step.outcome is Outcome.UNKNOWN

    def test_quirks_may_be_learnt_on_the_way(self) -> None:
        talk = Talk(Framing.SONY)
        talk.ask(POWER)
        talk.out()
        talk.says("90 50 02 FF", 1)
        talk.session.quirks = Quirks(seq_lies=True)
        power = talk.ask(POWER)
        talk.out()
        talk.says("90 50 03 FF", 1)
        assert power.answer == b"\x03"

    def test_without_acknowledgements_a_long_move_lets_inquiries_through(self) -> None:
        talk = Talk(quirks=Quirks(no_ack=True))
        recall = talk.ask(RECALL)
        talk.out()
        place = talk.ask(PLACE)
        assert talk.after(0.05) == [PLACE.payload]
        talk.says("90 50 00 00 00 00 00 00 00 01 FF")
        talk.says(DONE)
        assert (place.outcome, recall.outcome) == (Outcome.COMPLETED, Outcome.COMPLETED)

    def test_without_acknowledgements_silence_is_unknown(self) -> None:
        talk = Talk(quirks=Quirks(no_ack=True))
        recall = talk.ask(RECALL)
        assert talk.until_it_ends(recall) == [RECALL.payload]
        assert recall.outcome is Outcome.UNKNOWN

    def test_without_acknowledgements_stop_and_move_share_no_completion(self) -> None:
        talk = Talk(timing=WIRE, quirks=Quirks(no_ack=True))
        store = talk.ask(STORE)
        talk.out()
        talk.after(0.1)
        stop = talk.ask(PAN_TILT_STOP)
        talk.out()
        talk.says(DONE)
        assert (store.outcome, stop.outcome) == (None, None)
        talk.says(DONE)
        talk.until_it_ends(store)
        assert (store.outcome, stop.outcome) == (Outcome.UNKNOWN, Outcome.COMPLETED)

    def test_blind_line_carries_commands_and_calls_none_done(self) -> None:
        talk = Talk(timing=WIRE, quirks=Quirks(blind=True))
        first, second = talk.ask(STORE), talk.ask(OTHER_STORE)
        assert talk.until_it_ends(first, second) == [STORE.payload, OTHER_STORE.payload]
        assert first.outcome is second.outcome is Outcome.UNKNOWN

    def test_blind_line_carries_stop_three_times(self) -> None:
        talk = Talk(timing=WIRE, quirks=Quirks(blind=True))
        stop = talk.ask(PAN_TILT_STOP)
        assert talk.until_it_ends(stop) == [PAN_TILT_STOP.payload] * 3
        assert stop.outcome is Outcome.UNKNOWN

    def test_blind_line_is_asked_nothing(self) -> None:
        talk = Talk(timing=WIRE, quirks=Quirks(blind=True))
        power = talk.ask(POWER)
        assert talk.out() == []
        assert power.outcome is Outcome.DISCONNECTED


def test_commands_wait_after_a_reset_that_may_arrive_twice() -> None:
    talk = Talk(Framing.SONY)
    talk.session.reset()
    talk.out()
    talk.says("01", 0, 0x0201)
    talk.ask(STEP)
    assert talk.out() == []
    assert talk.step.wake_at == pytest.approx(talk.now + Timing().stray_s)
    assert talk.after(Timing().stray_s + 0.001) == [STEP.payload]


def test_stop_does_not_wait_after_a_reset() -> None:
    talk = Talk(Framing.SONY)
    talk.session.reset()
    talk.out()
    talk.says("01", 0, 0x0201)
    talk.ask(PAN_TILT_STOP)
    assert talk.out() == [PAN_TILT_STOP.payload]


def test_full_buffer_over_a_bare_line_is_tried_again_later() -> None:
    talk = Talk()
    step = talk.ask(STEP)
    talk.out()
    talk.says("90 60 03 FF")
    assert talk.after(0.03) == []
    assert talk.after(0.011) == [STEP.payload]
    talk.says(ACK_1)
    talk.says(DONE_1)
    assert step.outcome is Outcome.COMPLETED


def test_command_with_two_copies_out_is_unknown_when_the_link_goes() -> None:
    talk = Talk(Framing.SONY)
    store = talk.ask(STORE)
    talk.out()
    talk.after(0.05)
    talk.says("90 60 03 FF", 1)
    talk.session.drop()
    assert store.outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("framing", list(Framing))
def test_nothing_alive_needs_no_timer(framing: Framing) -> None:
    talk = Talk(framing)
    assert talk.out() == []
    assert talk.step.wake_at is None
