"""Fake quantization: what it rounds to, and that its gradients are those of the formula, step by step."""

import torch

from edgelens.compress.quantize.ranges import Range
from edgelens.compress.quantize.simulate import ActivationQuantizer, round_through


def by_autograd(low, high, x):
    low, high = low.clamp(max=0.0), high.clamp(min=0.0)
    scale = (high - low).clamp(min=1e-9) / 255
    zero = round_through(-low / scale)
    return ((round_through(x / scale) + zero).clamp(0, 255) - zero) * scale


def test_gradients_are_those_of_the_formula():
    torch.manual_seed(0)
    x = torch.randn(4, 3, 8, 8, dtype=torch.float64) * 2
    weights = torch.randn_like(x)
    for low, high in ((-1.7, 2.9), (0.0, 1.5), (-2.0, 0.0)):
        quantizer = ActivationQuantizer(Range(low, high), learn=True).double()
        ours, theirs = x.clone().requires_grad_(), x.clone().requires_grad_()
        ends = [torch.tensor(end, dtype=torch.float64, requires_grad=True) for end in (low, high)]
        for end, parameter in zip(ends, (quantizer.low, quantizer.high), strict=True):
            end.data.copy_(parameter.data)
        found, expected = quantizer(ours), by_autograd(ends[0], ends[1], theirs)
        assert torch.equal(found, expected)
        (found * weights).sum().backward()
        (expected * weights).sum().backward()
        torch.testing.assert_close(ours.grad, theirs.grad)
        torch.testing.assert_close(quantizer.low.grad, ends[0].grad)
        torch.testing.assert_close(quantizer.high.grad, ends[1].grad)


def test_fixed_ranges_learn_nothing():
    quantizer = ActivationQuantizer(Range(-1.0, 1.0), learn=False)
    x = torch.tensor([-2, -1.5, -0.5, 0, 0.5, 1.5], requires_grad=True)
    quantizer(x).sum().backward()
    assert x.grad.tolist() == [0, 0, 1, 1, 1, 0]
    assert quantizer.low.grad is None
