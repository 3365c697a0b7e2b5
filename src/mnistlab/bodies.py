"""What comes in a request's body: a picture, or 28x28 images."""

from __future__ import annotations

import numpy as np
import orjson
from fastapi import Request
from numpy.typing import NDArray
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.types import Receive

from mnistlab.problems import Problem

__all__ = ["PIXELS", "images_of", "kind_of", "media_type", "picture_of", "whole_body"]

PIXELS = 28 * 28
MOST_IMAGES = 4096
"""In one request."""


class InMemory(MultiPartParser):
    """Keeps an uploaded file in the memory: nothing that is sent here touches the disk."""

    spool_max_size = 2**40


def media_type(header: str) -> str:
    """A Content-Type header's media type, in small letters, without parameters."""
    return header.partition(";")[0].strip().lower()


def kind_of(request: Request) -> str:
    """The body's media type."""
    return media_type(request.headers.get("content-type", ""))


async def whole_body(receive: Receive) -> bytes:
    """All that comes. `receive` is that of `Gate`, which counts it, and raises where the client has left."""
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body", False):
        message = await receive()
        body += message.get("body", b"")
    return body


async def picture_of(request: Request) -> bytes:
    """The picture in a body: all of it, or the first file of a form. Raises `Problem` for a form without one."""
    if kind_of(request) != "multipart/form-data":
        return await request.body()
    try:
        form = await InMemory(request.headers, request.stream(), max_files=1, max_fields=8).parse()
    except (MultiPartException, KeyError) as error:
        reason = getattr(error, "message", "no boundary").rstrip(".")
        raise Problem(422, f"The form cannot be read: {reason}. Send one file as the field 'file'.") from None
    try:
        for _, value in form.multi_items():
            if isinstance(value, UploadFile):
                return await value.read()
    finally:
        await form.close()
    raise Problem(422, "The form holds no file. Send one as the field 'file'.")


def images_of(body: bytes, kind: str, key: str = "images") -> NDArray[np.uint8]:
    """The 28x28 images in a body, uint8 (N, 28, 28). Raises `Problem` for another shape, type, range or number."""
    remedy = f'Send 784 bytes an image, or JSON such as {{"{key}": [[[0, 255, ...], ...], ...]}}.'
    if kind == "application/json":
        images = of_json(body, key, remedy)
    elif len(body) % PIXELS or not body:
        raise Problem(422, f"The body has {len(body):,} bytes, which are not whole images of 28x28. {remedy}")
    else:
        images = np.frombuffer(body, np.uint8).reshape(-1, 28, 28)
    if len(images) > MOST_IMAGES:
        raise Problem(422, f"There are {len(images):,} images, and at most {MOST_IMAGES:,} are classified. Send fewer.")
    return images


def of_json(body: bytes, key: str, remedy: str) -> NDArray[np.uint8]:
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Problem(422, f"The body is not JSON: {error}. {remedy}") from None
    if not isinstance(content, dict) or key not in content:
        raise Problem(422, f"The JSON is no object with {key!r}. {remedy}")
    try:
        images = np.asarray(content[key])
    except ValueError:  # rows of different lengths
        raise Problem(422, f"{key!r} is no array of one shape. {remedy}") from None
    if images.size == 0 and images.ndim == 1:
        images = np.zeros((0, 28, 28), np.int64)
    if images.dtype.kind != "i" or images.shape[-2:] != (28, 28) or images.ndim != (3 if key == "images" else 2):
        shape = "(N, 28, 28)" if key == "images" else "(28, 28)"
        raise Problem(422, f"{key!r} is {images.dtype} {images.shape}, not whole numbers {shape}. {remedy}")
    if images.size and (images.min() < 0 or images.max() > 255):
        raise Problem(422, f"{key!r} has values from {images.min()} to {images.max()}, not 0 to 255. {remedy}")
    return images.astype(np.uint8).reshape(-1, 28, 28)
