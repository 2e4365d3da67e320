"""`siaga admin`: central's housekeeping at a terminal."""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from contract.yamlfile import FileMistakes

if TYPE_CHECKING:
    from central.domain.words import Role
    from central.model import Person
    from central.settings import CentralSettings

app = typer.Typer(no_args_is_help=True, help="Central's housekeeping.")

OURS_ALONE = 0o077
"""The umask of all that keeps personal data, passwords or their hashes."""

NO, WRONG_USAGE = 1, 2
_ROOM = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
MISSING_SHOWN = 20

audit_app = typer.Typer(no_args_is_help=True, help="The record of who did what.")
app.add_typer(audit_app, name="audit")

user_app = typer.Typer(no_args_is_help=True, help="Who may log in.")
app.add_typer(user_app, name="user")

ConfigFile = Annotated[Path, typer.Option("--config", help="Central's file.", show_default=False)]


@app.command()
def seed(
    config: ConfigFile,
    password_env: Annotated[str, typer.Option(help="Variable that holds everybody's password.")],
    rooms: Annotated[str, typer.Option(help="Ids of the rooms, with commas; three without.")] = "",
) -> None:
    """Fill the database with example agencies, people, rooms and operators."""
    from central import seed as example
    from central.services import make_services

    password = _password(password_env, "the example people's password")
    wanted = tuple(filter(None, rooms.split(",")))
    for room in wanted:
        _check_room(room)
    with _said_in_one_line():
        services = make_services(_load(config))
        with contextlib.closing(services.store):
            example.seed(services.store, password, rooms=wanted)


@app.command()
def migrate(config: ConfigFile) -> None:
    """Bring the database up to this version and prove that it refuses double bookings."""
    from central.services import make_services

    with _said_in_one_line():
        make_services(_load(config)).store.close()
    typer.echo("the database is up to date and refuses overlaps")


@app.command()
def enrol(
    room: Annotated[str, typer.Argument(help="Id of the room.")],
    config: ConfigFile,
    out: Annotated[Path, typer.Option(help="Credentials file to write, for the room's machine.")],
) -> None:
    """Give a room new credentials for the managed broker; older ones cease to work."""
    from central.broker import CENTRAL, Doors

    _check_room(room)
    if room == CENTRAL:
        _stop(f"wanted a room, found {room!r}: that is central's own name at the broker", WRONG_USAGE)
    _check_folder(out)
    settings = _load(config)
    if not settings.file.broker.managed:
        _stop("wanted the managed broker, found the office's own: give the room its password there", WRONG_USAGE)
    with _said_in_one_line():
        Doors(settings.folder / "broker").enrol(room).write(out)
    typer.echo(f"{out}: credentials of {room}; bring them to the room's machine, readable for its service user only")


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="The file to write; it must not be there.")],
    config: ConfigFile,
    without_files: Annotated[bool, typer.Option(help="Only list letters and pictures, with their hashes.")] = False,
) -> None:
    """Write the database, letters, pictures and the rooms' passwords to one file, also while central runs."""
    from central.backup import back_up
    from central.db.store import Store

    settings = _load(config)
    _check_folder(file)
    with _said_in_one_line(), contextlib.closing(Store(settings.database_url)) as store:
        made = back_up(store, settings.folder, file, with_files=not without_files)
    rows = sum(one.rows for one in made.tables.values())
    files = f"{len(made.files)} files {'in it' if made.included else 'listed, not in it'}"
    typer.echo(f"{file}: {rows} rows in {len(made.tables)} tables, schema {made.schema}; {files}")


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A file that `siaga admin backup` or central itself wrote.")],
    config: ConfigFile,
    check: Annotated[bool, typer.Option(help="Only prove on a copy that it could be put in place.")] = False,
    over: Annotated[bool, typer.Option(help="Replace what is there; it is backed up before.")] = False,
) -> None:
    """Put a back-up in place; central must not run. Rooms take its plans, older as they are, by its new epoch."""
    from central import restore as restoring

    settings = _load(config)
    with _said_in_one_line():
        found = restoring.check(settings, file) if check else restoring.restore(settings, file, over=over)
    typer.echo(f"{file}: of {found.manifest.made_at}, {'in order' if check else 'put in place'}")
    if found.kept is not None:
        typer.echo(f"what was there before: {found.kept}")
    if found.missing:
        names = ", ".join(found.missing[:MISSING_SHOWN])
        typer.echo(f"{len(found.missing)} files are listed in it and not here, bring them: {names}", err=True)
        raise typer.Exit(NO)


@app.command()
def retention(
    config: ConfigFile,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would go.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Erase now what is past the times of the policy file, as central does every day; the audit says what went."""
    from central.retention.kinds import Gone
    from central.services import make_services

    with _said_in_one_line():
        services = make_services(_load(config))
        with contextlib.closing(services.store):
            found = services.retention.look()
            done = None if dry_run else services.retention.make(_terminal().login)
    if done is not None:
        found = tuple(replace(one, gone=done.gone.get(one.kind, Gone())) for one in found)
    if as_json:
        kinds = {one.kind: asdict(one.gone) for one in found}
        typer.echo(json.dumps({"erased": not dry_run, "kinds": kinds, "error": done.error if done else ""}))
    else:
        for one in found:
            kept = "kept for ever" if one.time is None else f"kept {one.time.days} days"
            typer.echo(f"{one.kind:<12}{kept:<18}{one.gone.count:>8}{one.gone.bytes / 2**20:>12.1f} MiB")
    if done is not None and done.error:
        _stop(done.error, NO)


@audit_app.command("verify")
def verify_audit(
    config: ConfigFile, as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False
) -> None:
    """Go through every seal and anchor of the audit; exit 1 when something was changed, deleted or put in later."""
    from central.services import make_services

    with _said_in_one_line():
        services = make_services(_load(config))
        with contextlib.closing(services.store):
            found = services.audit.verify()
            if found.holds:
                services.audit.seal()
    if as_json:
        typer.echo(json.dumps(asdict(found) | {"at": found.at.isoformat(), "holds": found.holds}))
    else:
        for fault in found.faults:
            typer.echo(f"seal {fault.seq}: {fault.what}")
        typer.echo(f"{found.sealed} deeds sealed, {found.anchors} anchors, newest seal {found.head[:16]}")
    if not found.holds:
        raise typer.Exit(NO)


@user_app.command("add")
def add_user(
    login: Annotated[str, typer.Argument(help="Name for logging in.")],
    config: ConfigFile,
    name: Annotated[str, typer.Option(help="The person's name.")],
    role: Annotated[list[str], typer.Option(help="A role; may be given several times.")],
    password_env: Annotated[str, typer.Option(help="Variable that holds the password.")],
    agency: Annotated[str, typer.Option(help="Id of the agency; applicants need one.")] = "",
) -> None:
    """Add a local account, such as the first administrator."""
    from central.accounts import AccountForm
    from central.errors import CentralError
    from central.services import make_services

    password = _password(password_env, "the password")
    with _said_in_one_line():
        services = make_services(_load(config))
        with contextlib.closing(services.store):
            form = AccountForm(login, name, _roles(role), agency or None)
            try:
                services.accounts.add(form, _terminal(), password, must_open=True)
            except CentralError as error:
                typer.echo(str(error).replace("new: ", f"password in {password_env}: ", 1), err=True)
                raise typer.Exit(NO) from error
    typer.echo(f"{login} may log in")


@user_app.command("list")
def list_users(
    config: ConfigFile, as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False
) -> None:
    """Show every account with its roles."""
    from central.services import make_services

    with _said_in_one_line():
        services = make_services(_load(config))
        with contextlib.closing(services.store):
            found = services.accounts.all()
    if as_json:
        typer.echo(json.dumps([asdict(one) | {"roles": sorted(one.roles)} for one in found]))
        return
    for one in found:
        state = "open" if one.active else "closed"
        typer.echo(f"{one.login:<24}{state:<8}{', '.join(sorted(one.roles))}")


def _roles(names: list[str]) -> frozenset[Role]:
    """Return the roles of these names.

    Raises:
        Exit: there is no such role.
    """
    from central.domain.words import Role

    try:
        return frozenset(map(Role, names))
    except ValueError as error:
        typer.echo(f"{error}; there are {', '.join(Role)}", err=True)
        raise typer.Exit(WRONG_USAGE) from error


def _password(variable: str, what: str) -> str:
    """Return what stands in an environment variable.

    Raises:
        Exit: nothing does.
    """
    password = os.environ.get(variable, "")
    if not password:
        _stop(f"variable {variable} is empty: put {what} into it", WRONG_USAGE)
    return password


def _check_room(ident: str) -> None:
    """Return when a room can have this id.

    Raises:
        Exit: none can.
    """
    if not _ROOM.fullmatch(ident):
        _stop(f"wanted a room's id of a to z, 0 to 9 and hyphens, found {ident!r}", WRONG_USAGE)


def _check_folder(file: Path) -> None:
    """Return when there is a folder that `file` can be written to.

    Raises:
        Exit: there is none.
    """
    if not file.absolute().parent.is_dir():
        _stop(f"{file}: wanted a folder to write it to, found none: make it first", WRONG_USAGE)


def _stop(text: str, code: int) -> NoReturn:
    """Say why and end with `code`.

    Raises:
        Exit: always.
    """
    typer.echo(text, err=True)
    raise typer.Exit(code)


def _terminal() -> Person:
    """Return who acts at a terminal, for the audit."""
    from central.model import Person

    return Person("", "terminal", "terminal", frozenset())


@app.callback()
def _ours_alone() -> None:
    """Central's housekeeping."""
    os.umask(OURS_ALONE)


@contextlib.contextmanager
def _said_in_one_line() -> Iterator[None]:
    """Say what cannot be done, and end with 1.

    Raises:
        Exit: the database or a file is not fit for it.
    """
    import sqlite3

    from sqlalchemy.exc import DatabaseError

    from central.errors import Unfit

    try:
        yield
    except (Unfit, OSError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(NO) from error
    except (DatabaseError, sqlite3.Error) as error:
        typer.echo(f"the database cannot be used: {getattr(error, 'orig', error)}; `siaga check` says more", err=True)
        raise typer.Exit(NO) from error


def _load(config: Path) -> CentralSettings:
    from central.settings import load

    try:
        return load(config)
    except FileMistakes as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
