"""Imports run downward: a room knows those below it, never those above, and rooms of one floor form no circle."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FLOORS = [  # from the ground up
    {"errors", "kinds", "arrays", "tensors", "shipped", "waiting_threads"},
    {"config", "frame", "shelf"},
    {"scenes", "restored", "memory_plan"},
    {"video", "light", "degradations", "detection", "propagation", "models", "scoring"},
    {"engines", "scaling", "deconvolution"},
    {"pipeline", "training", "refinement"},
    {"inference", "degrade_file"},
    {"demo", "page"},
    {"__main__"},
]
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
# Rooms of one floor that others of it use, each below those that use it.
WITHIN = {
    "video": {"detection", "propagation", "degradations", "light"},  # windows over streams; encoders; depth
    "light": {"degradations"},  # the tone curve that low light is undone by
    "propagation": {"models"},  # the channels of the evidence that generators read
    "models": {"detection"},
    "refinement": {"training"},
}


def room(module: str) -> str:
    """`restore.video.reader` => `video`."""
    return module.split(".")[1] if "." in module else module


def imported(path: Path) -> set[str]:
    """The rooms that a file imports at run time, itself or when called."""
    tree = ast.parse(path.read_text())
    tree.body = [
        node for node in tree.body if not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test))
    ]
    modules = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return {room(module) for module in modules if module.startswith("restore.")}


FILES = sorted(
    path for path in (ROOT / "restore").rglob("*.py") if path.relative_to(ROOT / "restore") != Path("__init__.py")
)


@pytest.mark.parametrize("path", FILES, ids=[path.relative_to(ROOT).as_posix() for path in FILES])
def test_a_room_imports_only_rooms_below_it(path: Path) -> None:
    own = path.relative_to(ROOT / "restore").parts[0].removesuffix(".py")
    for other in imported(path) - {own}:
        assert FLOOR[other] <= FLOOR[own], f"{own} imports {other}, which lies above it"
        assert FLOOR[other] < FLOOR[own] or own in WITHIN.get(other, ()), f"{own} imports {other}, of its own floor"


def test_pipeline_and_training_never_import_each_other() -> None:
    assert not any("training" in imported(path) for path in (ROOT / "restore/pipeline.py",))
    assert not any("pipeline" in imported(path) for path in (ROOT / "restore/training").rglob("*.py"))


def test_every_room_has_a_floor() -> None:
    rooms = {path.relative_to(ROOT / "restore").parts[0].removesuffix(".py") for path in FILES}
    assert rooms == set(FLOOR)


def test_a_training_that_needs_no_diffusers_does_not_wait_for_its_import() -> None:
    program = "import sys; import restore.training.stages; sys.exit('diffusers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT).returncode == 0
