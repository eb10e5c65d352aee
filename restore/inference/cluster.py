"""A command's videos as tasks of a Ray cluster (Moritz et al. 2018, arXiv:1712.05889), on storage that its machines
share.

    command ── a task for each video ──> workers (`worker.py`), each restores as without Ray
            <── outcomes, printed lines ──

Ray places the tasks, and runs those of a lost worker again. What is done is known from the reports and journals beside
the outputs alone: a task that runs again, or another command, goes on behind them. No other file imports Ray.
"""

import importlib.util
import logging
import os
import signal
import socket
import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager, redirect_stdout
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any

from restore.errors import ConfigError, RestoreError
from restore.inference.config import InferenceConfig
from restore.inference.folder_bar import FolderBar
from restore.inference.jobs import Job, make_folder
from restore.inference.outcomes import Outcome, note, say, sum_up
from restore.inference.summary import Summary
from restore.inference.worker import Progress, ready, restored

LOCAL = "local"
OBJECTS = 80 << 20  # bytes for Ray's shared memory, about its least: nothing large passes through it
TICK = 0.5  # seconds between two looks at how far the videos are
CANCELLED = 20  # seconds for tasks to end, before they are ended


def restore_on_ray(jobs: Sequence[Job], config: InferenceConfig, *, program: str = "inference.py") -> int:
    """As `restore_jobs`, on the workers of `config.ray`.

    Raises:
        InputError: Ray is not installed or does not answer, no machine has the cores, or one that does has no such
            weights, device or folder.
    """
    terminal = sys.stdout
    with _ray(str(config.ray)) as ray, open(os.devnull, "w") as nowhere, redirect_stdout(nowhere):  # Ray's own messages
        resources, workers = _workers(config, [node["Resources"] for node in ray.nodes() if node["Alive"]])
        config = replace(config, threads=resources["num_cpus"])
        worker = astuple(config), program, os.getcwd()
        # A worker loads the models once, and all do now: what is wrong is reported before anything is written.
        first = ray.remote(ready).options(**resources)
        _result(ray, ray.wait([first.remote(*worker) for _ in jobs[:workers]])[0][0])
        make_folder(Path(config.output_dir))
        folder = Path(config.degraded_video).is_dir()
        summary = Summary(Path(config.output_dir), jobs, overwrite=config.overwrite) if folder else None
        if summary:
            summary.begin()
        outcomes: dict[int, Outcome] = {}
        codes = [0]
        with FolderBar([job.video for job in jobs], "folder", row=0, hidden=False) as bar:
            with closing(_outcomes(ray, jobs, worker, resources, bar)) as through:
                for at, outcome, lines, errors in through:
                    outcomes[at] = outcome
                    with redirect_stdout(terminal):
                        for text, file in ((errors, sys.stderr), (lines, sys.stdout)):
                            if text:
                                say(text.rstrip("\n"), file=file)
                    codes.append(note(outcome, jobs[at], summary, program))
    sum_up(outcomes, jobs, folder=folder, program=program)
    return max(codes)


def _outcomes(
    ray: Any, jobs: Sequence[Job], worker: tuple[Any, ...], resources: dict[str, int], bar: FolderBar
) -> Generator[tuple[int, Outcome, str, str], None, None]:
    """Restore all, the largest first => as each is done, its number, its outcome, and what it printed to stdout and to
    stderr.
    """
    progress = ray.remote(Progress).options(**_here(ray)).remote() if sys.stderr.isatty() else None
    asked = progress.taken.remote() if progress else None
    task = ray.remote(restored).options(**resources)
    largest = sorted(range(len(jobs)), key=lambda at: -jobs[at].video.stat().st_size if jobs[at].video.exists() else 0)
    running = {task.remote(jobs[at], at, progress, *worker): at for at in largest}
    try:
        while running:
            done, _ = ray.wait([*running], timeout=TICK)
            if progress and ray.wait([asked], timeout=0)[0]:  # outcomes do not wait for it
                for at, frames in ray.get(asked).items():
                    if at in running.values():  # else it is behind what the outcome said
                        bar.reach(at, *frames)
                asked = progress.taken.remote()
            for ref in done:
                at = running.pop(ref)
                try:
                    outcome, lines, errors, frames = _result(ray, ref)
                except ray.exceptions.RayError as error:  # tried again and again
                    reason = f"restoring failed, each worker was lost ({type(error).__name__}): {jobs[at].video}"
                    outcome, lines, errors, frames = Outcome("failed", reason, RestoreError.exit_code), "", "", (0, 0)
                bar.reach(at, *frames)
                bar.end(at)
                yield at, outcome, lines, errors
    finally:  # Ctrl-C, or an error of all: tasks end as if it had been hit in each
        for ref in running:
            ray.cancel(ref)
        if running:
            ray.wait([*running], num_returns=len(running), timeout=CANCELLED)


def _here(ray: Any) -> dict[str, Any]:
    """Where an actor lives as long as the command."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    node = ray.get_runtime_context().get_node_id()
    return {"num_cpus": 0, "scheduling_strategy": NodeAffinitySchedulingStrategy(node, soft=False)}


def _result(ray: Any, ref: Any) -> Any:
    """What a task returned. Its error, if it is one of this package, is that of the command."""
    try:
        return ray.get(ref)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, RestoreError):
            raise error.cause from None
        what = str(error.cause).strip().splitlines()[-1:]
        raise RestoreError(
            f"a worker failed ({type(error.cause).__name__}: {''.join(what)}); install the same version on all machines"
        ) from error


def _workers(config: InferenceConfig, machines: Sequence[dict[str, float]]) -> tuple[dict[str, int], int]:
    """What a worker takes of its machine, and how many there are.

    Args:
        machines: what each has.

    Raises:
        ConfigError: none has so much.
    """
    with_gpu = [machine for machine in machines if machine.get("GPU", 0) >= 1]
    gpus = int(bool(with_gpu) and config.device != "cpu")
    alike = min(int(machine.get("CPU", 0) // machine["GPU"]) for machine in with_gpu) if gpus else 1
    cores = config.threads or max(1, alike)
    counts = [
        int(min(machine.get("CPU", 0) // cores, machine.get("GPU", 0) if gpus else float("inf")))
        for machine in machines
    ]
    if not sum(counts):
        most = max((int(machine.get("CPU", 0)) for machine in (with_gpu if gpus else machines)), default=0)
        raise ConfigError(f"threads is {cores}, and no machine of Ray has more than {most} cores; give fewer")
    return {"num_cpus": cores, "num_gpus": gpus}, sum(counts)


@contextmanager
def _ray(address: str) -> Iterator[Any]:
    """Ray, connected to a cluster, or to one that it starts on this machine and ends again.

    Raises:
        ConfigError: Ray is not installed, or none answers.
        RestoreError: it fails on the way.
    """
    if importlib.util.find_spec("ray") is None:
        raise ConfigError(
            f"ray is {address}, and Ray is not installed; pip install -r requirements-cluster.txt, or leave --ray out"
        )
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    if address == LOCAL:
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # listen on loopback only, on Linux too
        cores = len(os.sched_getaffinity(0))
        more: dict[str, Any] = {"num_cpus": cores, "include_dashboard": False, "object_store_memory": OBJECTS}
    else:
        _check(address)
        more = {}
    import ray

    handler = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(address, log_to_driver=False, logging_level=logging.CRITICAL, **more)
    except Exception as error:  # of many kinds
        raise ConfigError(_no_answer(address, str(error))) from error
    try:
        signal.signal(signal.SIGTERM, handler)  # Ray's ends this process at once
        yield ray
    except ray.exceptions.RayError as error:
        raise RestoreError(
            f"Ray failed ({type(error).__name__}); what is done is kept, the same command goes on behind it: {address}"
        ) from error
    finally:
        ray.shutdown()


def _check(address: str) -> None:
    """Ray itself would try for a minute."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except (OSError, ValueError, OverflowError) as error:
        raise ConfigError(_no_answer(address, getattr(error, "strerror", None) or str(error))) from error


def _no_answer(address: str, why: str) -> str:
    reason = why.strip().splitlines()[0] if why.strip() else "no reason given"
    if address == LOCAL:
        return f"ray is {address}, and Ray does not start on this machine ({reason}); mend that, or leave --ray out"
    return (
        f"ray is {address}, where no Ray answers ({reason}); give local, or HOST:PORT, as `ray start --head` prints it"
    )
