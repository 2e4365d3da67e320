"""`siaga journal`: a room's journal at a terminal, without its agent and without central."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from agent.proof import Anchor, Proof

app = typer.Typer(no_args_is_help=True, help="A room's journal, offline.")

NO, WRONG_USAGE = 1, 2
_ANCHOR = re.compile(r"(?:(\d+):)?([0-9a-fA-F]{64})")
_VERIFY = """Prove that a journal is as it was written.

Ends with 0 when it is, with 1 and the first broken entry when it is not, with 2 when there is
no journal. A tail that was cut off is found with --head or --report alone: the hash stands on
every report, and central keeps it.
"""
_FORMAT = "siaga-journal-1"

JournalFile = Annotated[
    Path, typer.Argument(metavar="FILE", help="The journal (siaga.db), its folder, or what `export` wrote.")
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]


class Unreadable(Exception):
    """What was named is no journal; says what was found."""


@dataclass(frozen=True, slots=True)
class Lines:
    """The rows of a journal as they stand in its file."""

    stream: str
    rows: list[tuple[object, ...]]
    damage: str = ""
    """What is wrong with the file itself; what could be read of it is here."""


@app.command(help=_VERIFY)
def verify(
    file: JournalFile,
    head: Annotated[
        list[str] | None, typer.Option(help="A hash that was told elsewhere, as HASH or NUMBER:HASH; may be repeated.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="An execution report as JSON: the hash that it names must be there.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Prove that a journal is as it was written."""
    from agent.proof import prove

    lines = _read_or_stop(file)
    anchors = _anchors_or_stop(head or [], report)
    proof = prove(lines.stream, lines.rows, anchors)
    good = proof.holds and not lines.damage
    _show(file, lines, proof, good=good, as_json=as_json)
    raise typer.Exit(0 if good else NO)


def _show(file: Path, lines: Lines, proof: Proof, *, good: bool, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"file": str(file), "good": good, "damage": lines.damage, **asdict(proof)}))
        return
    typer.echo(f"{file}: stream {proof.stream}, entries {proof.first} to {proof.last}, newest hash {proof.head}")
    if proof.pruned:
        typer.echo(f"  entries up to {proof.pruned} were let go of by the room itself")
    if proof.unchained:
        typer.echo(f"  the first {proof.unchained} entries were written before there was a chain")
    if lines.damage:
        typer.echo(f"  the file is damaged: {lines.damage}")
    for number, finding in enumerate(proof.findings):
        typer.echo(f"{'first broken' if number == 0 else '  then'}: entry {finding.seq} {finding.harm}: {finding.what}")
    typer.echo("whole: every entry is as it was written" if good else "NOT whole")


@app.command()
def show(
    file: JournalFile,
    session: Annotated[str, typer.Option(help="Only the entries of this session.")] = "",
    last: Annotated[int, typer.Option(min=1, help="Only so many, the newest.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Print entries, oldest first."""
    lines = _read_or_stop(file)
    wanted = [row for row in lines.rows if not session or row[2] == session][-last:]
    entries = [json.loads(str(row[4])) for row in wanted]
    if as_json:
        typer.echo(json.dumps({"stream": lines.stream, "entries": entries}, ensure_ascii=False))
        return
    for entry in entries:
        told = [entry.get(name) for name in ("device", "outcome", "cause", "who")]
        typer.echo(f"{entry['seq']:>7} {entry['at']} {entry['kind']:<20} {' '.join(str(one) for one in told if one)}")


@app.command()
def export(file: JournalFile) -> None:
    """Print the whole journal as lines of JSON, as it stands; `verify` reads them too."""
    lines = _read_or_stop(file)
    typer.echo(json.dumps({"format": _FORMAT, "stream": lines.stream}))
    for row in lines.rows:
        typer.echo(str(row[4]))


def _read_or_stop(file: Path) -> Lines:
    """Return the journal in `file`.

    Raises:
        Exit: there is none; it is said why.
    """
    try:
        return read(file)
    except Unreadable as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(WRONG_USAGE) from None


def _anchors_or_stop(heads: list[str], report: Path | None) -> list[Anchor]:
    """Return the hashes that were told elsewhere.

    Raises:
        Exit: one is none; it is said why.
    """
    try:
        return [_anchor(text) for text in heads] + ([_anchor_of(report)] if report is not None else [])
    except Unreadable as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(WRONG_USAGE) from None


def read(file: Path) -> Lines:
    """Return the journal in `file`, which is not changed; of a damaged one what can be read.

    Raises:
        Unreadable: there is none.
    """
    from agent import database
    from agent.store import FILE

    path = file / FILE if file.is_dir() else file
    if not path.is_file():
        raise Unreadable(f"{path}: wanted a journal, found no file")
    if (exported := _exported(path)) is not None:
        return exported
    try:
        damage = database.complaint(path)
    except sqlite3.DatabaseError as error:
        damage = str(error)
    found = database.read_out(path)
    if not found.journal and "stream" not in found.facts:
        raise Unreadable(f"{path}: wanted a room's journal, found {damage or 'a database without one'}")
    return Lines(found.facts.get("stream", ""), found.journal, damage)


def _exported(path: Path) -> Lines | None:
    """Return the lines of an export, or none where the file is something else."""
    try:
        with path.open(encoding="utf-8") as file:
            first = json.loads(file.readline(1000))
            if first.get("format") != _FORMAT:
                return None
            return Lines(str(first["stream"]), list(_rows(file)))
    except (ValueError, AttributeError, KeyError):  # UnicodeDecodeError is a ValueError
        return None


def _rows(file: Iterator[str]) -> Iterator[tuple[object, ...]]:
    """Yield rows from lines; one that is no entry is left for the proof to name."""
    expected = 1
    for line in file:
        text = line.rstrip("\n")
        try:
            entry = json.loads(text)
            row = (int(entry["seq"]), entry["kind"], entry.get("session"), entry["at"], text)
        except (ValueError, KeyError, TypeError):
            row = (expected, "", None, "", text)
        expected = int(row[0]) + 1
        yield row


def _anchor(text: str) -> Anchor:
    """Return a hash as it was typed.

    Raises:
        Unreadable: it is none.
    """
    from agent.proof import Anchor

    found = _ANCHOR.fullmatch(text.strip())
    if found is None:
        raise Unreadable(f"--head: wanted 64 hexadecimal digits, or NUMBER:HASH, got {text!r}")
    return Anchor(found[2].lower(), int(found[1]) if found[1] else None)


def _anchor_of(report: Path) -> Anchor:
    """Return the hash that a report names.

    Raises:
        Unreadable: it is no report, or one of before there were hashes.
    """
    from agent.proof import Anchor
    from contract import ExecutionReport, MessageError

    try:
        told = ExecutionReport.decode(report.read_bytes())
    except (OSError, MessageError) as error:
        raise Unreadable(f"{report}: wanted an execution report as JSON, found: {error}") from error
    if not told.head:
        raise Unreadable(f"{report}: wanted a report that names the journal's newest hash, found one that does not")
    return Anchor(told.head, told.head_seq)
