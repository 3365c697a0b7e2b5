"""Who may use the server: by which names, from which pages, through which proxies and with which token."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import numpy as np
import pytest

from tests.support import running_server
from tests.support.problems import assert_problem
from tests.support.waiting import LIMIT

serving_with = running_server.thread


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example:8000",
        "[127.0.0.1].evil.example",
        "127.0.0.1:evil",
        "",
    ],
)
def test_other_host_names_are_refused(client: httpx.Client, host: str) -> None:
    """A page whose name was made to point here (DNS rebinding) sends that name."""
    for path in ("/", "/api/v1/models"):
        assert_problem(client.get(path, headers={"Host": host}), 421, "--allow-host")


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:1", "127.0.0.1:8000", "192.168.1.7", "[::1]:80", "digits.example"]
)
def test_addresses_and_allowed_names_are_answered(client: httpx.Client, host: str) -> None:
    assert client.get("/api/v1/models", headers={"Host": host}).status_code == 200


def test_pages_of_other_sites_are_refused(client: httpx.Client, images: np.ndarray) -> None:
    content = images[0].tobytes()
    for origin in ("https://evil.example", "null", "http://127.0.0.1:1", "http://["):
        assert_problem(
            client.post("/api/v1/classify", content=content, headers={"Origin": origin}), 403, "another site"
        )
    own = str(client.base_url).rstrip("/")
    assert client.post("/api/v1/classify", content=content, headers={"Origin": own}).status_code == 200


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("digits.example", "https://digits.example"),
        ("digits.example:443", "https://digits.example"),
        ("digits.example:80", "http://digits.example"),
        ("DIGITS.Example.", "https://digits.example"),
        ("digits.example", "http://Digits.Example:80"),
        ("[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_its_own_page_is_known_however_it_is_written(client: httpx.Client, host: str, origin: str) -> None:
    assert client.get("/api/v1/models", headers={"Host": host, "Origin": origin}).status_code == 200


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("digits.example", "https://digits.example:8443"),
        ("digits.example:443", "http://digits.example"),
        ("digits.example:80", "https://digits.example"),
        ("digits.example", "https://digits.example.evil.example"),
        ("digits.example", "https://evil.example#digits.example"),
        ("digits.example", "https://digits.example@evil.example"),
        ("digits.example", "ftp://digits.example"),
        ("digits.example", "digits.example"),
        ("digits.example", ""),
        ("localhost", "http://127.0.0.1"),
    ],
)
def test_a_page_of_another_name_or_port_is_another_site(client: httpx.Client, host: str, origin: str) -> None:
    assert_problem(client.get("/api/v1/models", headers={"Host": host, "Origin": origin}), 403, "another site")


OUTSIDE = {"X-Forwarded-Host": "digits.example", "X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}


OWN_PAGE = {"Origin": "https://digits.example"}


@pytest.fixture(scope="module")
def proxied() -> Iterator[httpx.Client]:
    with (
        serving_with(
            hosts=["digits.example"], trusted_proxies=["127.0.0.1"], root_path="/mnist", token="s3cret"
        ) as running,
        httpx.Client(base_url=running.url, headers={"Authorization": "Bearer s3cret"}, timeout=30) as client,
    ):
        yield client


@pytest.mark.parametrize(
    "headers",
    [
        OUTSIDE,
        {"X-Forwarded-Host": "DIGITS.example:443"},
        {"X-Forwarded-Host": "evil.example, digits.example"},  # the last is the proxy's own word
        {"Forwarded": "for=203.0.113.9;host=evil.example, for=192.0.2.1;Host=digits.example;proto=https"},
        {"Forwarded": 'for="[2001:db8::1]:80";host="digits.example"'},
        {"X-Forwarded-Host": "digits.example", "Forwarded": "host=evil.example"},
    ],
)
def test_a_trusted_proxy_says_how_the_server_was_called(proxied: httpx.Client, headers: dict[str, str]) -> None:
    assert proxied.get("/api/v1/models", headers=headers | OWN_PAGE).status_code == 200


@pytest.mark.parametrize(
    ("headers", "status", "words"),
    [
        (
            {"X-Forwarded-Host": "evil.example", "Origin": "http://evil.example"},
            421,
            ["'evil.example'", "--allow-host"],
        ),
        ({"X-Forwarded-Host": "digits.example, evil.example"}, 421, ["'evil.example'"]),
        ({"Forwarded": "host=digits.example, host=evil.example"}, 421, ["'evil.example'"]),
        ({"Host": "evil.example", "X-Forwarded-Host": "digits.example"}, 421, ["'evil.example'", "--allow-host"]),
        (
            {**OUTSIDE, "Origin": "https://evil.example"},
            403,
            ["X-Forwarded-Host must name the address that the browser uses, with its port."],
        ),
        ({**OUTSIDE, "Origin": "https://digits.example:8443"}, 403, ["X-Forwarded-Host must name", "port"]),
        (OWN_PAGE, 403, ["proxy must pass on the address that the browser uses, with its port, as X-Forwarded-Host."]),
        ({"X-Forwarded-Host": "digits.example", "Authorization": "Bearer wrong"}, 401, ["token"]),
    ],
)
def test_by_way_of_a_proxy_other_sites_are_refused_too(
    proxied: httpx.Client, headers: dict[str, str], status: int, words: list[str]
) -> None:
    for path in ("/api/v1/models", "/mnist/api/v1/models"):
        assert_problem(proxied.get(path, headers=headers), status, *words)


@pytest.mark.parametrize("trusted", [[], ["10.0.0.0/8", "::1"]])
def test_of_others_forwarded_headers_mean_nothing(trusted: list[str]) -> None:
    """They neither open a door nor shut one, and the refusal says what would make them count."""
    with serving_with(hosts=["digits.example"], trusted_proxies=trusted) as running:
        for headers in (OUTSIDE, {"Forwarded": "for=203.0.113.9;host=digits.example;proto=https"}):
            response = httpx.get(f"{running.url}/api/v1/models", headers=headers | OWN_PAGE, timeout=LIMIT)
            assert_problem(
                response,
                403,
                "comes from a page of another site, 'https://digits.example', but is for '127.0.0.1",
                "--trusted-proxy 127.0.0.1.",
            )
            response = httpx.get(
                f"{running.url}/api/v1/models", headers={**headers, "Host": "evil.example"}, timeout=LIMIT
            )
            assert_problem(response, 421, "'evil.example'")
        docs = httpx.get(f"{running.url}/docs", headers={**OUTSIDE, "X-Forwarded-Host": "evil.example"}, timeout=LIMIT)
        assert f"{running.url}/api/v1/read" in docs.text
        origin = {"Origin": "https://other.example"}
        response = httpx.get(f"{running.url}/api/v1/models", headers=origin, timeout=LIMIT)
        assert_problem(response, 403, "--trusted-proxy 127.0.0.1 --allow-host NAME")


@pytest.mark.parametrize("prefix", ["", "/mnist"], ids=["cut off by the proxy", "kept by the proxy"])
def test_below_a_root_path_all_is_found(proxied: httpx.Client, images: np.ndarray, prefix: str) -> None:
    page = proxied.get(f"{prefix}/", headers=OUTSIDE).text
    docs = proxied.get(f"{prefix}/docs", headers=OUTSIDE).text
    addresses = re.findall(r'(?:href|src)="([^"]+)"', page + docs)
    assert len(addresses) > 8
    for address in addresses:
        assert not address.startswith("/")
        assert proxied.get(f"{prefix}/{address}", headers=OUTSIDE).status_code == 200, address
    assert "https://digits.example/mnist/api/v1/read" in docs
    assert proxied.get(f"{prefix}/openapi.json").json()["servers"] == [{"url": "/mnist"}]
    answer = proxied.post(f"{prefix}/api/v1/classify", content=images[0].tobytes(), headers=OUTSIDE | OWN_PAGE)
    assert answer.json()["values"] == [5]
    assert proxied.get(f"{prefix}/docs/", headers=OUTSIDE).headers["location"] == "https://digits.example/mnist/docs"
    for path in ("/api/v1/models", "/metrics"):
        response = proxied.get(f"{prefix}{path}", headers={"Authorization": ""})
        assert_problem(response, 401, "token")
    for path in ("/nothing", "/static/nothing.js"):
        assert_problem(proxied.get(f"{prefix}{path}"), 404, "The page is at /mnist/, ", " at /mnist/docs.")


def test_the_root_path_itself_leads_to_the_page(proxied: httpx.Client) -> None:
    assert proxied.get("/mnist", headers=OUTSIDE).headers["location"] == "https://digits.example/mnist/"
    assert_problem(proxied.get("/mnistlab/api/v1/models"), 404)
    counted = proxied.get("/mnist/metrics").text
    assert 'path="/api/v1/classify"' in counted
    assert 'path="/mnist' not in counted


def test_the_token_is_asked_for(images: np.ndarray) -> None:
    with serving_with(token="s3cret") as running, running.client() as client:
        for wrong in (
            {},
            {"Authorization": "Bearer s3cre"},
            {"Authorization": "s3cret"},
            {"Authorization": "Bearer é".encode()},
        ):
            for path in ("/api/v1/models", "/metrics"):
                response = client.get(path, headers=wrong)
                assert_problem(response, 401, "Authorization: Bearer")
                assert response.headers["www-authenticate"] == "Bearer"
        assert client.get("/api/v1/models", headers={"Authorization": "Bearer s3cret"}).status_code == 200
        assert client.get("/").status_code == client.get("/healthz").status_code == 200
