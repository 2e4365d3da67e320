"""The commands and inquiries of VISCA, one declarative row each.

Names follow Sony's command lists, with what the row does after them; each row says where it
stands. Page numbers in parentheses are of the manual's own count; the lists of Sony's
newer cameras are quoted by chapter. Ranges are the widest of any camera: what one camera
takes of them stands in its profile (`drivers.visca.profiles`).

A value with a step back to a mode, such as `Reset`, is a row of its own, because it may be
repeated where a step may not.
"""

from __future__ import annotations

import struct
from collections import defaultdict
from dataclasses import dataclass
from enum import IntEnum

from drivers.visca.row import BROADCAST, KNOWN_WIDTHS, AnswerPart, Axis, Bits, Field, Part, Row, Width, Widths

__all__ = ["BROADCAST", "BY_NAME", "TABLE", "Axis", "Bits", "Direction", "Field", "Row", "Version", "Width", "Widths"]


class Direction(IntEnum):
    """Third and fourth parameter of Pan-tiltDrive."""

    LEFT = 1
    RIGHT = 2
    UP = 1
    DOWN = 2
    STOP = 3


# Where the rows stand.
_D70 = "EVI-D70 technical manual, command list (p. 39-42)"
_D70_PAN_TILT = "EVI-D70 technical manual, command list 4/4 (p. 42)"
_D70_ASK = "EVI-D70 technical manual, inquiry command list (p. 43-45)"
_D70_LINE = "EVI-D70 technical manual, VISCA device setting commands (p. 33)"
_D100_ASK = "EVI-D100 technical manual, inquiry command list 2/2 (p. 30)"
_HD1 = "EVI-HD1 technical manual, command list 3/3 (p. 28)"
_D90_ASK = "EVI-D80/D90 technical manual, inquiry command list 2/2 (p. 33)"
_H700 = "BRC-H700 command list, 4/5 (p. 12)"
_BRC300_ASK = "BRC-300 command list, inquiry command list 2/2 (p. 14)"
_SRG120 = "SRG-120DH technical manual, command list"
_SRG120_ASK = "SRG-120DH technical manual, VISCA interface and inquiry (p. 26)"
_SRG300 = "SRG-300H technical manual, command list"
_X400 = "BRC-X400/X401 command list, version 2.10"
_X1000 = "BRC-X1000/H800 command list"
_AM7 = "BRC-AM7 command list"
_PTZO = "PTZOptics G2 VISCA over IP commands (10/27/2023)"
# No maker's page was at hand for these; the cameras take them from this peer.
_PTZO_SEEN = "PTZOptics, as the Companion module ptzoptics-visca sends it"

_PAN_TILT = frozenset({Axis.PAN_TILT})
_ZOOM = frozenset({Axis.ZOOM})
_FOCUS = frozenset({Axis.FOCUS})
_ALL = _PAN_TILT | _ZOOM | _FOCUS


def _form(*parts: str | Part) -> tuple[Part, ...]:
    """Return the form with hexadecimal read and neighbouring literals joined."""
    form: list[Part] = []
    for part in parts:
        read = bytes.fromhex(part) if isinstance(part, str) else part
        if form and isinstance(read, bytes) and isinstance(form[-1], bytes):
            form[-1] += read
        else:
            form.append(read)
    return tuple(form)


def _command(
    name: str,
    *form: str | Part,
    source: str,
    axes: frozenset[Axis] = frozenset(),
    idempotent: bool = True,
    special: bool = False,
) -> Row:
    return Row(name, _form("01", *form), source, axes, idempotent, special=special)


def _inquiry(
    name: str, form: str, *answer: AnswerPart, source: str, of: Field | None = None, special: bool = False
) -> Row:
    parts = (bytes.fromhex("09" + form), *(() if of is None else (of,)))
    return Row(name, parts, source, special=special, answer=answer)


def _choice(name: str, words: str) -> Field:
    """Return a field of named values, written `2 on, 3 off` with the values in hexadecimal."""
    values = tuple(int(word.split(maxsplit=1)[0], 16) for word in words.split(","))
    gapless = values == tuple(range(values[0], values[0] + len(values)))
    return Field(name, min(values), max(values), only=() if gapless else values, words=words)


def _switch(name: str) -> Field:
    return _choice(name, "2 on, 3 off")


def _step(name: str) -> Field:
    return _choice(f"{name} step", "2 up, 3 down")


def _byte(name: str, high: int = 0xFF) -> Field:
    return Field(name, 0, high)


def _nibbles(name: str, count: int, low: int = 0, high: int | None = None) -> Field:
    return Field(name, low, 16**count - 1 if high is None else high, count)


# 00 is no speed: a BRC-300 answers it with a syntax error, in a STOP too.
_PAN_SPEED = Field("pan speed", 0x01, 0x7F)
_TILT_SPEED = Field("tilt speed", 0x01, 0x7F)
# Cameras with one speed for both axes want 00 here, others synchronise tilt with pan by it.
_SECOND_SPEED = Field("tilt speed", 0x00, 0x7F)
_PAN = Field("pan", -0x8000, 0x7FFF, Width.PAN)
_TILT = Field("tilt", -0x8000, 0x7FFF, Width.TILT)
_PAN_BY = Field("pan by", -0x8000, 0x7FFF, Width.PAN)
_TILT_BY = Field("tilt by", -0x8000, 0x7FFF, Width.TILT)
_CORNER = _choice("corner", "0 down left, 1 up right")
_ZOOM_POSITION = Field("zoom", 0, 0x7FFF, Width.ZOOM)
_FOCUS_POSITION = _nibbles("focus", 4)
_MEMORY = Field("memory", 0, 254)
_PRESET_SPEED = Field("preset speed", 0x01, 0x7F)
_VARIABLE = (*range(0x20, 0x28), *range(0x30, 0x38))

# The line itself.
ADDRESS_SET = Row("Address Set", (b"\x30", Field("first address", 1, 7)), _D70_LINE, setting=True, broadcast=True)
IF_CLEAR = Row("IF_Clear", (bytes.fromhex("010001"),), _D70_LINE, setting=True)
CANCEL = Row("Command Cancel", (Field("socket", 0x21, 0x22, words="21 the first, 22 the second"),), _SRG120_ASK)

# Power and identity.
POWER_ON = _command("CAM_Power On", "0400 02", source=_D70)
POWER_STANDBY = _command("CAM_Power Off", "0400 03", source=_D70)
POWER_INQ = _inquiry("CAM_PowerInq", "0400", _choice("power", "2 on, 3 standby, 4 fault"), source=_D70_ASK)
VERSION_INQ = _inquiry(
    "CAM_VersionInq",
    "0002",
    Field("vendor", 0, 0xFFFF, octets=2),
    Field("model", 0, 0xFFFF, octets=2),
    Field("rom", 0, 0xFFFF, octets=2),
    _byte("sockets"),
    source=_SRG120_ASK,
)
ID_WRITE = _command("CAM_IDWrite", "0422", _nibbles("camera id", 4), source=_D70_PAN_TILT)
ID_INQ = _inquiry("CAM_IDInq", "0422", _nibbles("camera id", 4), source=_BRC300_ASK)
VIDEO_SYSTEM_INQ = _inquiry("VideoSystemInq", "0623", _byte("video system"), source=_D100_ASK)

# Pan and tilt.
PAN_TILT_DRIVE = _command(
    "Pan-tiltDrive",
    "0601",
    _PAN_SPEED,
    _TILT_SPEED,
    _choice("pan direction", "1 left, 2 right, 3 stop"),
    _choice("tilt direction", "1 up, 2 down, 3 stop"),
    source=_D70_PAN_TILT,
    axes=_PAN_TILT,
)
PAN_TILT_STOP = _command("Pan-tiltDrive Stop", "0601 0101 0303", source=_D70_PAN_TILT, axes=_PAN_TILT)
PAN_TILT_ABSOLUTE = _command(
    "Pan-tiltDrive AbsolutePosition",
    "0602",
    _PAN_SPEED,
    _SECOND_SPEED,
    _PAN,
    _TILT,
    source=_D70_PAN_TILT,
    axes=_PAN_TILT,
)
PAN_TILT_RELATIVE = _command(
    "Pan-tiltDrive RelativePosition",
    "0603",
    _PAN_SPEED,
    _SECOND_SPEED,
    _PAN_BY,
    _TILT_BY,
    source=_D70_PAN_TILT,
    axes=_PAN_TILT,
    idempotent=False,
)
PAN_TILT_HOME = _command("Pan-tiltDrive Home", "0604", source=_D70_PAN_TILT, axes=_PAN_TILT)
PAN_TILT_RESET = _command("Pan-tiltDrive Reset", "0605", source=_D70_PAN_TILT, axes=_PAN_TILT)
LIMIT_SET = _command("Pan-tiltLimitSet LimitSet", "060700", _CORNER, _PAN, _TILT, source=_D70_PAN_TILT)
# What stands here is the largest number of the camera's width, 7FFF or 7FFFF.
LIMIT_CLEAR = _command(
    "Pan-tiltLimitSet LimitClear",
    "060701",
    _CORNER,
    Field("pan limit", 0x7FFF, 0x7FFF, Width.PAN),
    Field("tilt limit", 0x7FFF, 0x7FFF, Width.TILT),
    source=_D70_PAN_TILT,
)
LIMIT_INQ = _inquiry("Pan-tiltLimitInq", "0607", _PAN, _TILT, of=_CORNER, source=f"{_X400}, pan tilt inquiries")
POSITION_INQ = _inquiry("Pan-tiltPosInq", "0612", _PAN, _TILT, source=_D100_ASK)
MAX_SPEED_INQ = _inquiry(
    "Pan-tiltMaxSpeedInq", "0611", _byte("pan speed", 0x7F), _byte("tilt speed", 0x7F), source=_D100_ASK
)
STATUS_INQ = _inquiry(
    "Pan-tiltModeInq",
    "0610",
    Bits((("initialising", 4, 2), ("moving", 2, 2), ("tilt fault", 0, 2))),
    Bits(
        (
            ("pan fault", 4, 2),
            ("at lower end", 3, 1),
            ("at upper end", 2, 1),
            ("at right end", 1, 1),
            ("at left end", 0, 1),
        )
    ),
    source=_D100_ASK,
)
SLOW_MODE = _command("Pan-tilt Slow Mode", "0644", _switch("slow mode"), source=f"{_X400}, pan tilt")
SLOW_MODE_INQ = _inquiry("Pan-tiltSlowInq", "0644", _switch("slow mode"), source=f"{_X400}, pan tilt inquiries")
SPEED_STEP = _command(
    "Pan-tilt Speed Type",
    "0645",
    _choice("speed type", "4 extended range, 8 normal, 18 extended steps"),
    source=f"{_X1000}, pan tilt",
    special=True,
)
SPEED_STEP_INQ = _inquiry(
    "Pan-tiltSpeedTypeInq", "0645", _byte("speed type"), source=f"{_X1000}, pan tilt inquiries", special=True
)
RAMP_CURVE = _command("Ramp Curve", "0631", Field("ramp curve", 1, 9), source=_H700, special=True)
RAMP_CURVE_INQ = _inquiry(
    "RampCurveInq", "0631", _byte("ramp curve"), source=f"{_AM7}, pan tilt inquiries", special=True
)
PRESET_RAMP_CURVE = _command(
    "Preset Ramp Curve", "0635", Field("ramp curve", 1, 9), source=f"{_AM7}, preset", special=True
)
PAN_REVERSE = _command("Pan Reverse", "7E01 0600", _choice("reverse", "0 off, 1 on"), source=_H700, special=True)
PAN_REVERSE_INQ = _inquiry(
    "PanReverseInq", "7E01 06", _choice("reverse", "0 off, 1 on"), source=_BRC300_ASK, special=True
)
TILT_REVERSE = _command("Tilt Reverse", "7E01 0900", _choice("reverse", "0 off, 1 on"), source=_H700, special=True)
TILT_REVERSE_INQ = _inquiry(
    "TiltReverseInq", "7E01 09", _choice("reverse", "0 off, 1 on"), source=_BRC300_ASK, special=True
)

# Memories.
MEMORY_RESET = _command("CAM_Memory Reset", "043F00", _MEMORY, source=_D70)
STORE = _command("CAM_Memory Set", "043F01", _MEMORY, source=_D70)
RECALL = _command("CAM_Memory Recall", "043F02", _MEMORY, source=_D70, axes=_ALL)
MEMORY_INQ = _inquiry("CAM_MemoryInq", "043F", _byte("memory"), source=_BRC300_ASK)
PRESET_SPEED = _command(
    "Preset Speed Separate", "7E01 0B", _MEMORY, _PRESET_SPEED, source=f"{_X400}, preset", special=True
)
PRESET_SPEED_INQ = _inquiry(
    "PresetSpeedSeparateInq", "7E01 0B", _byte("preset speed"), of=_MEMORY, source=_BRC300_ASK, special=True
)
PRESET_SPEED_SELECT = _command(
    "Preset Speed Select",
    "7E04 1B",
    _choice("preset speed of", "0 compatible, 1 separate, 2 common"),
    source=f"{_X400}, preset",
    special=True,
)
PRESET_SPEED_SELECT_INQ = _inquiry(
    "PresetSpeedSelectInq",
    "7E04 1B",
    _byte("preset speed of"),
    source=f"{_X400}, preset inquiries",
    special=True,
)
PRESET_SPEED_COMMON = _command(
    "Preset Speed Common",
    "7E04 1C",
    _nibbles("preset speed", 2, 0x01, 0x7F),
    source=f"{_X400}, preset",
    special=True,
)
PRESET_SPEED_COMMON_INQ = _inquiry(
    "PresetSpeedCommonInq",
    "7E04 1C",
    _nibbles("preset speed", 2),
    source=f"{_X400}, preset inquiries",
    special=True,
)
PRESET_SPEED_OF = _command(
    "Preset Drive Speed",
    "0601",
    _MEMORY,
    Field("preset speed", 0x01, 0x18),
    source=_PTZO_SEEN,
    special=True,
)
PRESET_MODE = _command(
    "Preset Mode",
    "7E04 3D",
    _choice("preset mode", "0 mode 1, 1 mode 2, 10 trace"),
    source=f"{_X400}, preset",
    special=True,
)
PRESET_MODE_INQ = _inquiry(
    "PresetModeInq", "7E04 3D", _byte("preset mode"), source=f"{_X400}, preset inquiries", special=True
)
CALL_MODE = _command(
    "Call Mode", "7E04 3B", _choice("call mode", "2 freeze, 3 normal"), source=f"{_X400}, preset", special=True
)
CALL_MODE_INQ = _inquiry(
    "PresetCallModeInq", "7E04 3B", _byte("call mode"), source=f"{_X400}, preset inquiries", special=True
)

# Zoom.
ZOOM_STOP = _command("CAM_Zoom Stop", "040700", source=_D70, axes=_ZOOM)
ZOOM_TELE = _command("CAM_Zoom Tele (Standard)", "040702", source=_D70, axes=_ZOOM)
ZOOM_WIDE = _command("CAM_Zoom Wide (Standard)", "040703", source=_D70, axes=_ZOOM)
ZOOM_DRIVE = _command(
    "CAM_Zoom Tele/Wide (Variable)",
    "0407",
    Field("zoom drive", 0x20, 0x37, only=_VARIABLE, words="20 to 27 tele, 30 to 37 wide"),
    source=_D70,
    axes=_ZOOM,
)
ZOOM_DRIVE_FINE = _command(
    "CAM_Zoom Tele/Wide (High Res)",
    "7E04 17",
    _choice("zoom direction", "2 tele, 3 wide"),
    _nibbles("zoom speed", 4, 0, 0x7FFE),
    source=f"{_AM7}, zoom",
    axes=_ZOOM,
    special=True,
)
ZOOM_STOP_FINE = _command(
    "CAM_Zoom Stop (High Res)", "7E04 17 0000000000", source=f"{_AM7}, zoom", axes=_ZOOM, special=True
)
ZOOM_DIRECT = _command("CAM_Zoom Direct", "0447", _ZOOM_POSITION, source=_D70, axes=_ZOOM)
ZOOM_FOCUS_DIRECT = _command(
    "CAM_ZoomFocus Direct",
    "0447",
    _ZOOM_POSITION,
    _FOCUS_POSITION,
    source=f"{_SRG120}, zoom",
    axes=_ZOOM | _FOCUS,
    special=True,
)
ZOOM_INQ = _inquiry("CAM_ZoomPosInq", "0447", _ZOOM_POSITION, source=_D70_ASK)
DIGITAL_ZOOM = _command(
    "CAM_DZoom", "0406", _choice("digital zoom", "2 on, 3 off, 4 clear image zoom"), source=f"{_X400}, zoom"
)
DIGITAL_ZOOM_INQ = _inquiry("CAM_DZoomModeInq", "0406", _byte("digital zoom"), source=f"{_SRG120}, zoom inquiries")
TELE_CONVERT = _command("Tele Convert", "7E04 36", _switch("tele convert"), source=f"{_X400}, zoom", special=True)
TELE_CONVERT_INQ = _inquiry(
    "TeleConvertInq", "7E04 36", _switch("tele convert"), source=f"{_X400}, zoom inquiries", special=True
)

# Focus.
FOCUS_STOP = _command("CAM_Focus Stop", "040800", source=_D70, axes=_FOCUS)
FOCUS_FAR = _command("CAM_Focus Far (Standard)", "040802", source=_D70, axes=_FOCUS)
FOCUS_NEAR = _command("CAM_Focus Near (Standard)", "040803", source=_D70, axes=_FOCUS)
FOCUS_DRIVE = _command(
    "CAM_Focus Far/Near (Variable)",
    "0408",
    Field("focus drive", 0x20, 0x37, only=_VARIABLE, words="20 to 27 far, 30 to 37 near"),
    source=_D70,
    axes=_FOCUS,
)
FOCUS_DIRECT = _command("CAM_Focus Direct", "0448", _FOCUS_POSITION, source=_D70, axes=_FOCUS)
FOCUS_INQ = _inquiry("CAM_FocusPosInq", "0448", _FOCUS_POSITION, source=_D70_ASK)
FOCUS_AUTO = _command("CAM_Focus Auto Focus", "043802", source=_D70)
FOCUS_MANUAL = _command("CAM_Focus Manual Focus", "043803", source=_D70)
FOCUS_TOGGLE = _command("CAM_Focus Auto/Manual", "043810", source=_D70, idempotent=False)
FOCUS_MODE_INQ = _inquiry("CAM_FocusModeInq", "0438", _choice("focus mode", "2 auto, 3 manual"), source=_D70_ASK)
FOCUS_ONE_PUSH = _command("CAM_Focus One Push Trigger", "041801", source=_D70, axes=_FOCUS)
FOCUS_INFINITY = _command("CAM_Focus Infinity", "041802", source=_D70, axes=_FOCUS)
FOCUS_NEAR_LIMIT = _command("CAM_Focus Near Limit", "0428", _nibbles("focus limit", 4), source=_D70)
FOCUS_NEAR_LIMIT_INQ = _inquiry("CAM_FocusNearLimitInq", "0428", _nibbles("focus limit", 4), source=_D70_ASK)
AF_MODE = _command(
    "CAM_AFMode", "0457", _choice("af mode", "0 normal, 1 interval, 2 zoom trigger"), source=f"{_SRG120}, focus"
)
AF_MODE_INQ = _inquiry("CAM_AFModeInq", "0457", _byte("af mode"), source=f"{_SRG120}, focus inquiries")
AF_TIMES = _command(
    "CAM_AFMode Active/Interval Time",
    "0427",
    _nibbles("af active seconds", 2),
    _nibbles("af interval seconds", 2),
    source=f"{_SRG120}, focus",
)
AF_TIMES_INQ = _inquiry(
    "CAM_AFTimeSettingInq",
    "0427",
    _nibbles("af active seconds", 2),
    _nibbles("af interval seconds", 2),
    source=f"{_SRG120}, focus inquiries",
)
AF_SENSITIVITY = _command(
    "CAM_AFSensitivity",
    "0458",
    _choice("af sensitivity", "1 high, 2 normal, 3 low"),
    source=f"{_SRG120}, focus; {_PTZO}",
)
AF_SENSITIVITY_INQ = _inquiry(
    "CAM_AFSensitivityInq", "0458", _byte("af sensitivity"), source=f"{_SRG120}, focus inquiries"
)
FOCUS_LOCK = Row("Focus Lock", (bytes.fromhex("0A0468"), _switch("focus lock")), _PTZO_SEEN, special=True)
IR_CORRECTION = _command(
    "CAM_IRCorrection", "0411", _choice("ir correction", "0 standard, 1 infrared light"), source=f"{_SRG120}, focus"
)
IR_CORRECTION_INQ = _inquiry(
    "CAM_IRCorrectionInq", "0411", _byte("ir correction"), source=f"{_SRG120}, focus inquiries"
)

# White balance and colour.
WB_MODE = _command(
    "CAM_WB Mode",
    "0435",
    _choice(
        "white balance", "0 auto, 1 indoor, 2 outdoor, 3 one push, 4 auto tracing, 5 manual, A preset, 20 temperature"
    ),
    source=f"{_SRG120}, colour; {_AM7}; {_PTZO}",
)
WB_MODE_INQ = _inquiry("CAM_WBModeInq", "0435", _byte("white balance"), source=_D70_ASK)
WB_ONE_PUSH = _command("CAM_WB One Push Trigger", "041005", source=f"{_SRG120}, colour")
RED_GAIN_RESET = _command("CAM_RGain Reset", "040300", source=f"{_SRG120}, colour")
RED_GAIN_STEP = _command("CAM_RGain Up/Down", "0403", _step("red gain"), source=f"{_SRG120}, colour", idempotent=False)
RED_GAIN = _command("CAM_RGain Direct", "0443 0000", _nibbles("red gain", 2), source=f"{_SRG120}, colour")
RED_GAIN_INQ = _inquiry("CAM_RGainInq", "0443", _nibbles("red gain", 4), source=f"{_SRG120}, colour inquiries")
BLUE_GAIN_RESET = _command("CAM_BGain Reset", "040400", source=f"{_SRG120}, colour")
BLUE_GAIN_STEP = _command(
    "CAM_BGain Up/Down", "0404", _step("blue gain"), source=f"{_SRG120}, colour", idempotent=False
)
BLUE_GAIN = _command("CAM_BGain Direct", "0444 0000", _nibbles("blue gain", 2), source=f"{_SRG120}, colour")
BLUE_GAIN_INQ = _inquiry("CAM_BGainInq", "0444", _nibbles("blue gain", 4), source=f"{_SRG120}, colour inquiries")
WB_SPEED = _command("WB Speed", "0456", Field("white balance speed", 1, 5), source=f"{_X400}, colour", special=True)
WB_SPEED_INQ = _inquiry(
    "CAM_WBSpeedInq", "0456", _byte("white balance speed"), source=f"{_X400}, colour inquiries", special=True
)
WB_OFFSET = _command(
    "WB Offset Direct", "7E01 2E01", Field("white balance offset", 0, 14), source=f"{_X400}, colour", special=True
)
WB_OFFSET_INQ = _inquiry(
    "CAM_WBOffsetInq",
    "7E01 2E",
    _nibbles("white balance offset", 4),
    source=f"{_X400}, colour inquiries",
    special=True,
)
CHROMA_SUPPRESS = _command("CAM_ChromaSuppress", "045F", Field("chroma suppress", 0, 3), source=f"{_SRG120}, colour")
CHROMA_SUPPRESS_INQ = _inquiry(
    "CAM_ChromaSuppressInq", "045F", _byte("chroma suppress"), source=f"{_SRG120}, colour inquiries"
)
COLOUR_GAIN = _command(
    "CAM_ColorGain Direct",
    "0449 0000",
    Field("colour", 0, 6, words="0 master, 1 magenta, 2 red, 3 yellow, 4 green, 5 cyan, 6 blue"),
    Field("colour gain", 0, 14),
    source=f"{_SRG120}, colour",
)
COLOUR_GAIN_INQ = _inquiry(
    "CAM_ColorGainInq", "0449", _nibbles("colour gain", 4), source=f"{_SRG120}, colour inquiries"
)
COLOUR_HUE = _command(
    "CAM_ColorHue Direct",
    "044F 0000",
    Field("colour", 0, 6, words="0 master, 1 magenta, 2 red, 3 yellow, 4 green, 5 cyan, 6 blue"),
    Field("hue", 0, 14),
    source=f"{_SRG120}, colour",
)
COLOUR_HUE_INQ = _inquiry("CAM_ColorHueInq", "044F", _nibbles("hue", 4), source=f"{_SRG120}, colour inquiries")

# Exposure.
AE_MODE = _command(
    "CAM_AE Mode",
    "0439",
    _choice("exposure mode", "0 full auto, 3 manual, A shutter priority, B iris priority, D bright"),
    source=f"{_SRG120}, exposure",
)
AE_MODE_INQ = _inquiry("CAM_AEModeInq", "0439", _byte("exposure mode"), source=_D70_ASK)
SHUTTER_RESET = _command("CAM_Shutter Reset", "040A00", source=f"{_SRG120}, exposure")
SHUTTER_STEP = _command(
    "CAM_Shutter Up/Down", "040A", _step("shutter"), source=f"{_SRG120}, exposure", idempotent=False
)
SHUTTER = _command("CAM_Shutter Direct", "044A 0000", _nibbles("shutter", 2), source=f"{_SRG120}, exposure")
SHUTTER_INQ = _inquiry("CAM_ShutterPosInq", "044A", _nibbles("shutter", 4), source=_D70_ASK)
MAX_SHUTTER = _command(
    "Max Shutter Direct", "052A00", _nibbles("shutter", 2), source=f"{_X400}, exposure", special=True
)
MAX_SHUTTER_INQ = _inquiry(
    "CAM_MaxShutterInq", "052A00", _nibbles("shutter", 2), source=f"{_X400}, exposure inquiries", special=True
)
MIN_SHUTTER = _command(
    "Min Shutter Direct", "052A01", _nibbles("shutter", 2), source=f"{_X400}, exposure", special=True
)
MIN_SHUTTER_INQ = _inquiry(
    "CAM_MinShutterInq", "052A01", _nibbles("shutter", 2), source=f"{_X400}, exposure inquiries", special=True
)
SLOW_SHUTTER = _command(
    "CAM_SlowShutter", "045A", _choice("slow shutter", "2 auto, 3 manual"), source=f"{_SRG120}, exposure"
)
SLOW_SHUTTER_INQ = _inquiry(
    "CAM_SlowShutterModeInq", "045A", _byte("slow shutter"), source=f"{_SRG120}, exposure inquiries"
)
IRIS_RESET = _command("CAM_Iris Reset", "040B00", source=f"{_SRG120}, exposure")
IRIS_STEP = _command("CAM_Iris Up/Down", "040B", _step("iris"), source=f"{_SRG120}, exposure", idempotent=False)
IRIS = _command("CAM_Iris Direct", "044B 0000", _nibbles("iris", 2), source=f"{_SRG120}, exposure")
IRIS_INQ = _inquiry("CAM_IrisPosInq", "044B", _nibbles("iris", 4), source=_D70_ASK)
GAIN_RESET = _command("CAM_Gain Reset", "040C00", source=f"{_SRG120}, exposure")
GAIN_STEP = _command("CAM_Gain Up/Down", "040C", _step("gain"), source=f"{_SRG120}, exposure", idempotent=False)
GAIN = _command("CAM_Gain Direct", "044C 0000", _nibbles("gain", 2), source=f"{_SRG120}, exposure")
GAIN_INQ = _inquiry("CAM_GainPosInq", "044C", _nibbles("gain", 4), source=_D70_ASK)
GAIN_LIMIT = _command("AE Gain Limit", "042C", Field("gain limit", 0, 15), source=f"{_SRG120}, exposure")
GAIN_LIMIT_INQ = _inquiry("CAM_GainLimitInq", "042C", _byte("gain limit"), source=f"{_SRG120}, exposure inquiries")
GAIN_POINT = _command("Gain Point", "050C", _switch("gain point"), source=f"{_X400}, exposure", special=True)
GAIN_POINT_INQ = _inquiry(
    "CAM_GainPointOnOffInq", "050C", _switch("gain point"), source=f"{_X400}, exposure inquiries", special=True
)
BRIGHT_STEP = _command("CAM_Bright Up/Down", "040D", _step("bright"), source=f"{_SRG120}, exposure", idempotent=False)
BRIGHT = _command("CAM_Bright Direct", "044D 0000", _nibbles("bright", 2), source=f"{_SRG120}, exposure")
BRIGHT_INQ = _inquiry("CAM_BrightPosInq", "044D", _nibbles("bright", 4), source=_D70_ASK)
EXPOSURE_COMPENSATION_MODE = _command(
    "CAM_ExpComp On/Off", "043E", _switch("exposure compensation mode"), source=f"{_SRG120}, exposure"
)
EXPOSURE_COMPENSATION_MODE_INQ = _inquiry(
    "CAM_ExpCompModeInq", "043E", _switch("exposure compensation mode"), source=_D100_ASK
)
EXPOSURE_COMPENSATION_RESET = _command("CAM_ExpComp Reset", "040E00", source=f"{_SRG120}, exposure")
EXPOSURE_COMPENSATION_STEP = _command(
    "CAM_ExpComp Up/Down", "040E", _step("exposure compensation"), source=f"{_SRG120}, exposure", idempotent=False
)
EXPOSURE_COMPENSATION = _command(
    "CAM_ExpComp Direct",
    "044E 0000",
    _nibbles("exposure compensation", 2, 0, 14),
    source=f"{_SRG120}, exposure",
)
EXPOSURE_COMPENSATION_INQ = _inquiry(
    "CAM_ExpCompPosInq", "044E", _nibbles("exposure compensation", 4), source=_D100_ASK
)
BACKLIGHT = _command("CAM_Backlight", "0433", _switch("backlight"), source=f"{_SRG120}, exposure")
BACKLIGHT_INQ = _inquiry("CAM_BackLightModeInq", "0433", _switch("backlight"), source=_D100_ASK)
SPOTLIGHT = _command("Spotlight", "043A", _switch("spotlight"), source=f"{_X400}, exposure", special=True)
SPOTLIGHT_INQ = _inquiry(
    "CAM_SpotlightInq", "043A", _switch("spotlight"), source=f"{_X400}, exposure inquiries", special=True
)
VISIBILITY_ENHANCER = _command(
    "Visibility Enhancer",
    "043D",
    _choice("visibility enhancer", "3 off, 6 on"),
    source=f"{_X400}, exposure",
    special=True,
)
VISIBILITY_ENHANCER_INQ = _inquiry(
    "CAM_VEOnOffInq",
    "043D",
    _byte("visibility enhancer"),
    source=f"{_X400}, exposure inquiries",
    special=True,
)
WIDE_DYNAMIC = _command(
    "CAM_WD",
    "7E04 00",
    _choice("wide dynamic range", "0 off, 1 low, 2 mid, 3 high"),
    source=f"{_SRG120}, image",
    special=True,
)
WIDE_DYNAMIC_INQ = _inquiry(
    "CAM_WDModeInq",
    "7E04 00",
    _byte("wide dynamic range"),
    source=f"{_SRG120}, image inquiries",
    special=True,
)
DYNAMIC_RANGE = _command(
    "Dynamic Range Control Direct",
    "0425 000000",
    Field("dynamic range", 0, 8),
    source=f"{_PTZO}, exposure",
    special=True,
)
AE_SPEED = _command("AE Speed", "045D", Field("exposure speed", 1, 0x30), source=f"{_X400}, exposure", special=True)
AE_SPEED_INQ = _inquiry(
    "CAM_AESpeedInq", "045D", _byte("exposure speed"), source=f"{_X400}, exposure inquiries", special=True
)
HIGH_SENSITIVITY = _command("CAM_HighSensitivity", "045E", _switch("high sensitivity"), source=f"{_SRG120}, image")
HIGH_SENSITIVITY_INQ = _inquiry(
    "CAM_HighSensitivityInq", "045E", _switch("high sensitivity"), source=f"{_SRG120}, image inquiries"
)

# Picture.
APERTURE_RESET = _command("CAM_Aperture Reset", "040200", source=f"{_SRG120}, image")
APERTURE_STEP = _command(
    "CAM_Aperture Up/Down", "0402", _step("aperture"), source=f"{_SRG120}, image", idempotent=False
)
APERTURE = _command("CAM_Aperture Direct", "0442 0000", _nibbles("aperture", 2, 0, 15), source=f"{_SRG120}, image")
APERTURE_INQ = _inquiry("CAM_ApertureInq", "0442", _nibbles("aperture", 4), source=_D100_ASK)
SHARPNESS_MODE = _command(
    "Sharpness Mode",
    "0405",
    _choice("sharpness mode", "2 auto, 3 manual"),
    source=f"{_PTZO}, image",
    special=True,
)
LUMINANCE = _command(
    "Luminance Direct", "04A1 000000", Field("luminance", 0, 14), source=f"{_PTZO}, image", special=True
)
CONTRAST = _command("Contrast Direct", "04A2 000000", Field("contrast", 0, 14), source=f"{_PTZO}, image", special=True)
HIGH_RESOLUTION = _command("CAM_HR", "0452", _switch("high resolution"), source=f"{_SRG120}, image")
HIGH_RESOLUTION_INQ = _inquiry("CAM_HRModeInq", "0452", _switch("high resolution"), source=_D90_ASK)
NOISE_REDUCTION = _command(
    "CAM_NR",
    "0453",
    Field(
        "noise reduction",
        0,
        0x7F,
        only=(0, 1, 2, 3, 4, 5, 0x7F),
        words="0 off, 1 to 5 weak to strong, 7F 2D and 3D apart",
    ),
    source=f"{_X400}, other image",
)
NOISE_REDUCTION_INQ = _inquiry("CAM_NRInq", "0453", _byte("noise reduction"), source=_D90_ASK)
NOISE_REDUCTION_2D_3D = _command(
    "2D NR / 3D NR",
    "0553",
    Field("2d noise reduction", 0, 5),
    Field("3d noise reduction", 0, 5),
    source=f"{_X400}, other image",
    special=True,
)
NOISE_REDUCTION_2D_3D_INQ = _inquiry(
    "CAM_2DNR3DNRInq",
    "0553",
    _byte("2d noise reduction"),
    _byte("3d noise reduction"),
    source=f"{_X400}, other image inquiries",
    special=True,
)
GAMMA = _command("CAM_Gamma", "045B", Field("gamma", 0, 14), source=f"{_SRG120}, image; {_X400}, gamma")
GAMMA_INQ = _inquiry("CAM_GammaInq", "045B", _byte("gamma"), source=f"{_SRG120}, image inquiries")
DEFOG = _command("CAM_Defog", "0437", _switch("defog"), Field("defog level", 0, 3), source=f"{_X400}, other image")
DEFOG_INQ = _inquiry(
    "CAM_DefogInq", "0437", _byte("defog"), _byte("defog level"), source=f"{_X400}, other image inquiries"
)
FLICKER_CANCEL = _command(
    "Flicker Cancel", "0432", _switch("flicker cancel"), source=f"{_X400}, other image", special=True
)
FLICKER_CANCEL_INQ = _inquiry(
    "CAM_FlickerCancelInq",
    "0432",
    _switch("flicker cancel"),
    source=f"{_X400}, other image inquiries",
    special=True,
)
FLICKER = _command(
    "Flicker", "0423", _choice("flicker", "0 off, 1 50 Hz, 2 60 Hz"), source=f"{_PTZO}, exposure", special=True
)
STABILIZER = _command(
    "CAM_Stabilizer",
    "0434",
    _choice("stabilizer", "0 hold, 2 on, 3 off"),
    source=f"{_SRG300}, image stabilizer",
    special=True,
)
STABILIZER_INQ = _inquiry(
    "CAM_StabilizerModeInq",
    "0434",
    _byte("stabilizer"),
    source=f"{_SRG300}, image stabilizer inquiries",
    special=True,
)
PICTURE_EFFECT = _command(
    "CAM_PictureEffect",
    "0463",
    _choice("picture effect", "0 off, 2 negative, 4 black and white"),
    source=f"{_SRG120}, image",
)
PICTURE_EFFECT_INQ = _inquiry("CAM_PictureEffectModeInq", "0463", _byte("picture effect"), source=_D100_ASK)
FLIP = _command("CAM_ImgFlip", "0466", _switch("flip"), source=_H700)
FLIP_INQ = _inquiry("CAM_ImgFlipInq", "0466", _switch("flip"), source=_BRC300_ASK)
MIRROR = _command(
    "CAM_LR_Reverse",
    "0461",
    _switch("mirror"),
    source="AVer PTZ310 user manual, VISCA command set (p. 37)",
    special=True,
)
MIRROR_INQ = _inquiry("CAM_LR_ReverseModeInq", "0461", _switch("mirror"), source=_D100_ASK, special=True)
FREEZE = _command(
    "CAM_Freeze", "0462", _switch("freeze"), source="EVI-D100 technical manual, command list", special=True
)
FREEZE_INQ = _inquiry("CAM_FreezeModeInq", "0462", _switch("freeze"), source=_D100_ASK, special=True)
COLOUR_BAR = _command("Color Bar", "047D", _switch("colour bar"), source=f"{_X400}, system", special=True)
COLOUR_BAR_INQ = _inquiry(
    "CAM_ColorBarInq", "047D", _switch("colour bar"), source=f"{_X400}, system inquiries", special=True
)

# Menus and displays.
MENU_ON = _command("SYS_Menu On", "060602", source=f"{_X400}, system")
MENU_OFF = _command("SYS_Menu Off", "060603", source=f"{_SRG120}, system")
MENU_TOGGLE = _command("SYS_Menu On/Off", "060610", source=f"{_X400}, system", idempotent=False)
MENU_INQ = _inquiry("SYS_MenuModeInq", "0606", _choice("menu", "2 on, 3 off"), source=_BRC300_ASK)
MENU_ENTER = _command("Menu Enter", "7E01 020001", source=f"{_X400}, system", idempotent=False, special=True)
MENU_BACK = _command("Menu Back", "060604", source=_PTZO_SEEN, idempotent=False, special=True)
MENU_SELECT = _command("Menu Select", "060605", source=_PTZO_SEEN, idempotent=False, special=True)
DISPLAY = _command("Information Display", "7E01 18", _switch("display"), source=_HD1)
DISPLAY_INQ = _inquiry("Information Display Inq", "7E01 18", _switch("display"), source=_D90_ASK)
OSD = _command(
    "OSD",
    "7E04 76",
    _choice("output", "0 SDI, 1 HDMI"),
    _switch("on-screen display"),
    source=f"{_X400}, system",
    special=True,
)
OSD_INQ = _inquiry(
    "CAM_OSDInq",
    "7E04 76",
    _switch("on-screen display"),
    of=_choice("output", "0 SDI, 1 HDMI"),
    source=f"{_X400}, system inquiries",
    special=True,
)

# Tally.
TALLY_RED = _command("Tally Red", "7E01 0A00", _switch("tally"), source=_H700)
TALLY_RED_INQ = _inquiry("TallyRedInq", "7E01 0A", _switch("tally"), source=_BRC300_ASK)
TALLY_GREEN = _command("Tally Green", "7E04 1A00", _switch("tally"), source=f"{_AM7}, tally", special=True)
TALLY_GREEN_INQ = _inquiry(
    "TallyGreenInq", "7E04 1A", _switch("tally"), source=f"{_AM7}, tally inquiries", special=True
)
TALLY_YELLOW = _command("Tally Yellow", "7E04 1100", _switch("tally"), source=f"{_AM7}, tally", special=True)
TALLY_YELLOW_INQ = _inquiry(
    "TallyYellowInq", "7E04 11", _switch("tally"), source=f"{_AM7}, tally inquiries", special=True
)
TALLY_LEVEL = _command(
    "Tally Level",
    "7E01 0A01",
    _choice("tally level", "0 off, 4 low, 5 high"),
    source=f"{_X400}, system",
    special=True,
)

# Infrared.
ICR = _command("CAM_ICR", "0401", _switch("infrared cut filter away"), source=f"{_SRG300}, ICR")
ICR_INQ = _inquiry("CAM_ICRModeInq", "0401", _switch("infrared cut filter away"), source=_D90_ASK)
AUTO_ICR = _command("CAM_AutoICR", "0451", _switch("auto icr"), source=f"{_SRG300}, ICR")
AUTO_ICR_INQ = _inquiry("CAM_AutoICRModeInq", "0451", _switch("auto icr"), source=_D90_ASK)
AUTO_ICR_THRESHOLD = _command(
    "CAM_AutoICR Threshold", "0421 0000", _nibbles("icr threshold", 2), source=f"{_SRG300}, ICR"
)
AUTO_ICR_THRESHOLD_INQ = _inquiry("CAM_AutoICRThresholdInq", "0421", _nibbles("icr threshold", 4), source=_D90_ASK)
IR_RECEIVE_ON = _command("IR_Receive On", "060802", source=_D70_PAN_TILT)
IR_RECEIVE_OFF = _command("IR_Receive Off", "060803", source=_D70_PAN_TILT)
IR_RECEIVE_TOGGLE = _command("IR_Receive On/Off", "060810", source=_D70_PAN_TILT, idempotent=False)
IR_RECEIVE_INQ = _inquiry("IR_ReceiveInq", "0608", _switch("ir receive"), source=_BRC300_ASK)
IR_RETURN_ON = _command("IR_ReceiveReturn On", "7D01 030000", source=_D70_PAN_TILT)
IR_RETURN_OFF = _command("IR_ReceiveReturn Off", "7D01 130000", source=_D70_PAN_TILT)
IR_CONDITION_INQ = _inquiry("IR_ConditionInq", "0634", _byte("ir condition"), source=_D90_ASK)

# Other.
STANDBY_MODE = _command(
    "Standby Mode",
    "7E04 50",
    _choice("standby mode", "2 side, 3 neutral"),
    source=f"{_X400}, system",
    special=True,
)
STANDBY_MODE_INQ = _inquiry(
    "CAM_StandbyModeInq", "7E04 50", _byte("standby mode"), source=f"{_X400}, system inquiries", special=True
)
LOW_LATENCY = _command(
    "CAM_LowLatency", "7E01 5A", _choice("latency", "2 low, 3 normal"), source=f"{_SRG120}, system", special=True
)
LOW_LATENCY_INQ = _inquiry(
    "CAM_LowLatencyInq", "7E01 5A", _byte("latency"), source=f"{_SRG120}, system inquiries", special=True
)
ND_PRESET = _command(
    "ND Preset",
    "7E01 53",
    Field("nd filter", 0, 3, words="0 clear, 1 to 3 preset"),
    source=f"{_AM7}, ND filter",
    special=True,
)
ND_PRESET_INQ = _inquiry(
    "NDPresetInq", "7E01 53", _byte("nd filter"), source=f"{_AM7}, ND filter inquiries", special=True
)

# Block inquiries: several values in one answer. What all makers' lists agree on has a name,
# the bytes on which they differ are given by their number.
LENS_BLOCK_INQ = _inquiry(
    "CAM_LensBlockInq",
    "7E7E 00",
    _nibbles("zoom", 4),
    _nibbles("focus limit", 2),
    _nibbles("focus", 4),
    _byte("byte 12"),
    Bits((("af mode", 3, 2), ("af sensitivity", 2, 1), ("digital zoom", 1, 1), ("auto focus", 0, 1))),
    Bits((("recalling", 2, 1), ("focusing", 1, 1), ("zooming", 0, 1))),
    source=f"{_X400}, block inquiries",
)
CAMERA_BLOCK_INQ = _inquiry(
    "CAM_CameraBlockInq",
    "7E7E 01",
    _nibbles("red gain", 2),
    _nibbles("blue gain", 2),
    Bits((("white balance", 0, 4),)),
    Bits((("aperture", 0, 4),)),
    Bits((("exposure mode", 0, 4),)),
    Bits((("backlight", 2, 1), ("exposure compensation mode", 1, 1), ("slow shutter", 0, 1))),
    Bits((("shutter", 0, 6),)),
    Bits((("iris", 0, 5),)),
    Bits((("gain", 0, 5),)),
    _byte("byte 13"),
    Bits((("exposure compensation", 0, 4),)),
    source=f"{_X400}, block inquiries",
)
OTHER_BLOCK_INQ = _inquiry(
    "CAM_OtherBlockInq",
    "7E7E 02",
    Bits((("power", 0, 1),)),
    _byte("byte 3"),
    _byte("byte 4"),
    Bits((("picture effect", 0, 4),)),
    *(_byte(f"byte {number}") for number in range(6, 15)),
    source=f"{_X400}, block inquiries",
)
ENLARGEMENT_BLOCK_INQ, ENLARGEMENT_BLOCK_2_INQ, ENLARGEMENT_BLOCK_3_INQ = (
    _inquiry(
        name,
        form,
        *(_byte(f"byte {number}") for number in range(2, 15)),
        source=f"{_X400}, block inquiries",
    )
    for name, form in (
        ("CAM_EnlargementBlockInq", "7E7E 03"),
        ("CAM_EnlargementBlock2Inq", "7E7E 04"),
        ("CAM_EnlargementBlock3Inq", "7E7E 05"),
    )
)

TABLE: tuple[Row, ...] = tuple(row for row in list(globals().values()) if isinstance(row, Row))
BY_NAME: dict[str, Row] = {row.name: row for row in TABLE}
BLOCK_INQUIRIES = (
    LENS_BLOCK_INQ,
    CAMERA_BLOCK_INQ,
    OTHER_BLOCK_INQ,
    ENLARGEMENT_BLOCK_INQ,
    ENLARGEMENT_BLOCK_2_INQ,
    ENLARGEMENT_BLOCK_3_INQ,
)


def _shelves() -> dict[bytes, list[Row]]:
    """Return the rows by their literal beginning, those with the fewest fields first."""
    shelves: dict[bytes, list[Row]] = defaultdict(list)
    for row in sorted(TABLE, key=lambda row: len(row.fields)):
        first = row.form[0]
        shelves[first[:2] if isinstance(first, bytes) else b""].append(row)
    return shelves


_BY_BEGINNING = _shelves()


def find(frame: bytes) -> tuple[Row, tuple[int, ...]] | None:
    """Return the row that wrote `frame`, for a camera of whatever width, with its values; None if none did."""
    for beginning in (frame[1:3], frame[1:2], b""):
        for row in _BY_BEGINNING.get(beginning, ()):
            for widths in KNOWN_WIDTHS:
                values = row.values_of(frame, widths)
                if values is not None:
                    return row, values
    return None


@dataclass(frozen=True, slots=True)
class Version:
    """The answer to CAM_VersionInq."""

    vendor: int
    model: int
    rom: int
    sockets: int

    @classmethod
    def parse(cls, content: bytes) -> Version:
        """Return what the seven bytes of `content` say.

        Raises:
            ValueError: not seven bytes.
        """
        if len(content) != 7:
            raise ValueError(f"CAM_VersionInq wanted 7 bytes, found {content.hex(' ') or 'none'}")
        return cls(*struct.unpack(">HHHB", content))
