"""Every network of the catalogue: shapes, options, costs, and the facts its file claims."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from edgelens.runtime.errors import UsageError
from edgelens.train.models.catalog import NETWORKS, build
from edgelens.train.models.cost import cost_of
from edgelens.train.models.options import ACTIVATIONS, ModelOptions
from edgelens.train.models.vit_tiny import AttentionPooling, SelfAttention

CLASSIFIERS = [name for name in NETWORKS if not name.startswith("lens-det") and name not in ("reader", "crnn")]


def network(name: str, options: ModelOptions | None = None, side: int = 28, channels: int = 1) -> torch.nn.Module:
    torch.manual_seed(0)
    return build(name, options or ModelOptions(), channels=channels, classes=10, size=(side, side))


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_takes_the_options_that_it_says(name: str) -> None:
    read = set()

    class Noted(ModelOptions):
        def __getattribute__(self, attribute: str) -> Any:
            read.add(attribute)
            return super().__getattribute__(attribute)

    options = Noted()
    read.clear()
    build(name, options, channels=1, classes=3, size=(64, 64))
    assert read & {field.name for field in fields(ModelOptions)} == set(NETWORKS[name].takes)


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_every_network_answers_and_learns_one_batch(name: str) -> None:
    model = network(name, ModelOptions(width=0.5) if "mobile" in name else None)
    generator = torch.Generator().manual_seed(1)
    x, y = torch.randn(8, 1, 28, 28, generator=generator), torch.arange(8)
    features = model.forward_features(x)
    for maps in features.values() if isinstance(features, dict) else [features]:
        assert maps.shape[0] == 8
    optimizer = torch.optim.Adam(model.parameters(), 0.003)
    losses = []
    for _ in range(12):
        torch.manual_seed(0)
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        assert all(p.grad is not None for p in model.parameters())  # nothing in it is idle
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.8 * losses[0]
    assert model.eval()(x).shape == (8, 10)


@pytest.mark.parametrize("name", CLASSIFIERS)
@pytest.mark.parametrize(("height", "width"), [(32, 32), (48, 64)])
def test_every_network_takes_other_sizes_and_colours(name: str, height: int, width: int) -> None:
    model = build(name, ModelOptions(), channels=3, classes=4, size=(height, width)).eval()
    with torch.no_grad():
        assert model(torch.zeros(2, 3, height, width)).shape == (2, 4)


@pytest.mark.parametrize("name", NETWORKS)
def test_names_survive_an_export(name: str) -> None:
    import keyword

    for part in {part for path, _ in network(name, side=32).named_modules() for part in path.split(".")}:
        assert not keyword.iskeyword(part)


@pytest.mark.parametrize(
    ("name", "options", "side", "channels", "parameters"),
    [
        ("cnn-small", ModelOptions(), 28, 1, 121_930),  # the tutorials' figures
        ("cnn-small", ModelOptions(dense=128), 28, 1, 225_034),
        ("cnn-deep", ModelOptions(), 28, 1, 93_322),
        ("cnn-deep", ModelOptions(), 32, 3, 122_570),
        ("linear", ModelOptions(), 28, 1, 7_850),
        ("resnet8", ModelOptions(), 32, 3, 77_946),
        ("resnet", ModelOptions(), 32, 3, 272_474),
    ],
)
def test_published_networks_have_their_weights(
    name: str, options: ModelOptions, side: int, channels: int, parameters: int
) -> None:
    model = network(name, options, side, channels)
    assert cost_of(model, channels, (side, side)).parameters == parameters


def test_own_networks_fit_their_files() -> None:
    for name, limit in (("lens-s", 98_496), ("lens-m", 512_024)):
        model = network(name, side=32, channels=3)
        weights = sum(p.numel() for p in model.parameters() if p.ndim > 1)
        channels = sum(m.out_channels for m in model.modules() if isinstance(m, torch.nn.Conv2d))
        assert weights + 28 * channels < limit


def test_multiply_adds_are_counted_right() -> None:
    assert cost_of(network("linear"), 1, (28, 28)).macs == 7840
    convolutions = 26 * 26 * 32 * 9 + 11 * 11 * 64 * 32 * 9
    assert cost_of(network("cnn-small"), 1, (28, 28)).macs == convolutions + 1600 * 64 + 64 * 10
    gru = 28 * 3 * (28 * 128 + 128 * 128)
    assert cost_of(network("gru"), 1, (28, 28)).macs == gru + 1280
    lstm = 28 * 4 * (28 * 128 + 128 * 128)
    assert cost_of(network("lstm"), 1, (28, 28)).macs == lstm + 1280


@pytest.mark.parametrize("name", [name for name in NETWORKS if name not in ("linear", "rnn", "gru", "lstm")])
def test_width_and_activation_are_options(name: str) -> None:
    plain, wide = network(name, side=32, channels=3), network(name, ModelOptions(width=2), 32, 3)
    assert cost_of(wide, 3, (32, 32)).parameters > 1.5 * cost_of(plain, 3, (32, 32)).parameters
    act = network(name, ModelOptions(activation="silu"), 32, 3)
    assert any(isinstance(m, torch.nn.SiLU) for m in act.modules())
    assert not any(isinstance(m, torch.nn.ReLU) for n, m in act.named_modules() if "scale" not in n)


@pytest.mark.parametrize("name", ["cnn-small", "cnn-deep", "alexnet", "vgg", "googlenet"])
def test_pooling_is_an_option(name: str) -> None:
    average = network(name, ModelOptions(pool="average"))
    assert any(isinstance(m, torch.nn.AvgPool2d) for m in average.modules())


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_can_be_built(activation: str) -> None:
    model = network("mlp", ModelOptions(activation=activation))  # type: ignore[arg-type]
    assert model(torch.zeros(1, 1, 28, 28)).isfinite().all()


def test_a_picture_too_small_is_refused_in_one_line() -> None:
    with pytest.raises(UsageError, match="at least 10 pixels"):
        network("cnn-small", side=8)
    with pytest.raises(UsageError, match="no such network"):
        network("resnet9000")


def test_attention_weights_sum_to_one_and_are_what_is_used() -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 9, 32)
    attention = SelfAttention(32)
    weights = attention.weights(x)
    assert torch.allclose(weights.sum(-1), torch.ones(2, 2, 9))
    values = attention.value(x).reshape(2, 9, 2, 16).transpose(1, 2)
    by_hand = attention.out((weights @ values).transpose(1, 2).flatten(2))
    assert torch.allclose(attention(x), by_hand, atol=1e-6)
    pooling = AttentionPooling(32)
    assert torch.allclose(pooling.weights(x).sum(1), torch.ones(2, 1))
    same = torch.ones(1, 9, 32)
    assert torch.allclose(pooling(same), same[:, 0], atol=1e-6)


def test_row_by_row_networks_read_from_top_to_bottom() -> None:
    model = network("gru").eval()
    x = torch.randn(1, 1, 28, 28)
    changed = x.clone()
    changed[:, :, 20:] = 0
    with torch.no_grad():
        assert torch.equal(model.forward_features(x)[:, :20], model.forward_features(changed)[:, :20])
        assert not torch.equal(model(x), model(changed))


@pytest.mark.parametrize("option", [{"activation": "swoosh"}, {"pool": "median"}])
def test_an_option_that_no_network_knows_is_one_line(option: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=r"^--\w+ \w+: must be one of "):
        ModelOptions(**option)


@pytest.mark.parametrize(
    "option",
    [{"width": value} for value in (0.0, -1.0, float("nan"), float("inf"))]
    + [{"depth": 0}, {"dense": -4}, {"neck": 0}, {"dropout": 2.0}],
)
def test_a_size_that_no_network_can_have_is_one_line(option: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=r"^--\w+ \S+: must be (above|at least) "):
        ModelOptions(**option)
