"""Which cell learns which box, and what that costs."""

from __future__ import annotations

import numpy as np
import torch

from edgelens.train.data.targets import RaggedTargets
from edgelens.train.tasks.detect.assign import assign
from edgelens.train.tasks.detect.geometry import answers_of, overlap, penalised
from edgelens.train.tasks.detect.loss import box_distillation, detection_loss

STRIDES = (8, 16)


def outputs(batch: int = 2, classes: int = 2, fill: float = 0.01) -> dict[str, torch.Tensor]:
    found = {f"scores{s}": torch.full((batch, classes, 64 // s, 64 // s), fill) for s in STRIDES}
    return found | {f"sides{s}": torch.full((batch, 4, 64 // s, 64 // s), 1.0) for s in STRIDES}


def targets(*pictures: list[tuple[float, float, float, float]], crowd: bool = False) -> RaggedTargets:
    boxes = [box for picture in pictures for box in picture]
    columns = {
        "boxes": torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4),
        "labels": torch.zeros(len(boxes), dtype=torch.int64),
        "crowd": torch.full((len(boxes),), crowd),
    }
    return RaggedTargets(columns, torch.tensor([0, *np.cumsum([len(picture) for picture in pictures])]))


def test_distances_are_boxes_around_their_cells() -> None:
    scores, boxes, cells = answers_of(outputs(), STRIDES)
    assert scores.shape == (2, 2, 80)
    assert boxes[0, 0].tolist() == [-4, -4, 12, 12]
    assert boxes[0, 64].tolist() == [-8, -8, 24, 24]
    assert cells.middles[9].tolist() == [12, 12]


def test_every_box_is_learnt_by_someone_however_small() -> None:
    wanted = targets([(30, 30, 32, 32), (2, 2, 60, 60)], [(17.0, 40.0, 20.0, 41.0)])
    scores, boxes, cells = answers_of(outputs(), STRIDES)
    pairs = assign(scores, boxes, cells, wanted)
    assert set(pairs.boxes.tolist()) == {0, 1, 2}
    assert pairs.pictures.tolist() == [int(wanted.pictures[row]) for row in pairs.boxes]
    assert len(set(zip(pairs.pictures.tolist(), pairs.cells.tolist(), strict=True))) == len(pairs.cells)
    assert torch.bincount(pairs.boxes).max() <= 10
    assert float(pairs.quality.max()) <= 1


def test_of_two_boxes_a_cell_learns_the_one_it_overlaps_most() -> None:
    wanted = targets([(0, 0, 16, 16), (0, 0, 64, 64)], [])
    scores, boxes, cells = answers_of(outputs(), STRIDES)
    pairs = assign(scores, boxes, cells, wanted)
    own = dict(zip(pairs.cells.tolist(), pairs.boxes.tolist(), strict=True))
    assert own[0] == 0


def test_a_perfect_answer_costs_least_and_gradients_lead_to_it() -> None:
    wanted = targets([(16, 16, 32, 32)], [])
    logits = {n: (torch.logit(v) if "scores" in n else v).requires_grad_() for n, v in outputs().items()}
    optimizer = torch.optim.Adam(logits.values(), 0.2)
    costs = []
    for _ in range(60):
        answered = {name: torch.sigmoid(v) if "scores" in name else v for name, v in logits.items()}
        cost = detection_loss(answered, wanted, STRIDES)
        assert cost.shape == (2,)
        optimizer.zero_grad()
        cost.mean().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        costs.append(float(cost.detach().mean()))
    assert costs[-1] < 0.35 * costs[0]
    scores, boxes, _ = answers_of({n: torch.sigmoid(v) if "scores" in n else v for n, v in logits.items()}, STRIDES)
    best = int(scores[0, 0].argmax())
    torch.testing.assert_close(boxes[0, best], torch.tensor([16.0, 16, 32, 32]), atol=2.0, rtol=0)
    assert float(scores[1].detach().max()) < 0.05


def test_a_crowd_costs_nothing_and_teaches_nothing() -> None:
    sure = outputs(1, fill=0.9)
    there, crowd = targets([]), targets([(0, 0, 64, 64)], crowd=True)
    assert float(detection_loss(sure, crowd, STRIDES)) == 0
    assert float(detection_loss(sure, there, STRIDES)) > 1


def test_pictures_without_boxes_train_too() -> None:
    cost = detection_loss({n: v.requires_grad_() for n, v in outputs().items()}, targets([], []), STRIDES)
    assert bool(torch.isfinite(cost).all())
    cost.sum().backward()  # type: ignore[no-untyped-call]


def test_overlap_and_its_penalty() -> None:
    one = torch.tensor([[0.0, 0, 10, 10]])
    near, far = torch.tensor([[12.0, 0, 22, 10]]), torch.tensor([[50.0, 0, 60, 10]])
    assert float(overlap(one, one)) > 0.999
    assert float(overlap(one, near)) == 0
    assert float(penalised(one, near)) > float(penalised(one, far)) > -1


def test_a_teacher_is_followed_where_it_is_sure() -> None:
    teacher = outputs()
    teacher["scores8"][0, 1, 3, 3] = 0.9
    same = box_distillation(outputs() | {"scores8": teacher["scores8"].clone()}, teacher, STRIDES)
    other = box_distillation(outputs(), teacher, STRIDES)
    assert float(same.sum()) < 0.05 * float(other.sum())
    moved = {n: v + 0.5 if n == "sides8" else v.clone() for n, v in teacher.items()}
    assert float(box_distillation(moved, teacher, STRIDES)[0]) > float(same[0]) + 0.1


def test_pictures_with_a_rare_class_come_more_often() -> None:
    from edgelens.train.batches import epoch_batches
    from edgelens.train.tasks.detect.rare import repeat_factors

    common = targets(*([(0.0, 0, 9, 9)] for _ in range(100)))
    assert repeat_factors(common, 2) is None
    common.columns["labels"][0] = 1
    repeats = repeat_factors(common, 2)
    assert repeats is not None
    assert repeats[0] > 3
    assert set(repeats[1:]) == {1.0}
    drawn = [np.concatenate(epoch_batches(100, 16, 0, epoch, repeats=repeats)) for epoch in range(40)]
    assert {len(draws) for draws in drawn} == {100}
    assert all(len(np.unique(draws)) == 100 for draws in drawn), "a picture that comes again is drawn anew"
    seen = np.bincount(np.concatenate(drawn) % 100, minlength=100) / 40
    assert 2 < seen[0] < 4.2
    assert 0.85 < seen[1:].mean() < 1
