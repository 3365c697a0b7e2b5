"""`mnistlab serve`: serve the page and the API, for this computer only or, if asked, for others too."""

from __future__ import annotations

import errno
import ipaddress
import multiprocessing
import os
import re
import secrets
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mnistlab.cli.model_file import BUNDLED, load_models, model_file
from mnistlab.cli.options import Command, WholeRange, examples, models_option, runs_option
from mnistlab.cli.output import log_to_standard_error
from mnistlab.cli.words import tell, words
from mnistlab.dependencies import require
from mnistlab.errors import UserError
from mnistlab.serving.proxies import read_name, read_network, read_root_path

if TYPE_CHECKING:
    from starlette.types import ASGIApp

__all__ = ["serve"]


def through(read: Callable[[str], object]) -> Callable[[click.Context, click.Parameter, Any], Any]:
    """A callback that passes an option's value or values through `read`; the error for a refused value begins with the option."""

    def pass_on(context: click.Context, option: click.Parameter, given: Any) -> Any:
        try:
            return tuple(str(read(text)) for text in given) if option.multiple else read(given)
        except UserError as error:
            raise UserError("cli.option_refused", option=option.opts[0], cause=error) from None

    return pass_on


ACCESS = (
    click.option(
        "--port", type=WholeRange(0, 65535), default=8000, show_default=True,
        help="Port to listen on; 0 for any free one.",
    ),
    click.option(
        "--host", default="127.0.0.1", show_default=True,
        help="Address to listen on; 0.0.0.0 lets in others who have the token.",
    ),
    click.option(
        "--allow-host", "names", multiple=True, metavar="NAME", callback=through(read_name),
        help="A name by which others call this server, or the proxy in front of it; may be repeated.",
    ),
    click.option(
        "--trusted-proxy", "proxies", multiple=True, metavar="ADDRESS|NETWORK", callback=through(read_network),
        help="Address of a proxy, such as 127.0.0.1, whose X-Forwarded-Host, -Proto and -For are trusted; may be repeated.",
    ),
    click.option(
        "--root-path", default="", metavar="/PATH", callback=through(read_root_path),
        help="The path under which a proxy offers the page and the API.",
    ),
    click.option(
        "--token", envvar="MNISTLAB_TOKEN",
        help="Secret that the API requires; it can also be set in the environment, as MNISTLAB_TOKEN.",
    ),
)  # fmt: skip
"""The options that say where the server can be reached, and by whom."""


def access_options(command: Command) -> Command:
    """Add the options of `ACCESS` to a command."""
    for option in reversed(ACCESS):
        command = option(command)
    return command


@click.command(
    epilog=examples(
        "mnistlab serve",
        "mnistlab serve --model mnistlab --model latest",
        "mnistlab serve --port 9000 --no-browser",
        "mnistlab serve --workers 2",
        "mnistlab serve --host 0.0.0.0 --token my-secret",
        "mnistlab serve --trusted-proxy 127.0.0.1 --allow-host digits.example --root-path /mnist",
    ),
)
@models_option
@access_options
@click.option(
    "--workers", type=WholeRange(1, 64), default=1, show_default=True,
    help="Number of processes that answer, each with its own models; use several if one cannot answer enough requests.",
)  # fmt: skip
@click.option("--no-browser", is_flag=True, help="Do not open the page in a browser.")
@runs_option
def serve(
    models: tuple[str, ...],
    port: int,
    host: str,
    names: tuple[str, ...],
    proxies: tuple[str, ...],
    root_path: str,
    token: str | None,
    workers: int,
    no_browser: bool,
    runs_dir: Path,
) -> None:
    """Open a page that reads the digits you draw and shows what the network sees, and offer an API for other programs.

    The server can be reached from this computer only, unless --host says otherwise. Ctrl-C stops it.
    """
    require("serve")
    check_token(token)
    listener = listen(host, port)
    with listener:
        host, port = listener.getsockname()[:2]
        address = f"http://{reached_at(host)}:{port}"
        if not is_loopback(host):
            token = token or secrets.token_urlsafe(12)
        # so that "latest" is the same run in each worker, whenever the worker starts
        files = tuple(name if name == BUNDLED else str(model_file(name, runs_dir)) for name in models or (BUNDLED,))
        make_app = partial(
            app_of, files, runs_dir, workers, hosts=names, token=token, trusted_proxies=proxies, root_path=root_path
        )
        app = make_app()
        if not is_loopback(host):
            tell("cli.open_to_the_network", token=token)
        page = f"{address}{root_path}/"
        link = f"{page}#token={token}" if token else page if root_path else address

        def ready() -> None:
            click.echo("  ".join((words("cli.serving_at", link=link), words("cli.ctrl_c_stops"))))
            if not no_browser and has_display():
                threading.Thread(target=webbrowser.open, args=[link], daemon=True).start()

        from mnistlab.serving.http import run
        from mnistlab.serving.workers import run_workers

        if workers == 1:
            run(app, listener, ready)
        else:
            run_workers(make_app, listener, workers, ready)
    tell("cli.stopped")


def app_of(models: tuple[str, ...], runs_dir: Path, workers: int, **access: Any) -> ASGIApp:
    """The application that serves these models in one of `workers` processes; each child process logs to standard error."""
    if multiprocessing.parent_process() is not None:
        log_to_standard_error()
    from mnistlab.serving.app import create_app
    from mnistlab.serving.limits import Limits

    return create_app(load_models(models, runs_dir), limits=Limits().of_each(workers), **access)


def check_token(token: str | None) -> None:
    """Raise `UserError` if no HTTP header can hold the token."""
    if token is not None and not re.fullmatch(r"[\x21-\x7e]+", token):
        raise UserError("cli.token_unusable")


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens on the address and port; connections wait until the server accepts them.

    Raises `UserError` if the address or port is not available.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError):
        raise UserError("cli.host_unknown", host=host) from None
    listener = socket.socket(family, kind, protocol)
    try:
        if sys.platform != "win32":  # on Windows, this would let two servers share a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
    except OSError as error:
        listener.close()
        if isinstance(error, PermissionError):
            raise UserError("cli.port_reserved", port=port) from None
        if error.errno == errno.EADDRINUSE:
            another = port + 1 if port < 65535 else 0
            raise UserError("cli.port_taken", port=port, another=another) from None
        raise UserError("cli.cannot_listen", host=host, port=port, reason=error.strerror or error) from None
    return listener


def is_loopback(host: str) -> bool:
    """Whether only this computer can reach the address."""
    return ipaddress.ip_address(host.partition("%")[0]).is_loopback


def reached_at(host: str) -> str:
    """The address to put into a link: `host` or, if the server listens on all addresses, one that other computers can reach."""
    if host not in ("0.0.0.0", "::"):  # noqa: S104 - asked for
        return f"[{host}]" if ":" in host else host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # an address reserved for documentation; nothing is sent
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"


def has_display() -> bool:
    """Whether a browser would open in a window rather than in the terminal."""
    return sys.platform in ("win32", "darwin") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
