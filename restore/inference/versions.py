"""What computes a restored video, for its report: another version, or another kind of CPU, may give other bytes."""

import platform
from importlib.metadata import version

import av
import cv2
import torch

PACKAGES = "torch", "numpy", "av", "diffusers"


def versions(engine: str | None) -> dict[str, str]:
    """The versions of all that computes, by name; the kind of CPU and how many threads a network has.

    Args:
        engine: what computes the networks, if there are any.
    """
    engines = ("ncnn",) if engine == "ncnn" else ()
    return {
        "python": platform.python_version(),
        **{package: version(package) for package in (*PACKAGES, *engines)},
        "opencv": cv2.__version__,
        **{name: ".".join(map(str, number)) for name, number in sorted(av.library_versions.items())},
        "cpu": f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}",
        "threads": str(torch.get_num_threads()),
    }
