"""Who may ask: the Host header, the origin of what changes something, the token."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from chainpipe.pipeline.errors import UsageError

from .problems import RequestProblem

COOKIE = "chainpipe_session"
SHORTEST_TOKEN = 16
AUTO = "auto"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class AccessRules:
    """Who may ask a server.

    Attributes:
        names: Host names that requests may name, in lower case.
        addresses: Whether any IP address may be named, too; a web page cannot make its own name
            into one, so DNS rebinding does not get past it.
        token: What requests must show; empty: none.
    """

    names: frozenset[str]
    addresses: bool
    token: str = ""

    @property
    def session(self) -> str:
        """The value of the cookie, from which the token cannot be told."""
        key = self.token.encode()
        return hmac.new(key, b"chainpipe session", hashlib.sha256).hexdigest()

    def check_host(self, host: str) -> None:
        """Refuse a Host header that is not of this server, as DNS rebinding sends it.

        Raises:
            RequestProblem: With status 421.
        """
        name = _host_name(host)
        if name in self.names or (self.addresses and _is_address(name)):
            return
        hint = "`--allow-host NAME` lets a name pass"
        raise RequestProblem(421, "wrong_host", "this server has another name", hint=hint)

    def check_origin(self, method: str, headers: Mapping[str, str]) -> None:
        """Refuse what another site's page sends.

        Programs send neither of the two headers; browsers send them with every such request.

        Raises:
            RequestProblem: With status 403.
        """
        if method in SAFE:
            return
        origin, site = headers.get("origin"), headers.get("sec-fetch-site")
        foreign = origin is not None and _place(origin) != headers.get("host", "")
        if foreign or site not in (None, "same-origin", "none"):
            raise RequestProblem(403, "other_site", "a page of another site may not send this")

    def knows(self, headers: Mapping[str, str], cookies: Mapping[str, str]) -> bool:
        """Return whether a request shows the token, or the cookie that stands for it."""
        if not self.token:
            return True
        kind, _, shown = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and self.fits(shown.strip()):
            return True
        return _equal(cookies.get(COOKIE, ""), self.session)

    def fits(self, token: str) -> bool:
        """Return whether a token is the right one; in the same time for all wrong ones."""
        return bool(self.token) and _equal(token, self.token)


def access_rules(host: str, names: Sequence[str], token: str | None) -> AccessRules:
    """Return the rules of a server.

    Args:
        host: Address that it is bound to.
        names: Further names that it goes by.
        token: What was asked for: ``auto`` makes one.

    Raises:
        UsageError: If it is bound to more than this machine without a token, or the token is short.
    """
    loopback = is_loopback(host)
    if not loopback and not token:
        hint = "`--token auto` makes one; `--host 127.0.0.1` serves this machine only"
        raise UsageError(f"`--host {host}` serves other machines, without a token", hint=hint)
    if token == AUTO:
        token = secrets.token_urlsafe(24)
    if token and (len(token) < SHORTEST_TOKEN or not token.isascii() or not token.isprintable()):
        hint = f"at least {SHORTEST_TOKEN} ASCII characters, or `--token {AUTO}`"
        raise UsageError(f"the token of {len(token)} characters is too easy to guess", hint=hint)
    own = LOCAL if loopback else LOCAL | {host.lower(), socket.gethostname().lower()}
    allowed = own | {name.lower() for name in names}
    return AccessRules(frozenset(allowed), not loopback, token or "")


def is_loopback(host: str) -> bool:
    """Return whether an address is reached from this machine only.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    if host == "localhost":
        return True
    return _is_address(host) and ipaddress.ip_address(host).is_loopback


def _host_name(host: str) -> str:
    """Return the name in a Host header, without port and brackets.

    >>> _host_name("LOCALHOST:8000"), _host_name("[::1]:8000"), _host_name("::1")
    ('localhost', '::1', '')
    """
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def _place(origin: str) -> str | None:
    """Return host and port of an origin; ``None`` if it has none that can be read.

    >>> _place("http://127.0.0.1:8000"), _place("http://[::1")
    ('127.0.0.1:8000', None)
    """
    try:
        return urlsplit(origin).netloc or None
    except ValueError:
        return None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _equal(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
