"""An S3 server (moto's) on this computer, and the environment in which pyarrow finds it."""

from __future__ import annotations

import contextlib
import importlib.util
import os
from collections.abc import Iterator

import pytest

from mnistlab.reading import sources

needs_scale = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("ray", "moto"))
    and not os.environ.get("MNISTLAB_NEEDS_RAY"),
    reason="needs Ray and moto: uv sync --group scale",
)


@contextlib.contextmanager
def s3_server() -> Iterator[str]:
    """Run the server inside `with`, and set the environment by which pyarrow finds it, in this process and in new ones. Yields an
    empty bucket's name."""
    import pyarrow.fs
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patched.setenv("AWS_ACCESS_KEY_ID", "testing")
        patched.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        patched.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patched.setenv("AWS_EC2_METADATA_DISABLED", "true")
        sources.store.cache_clear()
        try:
            pyarrow.fs.FileSystem.from_uri("s3://scans?allow_bucket_creation=true")[0].create_dir("scans")
            yield "scans"
        finally:
            sources.store.cache_clear()
            server.stop()
