"""Endpoints of the page: JSON in and out, pictures as files, an error as one line."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from restore.errors import InputError, RestoreError, printable
from restore.page.folder import NoRoom, NotHere
from restore.page.frame_store import jpeg, png
from restore.page.opened import Opened
from restore.page.workplace import Workplace

LARGEST = 64 * 2**20  # bytes of what is sent, but for files
STATUS: dict[type[RestoreError], int] = {NotHere: 404, NoRoom: 507}

Endpoint = Callable[[Request], Awaitable[Response]]


def answer(place: Workplace, work: Callable[[Workplace, Request], Any]) -> Endpoint:
    """An endpoint whose work is done in a thread of its own, as decoding and waiting take long."""

    async def respond(request: Request) -> Response:
        return await _responded(run_in_threadpool(work, place, request))

    return respond


def taking(place: Workplace, work: Callable[[Workplace, Request, bytes], Any]) -> Endpoint:
    """Likewise, of work that gets what the browser sends."""

    async def respond(request: Request) -> Response:
        async def read() -> Any:
            body = bytearray()
            async for part in request.stream():
                body += part
                if len(body) > LARGEST:
                    raise ValueError(f"got more than {LARGEST} bytes")
            return await run_in_threadpool(work, place, request, bytes(body))

        return await _responded(read())

    return respond


def streaming(place: Workplace, work: Callable[[Workplace, Request], Awaitable[Any]]) -> Endpoint:
    """An endpoint that reads a file as it comes."""

    async def respond(request: Request) -> Response:
        return await _responded(work(place, request))

    return respond


def opened(place: Workplace, request: Request) -> Opened:
    """The video that a request is about."""
    return place.open(request.path_params["video"])


def given(body: bytes) -> dict[str, Any]:
    """Raises ValueError: it is no JSON object."""
    values = json.loads(body or b"{}")
    if not isinstance(values, dict):
        raise ValueError("expected a JSON object")
    return values


def stated_size(request: Request) -> int | None:
    """Bytes that are sent, as the browser states it."""
    length = request.headers.get("content-length", "")
    return int(length) if length.isdigit() else None


def picture(image: np.ndarray, kind: str) -> Response:
    """`png` to look at, `jpg` to play."""
    if kind not in ("png", "jpg"):
        raise NotHere("pictures are png or jpg")
    still = kind == "png"
    return Response(png(image) if still else jpeg(image), media_type="image/png" if still else "image/jpeg")


def mask_picture(mask: np.ndarray) -> Response:
    """bool `H W` => white where hidden."""
    return picture(mask.astype(np.uint8) * np.uint8(255), "png")


async def _responded(work: Awaitable[Any]) -> Response:
    try:
        result = await work
    except ClientDisconnect:
        return JSONResponse({"error": "the upload broke off; try again"}, 400)
    except RestoreError as error:
        status = STATUS.get(type(error), 400 if isinstance(error, InputError) else 500)
        return JSONResponse({"error": printable(str(error))}, status)
    except OSError as error:
        return JSONResponse({"error": f"the folder cannot be used ({error.strerror}); make room, or check it"}, 500)
    except (ValueError, TypeError) as error:  # of what another program sends
        return JSONResponse({"error": printable(str(error))}, 400)
    return result if isinstance(result, Response) else JSONResponse(result)
