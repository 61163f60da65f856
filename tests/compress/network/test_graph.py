"""The traced, folded graph computes what the network computes."""

import torch
from torch import nn

from edgelens.compress.network.graph import example_input, is_convolutional, trace
from edgelens.runtime.preprocess import PixelContract

PIXELS = PixelContract(12, 12)


class Squeezed(nn.Module):
    """Batch norm behind and before layers, a gate, a skip, a mean over the picture."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.norm = nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8)
        self.before = nn.BatchNorm2d(8)
        self.gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(8, 8, 1), nn.Hardsigmoid())
        self.last, self.act = nn.Conv2d(8, 8, 3, padding=1), nn.SiLU()
        self.head = nn.Linear(8, 4)

    def forward(self, x):
        x = torch.relu(self.norm(self.stem(x)))
        y = self.act(self.last(self.before(x) * self.gate(x)))
        return self.head((x + y).mean((2, 3)))


def with_statistics(network):
    generator = torch.Generator().manual_seed(1)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.copy_(torch.randn(8, generator=generator) * 0.3)
            module.running_var.copy_(torch.rand(8, generator=generator) + 0.3)
            module.weight.data.copy_(torch.rand(8, generator=generator) + 0.5)
            module.bias.data.copy_(torch.randn(8, generator=generator))
    return network.eval()


def test_folding_changes_nothing_but_the_operators():
    torch.manual_seed(0)
    network = with_statistics(Squeezed())
    graph = trace(network, PIXELS)
    x = example_input(PIXELS, 5)
    with torch.no_grad():
        torch.testing.assert_close(graph(x), network(x), rtol=1e-4, atol=1e-5)
    kinds = {str(node.target) for node in graph.graph.nodes if node.op == "call_function"}
    assert not any("batch_norm" in kind or "silu" in kind or "hardsigmoid" in kind for kind in kinds)
    assert is_convolutional(graph)


def test_tracing_leaves_the_network_as_it_was():
    network = with_statistics(Squeezed())
    before = {name: value.clone() for name, value in network.state_dict().items()}
    trace(network, PIXELS)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_attention_is_not_taken_for_a_convolutional_network():
    class Attends(nn.Module):
        def forward(self, x):
            rows = x.flatten(1, 2)
            return nn.functional.scaled_dot_product_attention(rows, rows, rows).mean(1)

    assert not is_convolutional(trace(Attends(), PIXELS))


def test_a_reader_of_convolutions_alone_is_one():
    """Its row of steps, `squeeze` of one axis, left ranges to each format's own tool: 8-bit files read otherwise."""
    from edgelens.train.models.catalog import build
    from edgelens.train.models.options import ModelOptions

    network = build("reader", ModelOptions(width=0.25), channels=1, classes=5, size=(32, 32)).eval()
    graph = trace(network, PixelContract(32, 32, "gray"), ("scores",))
    assert is_convolutional(graph)
    x = example_input(PixelContract(32, 32, "gray"), 3)
    with torch.no_grad():
        torch.testing.assert_close(graph(x), network(x), rtol=1e-4, atol=1e-5)


def test_a_row_of_steps_is_quantized_alike_in_both_formats():
    import numpy as np

    from edgelens.compress.export.artifact import file_outputs
    from edgelens.compress.export.exported import export
    from edgelens.compress.files.int8 import int8_artifacts
    from edgelens.compress.quantize.observers import observe
    from edgelens.compress.quantize.plan import make_plan
    from edgelens.compress.quantize.ranges import agree_on_ranges
    from edgelens.runtime.metrics.signal import distance_of

    class Line(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.Sequential(nn.Conv2d(1, 8, (8, 3)), nn.ReLU(), nn.Conv2d(8, 5, 1))

        def forward(self, x):
            return self.layers(x).squeeze(2).permute(0, 2, 1)

    torch.manual_seed(0)
    pixels, outputs = PixelContract(8, 12, "gray"), ("scores",)
    graph = trace(Line(), pixels, outputs)
    pictures = np.random.default_rng(0).integers(0, 256, (8, 8, 12, 1), np.uint8)
    quantized = agree_on_ranges(graph, make_plan(graph, outputs=outputs), observe(graph, pictures))
    ours, theirs = (
        file_outputs(file, pictures)
        for file in int8_artifacts(export(graph, graph, pixels, outputs=outputs), quantized)
    )
    assert distance_of(ours, theirs)[0] > 40


def test_a_hard_swish_is_one_operator_of_the_float_file(make_pictures):
    """Engines fuse HardSwish into the convolution before it; steps of Add, Clip and Div they run one by one."""
    import numpy as np
    import onnx

    from edgelens.compress.export.artifact import file_outputs
    from edgelens.compress.export.exported import export, float_artifacts
    from edgelens.compress.network.answers import torch_outputs
    from edgelens.train.models.catalog import build
    from edgelens.train.models.options import ModelOptions

    torch.manual_seed(0)
    pixels = PixelContract(32, 32)
    network = build("mobilenet-v3", ModelOptions(width=0.25), channels=3, classes=10, size=(32, 32)).eval()
    (artifact,) = float_artifacts(
        export(network, trace(network, pixels), pixels, outputs=("logits",), formats=("onnx",))
    )
    kinds = [node.op_type for node in onnx.load_from_string(artifact.data).graph.node]
    wanted = sum(isinstance(module, nn.Hardswish) for module in network.modules())
    assert kinds.count("HardSwish") == wanted > 10
    assert not {"Div", "HardSigmoid"} & set(kinds)
    pictures = make_pictures(pixels, 4)
    answers = file_outputs(artifact, pictures)["logits"]
    assert np.abs(answers - torch_outputs(network, pictures, ("logits",))["logits"]).max() < 1e-4
