"""A profile out of what the doctor found: the best guess there is, to be gone over by a person."""

from __future__ import annotations

from drivers.outcomes import Scalar
from drivers.visca import table
from drivers.visca.profiles import GENERIC, PROFILES, Profile, parse, profile_for, to_toml
from drivers.visca.table import Version

MEASURED = {"pan_nibbles", "tilt_nibbles", "pan_speed_max", "tilt_speed_max", "one_speed", "zoom_through_s"}


def suggested(found: dict[str, Scalar]) -> Profile | None:
    """Return the profile that knows this camera, if one does and fits what it answered."""
    version = _version(found)
    profile = profile_for(version) if version else GENERIC
    if profile is GENERIC or _widths(found) not in {None, (profile.pan_nibbles, profile.tilt_nibbles)}:
        return None
    return profile


def stub(found: dict[str, Scalar], refused: tuple[str, ...]) -> str:
    """Return a profile file for the camera; every key that was not measured stands in `assumed`.

    Raises:
        ValueError: what was found contradicts itself.
    """
    base, version = suggested(found) or _nearest(found), _version(found)
    code = f"{version.vendor:04x}-{version.model:04x}" if version else "unknown"
    profile = to_toml(
        base.model_copy(
            update={
                **{key: value for key, value in found.items() if key in MEASURED and value is not None},
                "name": f"camera-{code}",
                "display": (f"camera {code}",),
                "identified": (),
                "quirks": base.quirks.model_copy(update=_quirks(found)),
                "blocks": _blocks(found),
                "unsupported": tuple(sorted({*base.unsupported, *_rows(refused)})),
                "assumed": tuple(key for key in Profile.model_fields if key in _GUESSED and found.get(key) is None),
                "sources": (f"siaga device doctor, beginning with the profile {base.name}",),
                "tried": False,
            }
        )
    )
    return to_toml(parse(profile, "of the doctor"))


_GUESSED = {
    *MEASURED,
    "pan_steps_per_degree",
    "tilt_steps_per_degree",
    "pan_deg",
    "tilt_deg",
    "pan_left_positive",
    "speeds",
    "preset_deg_per_s",
    "zoom_end",
    "memory_ranges",
    "start_up_s",
}


def _version(found: dict[str, Scalar]) -> Version | None:
    vendor, model = found.get("vendor"), found.get("model")
    if isinstance(vendor, str) and isinstance(model, str):
        return Version(int(vendor, 16), int(model, 16), 0, 2)
    return None


def _widths(found: dict[str, Scalar]) -> tuple[int, int] | None:
    pan, tilt = found.get("pan_nibbles"), found.get("tilt_nibbles")
    return (pan, tilt) if isinstance(pan, int) and isinstance(tilt, int) else None


def _nearest(found: dict[str, Scalar]) -> Profile:
    """Return a profile that writes positions as this camera does, for its figures."""
    name = {(5, 4): "brc-x1000", (5, 5): "srg-360she"}.get(_widths(found) or (4, 4), "generic")
    return PROFILES[name]


def _quirks(found: dict[str, Scalar]) -> dict[str, bool]:
    return {
        "seq_lies": found.get("numbers") == "lies",
        "no_ack": found.get("commands") == "completion only",
        "reply_port_52381": found.get("answer_port") == "52381",
    }


def _blocks(found: dict[str, Scalar]) -> tuple[int, ...]:
    blocks = found.get("blocks")
    known = isinstance(blocks, str) and blocks not in {"silent", "refused"}
    return tuple(int(block, 16) for block in str(blocks).split()) if known else ()


def _rows(refused: tuple[str, ...]) -> set[str]:
    """Return the rows among `refused` that a profile speaks of: those that a camera usually knows."""
    return {name for name in refused if name in table.BY_NAME and not table.BY_NAME[name].special}
