"""A mail server on a real socket: it speaks enough SMTP to take a message, and can be told to refuse."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage


@dataclass
class Letterbox:
    """What arrived, and how the server behaves."""

    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    refuse_next: int = 0
    """So many messages are refused for now, as a full or greylisting server does."""
    address: str = ""


class _Talk(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        box: Letterbox = self.server.box  # type: ignore[attr-defined]
        self._say("220 mail.example ready")
        while line := self.rfile.readline():
            word = line.decode("ascii", "replace").strip()
            match word.split(" ")[0].upper():
                case "EHLO" | "HELO":
                    self._say("250 mail.example")
                case "RCPT" if box.refuse_next:
                    box.refuse_next -= 1
                    self._say("451 try again later")
                case "RCPT":
                    box.recipients.append(word.split(":", 1)[1].strip("<> "))
                    self._say("250 ok")
                case "DATA":
                    self._say("354 go on")
                    box.mails.append(self._mail())
                    self._say("250 taken")
                case "QUIT":
                    self._say("221 bye")
                    return
                case _:
                    self._say("250 ok")

    def _mail(self) -> EmailMessage:
        lines = []
        while (line := self.rfile.readline()) not in {b".\r\n", b""}:
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        found = message_from_bytes(b"".join(lines), policy=policy.default)
        assert isinstance(found, EmailMessage)
        return found

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = True

    def __init__(self, box: Letterbox) -> None:
        self.box = box
        super().__init__(("127.0.0.1", 0), _Talk)


@contextmanager
def mailserver() -> Iterator[Letterbox]:
    """Run a mail server on a free port."""
    box = Letterbox()
    with _Server(box) as server:
        box.address = f"127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield box
        finally:
            server.shutdown()
            thread.join()
