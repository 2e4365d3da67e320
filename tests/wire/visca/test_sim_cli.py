"""The simulator as a program."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from drivers import DeviceAddress
from drivers.visca.sim import main, serve


@asynccontextmanager
async def program(*arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "drivers.visca.sim", *arguments, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.mark.parametrize(
    ("arguments", "ready"),
    [
        (("--carrier", "tcp"), ["visca+tcp://127.0.0.1:"]),
        (("--carrier", "udp-raw", "--model", "ptzoptics-g3", "--fault", "loss=0.1"), ["visca+udp://127.0.0.1:"]),
        (("--listen", "pty", "--chain", "2", "--model", "evi-d70"), ["visca+serial:///dev/pts/"] * 2),
        (("--carrier", "rfc2217", "--baud", "38400"), ["visca+rfc2217://127.0.0.1:"]),
    ],
)
async def test_it_prints_where_each_camera_is_and_ends_on_a_signal(
    arguments: tuple[str, ...], ready: list[str]
) -> None:
    async with program(*arguments, "--on") as process, asyncio.timeout(20):
        assert process.stdout is not None
        for beginning in ready:
            word, address = (await process.stdout.readline()).decode().split()
            assert word == "ready"
            assert address.startswith(beginning)
            assert DeviceAddress.parse(address).scheme == beginning.split(":", maxsplit=1)[0]
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 0


@pytest.mark.parametrize(
    ("argv", "word"),
    [
        (["--fault", "loss"], "NAME=VALUE"),
        (["--fault", "loss=many"], "loss"),
        (["--listen", "nowhere"], "HOST:PORT"),
        (["--listen", "pty", "--carrier", "tcp"], "serial"),
        (["--chain", "8", "--listen", "pty"], "1 to 7"),
        (["--chain", "2"], "serial"),
        (["--listen", "pty", "--baud", "1234"], "baud"),
        (["--v-period", "-1"], "V period"),
        (["--listen", "127.0.0.1:1", "--carrier", "tcp"], "simulated camera"),
    ],
)
def test_nonsense_is_one_line_and_exit_code_two(argv: list[str], word: str, capsys: pytest.CaptureFixture[str]) -> None:
    if argv[1] == "127.0.0.1:1":
        argv = ["--listen", "192.0.2.1:1", "--carrier", "tcp"]  # an address that is not ours
    assert main(argv) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert word in said[0]


async def test_unknown_model_and_carrier_are_named() -> None:
    with pytest.raises(ValueError, match="nikon"):
        async with serve(model="nikon"):
            pass
    with pytest.raises(ValueError, match="pigeon"):
        async with serve(carrier="pigeon"):
            pass
