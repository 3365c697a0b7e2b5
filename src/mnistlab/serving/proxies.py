"""Proxies between the server and its clients, and the path under which the proxies publish the server."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from mnistlab.errors import UserError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["BehindProxies", "path_below", "plain_address", "read_name", "read_network", "read_root_path"]


Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Headers = list[tuple[bytes, bytes]]

NAME = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?")
SEGMENTS = re.compile(r"(/(?!\.{1,2}(/|$))[\w.~@+:-]+)*", re.ASCII)
FORWARDED = re.compile(r'(,)|(?<![\w-])(for|proto|host)="?([^\s;,"]+)', re.IGNORECASE)
"""Matches, in the header Forwarded (RFC 7239), what a proxy says, and the commas that separate one proxy's part from the next."""


class BehindProxies:
    """An ASGI application around `app` that corrects each request's scope with what trusted proxies say about the request.

    If a request comes from a `trusted` network, its client, scheme and host are taken from the headers X-Forwarded-For, -Proto
    and -Host or, if there is no X-Forwarded header at all, from the header Forwarded. `scope["proxy"]` is then the proxy's
    address and, if the proxy names a host, `scope["proxy_host"]` is the name by which the proxy itself called this server. In
    requests from anywhere else, these headers are ignored.

    In the corrected scope, the path of each request begins with `root_path`, even if the proxy has removed that prefix.
    """

    def __init__(self, app: ASGIApp, trusted: Iterable[str] = (), root_path: str = "") -> None:
        from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

        self.networks = [read_network(network) for network in trusted]
        self.app: Any = ProxyHeadersMiddleware(app, [str(network) for network in self.networks])  # type: ignore[arg-type]
        self.root_path = read_root_path(root_path)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] == "http":
            scope = {**scope, **self.seen_from_outside(scope)}
        await self.app(scope, receive, send)

    def seen_from_outside(self, scope: Scope) -> dict[str, Any]:
        """The entries that must change in the request's scope, with their new values."""
        path: str = scope["path"]
        if not f"{path}/".startswith(f"{self.root_path}/"):
            path = self.root_path + path
        changes: dict[str, Any] = {"path": path, "root_path": self.root_path}
        if scope.get("client"):
            address, port = plain_address(scope["client"][0]), scope["client"][1]
            changes["client"] = address, port
            if self.trusts(address):
                headers = said_by_proxies(scope["headers"])
                changes |= {"proxy": address, "headers": headers}
                if host := last(headers, b"x-forwarded-host"):
                    changes["proxy_host"] = last(headers, b"host").decode("latin-1")
                    changes["headers"] = [(name, host if name == b"host" else value) for name, value in headers]
        return changes

    def trusts(self, address: str) -> bool:
        """Whether the address belongs to a trusted proxy."""
        try:
            return any(ipaddress.ip_address(address) in network for network in self.networks)
        except ValueError:  # for a socket that has no IP address
            return False


def said_by_proxies(headers: Headers) -> Headers:
    """The headers, with Forwarded rewritten as X-Forwarded-For, -Proto and -Host, unless there are X-Forwarded headers already.

    If there are several proxies, the protocol and host are those that the last proxy names, because a client cannot have written
    them; but the addresses of all clients that the proxies name are kept, in order.
    """
    if any(name.startswith(b"x-forwarded-") for name, _ in headers):
        return headers
    said: dict[str, str] = {}
    for name, value in headers:
        if name != b"forwarded":
            continue
        clients = said.get("for")
        for comma, key, word in FORWARDED.findall("," + value.decode("latin-1")):
            if comma:
                said = {}
            elif key.lower() == "for":
                clients = f"{clients}, {word}" if clients else word
            else:
                said[key.lower()] = word
        said |= {"for": clients} if clients else {}
    return [*headers, *((f"x-forwarded-{key}".encode(), word.encode("latin-1")) for key, word in said.items())]


def last(headers: Headers, wanted: bytes) -> bytes:
    """The last value in the headers named `wanted`, which the nearest proxy wrote; empty if there is no such header."""
    values = [value for name, value in headers if name == wanted]
    return values[-1].rpartition(b",")[2].strip() if values else b""


def path_below(scope: Scope) -> str:
    """The request's path without the root path, which the routes in the code do not contain."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))


def plain_address(address: str) -> str:
    """The address, unchanged unless it is an IPv4 address in IPv6 form (::ffff:192.0.2.1), which is returned in IPv4 form."""
    try:
        return str(getattr(ipaddress.ip_address(address), "ipv4_mapped", None) or address)
    except ValueError:
        return address


def read_network(text: str) -> Network:
    """The network or single address in the text. Raises `UserError` if the text is neither."""
    try:
        return ipaddress.ip_network(plain_address(text))
    except ValueError:
        pass
    try:
        meant = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise UserError("serving.not_an_address", text=text) from None
    raise UserError("serving.network_with_host_bits", text=text, meant=meant)


def read_name(text: str) -> str:
    """The name or IP address of a computer, in lower case and in ASCII. Raises `UserError` if the text is neither."""
    try:
        name = str(ipaddress.ip_address(text)) if ":" in text else text.rstrip(".").encode("idna").decode().lower()
    except ValueError:  # UnicodeError is a kind of it
        name = ""
    if ":" not in name and not NAME.fullmatch(name):
        raise UserError("serving.not_a_host_name", text=text)
    return name


def read_root_path(text: str) -> str:
    """The path without a slash at its end; "" if there is no path. Raises `UserError` if a URL cannot hold the path as it is."""
    path = text.rstrip("/")
    if not SEGMENTS.fullmatch(path):
        raise UserError("serving.not_a_root_path", text=text)
    return path
