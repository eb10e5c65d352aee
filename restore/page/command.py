"""`python -m restore page`: serve the page of one folder on this machine alone, until Ctrl-C."""

import importlib.util
import signal
import socket
from pathlib import Path

from restore.errors import ConfigError, VideoError, printable

NEEDED = "starlette", "uvicorn"


def page(folder: str | Path, *, weights: str | None = None) -> None:
    """Print the address and serve until Ctrl-C, which pauses what is being restored: the next start goes on with it.

    Args:
        folder: whose videos are listed; results go to its subfolder `restored_videos`.
        weights: the `generator.pth` to restore with; by default the one that comes with the package.

    Raises:
        ConfigError: the packages that the page needs are not installed.
        VideoError: there is no such folder, or it cannot be written.
    """
    if missing := [name for name in NEEDED if importlib.util.find_spec(name) is None]:
        raise ConfigError(
            f"the page needs {' and '.join(missing)}, not installed; pip install -r requirements-page.txt, "
            'or pip install "restore-video[page]"'
        )
    if not Path(folder).is_dir():
        raise VideoError(f"no such folder; give one with videos, or create it first: {folder}")
    import uvicorn

    from restore.page.guard import new_token
    from restore.page.server import application
    from restore.page.workplace import Workplace

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: what runs is interrupted, not orphaned
    # Bound before the address is printed: the number of a free port is known, and nobody else can take it.
    listener = socket.create_server(("127.0.0.1", 0))
    port, token = listener.getsockname()[1], new_token()
    with listener, Workplace(Path(folder), weights=weights) as place:
        app = application(place, port=port, token=token)
        print(f"http://127.0.0.1:{port}/?token={token}", flush=True)
        print(f"the page of {printable(str(place.folder.root))}; Ctrl-C ends it", flush=True)
        config = uvicorn.Config(app, log_level="warning", access_log=False, server_header=False)
        uvicorn.Server(config).run(sockets=[listener])
