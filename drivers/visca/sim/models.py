"""What the makes of camera are like, from their makers' lists.

Sony: the command lists of each model (version codes, ranges, speeds, number of block inquiries);
EVI-D70 and BRC-300 from their technical manual and command list. PTZOptics, Avonic and HuddleCam share
Minrray's list (pan F670 to 0990, tilt FE50 to 0510). Where a maker prints no version codes or no
range, the numbers are of its nearest relative.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

MEMORIES: dict[int, tuple[float, float, float]] = {
    0: (0.0, 0.0, 0.0),
    1: (-30.0, 5.0, 0.25),
    2: (30.0, 5.0, 0.25),
    3: (0.0, 10.0, 0.5),
    4: (-60.0, -10.0, 0.75),
    5: (60.0, 0.0, 0.1),
}
"""What a new simulated camera has stored: pan and tilt in degrees, zoom from 0 to 1."""

_HUNDRED = frozenset(range(100))
_SIXTEEN = frozenset(range(16))
_MINRRAY = frozenset((*range(90), *range(100, 255)))


# Pan-tilt speeds in degrees a second, from 01 on: BRC-X400 (slow off), SRG-120DH, FR7 and AM7 (normal steps).
_X400_SPEEDS = (
    *(1.1, 1.3, 1.6, 2.2, 2.9, 6.7, 11, 23, 24, 27, 41, 43, 47, 49, 54, 57, 62, 64, 69, 72, 80, 84, 91, 101),
)
_SRG_120_SPEEDS = (
    *(1.1, 1.3, 1.7, 2.2, 2.8, 3.6, 4.6, 5.9, 7.6, 9, 10, 20, 23, 37, 42, 47, 61, 73, 88, 126, 145, 185, 251, 302),
)
_FR7_SPEEDS = (
    *(0.05, 0.1, 0.2, 0.4, 0.5, 0.8, 1.1, 1.4, 1.9, 2.5, 3.2, 4, 5.1, 6.4, 8, 10, 12.5, 15.5, 19.6, 24.2, 30.1),
    *(37.8, 47.1, 60),
)


@dataclass(frozen=True, slots=True)
class Model:
    """What one make of camera is like."""

    name: str
    version: bytes
    """The seven bytes of the version answer."""
    steps_per_degree: float
    pan: tuple[int, int]
    tilt: tuple[int, int]
    tilt_speed_max: int
    memories: frozenset[int]
    one_speed: bool = False
    """An absolute move has one speed, and 00 in the second place; anything else is a syntax error."""
    synchronous: bool = False
    """00 in the second place of an absolute move lets both axes arrive together."""
    pan_right: int = 1
    """Which sign a position to the right has: -1 on the BRC-300, BRC-X1000 and their like."""
    pan_nibbles: int = 4
    tilt_nibbles: int = 4
    pan_speed_max: int = 0x18
    extended_speed_max: int = 0
    """The greatest speed once the extended steps are chosen (06 45 18); 0 where there are none."""
    clamps_speed: bool = False
    """A speed beyond the chosen steps is taken for the greatest instead of refused."""
    refuses_zero_speed: bool = False
    """Speed 00 is a syntax error even in a STOP."""
    functions: frozenset[int] = frozenset()
    """Memory numbers that are functions; 95 toggles the on-screen menu."""
    memory_speed: str = "sony"
    """How the speed of a memory is set: `sony` (7E 01 0B), `visca-short` (06 01 pp), or not at all."""
    blocks: int = 6
    """How many block inquiries are answered."""
    families: frozenset[str] = frozenset({"picture"})
    """Groups of registers beyond the common ones."""
    error_type: int = 0x0200
    """Under which payload type 0F 01 and 0F 02 travel; both are seen."""
    lenient_length: bool = False
    """A wrong length in Sony's header is not minded."""
    acks: bool = True
    """Sends an ACK; without, only `90 50 FF` once a command has run."""
    shared_socket: bool = False
    """ACKs every command into socket 1, also while one runs there."""
    lying_sequence: bool = False
    """Answers always carry sequence number 1."""
    slowest: float = 1.1
    """Degrees a second at speed 01."""
    fastest: float = 101.0
    """Degrees a second at the greatest speed; memories are recalled with it."""
    ramp: float = 400.0
    """Degrees a second, gained in a second."""
    speeds: tuple[float, ...] = ()
    """Degrees a second at speed 01, 02 and so on, where the list says it; else each step is faster by one factor."""
    zoom_through_s: float = 2.5


_X400 = Model(
    "brc-x400",
    bytes.fromhex("0001051C010002"),
    51.2,
    (-0x2200, 0x2200),
    (-0x400, 0x1200),
    0x17,
    _HUNDRED,
    one_speed=True,
    families=frozenset({"picture", "x", "tally"}),
    error_type=0x0201,
    speeds=_X400_SPEEDS,
)
_SRG_300H = replace(
    _X400,
    name="srg-300h",
    version=bytes.fromhex("00010513010002"),
    one_speed=False,
    memories=_SIXTEEN,
    memory_speed="",
    families=frozenset({"picture", "bright"}),
    error_type=0x0200,
)
_X1000 = Model(
    "brc-x1000",
    bytes.fromhex("00010519010002"),
    0x52EF / 90,
    (-0x9CA7, 0x9CA7),
    (-0x1BA5, 0x52EF),
    0x18,
    _HUNDRED,
    synchronous=True,
    pan_right=-1,
    pan_nibbles=5,
    extended_speed_max=0x32,
    clamps_speed=True,
    families=frozenset({"picture", "x", "tally", "steps", "reverse"}),
    slowest=0.2,
    fastest=60.0,
)
_FR7 = replace(
    _X1000,
    name="fr7",
    version=bytes.fromhex("0001051E010002"),
    tilt=(-0x1BA5, 0xB3B0),
    pan_right=1,
    tilt_nibbles=5,
    clamps_speed=False,
    blocks=0,
    families=frozenset({"picture", "x", "tally", "green", "steps"}),
    slowest=0.05,
    speeds=_FR7_SPEEDS,
)
_PTZOPTICS = Model(
    "ptzoptics-g2",
    bytes.fromhex("01020401051302"),
    14.4,
    (-0x990, 0x990),
    (-0x1B0, 0x510),
    0x14,
    _MINRRAY,
    functions=frozenset(range(90, 100)),
    memory_speed="visca-short",
    blocks=4,
    families=frozenset({"picture", "bright", "freeze", "minrray"}),
    slowest=1.0,
    fastest=120.0,
)
_EVI_D70 = Model(
    "evi-d70",
    bytes.fromhex("0020040E010002"),
    0x8DB / 170,
    (-0x8DB, 0x8DB),
    (-0x190, 0x4B0),
    0x17,
    frozenset(range(6)),
    memory_speed="",
    blocks=4,
    families=frozenset({"picture", "bright", "freeze"}),
    slowest=1.0,
    fastest=170.0,
)

_ALL = (
    _EVI_D70,
    replace(
        _EVI_D70,
        name="evi-d100",
        version=bytes.fromhex("0020040D010002"),
        steps_per_degree=14.4,
        pan=(-0x5A0, 0x5A0),
        tilt=(-0x168, 0x168),
        tilt_speed_max=0x14,
        fastest=300.0,
    ),
    Model(
        "brc-300",
        bytes.fromhex("0001040F010002"),
        0x493D / 90,
        (-0x8A58, 0x8A58),
        (-0x186A, 0x493D),
        0x18,
        frozenset(range(6)),
        one_speed=True,
        pan_right=-1,
        pan_nibbles=5,
        refuses_zero_speed=True,
        blocks=4,
        families=frozenset({"picture", "bright", "tally", "reverse"}),
        fastest=60.0,
    ),
    _X1000,
    replace(_X1000, name="brc-h800", version=bytes.fromhex("0001051A010002")),
    _X400,
    replace(
        _SRG_300H,
        name="srg-120dh",
        version=bytes.fromhex("00010511010002"),
        pan=(-0x1400, 0x1400),
        tilt=(-0x500, 0x500),
        tilt_speed_max=0x14,
        fastest=302.0,
        speeds=_SRG_120_SPEEDS,
    ),
    _SRG_300H,
    replace(_X400, name="srg-x120", version=bytes.fromhex("00010618010002"), blocks=5, families=frozenset({"picture"})),
    replace(_X400, name="srg-x400", version=bytes.fromhex("00010617010002"), blocks=5, families=frozenset({"picture"})),
    replace(
        _X400, name="srg-a40", version=bytes.fromhex("00010621010002"), blocks=5, families=frozenset({"picture", "x"})
    ),
    replace(
        _SRG_300H,
        name="srg-360she",
        version=bytes.fromhex("00010604010002"),
        steps_per_degree=512.0,
        pan=(-0x15400, 0x15400),
        tilt=(-0x3C00, 0xB400),
        tilt_speed_max=0x18,
        one_speed=True,
        pan_nibbles=5,
        tilt_nibbles=5,
        blocks=4,
        families=frozenset({"picture", "bright", "tally"}),
        slowest=0.3,
        speeds=(),
    ),
    _FR7,
    replace(
        _FR7,
        name="am7",
        version=bytes.fromhex("0001051F010002"),
        steps_per_degree=1000.0,
        pan=(-0x2AB98, 0x2AB98),
        tilt=(-0x7530, 0x33450),
        extended_speed_max=0x7F,
    ),
    _PTZOPTICS,
    replace(_PTZOPTICS, name="ptzoptics-g3", version=bytes.fromhex("01030601051303"), memory_speed=""),
    replace(
        _PTZOPTICS,
        name="ptzoptics-move",
        version=bytes.fromhex("00050701061402"),
        memory_speed="",
        shared_socket=True,
    ),
    # AVer and BirdDog print VISCA lists of Sony's shape and no position tables. AVer's 5A to 5F are functions.
    replace(
        _PTZOPTICS,
        name="aver",
        version=bytes.fromhex("25740001010002"),
        functions=frozenset(range(0x5A, 0x60)),
        lenient_length=True,
    ),
    replace(_X400, name="marshall", version=bytes.fromhex("00200950010002"), one_speed=False, error_type=0x0200),
    replace(_PTZOPTICS, name="birddog", version=bytes.fromhex("01090500010002"), functions=frozenset()),
    replace(_PTZOPTICS, name="avonic", version=bytes.fromhex("01020301041202")),
    replace(_PTZOPTICS, name="huddlecam", version=bytes.fromhex("00010201031102")),
    replace(_EVI_D70, name="cisco", version=bytes.fromhex("00200500010002"), acks=False),
    replace(_PTZOPTICS, name="newtek", version=bytes.fromhex("00010801010002"), lying_sequence=True),
    # A code that stands in no list.
    replace(_EVI_D70, name="generic", version=bytes.fromhex("002004FE010002"), fastest=101.0, slowest=1.1),
)
MODELS = {model.name: model for model in _ALL}
