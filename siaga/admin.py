"""`siaga admin`: central's housekeeping at a terminal."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from contract.yamlfile import FileMistakes

if TYPE_CHECKING:
    from central.settings import CentralSettings

app = typer.Typer(no_args_is_help=True, help="Central's housekeeping.")

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

    password = os.environ.get(password_env)
    if not password:
        typer.echo(f"variable {password_env} is empty: put the example people's password into it", err=True)
        raise typer.Exit(2)
    services = make_services(_load(config))
    example.seed(services.store, password, rooms=tuple(filter(None, rooms.split(","))))
    services.store.close()


@app.command()
def migrate(config: ConfigFile) -> None:
    """Bring the database up to this version and prove that it refuses double bookings."""
    from central.services import make_services

    make_services(_load(config)).store.close()
    typer.echo("the database is up to date and refuses overlaps")


@app.command()
def enrol(
    room: Annotated[str, typer.Argument(help="Id of the room.")],
    config: ConfigFile,
    out: Annotated[Path, typer.Option(help="Credentials file to write, for the room's machine.")],
) -> None:
    """Give a room new credentials for the managed broker; older ones cease to work."""
    from central.broker import Doors

    folder = _load(config).folder / "broker"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    Doors(folder).enrol(room).write(out)
    typer.echo(f"{out}: credentials of {room}; bring them to the room's machine, readable for its service user only")


def _load(config: Path) -> CentralSettings:
    from central.settings import load

    try:
        return load(config)
    except FileMistakes as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
