"""What was found in a video, what was corrected, and masks as files, in and out."""

import shutil
import tempfile
from pathlib import Path
from typing import Any

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from restore.errors import MaskError, printable
from restore.page.folder import NotHere, plain_name, receive
from restore.page.frame_store import unpng
from restore.page.masks import import_mask
from restore.page.respond import answer, given, mask_picture, opened, stated_size, streaming, taking
from restore.page.workplace import Workplace

KINDS = {"name": str, "moves": bool, "keeps": bool, "first": int | None, "last": int | None}  # of a layer's settings


def mask_routes(place: Workplace) -> list[Route]:
    """Their addresses."""
    at = "/api/videos/{video}"
    layer, key, batch = f"{at}/layers/{{layer:int}}", f"{at}/layers/{{layer:int}}/{{frame:int}}.png", "import/{batch}"
    return [
        Route(f"{at}/find", answer(place, _find), methods=["POST"]),
        Route(f"{at}/find", answer(place, _stop_finding), methods=["DELETE"]),
        Route(f"{at}/outlines/{{frame:int}}", answer(place, _outlines)),
        Route(f"{at}/decide", taking(place, _decide), methods=["POST"]),
        Route(f"{at}/layers", taking(place, _add_layer), methods=["POST"]),
        Route(layer, taking(place, _change_layer), methods=["POST"]),
        Route(layer, answer(place, _remove_layer), methods=["DELETE"]),
        Route(key, answer(place, _drawn)),
        Route(key, taking(place, _draw), methods=["PUT"]),
        Route(key, answer(place, _undraw), methods=["DELETE"]),
        Route(f"{at}/mask/{{frame:int}}.png", answer(place, _mask)),
        Route(f"{at}/mask.mkv", answer(place, _mask_video)),
        Route(f"{at}/mask.zip", answer(place, _mask_images)),
        Route(f"{at}/{batch}", streaming(place, _take_mask), methods=["PUT"]),
        Route(f"{at}/{batch}", answer(place, _import), methods=["POST"]),
    ]


def _find(place: Workplace, request: Request) -> Any:
    video = opened(place, request)
    video.find(place.restorer)
    return video.state()


def _stop_finding(place: Workplace, request: Request) -> Any:
    video = opened(place, request)
    if video.finding:
        video.finding.cancel()
    return video.state()


def _outlines(place: Workplace, request: Request) -> Any:
    video, frame = opened(place, request), request.path_params["frame"]
    if video.detections is None or frame >= video.surveyed.frames:
        return {}
    return video.detections.outlines(frame)


def _decide(place: Workplace, request: Request, body: bytes) -> Any:
    values, video = given(body), opened(place, request)
    names = {one.name for one in video.detections.found} if video.detections else set()
    if values.get("name") not in names:
        raise NotHere("no such detection; load the page again")
    video.edits.decide(values["name"], bool(values.get("remove")), int(values.get("grow", 0)))
    return video.state()


def _add_layer(place: Workplace, request: Request, body: bytes) -> Any:
    values, video = given(body), opened(place, request)
    name = str(values.get("name", ""))[:80]
    layer = video.edits.add(name=name, moves=bool(values.get("moves", True)), keeps=bool(values.get("keeps")))
    return {"number": layer.number, "state": video.state()}


def _change_layer(place: Workplace, request: Request, body: bytes) -> Any:
    video, number = opened(place, request), request.path_params["layer"]
    values = {name: value for name, value in given(body).items() if name in KINDS}
    if not all(isinstance(value, KINDS[name]) for name, value in values.items()):
        raise ValueError("a layer has no such setting")
    video.edits.change(number, **values)
    if "moves" in values:
        video.follow(number)
    return video.state()


def _remove_layer(place: Workplace, request: Request) -> Any:
    video, number = opened(place, request), request.path_params["layer"]
    video.edits.remove(number)
    video.follow(number)
    return video.state()


def _drawn(place: Workplace, request: Request) -> Response:
    video = opened(place, request)
    layer = video.edits.layer(request.path_params["layer"])
    return mask_picture(video.masks_now().layer(layer, request.path_params["frame"]))


def _draw(place: Workplace, request: Request, body: bytes) -> Any:
    video, frame = opened(place, request), request.path_params["frame"]
    image, info = unpng(body), video.surveyed.info
    if image is None or image.shape != (info.height, info.width):
        raise MaskError(f"expected a PNG of {info.width}x{info.height}, the video's size")
    if frame >= video.surveyed.frames:
        raise NotHere(f"no frame {frame}, the video has {video.surveyed.frames}")
    video.draw(request.path_params["layer"], frame, image > 127)
    return video.state()


def _undraw(place: Workplace, request: Request) -> Any:
    video = opened(place, request)
    video.draw(request.path_params["layer"], request.path_params["frame"], None)
    return video.state()


def _mask(place: Workplace, request: Request) -> Response:
    video, frame = opened(place, request), request.path_params["frame"]
    if frame >= video.surveyed.frames:
        raise NotHere(f"no frame {frame}, the video has {video.surveyed.frames}")
    return mask_picture(video.masks_now().frame(frame))


def _mask_video(place: Workplace, request: Request) -> Response:
    video = opened(place, request)
    path = video.masks().write_video(place.folder.work / "masks", video.path.stem)
    return FileResponse(path, filename=f"{printable(video.path.stem)}_mask.mkv", media_type="video/x-matroska")


def _mask_images(place: Workplace, request: Request) -> Response:
    video = opened(place, request)
    with tempfile.NamedTemporaryFile(dir=place.folder.work, suffix=".zip", delete=False) as file:
        path = Path(file.name)
    video.masks().write_images(path)
    name = f"{printable(video.path.stem)}_mask.zip"
    return FileResponse(path, filename=name, media_type="application/zip", background=BackgroundTask(path.unlink))


def _batch(place: Workplace, request: Request) -> Path:
    """The folder of the files that are imported as one mask."""
    batch = request.path_params["batch"]
    if not batch.isalnum() or len(batch) > 40:
        raise ValueError("a batch is called by letters and digits")
    return opened(place, request).folder / f"import-{batch}"


async def _take_mask(place: Workplace, request: Request) -> Any:
    folder = _batch(place, request)
    folder.mkdir(exist_ok=True)
    path = folder / plain_name(request.query_params.get("name", ""))
    await receive(place.folder, path, request.stream(), stated_size(request))
    return {}


def _import(place: Workplace, request: Request) -> Any:
    video, folder = opened(place, request), _batch(place, request)
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    if not files:
        raise NotHere("no file came; choose the mask again")
    try:
        one = len(files) == 1
        name = printable(files[0].name) if one else f"{len(files)} images"
        layer = import_mask(files[0] if one else folder, video.edits, video.surveyed, name)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return {"number": layer.number, "state": video.state()}
