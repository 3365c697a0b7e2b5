"""The contents of a request's body: a picture, or 28x28 images."""

from __future__ import annotations

import contextlib
import logging

import numpy as np
import orjson
from fastapi import Request
from numpy.typing import NDArray
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from mnistlab.messages.sentences import Clause
from mnistlab.serving.problems import Problem

__all__ = ["PICTURE", "PIXELS", "images_of", "kind_of", "parts_of", "picture_of"]


PIXELS = 28 * 28
PICTURE = "file"
"""The name of the form part that holds the picture."""
MOST_IMAGES = 4096
"""The most images in one request."""
MOST_JSON = 16 * 2**20
"""The most bytes of JSON in a body. `MOST_IMAGES` images take at most 13.1 million bytes, or 16.3 million with a space after each
comma; parsing takes up to 30 times as many bytes of memory."""
REMEDIES = {"images": "serving.send_images", "image": "serving.send_image"}
"""For each name that images can have in JSON, the key of the message that says how to send them."""

logging.getLogger("python_multipart").setLevel(logging.CRITICAL)  # errors in a form are reported to the client


class InMemory(MultiPartParser):
    """Keeps an uploaded file in memory: nothing that a client sends touches the disk."""

    spool_max_size = 2**40


def kind_of(request: Request) -> str:
    """The body's media type, in lower case, without parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def picture_of(request: Request) -> bytes:
    """The picture in a body: all of the body, or a form's first file.

    Raises `Problem` for a form that cannot be read or has no file.
    """
    return (await parts_of(request))[PICTURE]


async def parts_of(request: Request, *others: str) -> dict[str, bytes]:
    """The picture in a body, under the key "file", and the form's parts that `others` names.

    The picture is all of the body, or a form's first file that is not named in `others`. Raises `Problem` for a form that
    cannot be read or has no such file.
    """
    if kind_of(request) != "multipart/form-data":
        return {PICTURE: await request.body()}
    try:
        form = await InMemory(request.headers, request.stream(), max_files=1 + len(others), max_fields=8).parse()
    except MultiPartException as error:
        unbounded = isinstance(error.__context__, KeyError)
        reason = Clause("serving.no_boundary") if unbounded else error.message.rstrip(".")
        raise Problem(422, "serving.form_unreadable", reason=reason) from None
    parts: dict[str, bytes] = {}
    try:
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                parts.setdefault(name if name in others else PICTURE, await value.read())
            elif name in others:
                parts.setdefault(name, value.encode())
    finally:
        await form.close()
    if PICTURE not in parts:
        raise Problem(422, "serving.form_without_file")
    return parts


def images_of(body: bytes, kind: str, key: str = "images") -> NDArray[np.uint8]:
    """The 28x28 images in a body, uint8 (N, 28, 28).

    Raises `Problem` if the images' shape, type or values are wrong, if there are too many images, if the body is empty, or if
    its JSON is broken or too large.
    """
    if kind == "application/json":
        images = of_json(body, key)
    elif len(body) % PIXELS or not body:
        raise Problem(422, "serving.bytes_misfit", remedy=REMEDIES[key], size=len(body))
    else:
        images = np.frombuffer(body, np.uint8).reshape(-1, 28, 28)
    if len(images) > MOST_IMAGES:
        raise too_many(len(images))
    return images


def of_json(body: bytes, key: str) -> NDArray[np.uint8]:
    """Like `images_of`, but only for JSON.

    The JSON is checked row by row, because NumPy would turn some short JSON into gigabytes.
    """
    if len(body) > MOST_JSON:
        raise Problem(413, "serving.json_too_large", mebibytes=MOST_JSON // 2**20)
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Problem(422, "serving.not_json", remedy=REMEDIES[key], error=error) from None
    if not isinstance(content, dict) or key not in content:
        raise Problem(422, "serving.key_missing", remedy=REMEDIES[key], key=key)
    given = content[key] if key == "images" else [content[key]]
    if not isinstance(given, list):
        raise Problem(422, "serving.not_a_list", remedy=REMEDIES[key], key=key)
    if len(given) > MOST_IMAGES:
        raise too_many(len(given))
    return np.frombuffer(b"".join(pixels(image, number, key) for number, image in enumerate(given)), np.uint8).reshape(
        -1, 28, 28
    )


def pixels(image: object, number: int, key: str) -> bytes:
    """The 784 bytes of `image`, the one at index `number` in the JSON.

    Raises `Problem` if the image is not 28 rows of 28 whole numbers from 0 to 255.
    """
    if isinstance(image, list) and len(image) == 28:
        with contextlib.suppress(TypeError, ValueError):  # raised for anything but whole numbers from 0 to 255
            rows = [bytes(row) for row in image if isinstance(row, list) and len(row) == 28]
            if len(rows) == 28:
                return b"".join(rows)
    wrong = "serving.pixels_misfit" if key == "images" else "serving.image_misfit"
    raise Problem(422, wrong, remedy=REMEDIES[key], number=number)


def too_many(count: int) -> Problem:
    """The problem for a request with more images than are allowed."""
    return Problem(422, "serving.too_many_images", count=count, most=MOST_IMAGES)
