"""The `siaga` command.

Exit codes everywhere: 0 good, 1 the answer is "no" or a fault was found, 2 wrong usage or
configuration. What belongs to a room or to central is imported only by the command that
needs it: a room's machine has none of central's packages.
"""

from __future__ import annotations

import asyncio
import faulthandler
import json
import logging
import os
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from contract.yamlfile import FileMistakes
from siaga import admin, journal, logs, simulate

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False, help=__doc__)
app.add_typer(admin.app, name="admin")
app.add_typer(journal.app, name="journal")

NO, WRONG_USAGE = 1, 2

ConfigFile = Annotated[Path, typer.Option("--config", help="The file to read.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="Debug logs on stderr.")]


def stop(message: str, code: int) -> NoReturn:
    """Say why on stderr and end with `code`.

    Raises:
        Exit: always.
    """
    typer.echo(message, err=True)
    raise typer.Exit(code)


@app.command()
def central(config: ConfigFile, verbose: Verbose = False) -> None:
    """Run the booking service."""
    from central.app import serve
    from central.broker import BrokerUnavailable
    from central.errors import Unfit
    from central.settings import load

    logs.set_up(verbose=verbose)
    faulthandler.enable()
    os.umask(admin.OURS_ALONE)
    try:
        asyncio.run(serve(load(config)))
    except FileMistakes as error:
        stop(str(error), WRONG_USAGE)
    except (BrokerUnavailable, Unfit, OSError) as error:
        stop(str(error), NO)


@app.command()
def agent(
    config: ConfigFile,
    drill: Annotated[
        Path | None, typer.Option("--drill", help="Practise by this script, on simulated devices.", show_default=False)
    ] = None,
    data: Annotated[Path | None, typer.Option(help="With --drill: where the journal of the drill is kept.")] = None,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Run one room; with --drill practise with it, and say at the end what was noticed and done how soon."""
    from agent.app import run
    from agent.fault import AgentFault
    from agent.store import StoreUnfit

    logs.set_up(verbose=verbose)
    faulthandler.enable()  # says where every thread was when systemd's watchdog ends a process that hangs
    os.umask(admin.OURS_ALONE)
    try:
        if drill is not None:
            raise typer.Exit(practise(config, drill, data, as_json=as_json))
        asyncio.run(run(config))
    except FileMistakes as error:
        stop(str(error), WRONG_USAGE)
    except AgentFault as error:
        logging.getLogger(__name__).critical("%s", error, exc_info=error.__cause__, extra={"action": "fault"})
        stop(f"siaga agent: {error}", NO)
    except (StoreUnfit, OSError) as error:
        stop(str(error), NO)


def practise(config: Path, script: Path, data: Path | None, *, as_json: bool) -> int:
    """Run a drill, show its score and return the exit code: good only when all that was expected happened."""
    from siaga.drill import run, show
    from siaga.drill.office import NoBroker
    from siaga.drill.stage import NoActor

    try:
        score = asyncio.run(run.drill(config, script, data))
    except* (NoActor, NoBroker) as errors:
        stop(f"siaga agent --drill: {errors.exceptions[0]}", WRONG_USAGE)
    show.show(score, as_json=as_json)
    return NO if score.missed() else 0


@app.command()
def halt(config: ConfigFile) -> None:
    """Stop every camera of a room at once, without its agent; ends within three seconds.

    For systemd when the agent has ended, and for a person when nothing else stops a camera.
    """
    from agent.halt import halt_room

    try:
        endings = halt_room(config)
    except FileMistakes as error:
        stop(str(error), WRONG_USAGE)
    for name, ending in endings.items():
        typer.echo(f"{name}: {ending}")
    raise typer.Exit(0 if all(ending.outcome.good for ending in endings.values()) else NO)


@app.command()
def check(config: ConfigFile, as_json: AsJson = False, verbose: Verbose = False) -> None:
    """Read a room or central file; of a room also open every device and show its readiness."""
    from siaga.check import check_file

    logs.set_up(verbose=verbose, quiet=True, for_people=True)
    try:
        report = asyncio.run(check_file(config))
    except FileMistakes as error:
        if as_json:
            typer.echo(json.dumps({"mistakes": error.lines()}, ensure_ascii=False))
        stop(str(error), WRONG_USAGE)
    report.show(as_json=as_json)
    raise typer.Exit(0 if report.good else NO)


@app.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
def device(
    address: Annotated[str, typer.Argument(metavar="ADDRESS")],
    words: Annotated[list[str] | None, typer.Argument(metavar="VERB [ARGS]")] = None,
) -> None:
    """Speak to one device: `siaga device visca+udp://127.0.0.1:52381 recall 3`.

    `siaga device ADDRESS --help` lists the verbs of its kind. A password is taken from the
    variable SIAGA_DEVICE_PASSWORD. `--trace [FILE]` at the end shows or writes every frame
    of a conversation with a camera, also when it fails.
    """
    from drivers import DeviceAddress
    from drivers.errors import AddressError
    from siaga.camera import UsageError
    from siaga.device import ask, verbs_of, without_trace

    wanted, trace_to = without_trace([word for word in words or [] if word not in {"--json", "-v"}])
    logs.set_up(verbose="-v" in (words or []), quiet=True, for_people=True)
    if address == "--help":
        stop(
            "siaga device ADDRESS VERB [ARGS] [--json] [--trace [FILE]]; siaga device ADDRESS --help lists the verbs", 0
        )
    try:
        where = DeviceAddress.parse(address)
        if not wanted or wanted == ["--help"]:
            typer.echo("\n".join(verbs_of(where)))
            return
        answer = asyncio.run(ask(where, wanted, os.environ.get("SIAGA_DEVICE_PASSWORD")))
    except (AddressError, UsageError, ValueError) as error:
        stop(str(error), WRONG_USAGE)
    except asyncio.CancelledError:
        stop("ended by SIGTERM; what moved was stopped", NO)
    if trace_to is not None:
        keep_trace(answer.trace, trace_to)
    if "--json" in (words or []):
        typer.echo(json.dumps(answer.as_json(), ensure_ascii=False))
    else:
        typer.echo(f"{answer.outcome} after {answer.elapsed_ms:.0f} ms")
        for line in answer.lines():
            typer.echo(line)
        if answer.error:
            typer.echo(f"  {answer.error}", err=True)
    raise typer.Exit(0 if answer.good else NO)


def keep_trace(text: str, file: str) -> None:
    """Write a conversation to `file`, or to stderr where that is empty.

    Raises:
        Exit: it cannot be written.
    """
    if not text:
        typer.echo("--trace: only cameras keep their conversation", err=True)
    elif not file:
        typer.echo(text, err=True)
    else:
        try:
            Path(file).write_text(text, encoding="utf-8")
        except OSError as error:
            stop(f"--trace: {error}", NO)


@app.command("simulate", context_settings={"ignore_unknown_options": True, "help_option_names": []})
def simulate_device(
    kind: Annotated[str, typer.Argument(metavar="KIND")],
    arguments: Annotated[list[str] | None, typer.Argument(metavar="--listen ADDRESS ...")] = None,
) -> None:
    """Run a simulated device on a real socket; prints `ready ADDRESS` when it listens.

    `siaga simulate --help` names the kinds, `siaga simulate KIND --help` what each can be told.
    """
    kinds = f"kinds: {', '.join(simulate.SIMULATORS)}; siaga simulate KIND --help says more"
    if kind == "--help":
        stop(f"siaga simulate KIND --listen ADDRESS [--fault NAME=VALUE ...]; {kinds}", 0)
    if kind not in simulate.SIMULATORS:
        stop(f"wanted a kind of device, found {kind!r}; {kinds}", WRONG_USAGE)
    raise typer.Exit(simulate.run(kind, arguments or []))


@app.command()
def demo(
    rooms: Annotated[int | None, typer.Option(min=1, max=12, help="Rooms to run (3; with --once 1).")] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Central's port; 0 takes a free one.")] = 0,
    data: Annotated[Path | None, typer.Option(help="Where to keep the data; a temporary folder without it.")] = None,
    once: Annotated[bool, typer.Option("--once", help="Run the whole loop once, unattended, and stop.")] = False,
    out: Annotated[Path, typer.Option(help="With --once: where report.pdf and the rest go.")] = Path("demo-out"),
    real_obs: Annotated[
        bool, typer.Option("--real-obs", help="Real OBS Studios without a screen, where OBS is installed.")
    ] = False,
    verbose: Verbose = False,
) -> None:
    """Run central, its broker and rooms with simulated devices on this machine."""
    from siaga.demo import realobs
    from siaga.demo.once import run_once
    from siaga.demo.processes import DemoFailure
    from siaga.demo.stay import run_until_stopped

    logs.set_up(verbose=verbose, quiet=True)
    if real_obs and (missing := realobs.missing()):
        typer.echo(f"no real OBS here (apt install {' '.join(missing)}): simulated ones take its place", err=True)
        real_obs = False
    try:
        if once:
            raise typer.Exit(0 if asyncio.run(run_once(rooms or 1, port, data, out, real_obs=real_obs)) else NO)
        asyncio.run(run_until_stopped(rooms or 3, port, data, real_obs=real_obs))
    except (DemoFailure, OSError) as error:
        stop(f"siaga demo: {error}", NO)


@app.command()
def bench(
    groups: Annotated[list[str] | None, typer.Argument(help="Groups to run; all without.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="At most 60 s a group.")] = False,
    as_json: AsJson = False,
) -> None:
    """Measure the figures of docs/performance.md."""
    from siaga.bench import run_groups

    logs.set_up(verbose=False, quiet=True)
    try:
        figures = run_groups(groups or [], quick=quick)
    except ValueError as error:
        stop(str(error), WRONG_USAGE)
    if as_json:
        typer.echo(json.dumps([figure.as_json() for figure in figures]))
    else:
        table = Table("group", "figure", "value", "unit", "floor", "ratio", "goal", "holds")
        for figure in figures:
            table.add_row(*figure.as_row())
        Console().print(table)
    raise typer.Exit(0 if all(figure.holds for figure in figures) else NO)


def main() -> None:
    """Run the command."""
    app()
