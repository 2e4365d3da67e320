"""Distances, times and places on a profile's figures."""

from __future__ import annotations

import pytest

from drivers.ports import Position
from drivers.visca import motion
from drivers.visca.motion import Limits
from drivers.visca.profiles import PROFILES, Profile

X400 = PROFILES["brc-x400"]
HERE = Position(0.0, 0.0, 0.0)


@pytest.mark.parametrize("text", ["", "1,2,3", "1,2,3,4,5", "a,b,c,d", "10,-10,-5,5", "-10,10,5,-5", "0,0,0,1"])
def test_limits_that_leave_no_room_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="limits must"):
        Limits.parse(text)


def test_limits_never_reach_beyond_the_camera() -> None:
    room = Limits.parse("-400,20,-5,400").within(Limits.of(X400))
    assert room == Limits(X400.pan_deg[0], 20.0, -5.0, X400.tilt_deg[1])


def test_nearest_allowed_place() -> None:
    assert Limits(-10.0, 10.0, -5.0, 5.0).nearest(40.0, -1.0) == (10.0, -1.0)


def test_time_follows_distance_and_speed() -> None:
    way = Position(100.0, 10.0, 0.0)
    slow = motion.turn_s(HERE, way, X400.deg_per_s(1))
    fast = motion.turn_s(HERE, way, X400.deg_per_s(X400.pan_speed_max))
    assert slow == pytest.approx(100 / 1.1 + motion.RAMP_S)
    assert fast < 3.0
    assert motion.turn_s(HERE, HERE, 50.0) == motion.RAMP_S


def test_time_of_a_crawl_has_an_end() -> None:
    assert motion.turn_s(HERE, Position(340.0, 0.0, 0.0), 0.01) == motion.LONGEST_S


def test_recall_takes_as_long_as_its_slowest_axis() -> None:
    zoomed = motion.recall_s(X400, HERE, Position(1.0, 0.0, 1.0))
    assert zoomed == pytest.approx(X400.zoom_through_s + motion.RAMP_S)
    assert motion.recall_s(X400, HERE, Position(170.0, 0.0, 0.0)) < motion.recall_s(X400, HERE, None)


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
def test_slowest_speed_is_a_speed_and_the_fastest_is_allowed(profile: Profile) -> None:
    assert motion.speed_code(0.0001, profile.pan_speed_max) == 1
    assert motion.speed_code(-1.0, profile.pan_speed_max) == profile.pan_speed_max
    assert motion.zoom_code(1.0, profile.zoom_speed_max) & 0xF0 == 0x20
    assert motion.zoom_code(-0.001, profile.zoom_speed_max) == 0x30


def test_bounded_drive_goes_one_and_a_half_leases_ahead() -> None:
    room = Limits.of(X400)
    pan_deg, tilt_deg = motion.ahead(X400, room, HERE, (1.0, 0.0), lease_s=0.4)
    assert (pan_deg, tilt_deg) == pytest.approx((X400.pan_deg_per_s * 0.6, 0.0))
    assert motion.ahead(X400, room, Position(-169.0, 0.0, 0.0), (-1.0, 0.0), lease_s=0.4)[0] == -170.0


@pytest.mark.parametrize(
    ("found", "within"),
    [
        (Position(10.4, 5.0, 0.5), True),
        (Position(10.6, 5.0, 0.5), False),
        (Position(10.0, 4.4, 0.5), False),
        (Position(10.0, 5.0, 0.55), False),
    ],
)
def test_deviation_looks_at_pan_tilt_and_zoom(found: Position, within: bool) -> None:
    off = motion.deviation(X400, Position(10.0, 5.0, 0.5), found)
    assert off.within is within
    assert off.values["expected_pan_deg"] == 10.0


def test_flicker_of_an_encoder_is_rest_and_a_crawl_is_not() -> None:
    assert motion.rests(HERE, Position(0.02, 0.0, 0.0001))
    assert not motion.rests(HERE, Position(0.11, 0.0, 0.0))
    assert not motion.rests(HERE, Position(0.0, 0.0, 0.01))
