"""8-bit files of a convolutional network: engines compared, ranges chosen, trained in 8 bits where asked, written."""

from __future__ import annotations

import dataclasses

from torch import fx, nn

from .config import CompressConfig
from .export.artifact import file_outputs
from .export.exported import Exported, export
from .files.int8 import int8_artifacts
from .files.model_files import ModelFiles, make_files
from .learn.finetune import accuracy_of
from .material import Material
from .progress import Steps
from .proof.parity import snr_db
from .quantize.choose import JUDGES, Choice, ChooseConfig, choose
from .quantize.observers import observe
from .quantize.plan import make_plan
from .quantize.qat import QatConfig, train_quantized
from .quantize.ranges import agree_on_ranges
from .shrink import training_pictures

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
    one_step = _engines_part(graph, material, config, steps, exported)
    choice = _chosen(graph, material, config, steps, one_step=one_step)
    if config.qat is not None:
        choice = _trained(choice, network, material, config, config.qat, steps)
    files = make_files(
        choice.graph,
        material.pixels,
        material.calibration,
        dataclasses.replace(config, precisions=("int8",)),
        quantized=choice.quantized,
        graph=choice.graph,
        exported=exported if choice.graph is graph else None,
        steps=steps,
    )
    return choice, files


def _engines_part(
    graph: fx.GraphModule, material: Material, config: CompressConfig, steps: Steps, exported: Exported | None
) -> bool:
    """Whether plain 8-bit files of both formats answer too differently, and additions can be why."""
    plan = make_plan(graph, keep_float=config.keep_float, full_integer=config.full_integer)
    if not plan.added or len(config.formats) < 2:
        return False
    judges = material.calibration[:JUDGES]
    with steps.step("comparing the engines"):
        exported = exported or export(graph, graph, material.pixels, formats=config.formats)
        plain = int8_artifacts(exported, agree_on_ranges(graph, plan, observe(graph, judges)))
        first, second = (file_outputs(artifact, judges) for artifact in plain)
    between = snr_db(second, first)
    if between >= LEAST_BETWEEN_DB:
        return False
    steps.say(f"the engines' rounding sets the two files {between:.0f} dB apart: what is added gets one scale")
    return True


def _chosen(
    graph: fx.GraphModule, material: Material, config: CompressConfig, steps: Steps, *, one_step: bool
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


def _trained(
    choice: Choice, network: nn.Module, material: Material, config: CompressConfig, qat: QatConfig, steps: Steps
) -> Choice:
    """The choice after training in 8 bits; the same one where that made validation accuracy worse."""
    with steps.step(f"training in 8 bits for {qat.tuning.epochs:g} epochs"):
        data, augment = training_pictures(material, config)
        graph, ranges = train_quantized(
            choice.graph,
            choice.quantized,
            network,
            data,
            augment,
            qat,
            progress=steps.update,
            better=lambda sim: accuracy_of(sim, material.validation),
        )
    if graph is choice.graph:
        steps.say("training in 8 bits made validation accuracy worse: its result is not taken")
        return choice
    return dataclasses.replace(choice, graph=graph, quantized=ranges, taken=(*choice.taken, "trained in 8 bits"))
