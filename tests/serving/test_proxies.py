"""What proxies say about a request, and how much of it is trusted."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from mnistlab.errors import UserError
from mnistlab.serving.proxies import BehindProxies, read_name, read_network, read_root_path


def seen(headers: dict[str, str], trusted: list[str], peer: str = "192.0.2.1", **scope: Any) -> dict[str, Any]:
    """The scope that the application gets."""
    got: dict[str, Any] = {}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        got.update(scope)

    raw = [(name.lower().encode(), value.encode()) for name, value in {"Host": "inside:8000", **headers}.items()]
    request = {"type": "http", "path": "/", "scheme": "http", "client": (peer, 5000), "headers": raw, **scope}
    asyncio.run(BehindProxies(app, trusted)(request, None, None))  # type: ignore[arg-type]
    return got


X = {"X-Forwarded-For": "198.51.100.7, 203.0.113.9", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "outside"}
RFC = {"Forwarded": "for=198.51.100.7;host=made.up, for=203.0.113.9;proto=https;host=outside"}


@pytest.mark.parametrize("headers", [X, RFC])
@pytest.mark.parametrize(
    ("trusted", "peer"), [("192.0.2.1", "192.0.2.1"), ("192.0.2.0/24", "::ffff:192.0.2.1"), ("::1", "::1")]
)
def test_what_a_trusted_proxy_says_is_believed(headers: dict[str, str], trusted: str, peer: str) -> None:
    """The client is the last address that is not a trusted proxy: the first of the list is the client's own claim."""
    got = seen(headers, [trusted], peer)
    assert (got["client"][0], got["scheme"]) == ("203.0.113.9", "https")
    assert dict(got["headers"])[b"host"] == b"outside"
    assert got["proxy_host"] == "inside:8000"


def test_the_client_is_looked_for_behind_all_trusted_proxies() -> None:
    assert seen(X, ["192.0.2.1", "203.0.113.0/24"])["client"][0] == "198.51.100.7"


@pytest.mark.parametrize("headers", [X, RFC])
@pytest.mark.parametrize("trusted", [[], ["127.0.0.1"], ["192.0.2.2/31", "2001:db8::/32"]])
def test_what_others_say_is_not(headers: dict[str, str], trusted: list[str]) -> None:
    got = seen(headers, trusted)
    assert (got["client"], got["scheme"]) == (("192.0.2.1", 5000), "http")
    assert dict(got["headers"])[b"host"] == b"inside:8000"
    assert not {"proxy", "proxy_host"} & set(got)


def test_forwarded_does_not_count_where_the_proxy_speaks_the_other_language() -> None:
    """A proxy that writes X-Forwarded headers passes on what a client has put into Forwarded."""
    got = seen({"X-Forwarded-For": "203.0.113.9", "Forwarded": "host=made.up;proto=https"}, ["192.0.2.1"])
    assert (got["client"][0], got["scheme"], dict(got["headers"])[b"host"]) == ("203.0.113.9", "http", b"inside:8000")


@pytest.mark.parametrize("client", [None, ("", 0), ("a-socket", 0)])
def test_a_client_without_an_address_is_nobody(client: tuple[str, int] | None) -> None:
    assert dict(seen(X, ["0.0.0.0/0"], client=client)["headers"])[b"host"] == b"inside:8000"


def test_names_networks_and_paths_are_put_in_one_form() -> None:
    assert [read_name(text) for text in ("Digits.Example.", "bücher.example", "192.0.2.1", "::1")] == [
        "digits.example", "xn--bcher-kva.example", "192.0.2.1", "::1",
    ]  # fmt: skip
    assert [str(read_network(text)) for text in ("192.0.2.1", "10.0.0.0/8", "::1", "::ffff:192.0.2.1")] == [
        "192.0.2.1/32", "10.0.0.0/8", "::1/128", "192.0.2.1/32",
    ]  # fmt: skip
    assert [read_root_path(text) for text in ("", "/", "/a/", "/user/jo@x.org/proxy/8000")] == [
        "", "", "/a", "/user/jo@x.org/proxy/8000",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("read", "text"),
    [
        *((read_name, text) for text in ("", "*", "a b", "http://a", "a:80", "a/b", ".a", "[::1]", "a" * 300)),
        *((read_network, text) for text in ("", "*", "foo", "localhost", "10.0.0.1/8", "10.0.0.0/33", "1.2.3")),
        *((read_root_path, text) for text in ("a", "//a", "/a//b", "/a b", "/.", "/a/../b", "/a?b", "/é", "http://a/b", "/%2e")),
    ],
)  # fmt: skip
def test_what_is_none_is_refused(read: Any, text: str) -> None:
    with pytest.raises(UserError) as caught:
        read(text)
    assert repr(text) in caught.value.message
    assert caught.value.remedy
