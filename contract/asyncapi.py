"""The contract as a document: AsyncAPI 3.0, made from the code and held equal to it by a test.

    python -m contract.asyncapi        write docs/asyncapi.yaml and docs/contract-versions.json

`docs/contract-versions.json` remembers the fingerprint of every version of every message.
A message whose fields changed under its old version is refused here: raise its `VERSION`.
"""

from __future__ import annotations

import hashlib
import json
import sys
from io import StringIO
from pathlib import Path

from pydantic import JsonValue, TypeAdapter
from pydantic.json_schema import models_json_schema
from ruamel.yaml import YAML

from contract.base import PROTOCOL_MAJOR, Message
from contract.catalogue import CHANNELS, MESSAGES, Channel

DOCS = Path(__file__).resolve().parent.parent / "docs"
DOCUMENT = DOCS / "asyncapi.yaml"
VERSIONS = DOCS / "contract-versions.json"

Json = dict[str, JsonValue]
_JSON = TypeAdapter(Json)


def _schemas() -> Json:
    """Return every message's JSON Schema, with references into the document."""
    _, definitions = models_json_schema(
        [(message, "serialization") for message in MESSAGES], ref_template="#/components/schemas/{model}"
    )
    return _JSON.validate_python(definitions["$defs"])


def _address(channel: Channel) -> str:
    """Return a name for the channel: the end of its topic."""
    return channel.topic.split("/", 2)[2].replace("room/{room}/", "").replace("/", "-").replace("{alert}", "id")


def _channel(channel: Channel) -> Json:
    names = [part[1:-1] for part in channel.topic.split("/") if part.startswith("{")]
    name = channel.message.__name__
    described: Json = {
        "address": channel.topic,
        "description": channel.what,
        "messages": {name: {"$ref": f"#/components/messages/{name}"}},
    }
    if names:
        described["parameters"] = {part: {"description": f"Id of the {part}."} for part in names}
    return described


def _operation(channel: Channel) -> Json:
    binding: Json = {"qos": 1, "retain": channel.retained, "bindingVersion": "0.2.0"}
    if channel.expires_s is not None:
        binding["messageExpiryInterval"] = channel.expires_s
    return {
        "action": "send",
        "channel": {"$ref": f"#/channels/{_address(channel)}"},
        "summary": f"Sent by {'central' if channel.sender == 'central' else 'the agent of a room'}.",
        "bindings": {"mqtt": binding},
    }


def document() -> Json:
    """Return the whole AsyncAPI document."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Siaga: central and rooms",
            "version": f"{PROTOCOL_MAJOR}.{max(message.VERSION for message in MESSAGES)}",
            "license": {"name": "GPL-3.0-or-later"},
        },
        "defaultContentType": "application/json",
        "channels": {_address(channel): _channel(channel) for channel in CHANNELS},
        "operations": {f"send-{_address(channel)}": _operation(channel) for channel in CHANNELS},
        "components": {
            "messages": {
                message.__name__: {
                    "payload": {"$ref": f"#/components/schemas/{message.__name__}"},
                    "x-version": message.VERSION,
                }
                for message in MESSAGES
            },
            "schemas": _schemas(),
        },
    }


def text() -> str:
    """Return the document as YAML."""
    out = StringIO()
    yaml = YAML()
    yaml.width = 120
    yaml.dump(document(), out)
    return out.getvalue()


def fingerprint(message: type[Message]) -> str:
    """Return what stands for the fields of `message`: any change of a field changes it."""
    schema = json.dumps(message.model_json_schema(mode="serialization"), sort_keys=True)
    return hashlib.sha256(schema.encode()).hexdigest()[:16]


def versions() -> dict[str, dict[str, str]]:
    """Return the remembered fingerprints: message to version to fingerprint."""
    known: dict[str, dict[str, str]] = json.loads(VERSIONS.read_text()) if VERSIONS.exists() else {}
    return known


def changed(known: dict[str, dict[str, str]]) -> list[str]:
    """Return the messages that differ from what their version stood for in `known`."""
    return [
        f"{message.__name__}: its fields changed under version {message.VERSION}; "
        f"raise VERSION to {message.VERSION + 1}"
        for message in MESSAGES
        if known.get(message.__name__, {}).get(str(message.VERSION), fingerprint(message)) != fingerprint(message)
    ]


def main() -> int:
    """Write both files; 1 when a message changed under its old version."""
    known = versions()
    if wrong := changed(known):
        print("\n".join(wrong), file=sys.stderr)
        return 1
    for message in MESSAGES:
        known.setdefault(message.__name__, {})[str(message.VERSION)] = fingerprint(message)
    VERSIONS.write_text(json.dumps(known, indent=2, sort_keys=True) + "\n")
    DOCUMENT.write_text(text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
