"""Decide which clients may use the server: by the server name they use, the page they come from, and the token they send."""

from __future__ import annotations

import hmac
import ipaddress
import re
from collections.abc import Iterable

from starlette.types import Scope

from mnistlab.messages.sentences import Clause
from mnistlab.serving.problems import Problem
from mnistlab.serving.proxies import path_below, plain_address

__all__ = ["Access"]

GUARDED = ("/api/", "/metrics")
"""Requests for paths that begin with these need the token, if there is one; requests for the page, which asks for it, do not."""

MOST_KNOWN = 100
"""At most this many correct Host headers are remembered, because clients can send any number of different ones."""
HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^:\[\]]*)(?::(\d{1,5}))?", re.ASCII)
"""Matches a name, an IPv4 address, or an IPv6 address in brackets, each optionally followed by a port."""
ORIGIN = re.compile(r"(https?)://(.+)")
PORTS = {"http": 80, "https": 443}


class Access:
    """Lets in only the clients that may use the server.

    Clients may call this server only by localhost, an IP address or one of `names` (given in lower case). A name that another
    site has pointed at this server (DNS rebinding) is therefore refused. If there is a `token`, clients of the API must send it.
    """

    def __init__(self, names: Iterable[str], token: str | None) -> None:
        self.names = {"localhost", *names}
        self.known: set[str] = set()
        self.token = token.encode() if token else None

    def check(self, scope: Scope, headers: dict[bytes, bytes]) -> None:
        """Raise `Problem` if the headers show that this client may not make this request."""
        called = self.called(scope, headers)
        if not path_below(scope).startswith(GUARDED):
            return
        if b"origin" in headers:
            self.check_page(scope, headers[b"origin"].decode("latin-1"), called)
        if self.token is not None:
            self.check_token(self.token, headers)

    def called(self, scope: Scope, headers: dict[bytes, bytes]) -> str:
        """The name by which the client called this server; behind a trusted proxy, the name that the proxy reports.

        Raises `Problem` if this server does not answer to that name, or to the name by which the proxy called the server, or if
        the request has several Host headers.
        """
        called = headers.get(b"host", b"").decode("latin-1")
        if sum(name == b"host" for name, _ in scope["headers"]) > 1:
            raise Problem(421, "serving.host_twice")
        for host in (called, scope.get("proxy_host", called)):
            if not self.answers_to(host):
                raise Problem(421, "serving.unknown_host", host=host_name(host)[:100])
        return called

    def check_page(self, scope: Scope, origin: str, host: str) -> None:
        """Raise `Problem` unless `origin`, the origin of the page that sends the request, matches `host`, the server's name.

        The message also says what to do if the page is this server's own and a proxy has hidden that.
        """
        if is_page_of(origin, host):
            return
        peer = plain_address(scope["client"][0]) if scope.get("client") else Clause("serving.address")
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
    """The name or address in a Host header, without the port and in lower case; the whole header if it does not match `HOST`."""
    found = HOST.fullmatch(host.lower())
    return found[1].strip("[]").rstrip(".") if found else host


def is_page_of(origin: str, host: str) -> bool:
    """Whether a page with this `origin` (from the header Origin) comes from the server at `host` (from the header Host).

    Both must have the same name and port; capitals do not matter, and a missing port is the default port of the origin's scheme.
    The schemes are not compared, because a proxy may have removed TLS, and then only the browser knows the scheme.
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
    """Whether the name is an IP address."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
