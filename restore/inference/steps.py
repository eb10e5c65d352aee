"""What was done to a video, step by step, with the settings and what it follows: from its report, for people."""

from dataclasses import dataclass, field, replace
from typing import Any

UNET = (
    "Ronneberger, Fischer, Brox: U-Net: Convolutional Networks for Biomedical Image Segmentation, 2015, "
    "arXiv:1505.04597"
)

COMPUTED = "device", "precision", "engine"  # what networks compute with


@dataclass(frozen=True)
class Step:
    """One step: what it does, its settings by their names in the report, the papers that it follows."""

    name: str
    what: str
    settings: dict[str, Any] = field(default_factory=dict)
    papers: tuple[str, ...] = ()


def steps(report: dict[str, Any]) -> list[Step]:
    """The steps that a report tells of, in the order in which a frame passes them."""
    stages, settings = report["stages"], report["settings"]
    done = [_mask(report)] if report["range"] is None else [_range(report["range"]), _mask(report)]
    if report["light"] is not None:
        done.append(_light(report["light"]))
    if "mark" in stages:
        done += [replace(PROPAGATION, what=COPYING), _mark(report)]
    else:
        done += _generation(report)
    if report["regenerated"] is not None:
        done.append(_refinement(report["regenerated"]))
    if settings["hidden_only"]:
        done.append(Step("Hidden only", "Each visible pixel is put back as it came in."))
    if settings.get("scale"):
        done.append(replace(ENLARGING, settings={name: settings[name] for name in ("scale", "square_pixels")}))
    names = ("lossless", "quality", "rate", "interlaced")
    done.append(
        Step(
            "Write",
            "The frames are written with their times; sound, subtitles and tags are passed on.",
            {name: settings[name] for name in names if settings[name] is not None},
        )
    )
    if report["scores"]:
        done.append(_scoring(report))
    return done


COPYING = (
    "The motion between frames is estimated; what other frames saw of the scene, averaged over them, is copied behind "
    "what hides it. What is visible stays as it came in."
)
PROPAGATION = Step(
    "Copy from other frames",
    "The motion between frames is estimated; what other frames saw of the scene is copied behind what hides it, and "
    "averaged with what is visible.",
    papers=(
        "Kroeger, Timofte, Dai, Van Gool: Fast Optical Flow using Dense Inverse Search, 2016, arXiv:1603.03590",
        "Lucas, Kanade: An Iterative Image Registration Technique with an Application to Stereo Vision, 1981",
        "Fischler, Bolles: Random Sample Consensus, 1981, doi:10.1145/358669.358692",
        "Sundaram, Brox, Keutzer: Dense Point Trajectories by GPU-Accelerated Large Displacement Optical Flow, 2010",
        "Boyer, Moore: MJRTY, a Fast Majority Vote Algorithm, 1991",
    ),
)


ENLARGING = Step(
    "Enlarge",
    "A recurrent network enlarges each frame with what the frames before it and the next one saw between its pixels, "
    "along their motion.",
    papers=(
        "Sajjadi, Vemulapalli, Brown: Frame-Recurrent Video Super-Resolution, 2018, arXiv:1801.04590",
        "Chan, Wang, Yu, Dong, Loy: BasicVSR, 2021, arXiv:2012.02181",
        "Kroeger, Timofte, Dai, Van Gool: Fast Optical Flow using Dense Inverse Search, 2016, arXiv:1603.03590",
    ),
)


DECONVOLUTION = Step(
    "Sharpen",
    "Frames that are taken for blurred and have no noise are sharpened by a Wiener filter of the blurs that their "
    "spectrum makes likely (Gaussians, discs, straight paths); all others stay as they are.",
    papers=("Wiener: Extrapolation, Interpolation, and Smoothing of Stationary Time Series, 1949",),
)


def _generation(report: dict[str, Any]) -> list[Step]:
    propagates = "propagate" in report["stages"]
    averaging = (
        " Noise is averaged over the frames that saw the same, unless it is very strong. A frame without noise and "
        "with nothing hidden is returned as it came."
        if report["estimated"]
        else ""
    )
    generate = Step(
        "Generate",
        f"A network deblurs and denoises what is visible and fills in what no frame saw.{averaging}",
        _named(report, "weights", "strength", *COMPUTED) | _estimated(report["estimated"]),
        (
            "Isola, Zhu, Zhou, Efros: Image-to-Image Translation with Conditional Adversarial Networks, 2017, "
            "arXiv:1611.07004",
            UNET,
        ),
    )
    temporal_filter = Step(
        "Filter in time",
        "Hidden pixels are averaged with the restored frames before and after, along the motion, where those agree.",
    )
    estimated = [_noise(report), DECONVOLUTION] if report["estimated"] else []
    return [*[PROPAGATION] * propagates, generate, *[temporal_filter] * propagates, *estimated]


def _noise(report: dict[str, Any]) -> Step:
    what = (
        "What noise is left in noisy frames is averaged with the restored frames before and after, along the motion, "
        "and with the pixels around that are alike"
    )
    papers = ("Tomasi, Manduchi: Bilateral Filtering for Gray and Color Images, 1998",)
    if not report["sha256"].get("noise"):
        return Step("Remove noise", f"{what}.", papers=papers)
    networks = (
        "Zhang, Zuo, Chen, Meng, Zhang: Beyond a Gaussian Denoiser, 2017, arXiv:1608.03981",
        "Zhang, Zuo, Zhang: FFDNet, 2018, arXiv:1710.04026",
        UNET,
    )
    return Step(
        "Remove noise",
        f"{what}; from there, where the scene is sharp, a network goes on that is told how much there is.",
        papers=papers + networks,
    )


def _range(range_: dict[str, Any]) -> Step:
    return Step(
        "Range",
        "A part of the video is restored, as it would be in the whole: what the frames before saw, from the last cut "
        "on, and those after counts. "
        + ("Nothing else is in the result." if range_["only"] else "The other frames are in the result as they were."),
        {name: f"{range_[name][0]} to {range_[name][1]}" for name in ("frames", "seconds")}
        | {"read from frame": range_["read_from"]},
    )


def _mark(report: dict[str, Any]) -> Step:
    return Step(
        "Mark what no frame saw",
        "Nothing was generated: no network computed a pixel of the result. What no frame saw has one flat colour.",
        {"colour (R, G, B)": report["unseen_colour"], "share of all pixels": report["provenance"]["unseen"]},
    )


def _mask(report: dict[str, Any]) -> Step:
    found = "find" in report["stages"]
    what = {
        "given": "The mask that was given says what is hidden; nothing was looked for.",
        "none": "Nothing was taken as hidden.",
        "found": "Two networks detect what hides the scene; what a measurement proves is removed, the rest is "
        "suspected and stays.",
        "all": "Two networks detect what hides the scene; all that they detect is removed, proven or not.",
        "both": "The mask that was given says what is hidden, and so do two networks where a measurement proves it.",
    }[report["mask_mode"]]
    papers = (
        UNET,
        "Tan, Le: EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks, 2019, arXiv:1905.11946",
        "Canny: A Computational Approach to Edge Detection, 1986, doi:10.1109/TPAMI.1986.4767851 (hysteresis)",
    )
    shown = _named(report, "mask_mode", "mask", "remove", "mask_dilation")
    if found and "generate" not in report["stages"]:  # else named with the generator
        shown |= _named(report, "weights", *COMPUTED)
    return Step("Detect" if found else "Mask", what, shown, papers if found else ())


def _light(light: dict[str, Any]) -> Step:
    gains = sorted({gain for scene in light["scenes"] for gain in scene["gain"]})
    gain = {"gain in linear light": f"{gains[0]:g} to {gains[-1]:g}"} if gains else {}
    return Step(
        "Light",
        "Dark scenes are given more light, by one curve for all pixels of a frame: they are brighter than what was "
        "recorded.",
        {"light": light["setting"], "share of the frames": light["changed"]} | gain,
        ("Land, McCann: Lightness and Retinex Theory, 1971, doi:10.1364/JOSA.61.000001",),
    )


def _refinement(regenerated: dict[str, Any]) -> Step:
    return Step(
        "Regenerate",
        "A latent diffusion model regenerates large regions that no frame saw, in agreement with what is around them.",
        {name: value for name, value in regenerated.items() if value is not None and name != "regions"}
        | {"regions": len(regenerated["regions"])},
        (
            "Rombach, Blattmann, Lorenz, Esser, Ommer: High-Resolution Image Synthesis with Latent Diffusion Models, "
            "2022, arXiv:2112.10752",
            "Mayet, Shamsolmoali, Bernard, Granger, Hérault, Chatelain: TD-Paint: Faster Diffusion Inpainting Through "
            "Time-aware Pixel Conditioning, 2024, arXiv:2410.09306",
            "Lugmayr, Danelljan, Romero, Yu, Timofte, Van Gool: RePaint: Inpainting using Denoising Diffusion "
            "Probabilistic Models, 2022, arXiv:2201.09865",
        ),
    )


def _scoring(report: dict[str, Any]) -> Step:
    scores = report["scores"]["after"]
    papers = {
        "ssim": "Wang, Bovik, Sheikh, Simoncelli: Image Quality Assessment: From Error Visibility to Structural "
        "Similarity, 2004, doi:10.1109/TIP.2003.819861",
        "lpips": "Zhang, Isola, Efros, Shechtman, Wang: The Unreasonable Effectiveness of Deep Features as a "
        "Perceptual Metric, 2018, arXiv:1801.03924",
        "dists": "Ding, Ma, Wang, Simoncelli: Image Quality Assessment: Unifying Structure and Texture Similarity, "
        "2020, arXiv:2004.07728",
    }
    return Step(
        "Score",
        "The degraded and the restored frames are compared with the original."
        + " What is marked counts as an error." * ("mark" in report["stages"]),
        papers=tuple(paper for name, paper in papers.items() if name in scores),
    )


def _named(report: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: report[name] for name in names if report[name] is not None}


def _estimated(estimated: dict[str, float] | None) -> dict[str, str]:
    if estimated is None:
        return {}
    return {
        "noise that it estimates": f"{estimated['noise']} levels of 255",
        "probability of blur": f"{estimated['blurred']}",
        "share of the correction that it makes": f"{estimated['corrected']}",
    }
