"""8-bit files of a convolutional network: its ranges chosen, both files compared, trained in 8 bits where asked."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from torch import fx, nn

from .answers import torch_logits
from .artifact import Artifact, file_outputs
from .config import CompressConfig
from .exported import Exported
from .files import ModelFiles, make_files
from .material import Material
from .quantize.choose import JUDGES, Choice, ChooseConfig, choose
from .quantize.qat import QatConfig, train_quantized
from .shrink import training_pictures
from .steps import Steps
from .verify_parity import snr_db

__all__ = ["eight_bit_files"]

# Engines differ where a sum of two scales falls between two numbers, and every layer behind makes more of it. Measured
# on 8,000 images: 3 additions, 74 dB between the files, no answer differs; 10 additions, 41 dB, one in 400 does.
LEAST_BETWEEN_DB = 55.0


def eight_bit_files(
    graph: fx.GraphModule,
    network: nn.Module,
    material: Material,
    config: CompressConfig,
    steps: Steps,
    exported: Exported | None = None,
) -> tuple[Choice, ModelFiles]:
    """What was decided for a network's traced graph, and the 8-bit file in every asked format.

    `exported` is what the graph's own export gave, where there was one.
    """
    choice = _chosen(graph, material, config, steps)
    files = _written(choice, material, config, steps, exported if choice.graph is graph else None)
    if choice.quantized.plan.added:
        between = _between_db(files.artifacts, material.calibration[:JUDGES])
        if between < LEAST_BETWEEN_DB:
            steps.say(f"the engines' rounding sets the two files {between:.0f} dB apart: what is added gets one scale")
            choice = _chosen(graph, material, config, steps, one_step=True)
            files = _written(choice, material, config, steps, exported if choice.graph is graph else None)
    if config.qat is not None:
        trained = _trained(choice, network, material, config, config.qat, steps)
        if trained is not choice:
            choice, files = trained, _written(trained, material, config, steps)
    return choice, files


def _chosen(
    graph: fx.GraphModule, material: Material, config: CompressConfig, steps: Steps, *, one_step: bool = False
) -> Choice:
    with steps.step("choosing ranges"):
        wanted = ChooseConfig(
            config.observer,
            config.equalize,
            config.correct_bias,
            config.round_weights,
            config.mixed,
            config.keep_float,
            config.full_integer,
            config.sensitivity,
            one_step,
        )
        choice = choose(graph, material.calibration, wanted, progress=steps.update)
    if one_step:
        choice = dataclasses.replace(choice, taken=(*choice.taken, "one scale in additions"))
    steps.say(f"8 bits: {' + '.join(choice.taken)}, {choice.snr_db:.1f} dB in simulation")
    return choice


def _written(
    choice: Choice, material: Material, config: CompressConfig, steps: Steps, exported: Exported | None = None
) -> ModelFiles:
    return make_files(
        choice.graph,
        material.pixels,
        material.calibration,
        dataclasses.replace(config, precisions=("int8",)),
        quantized=choice.quantized,
        graph=choice.graph,
        exported=exported,
        steps=steps,
    )


def _between_db(artifacts: Sequence[Artifact], pictures: NDArray[np.uint8]) -> float:
    """How near the formats' answers are to each other; 200 where there is one format."""
    answers = [file_outputs(artifact, pictures) for artifact in artifacts]
    return min((snr_db(other, answers[0]) for other in answers[1:]), default=200.0)


def _trained(
    choice: Choice, network: nn.Module, material: Material, config: CompressConfig, qat: QatConfig, steps: Steps
) -> Choice:
    """The choice after training in 8 bits; the same one where that made validation accuracy worse."""
    with steps.step(f"training in 8 bits for {qat.tuning.epochs:g} epochs"):
        data, augment = training_pictures(material, config)
        held = material.validation

        def accuracy(sim: nn.Module) -> float:
            return float((torch_logits(sim, held.pixels).argmax(1) == held.labels).mean())

        graph, ranges = train_quantized(
            choice.graph, choice.quantized, network, data, augment, qat, progress=steps.update, better=accuracy
        )
    if graph is choice.graph:
        steps.say("training in 8 bits made validation accuracy worse: its result is not taken")
        return choice
    return dataclasses.replace(choice, graph=graph, quantized=ranges, taken=(*choice.taken, "trained in 8 bits"))
