"""Hands one message over: through Apprise to people, signed over HTTP to programs.

Both block and are called in threads. Apprise is loaded when the first message is sent:
an office without notifications does not pay for it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import datetime
from http.client import HTTPException
from typing import Final, Protocol
from urllib.parse import quote

from central.errors import CentralError
from central.notices.wording import Parcel
from central.settings import Channel, Webhook

WITHIN_S: Final = 15
ANSWER_SHOWN: Final = 300
_TO: Final = "{to}"


class NotDelivered(CentralError):
    """It was not taken; the text says what the other side said, without secrets."""

    def __init__(self, text: str) -> None:
        super().__init__("message.not_delivered", text)


class Carrier(Protocol):
    """One way to hand a message over."""

    def send(self, parcel: Parcel) -> None:
        """Return once the other side has taken it.

        Raises:
            NotDelivered: it has not.
        """


class AppriseCarrier:
    """People, by whatever the channel's address names: mail, Telegram, a WhatsApp gateway."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def send(self, parcel: Parcel) -> None:
        """Hand `parcel` over, its calendar entry attached where the service takes files.

        Raises:
            NotDelivered: the channel has no address, or the service did not take it.
        """
        address = _setting(self._channel.url_env).replace(_TO, quote(parcel.address, safe="@+"))
        try:
            said = _by_apprise(address, parcel)
        except Exception as error:  # over a hundred foreign services; none of them may stop central
            raise NotDelivered(redacted(f"{type(error).__name__}: {error}", address)) from error
        if said is None:
            raise NotDelivered(f"{self._channel.url_env} is no address that Apprise knows: wanted like mailtos://…")
        if said:
            raise NotDelivered(redacted(said, address))


def _by_apprise(address: str, parcel: Parcel) -> str | None:
    """Return what went wrong, nothing when it was taken; None for an address that no service has."""
    import apprise
    from apprise.attachment.memory import AttachMemory

    sender = apprise.Apprise()
    if not sender.add(address):
        return None
    attached = None
    if parcel.calendar:
        content = parcel.calendar.encode()
        attached = AttachMemory(content, "siaga.ics", "text/calendar")  # type: ignore[no-untyped-call]  # Apprise types a part of itself
    result = sender.notify(parcel.text, parcel.subject, body_format="text", attach=attached, timeout=WITHIN_S)
    if result:
        return ""
    return " ".join(str(entry.message) for entry in result.logs()) or "the service did not take it"


class WebhookCarrier:
    """A program: JSON by POST, signed as Standard Webhooks describe it; a redirect is not followed."""

    def __init__(self, hook: Webhook, now: Callable[[], datetime]) -> None:
        self._hook = hook
        self._now = now

    def send(self, parcel: Parcel) -> None:
        """Hand `parcel` over.

        Raises:
            NotDelivered: there is no secret, no answer, or another one than 2xx.
        """
        secret = _setting(self._hook.secret_env)
        body = json.dumps(parcel.document, ensure_ascii=False, separators=(",", ":")).encode()
        sent_at = f"{self._now().timestamp():.0f}"
        headers = {
            "content-type": "application/json",
            "user-agent": "siaga",
            "webhook-id": parcel.ident,
            "webhook-timestamp": sent_at,
            "webhook-signature": signature(secret, parcel.ident, sent_at, body),
        }
        request = urllib.request.Request(self._hook.url, body, headers, method="POST")  # noqa: S310 - http(s) by the settings
        try:
            with _OPENER.open(request, timeout=WITHIN_S) as answer:
                answer.read(ANSWER_SHOWN)
        except urllib.error.HTTPError as error:
            with error:
                raise NotDelivered(f"wanted 2xx, got {error.code}") from error
        except (OSError, HTTPException) as error:
            raise NotDelivered(f"no answer from {self._hook.url}: {error}") from error


def _opener() -> urllib.request.OpenerDirector:
    """Return what calls the address in the file and no other: it follows no redirect and asks no proxy."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    return opener


_OPENER: Final = _opener()


def signature(secret: str, ident: str, sent_at: str, body: bytes) -> str:
    """Return what proves that a message comes from here: HMAC-SHA256 over id, time and body."""
    signed = b".".join((ident.encode(), sent_at.encode(), body))
    return f"v1,{base64.b64encode(hmac.digest(secret.encode(), signed, hashlib.sha256)).decode()}"


def redacted(text: str, secret: str) -> str:
    """Return `text` without what could be a password or a token of the address `secret`."""
    for part in sorted(set(re.split(r"[/:@?&=#]+", secret)), key=len, reverse=True):
        if len(part) >= 6 and "." not in part:
            text = text.replace(part, "***")
    return " ".join(text.split())[:ANSWER_SHOWN]


def _setting(name: str) -> str:
    """Return an environment variable.

    Raises:
        NotDelivered: it is empty.
    """
    found = os.environ.get(name, "")
    if not found:
        raise NotDelivered(f"variable {name} is empty: put the address or secret into central's environment")
    return found
