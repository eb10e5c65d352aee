"""Previews, the queue, and pictures of both to compare."""

from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from restore.page.folder import NotHere
from restore.page.guard import REPORT_POLICY
from restore.page.pictures import about
from restore.page.respond import answer, given, opened, picture, taking
from restore.page.settings import checked_settings, shown
from restore.page.workplace import Workplace


def run_routes(place: Workplace) -> list[Route]:
    """Their addresses."""
    at = "/api/videos/{video}"
    return [
        Route(f"{at}/preview", taking(place, _preview), methods=["POST"]),
        Route(f"{at}/command", taking(place, _command), methods=["POST"]),
        Route(f"{at}/run", taking(place, _run), methods=["POST"]),
        Route("/api/preview", answer(place, _preview_state)),
        Route("/api/preview", answer(place, _stop_preview), methods=["DELETE"]),
        Route("/api/pictures/{pictures}", answer(place, _about)),
        Route("/api/pictures/{pictures}/{name}/{frame:int}.{kind}", answer(place, _picture)),
        Route("/api/queue", answer(place, _queue)),
        Route("/api/queue/{job:int}/report", answer(place, _report)),
        Route("/api/queue/{job:int}/output", answer(place, _output)),
        Route("/api/queue/{job:int}/{what}", answer(place, _steer), methods=["POST"]),
    ]


def _preview(place: Workplace, request: Request, body: bytes) -> Any:
    values, video = given(body), opened(place, request)
    frame, seconds = int(values.get("frame", 0)), float(values.get("seconds", 0))
    place.begin_preview(video, *checked_settings(values), frame, seconds)
    return _preview_state(place, request)


def _preview_state(place: Workplace, request: Request) -> Any:
    return place.preview.state() | {"pictures": place.preview.result} if place.preview else None


def _stop_preview(place: Workplace, request: Request) -> Any:
    if place.preview:
        place.preview.cancel()
    return _preview_state(place, request)


def _command(place: Workplace, request: Request, body: bytes) -> Any:
    return {"command": shown(place.arguments(opened(place, request), *checked_settings(given(body))))}


def _run(place: Workplace, request: Request, body: bytes) -> Any:
    return place.run(opened(place, request), *checked_settings(given(body))).as_json()


def _about(place: Workplace, request: Request) -> Any:
    return about(place.pictures(request.path_params["pictures"]))


def _picture(place: Workplace, request: Request) -> Response:
    wanted = request.path_params
    return picture(place.pictures(wanted["pictures"]).picture(wanted["name"], wanted["frame"]), wanted["kind"])


def _queue(place: Workplace, request: Request) -> Any:
    return [job.as_json() for job in place.queue.jobs()]


def _report(place: Workplace, request: Request) -> Response:
    path = place.queue.job(request.path_params["job"]).side["report"]
    return _file(path, media_type="text/html", headers={"Content-Security-Policy": REPORT_POLICY})


def _output(place: Workplace, request: Request) -> Response:
    path = Path(place.queue.job(request.path_params["job"]).output)
    return _file(path, filename=path.name)


def _file(path: Path, **how: Any) -> Response:
    if not path.is_file():
        raise NotHere("it is not there; it was moved, or the run is not done")
    return FileResponse(path, **how)


def _steer(place: Workplace, request: Request) -> Any:
    number, what = request.path_params["job"], request.path_params["what"]
    steps = {
        "pause": place.queue.pause,
        "resume": place.queue.resume,
        "cancel": place.queue.cancel,
        "remove": place.queue.remove,
    }
    if what not in steps:
        raise NotHere(f"expected one of {', '.join(steps)}")
    steps[what](number)
    place.forget_result(number)
    return _queue(place, request)
