"""An OpenID provider over real HTTP on this machine, with switches for what goes wrong.

Written from OpenID Connect Core 1.0, Discovery 1.0, RP-Initiated Logout 1.0, RFC 6749, RFC 7636
and RFC 7517; it shares no code with central. Whoever asks for authorization is logged in as
`claims` at once: people's passwords are not what is tried here.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "siaga", "a client's secret"
Json = dict[str, Any]


@dataclass
class Faults:
    """What goes wrong; nothing unless set."""

    nonce: bool = False
    expired: bool = False
    audience: str = ""
    issuer: str = ""
    foreign_key: bool = False
    algorithm: str = "RS256"
    slow_s: float = 0.0
    dribble: bool = False
    broken: bool = False
    denied: bool = False
    no_token: bool = False
    future: bool = False
    two_audiences: bool = False
    huge: bool = False
    redirect: bool = False
    secret_in_form: bool = False
    plain_places: bool = False
    leave_out: tuple[str, ...] = ()


@cache
def _key(kid: str) -> RSAKey:
    """Return a key; making one takes a while."""
    return RSAKey.generate_key(2048, {"kid": kid, "use": "sig"}, private=True)


@dataclass
class OpenIdProvider:
    """State of the provider; `url` is its issuer."""

    url: str = ""
    claims: Json = field(default_factory=lambda: {"sub": "s-1", "preferred_username": "sri", "name": "Sri Wahyuni"})
    faults: Faults = field(default_factory=Faults)
    key: RSAKey = field(default_factory=lambda: _key("k1"))
    codes: dict[str, Json] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def rotate(self) -> None:
        """Sign with another key from now on."""
        self.key = _key("k2")

    def description(self) -> Json:
        """Return what discovery says."""
        at = "http://sso.example" if self.faults.plain_places else self.url
        method = "client_secret_post" if self.faults.secret_in_form else "client_secret_basic"
        return {
            "issuer": self.faults.issuer or self.url,
            "authorization_endpoint": f"{at}/authorize",
            "token_endpoint": f"{at}/token",
            "jwks_uri": f"{at}/keys",
            "end_session_endpoint": f"{at}/logout",
            "token_endpoint_auth_methods_supported": [method],
        }

    def authorize(self, query: dict[str, str]) -> str:
        """Return where the browser is sent back to."""
        wanted = {"response_type": "code", "client_id": CLIENT, "code_challenge_method": "S256"}
        if any(query.get(name) != value for name, value in wanted.items()) or "openid" not in query["scope"].split():
            raise ValueError(query)
        if self.faults.denied:
            return f"{query['redirect_uri']}?{urlencode({'error': 'access_denied', 'state': query['state']})}"
        code = secrets.token_urlsafe(16)
        self.codes[code] = query
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def token(self, form: dict[str, str], basic: str) -> tuple[int, Json]:
        """Exchange a code, once, for whoever holds its verifier."""
        held = self.codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        proof = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if self._client(form, basic) != (CLIENT, SECRET):
            return 401, {"error": "invalid_client"}
        if held is None or held["redirect_uri"] != form["redirect_uri"] or held["code_challenge"] != proof:
            return 400, {"error": "invalid_grant"}
        if self.faults.no_token:
            return 200, {"access_token": "a", "token_type": "Bearer"}
        return 200, {"access_token": "a", "token_type": "Bearer", "id_token": self.id_token(held["nonce"])}

    def _client(self, form: dict[str, str], basic: str) -> tuple[str, str]:
        if self.faults.secret_in_form:
            return form.get("client_id", ""), form.get("client_secret", "")
        name, _, password = base64.b64decode(basic.removeprefix("Basic ")).decode().partition(":")
        return unquote(name), unquote(password)

    def id_token(self, nonce: str) -> str:
        """Return an ID token, as good as the faults let it be."""
        now = int(time.time()) + (3600 if self.faults.future else 0)
        audience: str | list[str] = self.faults.audience or CLIENT
        claims = self.claims | {
            "iss": self.faults.issuer or self.url,
            "aud": [CLIENT, "another"] if self.faults.two_audiences else audience,
            "iat": now - (7200 if self.faults.expired else 0),
            "exp": now + (-3600 if self.faults.expired else 300),
            "nonce": "another" if self.faults.nonce else nonce,
        }
        claims = {name: value for name, value in claims.items() if name not in self.faults.leave_out}
        return self._signed(claims)

    def _signed(self, claims: Json) -> str:
        algorithm = self.faults.algorithm
        if algorithm == "none":
            return f"{_coded({'alg': 'none', 'typ': 'JWT'})}.{_coded(claims)}."
        if algorithm == "HS256":  # signed with the public key as if it were a secret
            said = ".".join(_coded(part) for part in ({"alg": "HS256", "kid": self.key.kid}, claims))
            seal = hmac.digest(self.key.as_pem(private=False), said.encode(), "sha256")
            return f"{said}.{base64.urlsafe_b64encode(seal).rstrip(b'=').decode()}"
        key = _key("foreign") if self.faults.foreign_key else self.key
        return jwt.encode({"alg": algorithm, "kid": self.key.kid}, claims, key, algorithms=[algorithm])


def _coded(part: Json) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


@contextmanager
def openid_provider() -> Iterator[OpenIdProvider]:
    """Serve a provider on a free port of this machine."""
    provider = OpenIdProvider()
    server = _Server(provider)
    provider.url = f"http://127.0.0.1:{server.server_port}"
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    serving.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        serving.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, provider: OpenIdProvider) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.provider = provider


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        self.server.provider.asked.append(self.path.partition("?")[0])

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/.well-known/openid-configuration":
            self._answer(200, self.server.provider.description())
        elif parts.path == "/keys":
            self._answer(200, {"keys": [self.server.provider.key.as_dict(private=False)]})
        elif parts.path == "/authorize":
            self.send_response(302)
            self.send_header("location", self.server.provider.authorize(query))
            self.end_headers()
        else:
            self._answer(404, {"error": "not_found"})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        form = {name: values[0] for name, values in parse_qs(body).items()}
        self._answer(*self.server.provider.token(form, self.headers.get("authorization", "")))

    def _answer(self, status: int, answer: Json) -> None:
        faults = self.server.provider.faults
        time.sleep(faults.slow_s)
        content = b"<html>" if faults.broken else json.dumps(answer).encode()
        content += b" " * (2_000_000 if faults.huge else 0)
        if faults.redirect:
            status = 302
        self.send_response(status)
        self.send_header("location", f"{self.server.provider.url}/elsewhere")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        try:
            self._send(content, dribble=faults.dribble)
        except OSError:
            return  # whoever asked has gone

    def _send(self, content: bytes, *, dribble: bool) -> None:
        for letter in content if dribble else ():
            self.wfile.write(bytes([letter]))
            time.sleep(0.05)
        self.wfile.write(b"" if dribble else content)
