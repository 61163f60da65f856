"""8-bit files of a convolutional network: engines compared, ranges chosen, trained in 8 bits where asked, written."""

from __future__ import annotations

import dataclasses

from torch import fx, nn

from .config import CompressConfig
from .export.artifact import file_outputs
from .export.exported import Exported
from .export.refilled import refilled
from .files.int8 import int8_artifacts
from .files.model_files import ModelFiles, exported_as, make_files
from .ingredients import Ingredients
from .learn.lesson import lesson_of
from .progress import Progress
from .quantize.choose import JUDGES, ChooseConfig, Quantization, choose
from .quantize.observers import Ranges, observe
from .quantize.plan import make_plan
from .quantize.qat import QatConfig, train_quantized
from .quantize.ranges import agree_on_ranges
from .quantize.sensitivity import answers_snr

__all__ = ["eight_bit_files"]

# Engines differ where a sum of two scales falls between two numbers, and every layer behind makes more of it. Measured
# on 8,000 images: 3 additions, 74 dB between the files, no answer differs; 10 additions, 41 dB, one in 400 does.
LEAST_BETWEEN_DB = 55.0


def eight_bit_files(
    graph: fx.GraphModule,
    network: nn.Module,
    made_of: Ingredients,
    config: CompressConfig,
    progress: Progress,
    exported: Exported | None = None,
) -> tuple[Quantization, ModelFiles]:
    """What was decided for a network's traced graph, and the 8-bit file in every asked format.

    `exported` is what the graph's own export gave, where there was one.
    """
    outputs = made_of.task.outputs
    if exported is None:
        exported = exported_as(graph, graph, made_of.pixels, config, outputs, progress)
    shared_scale, limits = _engines_part(graph, made_of, config, progress, exported)
    choice = _chosen(graph, made_of, config, progress, shared_scale=shared_scale, limits=limits)
    if config.qat is not None:
        choice = _trained(choice, network, made_of, config, config.qat, progress)
    if choice.graph is not graph:
        exported = refilled(exported, choice.graph) or exported_as(
            choice.graph, choice.graph, made_of.pixels, config, outputs, progress
        )
    files = make_files(
        choice.graph,
        made_of.pixels,
        made_of.calibration,
        dataclasses.replace(config, precisions=("int8",)),
        outputs=outputs,
        tail=made_of.task.tail,
        quantized=choice.quantized,
        graph=choice.graph,
        exported=exported,
        progress=progress,
    )
    return choice, files


def _engines_part(
    graph: fx.GraphModule, made_of: Ingredients, config: CompressConfig, progress: Progress, exported: Exported
) -> tuple[bool, Ranges | None]:
    """Whether plain 8-bit files of both formats answer too differently, and additions can be why; the plain ranges."""
    outputs, tail = made_of.task.outputs, made_of.task.tail
    plan = make_plan(graph, keep_float=config.keep_float, full_integer=config.full_integer, outputs=outputs, tail=tail)
    if not plan.added or len(config.formats) < 2:
        return False, None
    judges = made_of.calibration[:JUDGES]
    with progress.step("comparing the engines"):
        limits = observe(graph, made_of.calibration)
        plain = int8_artifacts(exported, agree_on_ranges(graph, plan, limits))
        first, second = (file_outputs(artifact, judges) for artifact in plain)
    between = answers_snr(first, second)
    if between >= LEAST_BETWEEN_DB:
        return False, limits
    progress.say(f"the engines' rounding sets the two files {between:.0f} dB apart: what is added gets one scale")
    return True, limits


def _chosen(
    graph: fx.GraphModule,
    made_of: Ingredients,
    config: CompressConfig,
    progress: Progress,
    *,
    shared_scale: bool,
    limits: Ranges | None,
) -> Quantization:
    with progress.step("choosing ranges"):
        wanted = ChooseConfig(
            made_of.task.outputs,
            config.observer,
            config.equalize,
            config.correct_bias,
            config.round_weights,
            config.mixed,
            config.keep_float,
            config.full_integer,
            config.sensitivity,
            shared_scale,
        )
        task = made_of.task
        choice = choose(
            graph,
            made_of.calibration,
            wanted,
            tail=task.tail,
            agreement=task.agreement,
            limits=limits,
            progress=progress.update,
        )
    if shared_scale:
        choice = dataclasses.replace(choice, taken=(*choice.taken, "one scale in additions"))
    progress.say(f"8 bits: {' + '.join(choice.taken)}, {choice.snr_db:.1f} dB in simulation")
    return choice


def _trained(
    choice: Quantization,
    network: nn.Module,
    made_of: Ingredients,
    config: CompressConfig,
    qat: QatConfig,
    progress: Progress,
) -> Quantization:
    """The choice after training in 8 bits; the same one where that made the validation worse."""
    with progress.step(f"training in 8 bits for {qat.tuning.epochs:g} epochs"):
        lesson = lesson_of(made_of.run, made_of.training_pictures(config.seed), made_of.pixels)
        graph, ranges = train_quantized(
            choice.graph,
            choice.quantized,
            network,
            lesson,
            qat,
            progress=progress.update,
            better=lambda sim: made_of.score(sim, made_of.validation),
        )
    if graph is choice.graph:
        progress.say("training in 8 bits made the validation worse: its result is not taken")
        return choice
    return dataclasses.replace(choice, graph=graph, quantized=ranges, taken=(*choice.taken, "trained in 8 bits"))
