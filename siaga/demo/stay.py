"""`siaga demo`: an office to try things in, until Ctrl-C."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

from rich.console import Console

from siaga.demo.example import fill
from siaga.demo.files import REAL, ROOMS
from siaga.demo.office import Office
from siaga.demo.processes import Children, DemoFailure
from siaga.demo.site import Site, made

LOOK_EVERY_S = 1.0


async def run_until_stopped(rooms: int, port: int, data: Path | None, *, real_obs: bool = False) -> None:
    """Start the office, say where it is, and keep it until a signal comes.

    Raises:
        DemoFailure: a part of it does not start, or ends by itself.
    """
    stopped = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stopped.set)
    console = Console(soft_wrap=True, highlight=False)
    with made(data) as folder:
        async with Children(folder / "logs") as children:
            site = Site(folder, children, REAL, port, real_obs=real_obs)
            console.print("starting central and its broker ...")
            await site.start_central(rooms)
            for room in ROOMS[:rooms]:
                console.print(f"starting {room} with its devices ...")
                await site.start_room(room)
            if site.is_new:
                async with Office(site.url, site.password) as office:
                    await fill(office, ROOMS[:rooms])
            show(site, console)
            await _watch(site, stopped)


async def _watch(site: Site, stopped: asyncio.Event) -> None:
    """Return when asked to stop.

    Raises:
        DemoFailure: central ended by itself.
    """
    while not stopped.is_set():
        if not site.central.running:
            raise DemoFailure(f"central ended by itself\n{site.central.tail()}")
        try:
            async with asyncio.timeout(LOOK_EVERY_S):
                await stopped.wait()
        except TimeoutError:
            continue


def show(site: Site, console: Console) -> None:
    """Print addresses and logins."""
    console.print(f"\n[bold]Siaga[/bold]  {site.url}")
    console.print(f"       {site.url}/dinding  the wall")
    for room in site.rooms.values():
        console.print(f"\n[bold]{room.name}[/bold]  {room.tablet}  the technician's tablet")
        for address in (room.devices.camera, room.devices.obs, room.devices.sound):
            console.print(f"       {address}", markup=False)
    console.print(f"\nlog in with the password [bold]{site.password}[/bold] as")
    for login, who in PEOPLE.items():
        console.print(f"       {login:<12}{who}")
    console.print()
    console.print("Ctrl-C ends it.")


PEOPLE = {
    "pemohon": "an agency that asks for a session",
    "kadis": "the head of the office",
    "bidang": "an officer of the division",
    "penjadwal": "the scheduler, who keeps rooms, kit and rosters",
    "teknisi": "a technician",
    "admin": "the administrator",
    "auditor": "an auditor, who sees and changes nothing",
}
"""Logins of the example data."""
