"""The page as an ASGI application: its files, and what it asks for."""

from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from restore.page.guard import Guard
from restore.page.mask_routes import mask_routes
from restore.page.run_routes import run_routes
from restore.page.video_routes import video_routes
from restore.page.workplace import Workplace

STATIC = Path(__file__).with_name("static")


def application(place: Workplace, *, port: int, token: str) -> Starlette:
    """The page.

    Args:
        port: on which it is served; `token` is that of its address.
    """
    return Starlette(
        routes=[
            Route("/", _index),
            Mount("/static", StaticFiles(directory=STATIC)),
            *video_routes(place),
            *mask_routes(place),
            *run_routes(place),
        ],
        middleware=[Middleware(Guard, token=token, port=port)],
    )


async def _index(request: Request) -> FileResponse:
    return FileResponse(STATIC / "index.html")
