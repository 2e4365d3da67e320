"""The OpenID provider at the other end of the network: discovery, keys, codes exchanged for ID tokens.

Every question has a limit in time and size, follows no redirect, and goes only to
addresses of the issuer that stands in central's file or that its own discovery names. A
token counts when its signature fits a key of the issuer, by an algorithm with a public
key, and issuer, audience, time and nonce are those that were asked for.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

import httpx
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from central.errors import CentralError, Forbidden, TooMany
from central.settings import SignOn, safe_url

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
"""All with a public key: `none` and whatever a client's secret could sign are not among them."""
ANSWER_AT_MOST: Final = 256 * 1024
LEEWAY_S: Final = 60
KNOWN_FOR_S: Final = 3600.0
KEYS_AGAIN_AFTER_S: Final = 30.0
"""A token with an unknown key has them fetched anew, not more often than this."""
AT_ONCE: Final = 8


class ProviderDown(CentralError):
    """The provider did not answer in time, or not as a provider does."""

    def __init__(self, text: str) -> None:
        super().__init__("signon.down", text)


class BadToken(Forbidden):
    """What the provider gave is not good."""

    def __init__(self, text: str) -> None:
        super().__init__("signon.bad_token", text)


@dataclass(frozen=True, slots=True)
class Attempt:
    """The secrets of one log-in on its way: against forged answers, replayed tokens and stolen codes."""

    state: str
    nonce: str
    verifier: str


class Provider:
    """One issuer; answers of discovery and keys are kept for an hour."""

    def __init__(self, rules: SignOn, secret: str, redirect_uri: str) -> None:
        self._rules = rules
        self._secret = secret
        self._redirect_uri = redirect_uri
        self._lock = threading.Lock()
        self._places: tuple[float, Mapping[str, Any]] | None = None
        self._keys: tuple[float, KeySet] | None = None
        self._turns = threading.Semaphore(AT_ONCE)

    def address(self, attempt: Attempt) -> str:
        """Return where a browser goes to log in.

        Raises:
            ProviderDown: it does not answer, or wrongly.
            TooMany: too many ask at once.
        """
        asked = {
            "response_type": "code",
            "client_id": self._rules.client_id,
            "redirect_uri": self._redirect_uri,
            "scope": " ".join(dict.fromkeys(("openid", *self._rules.scopes))),
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": create_s256_code_challenge(attempt.verifier),
            "code_challenge_method": "S256",
        }
        return _with_query(self._place("authorization_endpoint"), asked)

    def claims(self, code: str, attempt: Attempt, now: datetime) -> Mapping[str, object]:
        """Return what the ID token says that the provider gives for `code`.

        Raises:
            ProviderDown: it does not answer, or wrongly.
            Forbidden: it refuses the code.
            BadToken: the token is not good.
            TooMany: too many ask at once.
        """
        answer = self._exchange(code, attempt)
        token, access = answer.get("id_token"), answer.get("access_token")
        if not isinstance(token, str):
            raise BadToken("wanted an ID token, found none in the provider's answer")
        decoded = self._decoded(token)
        claims = CodeIDToken(decoded.claims, decoded.header, self._options(), self._params(attempt, access))
        try:
            claims.validate(now=int(now.timestamp()), leeway=LEEWAY_S)
        except JoseError as error:
            raise BadToken(f"the ID token is not good: {error.error}: {error.description}"[:300]) from error
        return dict(claims)

    def farewell(self, back_to: str) -> str | None:
        """Return where a browser ends its log-in at the provider too; none when it has no such place."""
        try:
            place = self._discovered().get("end_session_endpoint")
        except CentralError:
            return None
        if not isinstance(place, str) or not safe_url(place):
            return None
        return _with_query(place, {"client_id": self._rules.client_id, "post_logout_redirect_uri": back_to})

    def _options(self) -> dict[str, dict[str, object]]:
        required = {"essential": True}
        exact = {"iss": self._rules.issuer, "aud": self._rules.client_id}
        return {name: {**required, "value": value} for name, value in exact.items()} | {
            name: dict(required) for name in ("sub", "exp", "iat", "nonce")
        }

    def _params(self, attempt: Attempt, access: object) -> dict[str, object]:
        params: dict[str, object] = {"nonce": attempt.nonce, "client_id": self._rules.client_id}
        return params | ({"access_token": access} if isinstance(access, str) else {})

    def _exchange(self, code: str, attempt: Attempt) -> Mapping[str, Any]:
        """Return what the provider gives for a code.

        Raises:
            Forbidden: it refuses.
            ProviderDown: it does not answer, or wrongly.
            TooMany: too many ask at once.
        """
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect_uri,
            "code_verifier": attempt.verifier,
        }
        place = self._place("token_endpoint")
        methods = self._discovered().get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        auth: httpx.BasicAuth | None = None
        if "client_secret_basic" in methods:
            auth = httpx.BasicAuth(quote(self._rules.client_id, safe=""), quote(self._secret, safe=""))
        else:
            form |= {"client_id": self._rules.client_id, "client_secret": self._secret}
        status, answer = self._ask("POST", place, form, auth)
        if status in {400, 401, 403}:
            raise Forbidden("signon.code_refused", f"the provider refused the code: {str(answer.get('error'))[:80]}")
        if status != 200:
            raise ProviderDown(f"{place}: wanted 200, found {status}")
        return answer

    def _decoded(self, token: str) -> jwt.Token:
        """Return the token, its signature proven.

        Raises:
            BadToken: it fits no key of the issuer.
            ProviderDown: the keys cannot be had.
            TooMany: too many ask at once.
        """
        for again in (False, True):
            try:
                return jwt.decode(token, self._key_set(again=again), algorithms=ALGORITHMS)
            except (JoseError, ValueError, TypeError) as error:
                if again:
                    raise BadToken(f"the ID token's signature is not good: {error}"[:300]) from error
        raise BadToken("the ID token's signature is not good")

    def _key_set(self, *, again: bool) -> KeySet:
        """Return the issuer's public keys.

        Raises:
            ProviderDown: it does not answer, or wrongly.
            TooMany: too many ask at once.
        """
        now = time.monotonic()
        with self._lock:
            held = self._keys
        if held is not None and now - held[0] < (KEYS_AGAIN_AFTER_S if again else KNOWN_FOR_S):
            return held[1]
        place = self._place("jwks_uri")
        status, answer = self._ask("GET", place)
        keys = answer.get("keys")
        public = [key for key in keys if isinstance(key, dict) and key.get("kty") in {"RSA", "EC"}] if keys else []
        public = [key for key in public if key.get("use", "sig") == "sig"]
        if status != 200 or not public:
            raise ProviderDown(f"{place}: wanted keys, found {status} and {len(public)} of them")
        try:
            found = KeySet.import_key_set({"keys": public})
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise ProviderDown(f"{place}: wanted keys, found some that cannot be read: {error}"[:300]) from error
        with self._lock:
            self._keys = (now, found)
        return found

    def _place(self, name: str) -> str:
        """Return one of the issuer's addresses.

        Raises:
            ProviderDown: discovery does not name it, or one without TLS.
            TooMany: too many ask at once.
        """
        found = self._discovered().get(name)
        if not isinstance(found, str) or not safe_url(found):
            raise ProviderDown(f"{self._rules.issuer}: wanted an https address as {name}, found {str(found)[:80]!r}")
        return found

    def _discovered(self) -> Mapping[str, Any]:
        """Return the issuer's own description.

        Raises:
            ProviderDown: it does not answer, or describes another issuer.
            TooMany: too many ask at once.
        """
        now = time.monotonic()
        with self._lock:
            held = self._places
        if held is not None and now - held[0] < KNOWN_FOR_S:
            return held[1]
        status, answer = self._ask("GET", f"{self._rules.issuer.rstrip('/')}/.well-known/openid-configuration")
        if status != 200 or answer.get("issuer") != self._rules.issuer:
            found = str(answer.get("issuer"))[:80]
            raise ProviderDown(f"wanted the description of {self._rules.issuer}, found {status} and {found!r}")
        with self._lock:
            self._places = (now, answer)
        return answer

    def _ask(
        self, method: str, url: str, form: Mapping[str, str] | None = None, auth: httpx.BasicAuth | None = None
    ) -> tuple[int, Mapping[str, Any]]:
        """Return status and JSON of an answer.

        Raises:
            ProviderDown: none in time, too large, or no JSON object.
            TooMany: too many ask at once.
        """
        if not self._turns.acquire(blocking=False):
            raise TooMany("signon.busy", timedelta(seconds=5))
        try:
            return _asked(method, url, self._rules.within.total_seconds(), form, auth)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ProviderDown(f"{_plain(url)}: {type(error).__name__} {error}"[:300]) from error
        finally:
            self._turns.release()


def _asked(
    method: str, url: str, within_s: float, form: Mapping[str, str] | None, auth: httpx.BasicAuth | None
) -> tuple[int, Mapping[str, Any]]:
    """Return status and JSON of an answer.

    Raises:
        ProviderDown: too slow altogether, too large, or no JSON object.
    """
    deadline = time.monotonic() + within_s
    content = b""
    with (
        httpx.Client(timeout=within_s, follow_redirects=False, trust_env=False) as client,
        client.stream(method, url, data=form, auth=auth, headers={"accept": "application/json"}) as response,
    ):
        for part in response.iter_bytes():
            content += part
            if time.monotonic() > deadline or len(content) > ANSWER_AT_MOST:
                raise ProviderDown(
                    f"{_plain(url)}: wanted an answer of {within_s:g} s and {ANSWER_AT_MOST} bytes at most"
                )
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, dict):
        return response.status_code, found
    if response.status_code == 200:
        raise ProviderDown(f"{_plain(url)}: wanted a JSON object, found {content[:40]!r}")
    return response.status_code, {}


def _plain(url: str) -> str:
    return url.partition("?")[0]


def _with_query(url: str, query: Mapping[str, str]) -> str:
    return f"{url}{'&' if urlsplit(url).query else '?'}{urlencode(query)}"
