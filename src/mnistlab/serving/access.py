"""Who may use the server: whoever calls it by one of its names, from its own page or none, with its token if it has one."""

from __future__ import annotations

import hmac
import ipaddress
import re
from collections.abc import Iterable

from starlette.types import Scope

from mnistlab.serving.problems import Problem
from mnistlab.serving.proxies import path_below, plain_address

__all__ = ["Access"]

GUARDED = ("/api/", "/metrics")
"""Paths that begin with this need the token, if there is one; the page, which asks for it, does not."""

MOST_KNOWN = 100
"""How many Host headers are remembered as right; a client may send any number."""
HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^:\[\]]*)(?::(\d{1,5}))?", re.ASCII)
"""A name, an address or one of IPv6 in brackets; and a port."""
ORIGIN = re.compile(r"(https?)://(.+)")
PORTS = {"http": 80, "https": 443}


class Access:
    """Lets in those who may use the server.

    `names`, in lower case, are those by which this server may be called besides localhost; addresses such as 127.0.0.1 always
    may. A name that a foreign page has made point here (DNS rebinding) is not one of them. `token`, if any, is required by the
    API.
    """

    def __init__(self, names: Iterable[str], token: str | None) -> None:
        self.names = {"localhost", *names}
        self.known: set[str] = set()
        self.token = token.encode() if token else None

    def check(self, scope: Scope, headers: dict[bytes, bytes]) -> None:
        """Raise `Problem` if the headers say that this client is not allowed."""
        called = self.called(scope, headers)
        if not path_below(scope).startswith(GUARDED):
            return
        if b"origin" in headers:
            self.check_page(scope, headers[b"origin"].decode("latin-1"), called)
        if self.token is not None:
            self.check_token(self.token, headers)

    def called(self, scope: Scope, headers: dict[bytes, bytes]) -> str:
        """The name by which the client called this server; behind a trusted proxy, the one that the proxy reports.

        Raises `Problem` if this server does not answer to that, or to what the proxy itself calls it.
        """
        called = headers.get(b"host", b"").decode("latin-1")
        twice = sum(name == b"host" for name, _ in scope["headers"]) > 1
        for host in (called, scope.get("proxy_host", called)):
            if twice or not self.answers_to(host):
                raise Problem(421, "serving.unknown_host", host=host_name(host)[:100])
        return called

    def check_page(self, scope: Scope, origin: str, host: str) -> None:
        """Raise `Problem` if the request comes from a page of that origin, and that is not this server under the name called.

        The sentence says how to fix it, in case it is this server's own page.
        """
        if is_page_of(origin, host):
            return
        peer = plain_address(scope["client"][0]) if scope.get("client") else "ADDRESS"
        found = ORIGIN.fullmatch(origin.lower())
        name = host_name(found[2]) if found else ""
        if "proxy_host" in scope:
            remedy = "serving.forwarded_host_differs"
        elif "proxy" in scope:
            remedy = "serving.forwarded_host_missing"
        elif name in self.names or is_address(name):
            remedy = "serving.proxy_not_trusted"
        else:
            remedy = "serving.proxy_and_name_not_trusted"
        raise Problem(403, "serving.page_of_other_site", remedy=remedy, origin=origin[:100], host=host[:100], peer=peer)

    def check_token(self, token: bytes, headers: dict[bytes, bytes]) -> None:
        """Raise `Problem` if the client does not send the token."""
        scheme, _, given = headers.get(b"authorization", b"").partition(b" ")
        if not hmac.compare_digest(given.strip(), token) or scheme.lower() != b"bearer":
            raise Problem(401, "serving.token_missing", headers={"WWW-Authenticate": "Bearer"})

    def answers_to(self, host: str) -> bool:
        """Whether the Host header names this server."""
        if host in self.known:
            return True
        name = host_name(host)
        if not (name in self.names or is_address(name)):
            return False
        if len(self.known) < MOST_KNOWN:
            self.known.add(host)
        return True


def host_name(host: str) -> str:
    """The name or address in a Host header, without the port and in lower case; all of it if it has a different form."""
    found = HOST.fullmatch(host.lower())
    return found[1].strip("[]").rstrip(".") if found else host


def is_page_of(origin: str, host: str) -> bool:
    """Whether a page of that origin (from the header Origin) comes from the server that was called `host` (from the header Host).

    It must have the same name and port, however they are written: in capitals, or without the default port of the origin's
    scheme. Only the browser knows the scheme, because a proxy may have removed TLS.
    """
    found = ORIGIN.fullmatch(origin.lower())
    if found is None:
        return False
    scheme, page = found[1], HOST.fullmatch(found[2])
    server = HOST.fullmatch(host.lower())
    if page is None or server is None or host_name(found[2]) != host_name(host):
        return False
    return int(page[2] or PORTS[scheme]) == int(server[2] or PORTS[scheme])


def is_address(name: str) -> bool:
    """Whether it is an IP address."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
