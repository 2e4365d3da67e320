"""The document equals the code, a changed message gets a new version, old messages stay readable."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from contract import MESSAGES, Message, asyncapi
from contract.messages import Ack

GOLDEN = Path(__file__).parent / "golden"
"""One file per message and released version, as it was sent by that release; never changed afterwards."""


def test_the_document_is_what_the_code_says() -> None:
    assert asyncapi.DOCUMENT.read_text() == asyncapi.text(), "run `make docs`"


def test_no_message_changed_under_its_version() -> None:
    assert asyncapi.changed(asyncapi.versions()) == []


def test_every_version_is_remembered() -> None:
    known = asyncapi.versions()
    assert [m.__name__ for m in MESSAGES if str(m.VERSION) not in known.get(m.__name__, {})] == [], "run `make docs`"


def test_a_changed_field_demands_a_higher_version() -> None:
    known = asyncapi.versions()
    known["Ack"][str(Ack.VERSION)] = "0000000000000000"
    assert asyncapi.changed(known) == [
        f"Ack: its fields changed under version {Ack.VERSION}; raise VERSION to {Ack.VERSION + 1}"
    ]


def within(read: object, written: object) -> object:
    """Return of what was `read` what was `written`, without the fields that came later."""
    if isinstance(read, dict) and isinstance(written, dict):
        return {name: within(value, written[name]) for name, value in read.items() if name in written}
    if isinstance(read, list) and isinstance(written, list):
        return [within(one, other) for one, other in zip(read, written, strict=True)]
    return read


@pytest.mark.parametrize("message", MESSAGES, ids=lambda m: m.__name__)
def test_every_released_version_stays_readable(message: type[Message]) -> None:
    known = asyncapi.versions()[message.__name__]
    for version in known:
        path = GOLDEN / f"{message.__name__}.v{version}.json"
        read = message.decode(path.read_bytes())
        assert read.v == int(version)
        written = json.loads(path.read_text())
        assert within(json.loads(read.encode()), written) == written
