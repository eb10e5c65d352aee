"""Videos: their list, uploads, facts, frames, scenes."""

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from restore.errors import printable
from restore.page.facts import facts
from restore.page.folder import NotHere, keep_if_video, receive
from restore.page.respond import answer, opened, picture, stated_size, streaming
from restore.page.workplace import Workplace


def video_routes(place: Workplace) -> list[Route]:
    """Their addresses."""
    at = "/api/videos/{video}"
    return [
        Route("/api/videos", answer(place, _videos)),
        Route("/api/upload", streaming(place, _upload), methods=["PUT"]),
        Route(at, answer(place, _state)),
        Route(f"{at}/facts", answer(place, _facts)),
        Route(f"{at}/frame/{{frame:int}}.{{kind}}", answer(place, _frame)),
        Route(f"{at}/scene/{{scene:int}}.jpg", answer(place, _scene)),
    ]


def _videos(place: Workplace, request: Request) -> Any:
    listed = place.folder.videos()
    return {
        "folder": printable(str(place.folder.root)),
        "room": place.folder.room(),
        "videos": [{"number": number, "name": place.folder.name(path)} for number, path in listed.items()],
    }


async def _upload(place: Workplace, request: Request) -> Any:
    path = place.folder.new(request.query_params.get("name", ""))
    await receive(place.folder, path, request.stream(), stated_size(request))
    await run_in_threadpool(keep_if_video, path)
    return {"number": place.folder.number(path)}


def _state(place: Workplace, request: Request) -> Any:
    return opened(place, request).state()


def _facts(place: Workplace, request: Request) -> Any:
    video = opened(place, request)
    lines = [[name, printable(text)] for name, text in facts(video.path)]
    return {"name": place.folder.name(video.path), "facts": lines}


def _frame(place: Workplace, request: Request) -> Response:
    image = opened(place, request).store.frame(request.path_params["frame"]).image
    return picture(image, request.path_params["kind"])


def _scene(place: Workplace, request: Request) -> Response:
    pictures, number = opened(place, request).surveyed.pictures, request.path_params["scene"]
    if number >= len(pictures):
        raise NotHere(f"no scene {number}, the video has {len(pictures)}")
    return Response(pictures[number], media_type="image/jpeg")
