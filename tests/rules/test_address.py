from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.address import DeviceAddress
from drivers.errors import AddressError
from drivers.registry import DRIVERS, driver_for


def test_an_address_gives_scheme_host_port_and_options() -> None:
    address = DeviceAddress.parse("visca+udp://192.0.2.21:52381?profile=auto")
    assert (address.scheme, address.endpoint(1), address.options) == (
        "visca+udp",
        ("192.0.2.21", 52381),
        {"profile": "auto"},
    )


def test_a_missing_port_takes_the_default() -> None:
    assert DeviceAddress.parse("pjlink://projector.lan").endpoint(4352) == ("projector.lan", 4352)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("192.0.2.21", "visca+udp://HOST:PORT"),
        ("obs+ws://user:hunter2@host", "password_env"),
        ("obs+ws://host:99999", "Port out of range"),
        ("obs+ws://host?a=1&a=2", "stands twice"),
    ],
)
def test_a_wrong_address_says_what_is_wrong_and_keeps_the_secret(text: str, named: str) -> None:
    with pytest.raises(AddressError, match=named.replace("+", r"\+")) as caught:
        DeviceAddress.parse(text)
    assert "hunter2" not in str(caught.value)


def test_an_unknown_scheme_names_the_known_ones() -> None:
    with pytest.raises(AddressError, match=r"visca\+udp"):
        driver_for(DeviceAddress.parse("telepathy://host"))


@given(st.sampled_from(sorted(DRIVERS)), st.ip_addresses().map(str), st.integers(1, 65535))
def test_an_address_survives_being_written_and_read(scheme: str, host: str, port: int) -> None:
    address = DeviceAddress(scheme, host, port, "", {"profile": "auto"})
    assert DeviceAddress.parse(str(address)) == address
