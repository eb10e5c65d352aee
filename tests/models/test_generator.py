from typing import Any

import numpy as np
import pytest
import torch
from skimage import data
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from restore.degradations.blur import defocus
from restore.frame import HIDDEN
from restore.models.averaging import averaged
from restore.models.degradation import STATISTICS, noise_level
from restore.models.finder import OcclusionFinder, triples
from restore.models.generator import (
    GatedGenerator,
    UNetGenerator,
    changeable,
)
from restore.propagation.evidence import BASE, COUNTS, FRAME, MASK

TINY: dict[str, Any] = {"widths": (8, 8), "blocks": (1, 1), "decoder_blocks": (1,)}


def multiply_adds(model: nn.Module, channels: int) -> float:
    """For one picture of 320x240."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.zeros(1, channels, 240, 320))
    return counter.get_total_flops() / 2


@pytest.mark.parametrize("size", [(1, 1), (16, 16), (17, 30), (48, 65)])
def test_generator_shapes(size: tuple[int, int]) -> None:
    assert UNetGenerator(**TINY)(torch.zeros(2, 23, *size)).shape == (2, 3, *size)


def test_untrained_the_generator_returns_its_base() -> None:
    evidence = torch.randn(2, 23, 33, 18, generator=torch.Generator().manual_seed(0))
    for model in (UNetGenerator(), UNetGenerator(**TINY).bfloat16()):
        restored = model(evidence)
        assert torch.equal(restored, evidence[:, :3])  # in full precision, whatever the weights are
        assert restored.dtype == torch.float32


def test_the_generator_learns_a_residual() -> None:
    model = UNetGenerator(in_channels=5, **TINY)
    assert model.unet.tail.bias is not None
    torch.nn.init.constant_(model.unet.tail.bias, 0.25)
    evidence = torch.rand(1, 5, 8, 8, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(model(evidence), evidence[:, :3] + 0.25)


def gated(log_level: float, residual: float = 0.25, **kwargs: Any) -> GatedGenerator:
    """One that estimates the same error and adds the same everywhere, and makes half of the correction."""
    torch.manual_seed(0)
    model = GatedGenerator(**(TINY | kwargs))
    last = model.guess[-1]
    assert model.unet.tail.bias is not None and isinstance(last, nn.Conv2d) and last.bias is not None
    with torch.no_grad():
        model.unet.tail.bias.view(5, -1)[:3] = residual
        last.weight.zero_()
        last.bias.copy_(torch.tensor([log_level, 0.0]))
    return model


def some_evidence(hidden: bool = False) -> torch.Tensor:
    evidence = torch.rand(2, 23, 33, 18, generator=torch.Generator().manual_seed(0)) * 2 - 1
    evidence[:, MASK] = 0
    evidence[:, COUNTS] = 1
    evidence[:, MASK, 5:9, 3:7] = float(hidden)
    return evidence


def average_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("restore.models.generator.sharp", lambda sharpening: sharpening[:, :1, None, None] * 0)


@pytest.mark.parametrize("size", [(1, 1), (16, 16), (17, 30), (48, 65)])
@pytest.mark.parametrize("unshuffle", [2, 4])
def test_gated_generator_shapes(size: tuple[int, int], unshuffle: int) -> None:
    estimate = GatedGenerator(unshuffle=unshuffle, **TINY).estimate(torch.zeros(2, 23, *size))
    assert estimate.restored.shape == (2, 3, *size)
    assert estimate.log_level.shape == estimate.gate.shape == (2, 1, *size)
    assert estimate.degraded.noise.shape == estimate.degraded.softness.shape == (2, 1, 1, 1)


def test_where_nothing_is_estimated_to_be_wrong_the_frame_comes_out_bit_for_bit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    average_nothing(monkeypatch)
    evidence = some_evidence(hidden=True)
    for model in (gated(-2.0), gated(-2.0).bfloat16()):
        restored = model(evidence)
        seen = (evidence[:, MASK] == 0).expand_as(restored)
        assert restored.dtype == torch.float32
        assert torch.equal(restored[seen], evidence[:, FRAME][seen])
        assert torch.allclose(restored[~seen], evidence[:, BASE][~seen] + 0.25, atol=1e-2)  # hidden: the base


def test_where_something_is_wrong_a_share_of_the_correction_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    average_nothing(monkeypatch)
    evidence = some_evidence()
    frame, base = evidence[:, FRAME], evidence[:, BASE]
    assert torch.allclose(gated(1.0)(evidence), frame + (base + 0.25 - frame) / 2, atol=1e-5)
    assert torch.allclose(gated(-1.0)(evidence), frame + (base + 0.25 - frame) / 4, atol=1e-5)  # half open
    estimate = gated(1.0).estimate(evidence)
    assert torch.allclose(estimate.log_level, torch.tensor(1.0)) and torch.allclose(estimate.gate, torch.tensor(0.5))


def test_what_is_visible_is_summed_up_for_each_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    average_nothing(monkeypatch)
    evidence = some_evidence(hidden=True)
    evidence[1, MASK] = 1
    visible, hidden = gated(1.0).estimate(evidence).of_visible(evidence[:, MASK] > HIDDEN)
    noise = noise_level(evidence)[0].item()
    assert noise > 10 and torch.allclose(visible, torch.tensor([noise, 0.0, 0.5]), atol=1e-5) and hidden.isnan().all()


def differing(evidence: torch.Tensor, levels: float) -> torch.Tensor:
    """Makes the frames differ from their base by so many levels, up or down, pairs of pixels alike; returns by what."""
    evidence[:, BASE] = evidence[:, FRAME] = evidence[:, FRAME].clamp(-0.7, 0.7)
    signs = torch.randn(evidence[:, FRAME].shape, generator=torch.Generator().manual_seed(1)).sign()
    noise = levels / 127.5 * signs[..., ::2].repeat_interleave(2, -1)
    evidence[:, FRAME] += noise
    return noise


@pytest.mark.parametrize(("levels", "opened"), [(2.1, 0.0), (2.3, 2.3 / 6 / 0.8), (2.9, 1.0)])
def test_without_noise_the_frame_comes_out_bit_for_bit_whatever_is_estimated(levels: float, opened: float) -> None:
    evidence = some_evidence(hidden=True)
    noise = differing(evidence, levels)
    restored = gated(4.0)(evidence)
    seen = (evidence[:, MASK] == 0).expand_as(restored)
    correction = restored - evidence[:, FRAME]
    assert torch.equal(restored[seen], evidence[:, FRAME][seen]) == (opened == 0)
    average, share = averaged(evidence, noise_level(evidence))
    wanted = opened * (0.25 - noise) / 2
    wanted = wanted + opened * share * (average - evidence[:, FRAME] - wanted)
    assert torch.allclose(correction[seen], wanted[seen], atol=1e-4)
    assert torch.allclose(correction[~seen], 0.25 - noise[~seen], atol=1e-4)


def evidence_with_holes(size: tuple[int, int], *holes: tuple[slice, slice]) -> torch.Tensor:
    """Nothing is wrong with what is visible."""
    evidence = torch.rand(1, 23, *size, generator=torch.Generator().manual_seed(0)) - 0.5
    evidence[:, BASE] = evidence[:, FRAME]
    evidence[:, MASK], evidence[:, COUNTS] = 0, 1
    for hole in holes:
        evidence[:, MASK, *hole] = 1
    return evidence


def test_the_network_reads_no_more_than_what_is_around_hidden_pixels_where_nothing_else_is_wrong() -> None:
    evidence = evidence_with_holes((301, 500), np.s_[10:30, 20:40], np.s_[280:300, 470:490])
    model, read = gated(4.0), []
    torch.nn.init.normal_(model.unet.tail.weight, std=0.1, generator=torch.Generator().manual_seed(1))
    whole = model.train()(evidence)
    model.eval().unet.register_forward_pre_hook(lambda _, inputs: read.append(tuple(inputs[0].shape[-2:])))
    parts = model(evidence)
    assert read == [(80, 88), (72, 80)]
    hidden = (evidence[:, MASK] > 0).expand_as(parts)
    assert torch.allclose(parts[hidden], whole[hidden], atol=1e-5) and not torch.allclose(
        parts[hidden], evidence[:, BASE][hidden], atol=1e-2
    )
    assert torch.equal(parts[~hidden], evidence[:, FRAME][~hidden])


@pytest.mark.parametrize(
    ("levels", "noise", "hidden", "called"), [(1.0, 0.0, False, 0), (1.0, 0.0, True, 1), (2.9, 2.9, False, 1)]
)
def test_the_network_is_called_where_something_can_change(
    levels: float, noise: float, hidden: bool, called: int
) -> None:
    evidence = some_evidence(hidden)
    differing(evidence, levels)
    model, calls = gated(4.0), []
    model.unet.register_forward_hook(lambda *_: calls.append(1))
    wanted = model(evidence)
    assert torch.equal(model.eval()(evidence), wanted) and len(calls) == 1 + called
    assert model.estimate(evidence).of_visible(evidence[:, MASK] > HIDDEN)[0, 0].item() == pytest.approx(noise, 1e-3)


def pictures(blurred: bool) -> torch.Tensor:
    """Evidence without noise of a scene, sharp or blurred."""
    sharp = torch.from_numpy(np.stack([data.astronaut()[:256, 100:356], data.coffee()[100:356, 100:356]]))
    sharp = sharp.permute(0, 3, 1, 2) / 127.5 - 1
    frames = defocus(sharp[None], torch.tensor([1.4]))[0] if blurred else sharp
    evidence = torch.zeros(2, 23, 256, 256)
    evidence[:, BASE], evidence[:, FRAME] = frames, frames
    evidence[:, COUNTS] = 1
    return evidence


def test_blur_is_measured_and_does_not_open_the_gate() -> None:
    sharp, blurred = pictures(False), pictures(True)
    model = gated(4.0).eval()
    for evidence in (sharp, blurred):
        assert torch.equal(model(evidence), evidence[:, FRAME])
        assert changeable(evidence).tolist() == [False] * 2
    sharp[0, MASK, 4, 5] = 1
    assert changeable(sharp).tolist() == [True, False]
    of_visible = [
        model.estimate(evidence).of_visible(evidence[:, MASK] > HIDDEN)[:, 1] for evidence in (pictures(False), blurred)
    ]
    assert of_visible[0].max() < 0.2 and of_visible[1].min() > 0.95


def test_weak_noise_is_averaged_whatever_the_network_makes_of_it() -> None:
    clean, evidence = pictures(False), pictures(False)
    evidence[:, FRAME] += 4 / 127.5 * torch.randn(2, 3, 256, 256, generator=torch.Generator().manual_seed(0))
    estimate = gated(-2.0).eval().estimate(evidence)  # which changes nothing by itself
    errors = [(one - clean[:, FRAME]).square().mean() for one in (estimate.restored, evidence[:, FRAME])]
    assert errors[0] < 0.2 * errors[1] and estimate.gate.min() > 0  # all was changed, and is no longer certain


def test_a_blurred_scene_is_not_averaged_as_that_would_leave_the_blur() -> None:
    clean, model = pictures(False)[:, FRAME], gated(1.0).eval()
    for blurred in (False, True):
        evidence = pictures(blurred)
        missing = clean - evidence[:, BASE]
        evidence[:, FRAME] += 12 / 127.5 * torch.randn(2, 3, 256, 256, generator=torch.Generator().manual_seed(0))
        outputs = torch.cat([missing, torch.zeros(2, 2, 256, 256)], 1)
        model.unet.forward = lambda *_, outputs=outputs: outputs  # type: ignore[assignment]
        estimate = model.estimate(evidence)
        without = evidence[:, FRAME] + estimate.gate * (clean - evidence[:, FRAME])
        assert torch.allclose(estimate.restored, without, atol=1e-4) == blurred


def test_statistics_and_network_decide_error_and_share() -> None:
    model = gated(1.0)
    last = model.guess[-1]
    assert isinstance(last, nn.Conv2d) and last.bias is not None and model.unet.tail.bias is not None
    with torch.no_grad():
        last.bias[1] = 2
        model.unet.tail.bias.view(5, -1)[3:] = torch.tensor([[-2.0], [1.0]])
    estimate = model.estimate(some_evidence())
    assert torch.allclose(estimate.gate, torch.tensor(0.5)) and torch.allclose(estimate.log_level, torch.tensor(2.0))
    with torch.no_grad():
        last.weight.fill_(0.1)
    noisy, same = some_evidence(), some_evidence()
    same[:, FRAME] = same[:, BASE]
    assert not torch.allclose(model.estimate(noisy).log_level.mean(), model.estimate(same).log_level.mean(), atol=0.01)


def test_a_gated_generator_takes_over_one_without_a_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    average_nothing(monkeypatch)
    torch.manual_seed(0)
    ungated, model = UNetGenerator(**TINY), GatedGenerator(**TINY)
    ungated.unet.tail.reset_parameters()
    last = model.guess[-1]
    assert isinstance(last, nn.Conv2d) and last.bias is not None
    with torch.no_grad():
        last.weight.zero_()
        last.bias.copy_(torch.tensor([5.0, 20.0]))  # all is wrong, and all is corrected
    model.take_over(ungated)
    evidence = some_evidence(hidden=True)
    assert torch.allclose(model(evidence), ungated(evidence), atol=1e-5)
    with pytest.raises(RuntimeError):
        model.take_over(UNetGenerator(widths=(8, 16), blocks=(1, 1), decoder_blocks=(1,)))


def test_one_that_reads_the_spectrum_takes_over_one_that_does_not_and_learns_from_it() -> None:
    torch.manual_seed(0)
    evidence = pictures(blurred=True)
    evidence[:, FRAME] += 10 / 127.5 * torch.randn(2, 3, 256, 256, generator=torch.Generator().manual_seed(0))
    evidence[:, MASK, 20:30, 20:30] = 1
    given, model = gated(1.0), GatedGenerator(**TINY, reads_spectrum=True)
    given.unet.tail.reset_parameters()
    given.guess[-1].reset_parameters()  # type: ignore[operator]
    model.take_over(given)
    wanted = given(evidence)
    assert torch.allclose(model(evidence), wanted, atol=1e-6)
    for layer in (model.unet.projections[0], model.guess[0]):  # both read it
        model.take_over(given)
        assert isinstance(layer, nn.Conv2d)
        with torch.no_grad():
            layer.weight[:, STATISTICS:] = 0.5
        assert (model(evidence) - wanted).abs().max() > 1e-3
    again = GatedGenerator(**TINY, reads_spectrum=True)
    again.take_over(model)
    assert torch.equal(again(evidence), model(evidence))
    with pytest.raises(RuntimeError):
        given.take_over(model)  # what one knows of the spectrum, the other cannot take


def test_entries_that_do_not_match_are_refused() -> None:
    with pytest.raises(ValueError, match=r"got \[8\], \[1, 1\], \[\]"):
        GatedGenerator(widths=(8,), blocks=(1, 1), decoder_blocks=())


@pytest.mark.parametrize("size", [(1, 1), (16, 16), (17, 30), (48, 65)])
def test_finder_shapes(size: tuple[int, int]) -> None:
    finder = OcclusionFinder(**TINY)
    assert finder(torch.zeros(2, 9, *size)).shape == (2, 1, *size)
    assert finder.bfloat16()(torch.zeros(2, 9, *size)).dtype == torch.bfloat16


def test_the_finder_costs_less_than_a_billion_multiply_adds() -> None:
    assert multiply_adds(OcclusionFinder(), 9) < 1e9


def test_the_generator_costs_what_its_docstring_says() -> None:
    assert multiply_adds(UNetGenerator(), 23) == pytest.approx(12e9, rel=0.1)
    assert multiply_adds(GatedGenerator(), 23) == pytest.approx(12e9, rel=0.1)


def test_triples_put_each_frame_between_its_neighbours() -> None:
    frames = torch.randn(2, 4, 3, 5, 6, generator=torch.Generator().manual_seed(0))
    stacked = triples(frames)
    assert stacked.shape == (2, 4, 9, 5, 6)
    for t in range(4):
        expected = [frames[:, max(0, t - 1)], frames[:, t], frames[:, min(3, t + 1)]]
        assert torch.equal(stacked[:, t], torch.cat(expected, 1))


def test_a_single_frame_is_its_own_neighbours() -> None:
    frame = torch.rand(1, 1, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    assert torch.equal(triples(frame)[:, 0], frame[:, 0].repeat(1, 3, 1, 1))
