"""The profiles that come with the driver, and what is wrong with others."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers.visca import profiles, table
from drivers.visca.line import Framing
from drivers.visca.profiles import GENERIC, MODELS, PROFILES, Profile, load, parse, profile_for, to_toml
from drivers.visca.reference import reference
from drivers.visca.row import Row, Widths
from drivers.visca.table import TABLE, Version

ALL = list(PROFILES.values())
SONY = {
    *("evi-d70", "evi-d100", "brc-300", "brc-x400", "brc-x1000", "srg-120dh", "srg-300h", "srg-300se", "srg-x120"),
    *("srg-x400", "srg-a40", "srg-x40uh", "srg-360she", "fr7", "am7"),
}
OTHERS = {
    *("ptzoptics-g2", "ptzoptics-g3", "ptzoptics-move", "aver", "marshall", "birddog", "avonic"),
    *("huddlecam", "cisco", "generic"),
}

every_profile = pytest.mark.parametrize("profile", ALL, ids=lambda profile: profile.name)


def lowest(profile: Profile, row: Row) -> tuple[int, ...]:
    """Values that the camera takes, if it takes any."""
    values = []
    for field in row.fields:
        low, high = profile._range_of(field)
        first = profile.memories[0] if field.name == "memory" else low
        values.append(first if field.allows(first, profile.widths) else next(v for v in field.only if low <= v <= high))
    return tuple(values)


def test_they_are_all_there_under_their_names() -> None:
    assert set(PROFILES) == SONY | OTHERS
    assert {name for name, profile in PROFILES.items() if profile.maker == "Sony"} == SONY
    assert all(name == profile.name for name, profile in PROFILES.items())
    assert GENERIC is PROFILES["generic"]
    with pytest.raises(KeyError):
        PROFILES["../generic"]


@every_profile
def test_figures_are_consistent(profile: Profile) -> None:
    assert profile.sources
    assert not profile.tried
    assert profile.speeds[-1][0] <= profile.pan_speed_max
    assert [speed for _, speed in profile.speeds] == sorted(speed for _, speed in profile.speeds)
    assert profile.pan_deg[0] <= 0 <= profile.pan_deg[1]
    assert profile.tilt_deg[0] <= 0 <= profile.tilt_deg[1]
    assert profile.longest_travel_s >= profile.zoom_through_s
    assert profile.carriers
    assert profile.deg_per_s(1) <= profile.pan_deg_per_s
    assert profile.menu_close == profile.knows(table.MENU_OFF)
    assert profile.fine_zoom == profile.knows(table.ZOOM_STOP_FINE)
    assert all(profile.knows(row) for row in (*profile.block_inquiries, profile.preset_speed_row) if row)


@every_profile
def test_every_row_is_written_or_refused_by_name(profile: Profile) -> None:
    for row in TABLE:
        values = lowest(profile, row)
        if profile.knows(row):
            frame = profile.frame(row, *values)
            assert row.values_of(frame, profile.widths) == values
        else:
            with pytest.raises(ValueError, match=f"{profile.name}: this camera does not know"):
                profile.frame(row, *values)


@every_profile
def test_what_keeps_people_safe_is_known_to_all(profile: Profile) -> None:
    for row in (table.PAN_TILT_STOP, table.ZOOM_STOP, table.FOCUS_STOP, table.PAN_TILT_DRIVE, table.RECALL):
        assert profile.knows(row)
    assert profile.frame(table.PAN_TILT_STOP, address=7) == bytes.fromhex("87 01 06 01 01 01 03 03 FF")


@every_profile
def test_speeds_are_refused_beyond_the_cameras_own(profile: Profile) -> None:
    profile.check(table.PAN_TILT_DRIVE, profile.pan_speed_max, profile.tilt_speed_max, 1, 1)
    for pan, tilt, name in (
        (profile.pan_speed_max + 1, 1, "pan"),
        (1, profile.tilt_speed_max + 1, "tilt"),
        (0, 1, "pan"),
    ):
        with pytest.raises(ValueError, match=f"{profile.name}: {name} speed must be 1 to"):
            profile.frame(table.PAN_TILT_DRIVE, pan, tilt, 1, 1)


@every_profile
def test_the_ends_of_pan_and_tilt_are_reached_and_not_passed(profile: Profile) -> None:
    tilt_speed = 0 if profile.one_speed else 1
    for pan_deg in profile.pan_deg:
        for tilt_deg in profile.tilt_deg:
            pan, tilt = profile.steps(pan_deg, "pan"), profile.steps(tilt_deg, "tilt")
            profile.frame(table.PAN_TILT_ABSOLUTE, 1, tilt_speed, pan, tilt)
            assert profile.degrees(pan, "pan") == pytest.approx(pan_deg, abs=0.1)
            assert profile.degrees(tilt, "tilt") == pytest.approx(tilt_deg, abs=0.1)
            beyond = pan + (1 if pan > 0 else -1)
            with pytest.raises(ValueError, match=f"{profile.name}: pan must be -?[0-9]+ to [0-9]+, got {beyond}"):
                profile.frame(table.PAN_TILT_ABSOLUTE, 1, tilt_speed, beyond, tilt)


@every_profile
def test_only_memories_are_memories(profile: Profile) -> None:
    for number in range(256):
        if number in profile.memories:
            profile.check(table.RECALL, number)
        else:
            with pytest.raises(ValueError, match=f"{profile.name}: memory"):
                profile.check(table.RECALL, number)


@every_profile
def test_every_forbidden_number_is_refused_with_its_reason(profile: Profile) -> None:
    for forbidden in profile.forbidden:
        for number in range(forbidden.first, forbidden.last + 1):
            for row in (table.RECALL, table.STORE, table.MEMORY_RESET):
                with pytest.raises(ValueError, match=forbidden.reason):
                    profile.frame(row, number)


def test_ptzoptics_95_opens_a_menu_and_is_refused() -> None:
    for name in ("ptzoptics-g2", "ptzoptics-g3", "ptzoptics-move"):
        with pytest.raises(ValueError, match=f"{name}: memory 95 is none: .* menu"):
            PROFILES[name].frame(table.RECALL, 95)
        assert PROFILES[name].frame(table.RECALL, 89) == bytes.fromhex("81 01 04 3F 02 59 FF")
        assert PROFILES[name].frame(table.RECALL, 254) == bytes.fromhex("81 01 04 3F 02 FE FF")


# The ends of the ranges as the lists print them.
@pytest.mark.parametrize(
    ("name", "pan", "tilt"),
    [
        ("brc-x400", (-0x2200, 0x2200), (-0x400, 0x1200)),
        ("srg-120dh", (-0x1400, 0x1400), (-0x500, 0x500)),
        ("srg-300h", (-0x2200, 0x2200), (-0x400, 0x1200)),
        ("srg-360she", (-0x15400, 0x15400), (-0x03C00, 0x0B400)),
        ("brc-x1000", (-0x09CA7, 0x09CA7), (-0x1BA5, 0x52EF)),
        ("fr7", (-0x09CA7, 0x09CA7), (-0x01BA5, 0x0B3B0)),
        ("am7", (-0x2AB98, 0x2AB98), (-0x07530, 0x33450)),
        ("evi-d70", (-0x08DB, 0x08DB), (-0x0190, 0x04B0)),
        ("evi-d100", (-0x05A0, 0x05A0), (-0x0168, 0x0168)),
    ],
)
def test_ranges_of_the_lists(name: str, pan: tuple[int, int], tilt: tuple[int, int]) -> None:
    profile = PROFILES[name]
    assert profile._range_in_steps("pan") == pan
    assert profile._range_in_steps("tilt") == tilt


def test_pan_of_a_brc_x1000_counts_to_the_left() -> None:
    x1000 = PROFILES["brc-x1000"]
    assert x1000.steps(90, "pan") == -0x052EF
    assert x1000.degrees(-0x052EF, "pan") == 90
    assert x1000.steps(90, "tilt") == 0x52EF


def test_one_speed_for_both_wants_zero_in_the_second_place() -> None:
    x400 = PROFILES["brc-x400"]
    assert x400.frame(table.PAN_TILT_ABSOLUTE, 0x18, 0, 0, 0)[4:6] == b"\x18\x00"
    with pytest.raises(ValueError, match="brc-x400: tilt speed must be 0, got 5"):
        x400.frame(table.PAN_TILT_ABSOLUTE, 0x18, 5, 0, 0)
    with pytest.raises(ValueError, match="srg-120dh: tilt speed must be 1 to 20, got 0"):
        PROFILES["srg-120dh"].frame(table.PAN_TILT_ABSOLUTE, 0x18, 0, 0, 0)
    PROFILES["fr7"].check(table.PAN_TILT_ABSOLUTE, 0x18, 0, 0, 0)


def test_frames_are_as_wide_as_the_camera() -> None:
    assert PROFILES["brc-x1000"].widths == Widths(5, 4)
    assert len(PROFILES["am7"].frame(table.PAN_TILT_ABSOLUTE, 1, 1, 0, 0)) == 17
    assert len(PROFILES["brc-300"].frame(table.PAN_TILT_ABSOLUTE, 1, 0, 0, 0)) == 16
    assert len(GENERIC.frame(table.PAN_TILT_ABSOLUTE, 1, 1, 0, 0)) == 15


def test_zoom_focus_and_speed_of_a_recall_are_held_too() -> None:
    with pytest.raises(ValueError, match="generic: zoom must be 0 to 16384, got 16385"):
        GENERIC.frame(table.ZOOM_DIRECT, 0x4001)
    with pytest.raises(ValueError, match="evi-d100: focus must be 4096 to 33792, got 40000"):
        PROFILES["evi-d100"].frame(table.FOCUS_DIRECT, 40000)
    with pytest.raises(ValueError, match="brc-x400: preset speed must be 1 to 25, got 26"):
        PROFILES["brc-x400"].frame(table.PRESET_SPEED, 0, 26)
    with pytest.raises(ValueError, match="generic: CAM_Memory Recall takes memory, got 0 values"):
        GENERIC.frame(table.RECALL)
    with pytest.raises(ValueError, match="camera address must be 1 to 7, got 9"):
        GENERIC.frame(table.POWER_ON, address=9)
    slow = GENERIC.model_copy(update={"zoom_speed_max": 5})
    with pytest.raises(ValueError, match="zoom drive must be"):
        slow.frame(table.ZOOM_DRIVE, 0x36)


def test_speeds_between_known_codes_are_not_flattered() -> None:
    x400 = PROFILES["brc-x400"]
    assert (x400.deg_per_s(1), x400.deg_per_s(5), x400.pan_deg_per_s) == (1.1, 2.9, 91)
    assert PROFILES["srg-120dh"].deg_per_s(0x13) == 1.1


def test_the_row_for_the_speed_of_a_recall() -> None:
    assert PROFILES["brc-x400"].preset_speed_row is table.PRESET_SPEED
    assert PROFILES["ptzoptics-g2"].preset_speed_row is table.PRESET_SPEED_OF
    assert PROFILES["ptzoptics-g3"].preset_speed_row is None
    assert not PROFILES["ptzoptics-g3"].knows(table.PRESET_SPEED_OF)


def test_block_inquiries_and_framing() -> None:
    assert PROFILES["srg-360she"].block_inquiries == table.BLOCK_INQUIRIES[:4]
    assert not GENERIC.knows(table.LENS_BLOCK_INQ)
    assert PROFILES["huddlecam"].framing_on("udp", 52381) is Framing.RAW
    assert PROFILES["brc-x400"].framing_on("udp", 52381) is Framing.SONY
    assert PROFILES["marshall"].framing_on("udp", 1259) is Framing.RAW
    assert PROFILES["brc-x400"].framing_on("tcp") is None


@pytest.mark.parametrize(
    ("vendor", "model", "name"),
    [
        (0x0001, 0x051D, "brc-x400"),
        (0x0001, 0x051A, "brc-x1000"),
        (0x0001, 0x0618, "srg-x120"),
        (0x0001, 0x051F, "am7"),
        (0x2574, 0x1234, "aver"),
        (0x0109, 0x0001, "birddog"),
        (0x0001, 0x7777, "generic"),
        (0x4242, 0x051C, "generic"),
    ],
)
def test_profile_is_picked_by_the_answer_to_the_version_inquiry(vendor: int, model: int, name: str) -> None:
    assert profile_for(Version(vendor, model, 0, 2)).name == name


def test_every_sony_model_with_a_name_has_one_profile() -> None:
    for model in MODELS:
        answers = [Version(vendor, model, 0, 2) for vendor in (profiles.SONY, profiles.SONY_EVI)]
        fitting = [p.name for p in ALL if any(i.fits(answer) for i in p.identified for answer in answers)]
        assert len(fitting) == 1, hex(model)


@every_profile
def test_a_profile_is_written_and_read_back(profile: Profile, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(to_toml(profile))
    assert load(path) == profile


def test_a_stub_may_say_anything_in_words() -> None:
    stub = GENERIC.model_copy(update={"maker": 'a "maker"\n\\ \u007f \u00e9', "sources": ("found # here",)})
    assert parse(to_toml(stub), "stub") == stub


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (
            ("pan_speed_max = 0x18", 'pan_speed_max = "24"'),
            r"mine\.toml: pan_speed_max: Input should be a valid integer",
        ),
        (("tried = false", "tried = false\ncolour = 1"), r"mine\.toml: colour: Extra inputs are not permitted"),
        (("pan_deg = [-170, 170]", "pan_deg = [170, -170]"), r"mine\.toml: .*pan_deg: the first must be below"),
        (("memory_ranges = [[0, 5]]", "memory_ranges = []"), r"mine\.toml: .*memory_ranges: must not be empty"),
        (("memory_ranges = [[0, 5]]", "memory_ranges = [[0, 255]]"), r"memory_ranges: must be within 0 to 254"),
        (("pan_speed_max = 0x18\n", ""), r"mine\.toml: pan_speed_max: Field required"),
        (("tried = false", 'tried = false\nextra = ["CAM_Nothing"]'), r"extra: the table has no row 'CAM_Nothing'"),
        (("tried = false", "tried = false\nquirks = { blind = 1 }"), r"mine\.toml: quirks\.blind: "),
        (("tried = false", "tried = false\nquirks = { deaf = true }"), r"mine\.toml: quirks\.deaf: Extra inputs"),
        (("pan_steps_per_degree = 13.335294", "pan_steps_per_degree = 1000"), r"pan_deg: .* do not fit pan_nibbles"),
        (("speeds = [[0x01, 1]", "speeds = [[0x02, 1]"), r"speeds: must begin with code 1"),
        (("assumed = [", 'assumed = ["nose", '), r"assumed: a profile has no key 'nose'"),
        (("tried = false", "tried = 2026-11-24"), r"mine\.toml: a date is no value"),
        (("tried = false", "tried = maybe"), r"mine\.toml is no TOML"),
        (
            ("tried = false", 'tried = false\nforbidden = [{ first = 3, last = 9, reason = "x" }]'),
            r"forbidden: 3 to 9 stand in memory_ranges too",
        ),
    ],
)
def test_a_mistake_is_named_with_its_file_and_key(change: tuple[str, str], complaint: str, tmp_path: Path) -> None:
    text = (profiles.FOLDER / "generic.toml").read_text()
    assert change[0] in text
    path = tmp_path / "mine.toml"
    path.write_text(text.replace(*change))
    with pytest.raises(ValueError, match=complaint):
        load(path)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"nowhere\.toml cannot be read"):
        load(tmp_path / "nowhere.toml")
    (tmp_path / "latin.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match=r"latin\.toml cannot be read"):
        load(tmp_path / "latin.toml")


def test_every_mistake_is_told_at_once() -> None:
    with pytest.raises(ValueError, match=r"(?s)nose: .*pan_speed_max: |pan_speed_max: .*nose: "):
        parse('nose = 1\npan_speed_max = "x"', "mine")


def test_the_reference_names_every_row_and_profile() -> None:
    page = reference()
    assert all(row.name in page for row in TABLE)
    assert all(f"### `{name}`" in page for name in PROFILES)
    assert "`8x 01 04 3F 02 (memory) FF`" in page
    assert page == reference()
