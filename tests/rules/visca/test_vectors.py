"""Rows against frames typed from the makers' command lists; each list is named with its page or chapter."""

from __future__ import annotations

import pytest

from drivers.visca import table
from drivers.visca.row import Row, Widths
from drivers.visca.table import find

FIVE_FOUR, FIVE_FIVE = Widths(5, 4), Widths(5, 5)

Vector = tuple[Row, tuple[int, ...], str]

# EVI-D70 technical manual, p. 42, command list 4/4.
EVI_D70_P42: list[Vector] = [
    (table.PAN_TILT_DRIVE, (0x18, 0x17, 3, 1), "81 01 06 01 18 17 03 01 FF"),  # up
    (table.PAN_TILT_DRIVE, (0x18, 0x17, 3, 2), "81 01 06 01 18 17 03 02 FF"),  # down
    (table.PAN_TILT_DRIVE, (0x01, 0x01, 1, 3), "81 01 06 01 01 01 01 03 FF"),  # left
    (table.PAN_TILT_DRIVE, (0x01, 0x01, 2, 3), "81 01 06 01 01 01 02 03 FF"),  # right
    (table.PAN_TILT_DRIVE, (0x05, 0x06, 1, 1), "81 01 06 01 05 06 01 01 FF"),  # up left
    (table.PAN_TILT_DRIVE, (0x05, 0x06, 2, 1), "81 01 06 01 05 06 02 01 FF"),  # up right
    (table.PAN_TILT_DRIVE, (0x05, 0x06, 1, 2), "81 01 06 01 05 06 01 02 FF"),  # down left
    (table.PAN_TILT_DRIVE, (0x05, 0x06, 2, 2), "81 01 06 01 05 06 02 02 FF"),  # down right
    (table.PAN_TILT_STOP, (), "81 01 06 01 01 01 03 03 FF"),
    (table.PAN_TILT_ABSOLUTE, (0x18, 0x17, -0x08DB, 0x04B0), "81 01 06 02 18 17 0F 07 02 05 00 04 0B 00 FF"),
    (table.PAN_TILT_RELATIVE, (0x10, 0x10, 0x08DB, -0x0190), "81 01 06 03 10 10 00 08 0D 0B 0F 0E 07 00 FF"),
    (table.PAN_TILT_HOME, (), "81 01 06 04 FF"),
    (table.PAN_TILT_RESET, (), "81 01 06 05 FF"),
    (table.LIMIT_SET, (1, 0x08DB, 0x04B0), "81 01 06 07 00 01 00 08 0D 0B 00 04 0B 00 FF"),
    (table.LIMIT_CLEAR, (0, 0x7FFF, 0x7FFF), "81 01 06 07 01 00 07 0F 0F 0F 07 0F 0F 0F FF"),
    (table.ID_WRITE, (0x1234,), "81 01 04 22 01 02 03 04 FF"),
    (table.IR_RECEIVE_ON, (), "81 01 06 08 02 FF"),
    (table.IR_RECEIVE_OFF, (), "81 01 06 08 03 FF"),
    (table.IR_RECEIVE_TOGGLE, (), "81 01 06 08 10 FF"),
    (table.IR_RETURN_ON, (), "81 01 7D 01 03 00 00 FF"),
    (table.IR_RETURN_OFF, (), "81 01 7D 01 13 00 00 FF"),
]
# EVI-D100 technical manual, p. 30, inquiry command list 2/2.
EVI_D100_P30: list[Vector] = [
    (table.EXPOSURE_COMPENSATION_MODE_INQ, (), "81 09 04 3E FF"),
    (table.EXPOSURE_COMPENSATION_INQ, (), "81 09 04 4E FF"),
    (table.BACKLIGHT_INQ, (), "81 09 04 33 FF"),
    (table.APERTURE_INQ, (), "81 09 04 42 FF"),
    (table.MIRROR_INQ, (), "81 09 04 61 FF"),
    (table.FREEZE_INQ, (), "81 09 04 62 FF"),
    (table.PICTURE_EFFECT_INQ, (), "81 09 04 63 FF"),
    (table.STATUS_INQ, (), "81 09 06 10 FF"),
    (table.MAX_SPEED_INQ, (), "81 09 06 11 FF"),
    (table.POSITION_INQ, (), "81 09 06 12 FF"),
    (table.VIDEO_SYSTEM_INQ, (), "81 09 06 23 FF"),
]
# BRC-300 command list, p. 14, inquiry command list 2/2.
BRC_300_P14: list[Vector] = [
    (table.MEMORY_INQ, (), "81 09 04 3F FF"),
    (table.MENU_INQ, (), "81 09 06 06 FF"),
    (table.ID_INQ, (), "81 09 04 22 FF"),
    (table.IR_RECEIVE_INQ, (), "81 09 06 08 FF"),
    (table.FLIP_INQ, (), "81 09 04 66 FF"),
    (table.PAN_REVERSE_INQ, (), "81 09 7E 01 06 FF"),
    (table.TILT_REVERSE_INQ, (), "81 09 7E 01 09 FF"),
    (table.TALLY_RED_INQ, (), "81 09 7E 01 0A FF"),
    (table.PRESET_SPEED_INQ, (5,), "81 09 7E 01 0B 05 FF"),
]
# BRC-H700 command list, p. 12; EVI-HD1 manual, p. 28; EVI-D80/D90 manual, p. 33; AVer PTZ310 manual, p. 37.
OTHER_PAGES: list[Vector] = [
    (table.RAMP_CURVE, (3,), "81 01 06 31 03 FF"),
    (table.FLIP, (2,), "81 01 04 66 02 FF"),
    (table.PAN_REVERSE, (1,), "81 01 7E 01 06 00 01 FF"),
    (table.TILT_REVERSE, (0,), "81 01 7E 01 09 00 00 FF"),
    (table.TALLY_RED, (2,), "81 01 7E 01 0A 00 02 FF"),
    (table.DISPLAY, (3,), "81 01 7E 01 18 03 FF"),
    (table.HIGH_RESOLUTION_INQ, (), "81 09 04 52 FF"),
    (table.NOISE_REDUCTION_INQ, (), "81 09 04 53 FF"),
    (table.ICR_INQ, (), "81 09 04 01 FF"),
    (table.AUTO_ICR_INQ, (), "81 09 04 51 FF"),
    (table.AUTO_ICR_THRESHOLD_INQ, (), "81 09 04 21 FF"),
    (table.DISPLAY_INQ, (), "81 09 7E 01 18 FF"),
    (table.IR_CONDITION_INQ, (), "81 09 06 34 FF"),
    (table.MIRROR, (2,), "81 01 04 61 02 FF"),
    (table.MENU_ON, (), "81 01 06 06 02 FF"),
    (table.MENU_OFF, (), "81 01 06 06 03 FF"),
    (table.MEMORY_RESET, (0x10,), "81 01 04 3F 00 10 FF"),
]
# SRG-120DH technical manual, command list: power, zoom, focus, exposure, colour, image, preset, system.
SRG_120DH: list[Vector] = [
    (table.POWER_ON, (), "81 01 04 00 02 FF"),
    (table.POWER_STANDBY, (), "81 01 04 00 03 FF"),
    (table.ZOOM_STOP, (), "81 01 04 07 00 FF"),
    (table.ZOOM_TELE, (), "81 01 04 07 02 FF"),
    (table.ZOOM_WIDE, (), "81 01 04 07 03 FF"),
    (table.ZOOM_DRIVE, (0x27,), "81 01 04 07 27 FF"),
    (table.ZOOM_DRIVE, (0x30,), "81 01 04 07 30 FF"),
    (table.ZOOM_DIRECT, (0x4000,), "81 01 04 47 04 00 00 00 FF"),
    (table.ZOOM_FOCUS_DIRECT, (0x1A2B, 0xC3D4), "81 01 04 47 01 0A 02 0B 0C 03 0D 04 FF"),
    (table.DIGITAL_ZOOM, (2,), "81 01 04 06 02 FF"),
    (table.FOCUS_STOP, (), "81 01 04 08 00 FF"),
    (table.FOCUS_FAR, (), "81 01 04 08 02 FF"),
    (table.FOCUS_NEAR, (), "81 01 04 08 03 FF"),
    (table.FOCUS_DRIVE, (0x37,), "81 01 04 08 37 FF"),
    (table.FOCUS_DIRECT, (0xC000,), "81 01 04 48 0C 00 00 00 FF"),
    (table.FOCUS_AUTO, (), "81 01 04 38 02 FF"),
    (table.FOCUS_MANUAL, (), "81 01 04 38 03 FF"),
    (table.FOCUS_TOGGLE, (), "81 01 04 38 10 FF"),
    (table.FOCUS_ONE_PUSH, (), "81 01 04 18 01 FF"),
    (table.FOCUS_INFINITY, (), "81 01 04 18 02 FF"),
    (table.FOCUS_NEAR_LIMIT, (0xD000,), "81 01 04 28 0D 00 00 00 FF"),
    (table.AF_SENSITIVITY, (3,), "81 01 04 58 03 FF"),
    (table.AF_MODE, (1,), "81 01 04 57 01 FF"),
    (table.AF_TIMES, (0x05, 0x1F), "81 01 04 27 00 05 01 0F FF"),
    (table.AE_MODE, (0x0A,), "81 01 04 39 0A FF"),
    (table.SLOW_SHUTTER, (2,), "81 01 04 5A 02 FF"),
    (table.SHUTTER_STEP, (2,), "81 01 04 0A 02 FF"),
    (table.SHUTTER, (0x15,), "81 01 04 4A 00 00 01 05 FF"),
    (table.IRIS_RESET, (), "81 01 04 0B 00 FF"),
    (table.IRIS, (0x11,), "81 01 04 4B 00 00 01 01 FF"),
    (table.GAIN, (0x0F,), "81 01 04 4C 00 00 00 0F FF"),
    (table.GAIN_LIMIT, (4,), "81 01 04 2C 04 FF"),
    (table.BRIGHT_STEP, (3,), "81 01 04 0D 03 FF"),
    (table.EXPOSURE_COMPENSATION_MODE, (2,), "81 01 04 3E 02 FF"),
    (table.EXPOSURE_COMPENSATION_RESET, (), "81 01 04 0E 00 FF"),
    (table.EXPOSURE_COMPENSATION, (0x0E,), "81 01 04 4E 00 00 00 0E FF"),
    (table.BACKLIGHT, (3,), "81 01 04 33 03 FF"),
    (table.WB_MODE, (5,), "81 01 04 35 05 FF"),
    (table.WB_ONE_PUSH, (), "81 01 04 10 05 FF"),
    (table.RED_GAIN_RESET, (), "81 01 04 03 00 FF"),
    (table.RED_GAIN, (0x80,), "81 01 04 43 00 00 08 00 FF"),
    (table.BLUE_GAIN_STEP, (2,), "81 01 04 04 02 FF"),
    (table.BLUE_GAIN, (0x7E,), "81 01 04 44 00 00 07 0E FF"),
    (table.COLOUR_GAIN, (2, 14), "81 01 04 49 00 00 02 0E FF"),
    (table.COLOUR_HUE, (0, 7), "81 01 04 4F 00 00 00 07 FF"),
    (table.WIDE_DYNAMIC, (3,), "81 01 7E 04 00 03 FF"),
    (table.APERTURE, (0x0F,), "81 01 04 42 00 00 00 0F FF"),
    (table.HIGH_RESOLUTION, (2,), "81 01 04 52 02 FF"),
    (table.NOISE_REDUCTION, (5,), "81 01 04 53 05 FF"),
    (table.PICTURE_EFFECT, (4,), "81 01 04 63 04 FF"),
    (table.STORE, (0x0F,), "81 01 04 3F 01 0F FF"),
    (table.RECALL, (0x0F,), "81 01 04 3F 02 0F FF"),
    (table.LOW_LATENCY, (2,), "81 01 7E 01 5A 02 FF"),
    (table.VERSION_INQ, (), "81 09 00 02 FF"),
    (table.POWER_INQ, (), "81 09 04 00 FF"),
    (table.ZOOM_INQ, (), "81 09 04 47 FF"),
]
# BRC-X400/X401 command list, version 2.10; SRG-300H command list (ICR); BRC-AM7 command list (last four).
BRC_X400_AND_AM7: list[Vector] = [
    (table.VISIBILITY_ENHANCER, (6,), "81 01 04 3D 06 FF"),
    (table.SPOTLIGHT, (2,), "81 01 04 3A 02 FF"),
    (table.MAX_SHUTTER, (0x21,), "81 01 05 2A 00 02 01 FF"),
    (table.MIN_SHUTTER, (0x06,), "81 01 05 2A 01 00 06 FF"),
    (table.WB_OFFSET, (14,), "81 01 7E 01 2E 01 0E FF"),
    (table.DEFOG, (2, 3), "81 01 04 37 02 03 FF"),
    (table.NOISE_REDUCTION_2D_3D, (1, 5), "81 01 05 53 01 05 FF"),
    (table.PRESET_SPEED, (0x63, 0x19), "81 01 7E 01 0B 63 19 FF"),
    (table.PRESET_SPEED_SELECT, (2,), "81 01 7E 04 1B 02 FF"),
    (table.PRESET_SPEED_COMMON, (0x19,), "81 01 7E 04 1C 01 09 FF"),
    (table.CALL_MODE, (2,), "81 01 7E 04 3B 02 FF"),
    (table.SLOW_MODE, (2,), "81 01 06 44 02 FF"),
    (table.LIMIT_INQ, (1,), "81 09 06 07 01 FF"),
    (table.MENU_ENTER, (), "81 01 7E 01 02 00 01 FF"),
    (table.OSD, (1, 3), "81 01 7E 04 76 01 03 FF"),
    (table.TALLY_LEVEL, (5,), "81 01 7E 01 0A 01 05 FF"),
    (table.ICR, (2,), "81 01 04 01 02 FF"),
    (table.AUTO_ICR_THRESHOLD, (0x1C,), "81 01 04 21 00 00 01 0C FF"),
    (table.LENS_BLOCK_INQ, (), "81 09 7E 7E 00 FF"),
    (table.ENLARGEMENT_BLOCK_3_INQ, (), "81 09 7E 7E 05 FF"),
    (table.ZOOM_DRIVE_FINE, (2, 0x7FFE), "81 01 7E 04 17 02 07 0F 0F 0E FF"),
    (table.ZOOM_STOP_FINE, (), "81 01 7E 04 17 00 00 00 00 00 FF"),
    (table.TALLY_GREEN, (3,), "81 01 7E 04 1A 00 03 FF"),
    (table.TALLY_YELLOW, (2,), "81 01 7E 04 11 00 02 FF"),
]
ALL = EVI_D70_P42 + EVI_D100_P30 + BRC_300_P14 + OTHER_PAGES + SRG_120DH + BRC_X400_AND_AM7


@pytest.mark.parametrize(("row", "values", "frame"), ALL)
def test_commands_and_inquiries_of_the_lists(row: Row, values: tuple[int, ...], frame: str) -> None:
    assert row.encode(*values).hex(" ").upper() == frame


@pytest.mark.parametrize(("row", "values", "frame"), ALL)
def test_a_frame_of_the_lists_is_found_again(row: Row, values: tuple[int, ...], frame: str) -> None:
    assert find(bytes.fromhex(frame)) == (row, values)


# BRC-X1000/H800 list, pan/tilt position; BRC-H700 list, p. 12; AM7 and SRG-360SHE lists, pan/tilt position.
@pytest.mark.parametrize(
    ("row", "values", "widths", "frame"),
    [
        (
            table.PAN_TILT_ABSOLUTE,
            (0x18, 0x00, -0x09CA7, 0x52EF),
            FIVE_FOUR,
            "81 01 06 02 18 00 0F 06 03 05 09 05 02 0E 0F FF",
        ),
        (table.LIMIT_CLEAR, (1, 0x7FFFF, 0x7FFF), FIVE_FOUR, "81 01 06 07 01 01 07 0F 0F 0F 0F 07 0F 0F 0F FF"),
        (
            table.PAN_TILT_ABSOLUTE,
            (0x18, 0x18, 0x2AB98, -0x07530),
            FIVE_FIVE,
            "81 01 06 02 18 18 02 0A 0B 09 08 0F 08 0A 0D 00 FF",
        ),
        (
            table.PAN_TILT_RELATIVE,
            (0x01, 0x00, -0x15400, 0x0B400),
            FIVE_FIVE,
            "81 01 06 03 01 00 0E 0A 0C 00 00 00 0B 04 00 00 FF",
        ),
    ],
)
def test_positions_of_five_nibbles(row: Row, values: tuple[int, ...], widths: Widths, frame: str) -> None:
    assert row.encode(*values, widths=widths) == bytes.fromhex(frame)


# EVI-D70 technical manual, p. 33: the whole chain at once, and one camera of it.
def test_settings_of_the_line() -> None:
    assert table.ADDRESS_SET.encode(1) == bytes.fromhex("88 30 01 FF")
    assert table.IF_CLEAR.encode(address=table.BROADCAST) == bytes.fromhex("88 01 00 01 FF")
    assert table.IF_CLEAR.encode(address=3) == bytes.fromhex("83 01 00 01 FF")
    assert table.CANCEL.encode(0x22, address=2) == bytes.fromhex("82 22 FF")


@pytest.mark.parametrize(
    ("row", "content", "numbers"),
    [
        # EVI-D100 manual, p. 30, with positions of the D70 manual, p. 42.
        (table.POSITION_INQ, "0F 07 02 05 00 04 0B 00", {"pan": -0x08DB, "tilt": 0x04B0}),
        # BRC-300 list, p. 14 (5+4 nibbles), with positions of the BRC-X1000 list; AM7 list (5+5 nibbles).
        (table.POSITION_INQ, "0F 06 03 05 09 05 02 0E 0F", {"pan": -0x09CA7, "tilt": 0x52EF}),
        (table.POSITION_INQ, "02 0A 0B 09 08 0F 08 0A 0D 00", {"pan": 0x2AB98, "tilt": -0x07530}),
        (table.POWER_INQ, "03", {"power": 3}),
        (table.ZOOM_INQ, "04 00 00 00", {"zoom": 0x4000}),
        (table.MAX_SPEED_INQ, "18 14", {"pan speed": 0x18, "tilt speed": 0x14}),
        (table.VERSION_INQ, "00 01 05 11 01 00 02", {"vendor": 1, "model": 0x0511, "rom": 0x0100, "sockets": 2}),
        (table.BLUE_GAIN_INQ, "00 00 0A 05", {"blue gain": 0xA5}),
        (table.DEFOG_INQ, "02 00", {"defog": 2, "defog level": 0}),
        (table.MEMORY_INQ, "7F", {"memory": 0x7F}),
        # BRC-X400 list, pan/tilt status: initialised, operating, at the left end.
        (
            table.STATUS_INQ,
            "24 01",
            {
                "initialising": 2,
                "moving": 1,
                "tilt fault": 0,
                "pan fault": 0,
                "at lower end": 0,
                "at upper end": 0,
                "at right end": 0,
                "at left end": 1,
            },
        ),
        # BRC-X400 list, lens block: zoom end, near limit B0, focus 1000, auto focus, zoom command runs.
        (
            table.LENS_BLOCK_INQ,
            "04 00 00 00 0B 00 01 00 00 00 00 05 01",
            {
                "zoom": 0x4000,
                "focus limit": 0xB0,
                "focus": 0x1000,
                "byte 12": 0,
                "af mode": 0,
                "af sensitivity": 1,
                "digital zoom": 0,
                "auto focus": 1,
                "recalling": 0,
                "focusing": 0,
                "zooming": 1,
            },
        ),
    ],
)
def test_answers_of_the_lists(row: Row, content: str, numbers: dict[str, int]) -> None:
    assert row.decode(bytes.fromhex(content)) == numbers


def test_there_are_vectors_enough() -> None:
    assert len({row.name for row, _, _ in ALL}) >= 80
