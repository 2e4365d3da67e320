"""The command table and the profiles as a page for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from drivers.visca.profiles import PROFILES, Carrier, Profile
from drivers.visca.row import USUAL, Bits, Field, Row
from drivers.visca.table import TABLE


def reference() -> str:
    """Return the page: every command, every inquiry, every profile."""
    commands = [row for row in TABLE if not row.answer]
    inquiries = [row for row in TABLE if row.answer]
    return "\n".join(
        [
            "# VISCA: what the camera driver can say",
            "",
            "Made from the command table and the profile files in `drivers/visca`; change those, not this page.",
            "`8x` is the camera with address x, and numbers in frames are hexadecimal.",
            "[name] is a number with one nibble a byte; positions are longer on cameras with five nibbles.",
            "(name) is a number of whole bytes. Rows marked \u201cextra\u201d are known to some profiles only.",
            "",
            "## Commands",
            "",
            *_table(("command", "frame", "values", "moves", "may be repeated", "source"), map(_command, commands)),
            "",
            "## Inquiries",
            "",
            *_table(("inquiry", "frame", "answer", "source"), map(_inquiry, inquiries)),
            "",
            "## Profiles",
            "",
            "What no maker's document backs is listed as assumed.",
            "",
            *(line for profile in PROFILES.values() for line in _profile(profile)),
        ]
    )


def _command(row: Row) -> tuple[str, ...]:
    moves = ", ".join(sorted(axis.value for axis in row.axes))
    return _name(row), _frame(row), _values(row.fields), moves, "yes" if row.idempotent else "no", row.source


def _inquiry(row: Row) -> tuple[str, ...]:
    parts = [_bits(part) if isinstance(part, Bits) else part.name for part in row.answer]
    lengths = " or ".join(str(length) for length in sorted(row.answer_lengths))
    return _name(row), _frame(row), f"{', '.join(parts)} ({lengths} bytes)", row.source


def _name(row: Row) -> str:
    return f"{row.name} (extra)" if row.special else row.name


def _frame(row: Row) -> str:
    parts = [part.hex(" ").upper() if isinstance(part, bytes) else _blank(part) for part in row.form]
    return f"`{' '.join(['88' if row.broadcast else '8x', *parts, 'FF'])}`"


def _blank(field: Field) -> str:
    return f"[{field.name}]" if field.nibbles else f"({field.name})"


def _values(fields: Iterable[Field]) -> str:
    return "; ".join(f"{field.name} {field.range_text(USUAL)}{_words(field)}" for field in fields)


def _words(field: Field) -> str:
    return f" (hex {field.words})" if field.words else ""


def _bits(bits: Bits) -> str:
    return " + ".join(name for name, _, _ in bits.parts)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{' --- |' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"


def _profile(profile: Profile) -> Iterator[str]:
    yield f"### `{profile.name}`"
    yield ""
    yield f"{profile.maker}: {', '.join(profile.display)}."
    yield ""
    yield from (f"* {line}" for line in _figures(profile))
    yield from (f"* source: {source}" for source in profile.sources)
    yield f"* assumed: {', '.join(profile.assumed) or 'nothing'}"
    yield f"* tried on a real camera: {'yes' if profile.tried else 'no'}"
    yield ""


def _figures(profile: Profile) -> Iterator[str]:
    yield f"reached by {'; '.join(map(_carrier, profile.carriers)) or 'nothing known'}"
    for motor, span, scale, nibbles in (
        ("pan", profile.pan_deg, profile.pan_steps_per_degree, profile.pan_nibbles),
        ("tilt", profile.tilt_deg, profile.tilt_steps_per_degree, profile.tilt_nibbles),
    ):
        yield f"{motor} {span[0]:g}\u00b0 to {span[1]:g}\u00b0, {scale:g} steps a degree, {nibbles} nibbles"
    yield f"speeds 1 to {profile.pan_speed_max} (pan) and {profile.tilt_speed_max} (tilt)" + (
        ", one for both in absolute moves" if profile.one_speed else ""
    )
    yield f"zoom to {profile.zoom_end:04X}, with digital zoom to {profile.zoom_max:04X}"
    yield f"memories {' and '.join(f'{first} to {last}' for first, last in profile.memory_ranges)}"
    yield from (f"not memories: {forbidden.reason}" for forbidden in profile.forbidden)
    if profile.blocks:
        yield f"block inquiries {', '.join(map(str, profile.blocks))}"
    if profile.extra:
        yield f"knows also: {', '.join(profile.extra)}"
    if profile.unsupported:
        yield f"does not know: {', '.join(profile.unsupported)}"
    quirks = profile.quirks.model_dump(exclude_defaults=True)
    if quirks:
        yield f"quirks: {', '.join(f'{name} {value}' for name, value in quirks.items())}"


def _carrier(carrier: Carrier) -> str:
    where = f" port {carrier.port}" if carrier.port else ""
    bauds = f" at {' or '.join(map(str, carrier.bauds))} baud" if carrier.bauds else ""
    return f"{carrier.kind}{where}{bauds} ({carrier.framing.value})"
