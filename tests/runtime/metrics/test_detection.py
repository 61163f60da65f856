"""Detection metrics against pycocotools on random scenes with crowds, ties, all sizes and more boxes than count."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest

from edgelens.runtime.metrics.detection import AREAS, Boxes, average_precision


def scene(seed, images=25, classes=4, per_image=8, found_each=3, *, grid=False):
    """Truth with crowds and areas of its own, and found boxes near it, off it, doubled and with equal scores."""
    rng = np.random.default_rng(seed)
    count = images * per_image
    image = np.sort(rng.integers(0, images, count))
    label = rng.integers(0, classes - 1, count)  # the last class never occurs
    size = np.exp(rng.uniform(np.log(4), np.log(250), (count, 2)))
    boxes = np.concatenate([rng.uniform(0, 400, (count, 2)), size], axis=1)
    if grid:
        boxes = np.round(boxes / 20) * 20 + [0, 0, 20, 20]
    truth = Boxes(
        image, label, boxes, crowd=rng.random(count) < 0.1, areas=boxes[:, 2] * boxes[:, 3] * rng.uniform(0.5, 1, count)
    )
    picked = rng.integers(0, count, count * found_each)
    moved = boxes[picked] + (0 if grid else 1) * rng.normal(0, 0.12, (len(picked), 4)) * boxes[picked][:, [2, 3, 2, 3]]
    moved[:, 2:] = np.maximum(moved[:, 2:], 1)
    other = rng.random(len(picked)) < 0.15
    found = Boxes(
        image[picked],
        np.where(other, rng.integers(0, classes, len(picked)), label[picked]),
        moved,
        scores=np.round(rng.random(len(picked)), 2),
    )
    return truth, found


def by_pycocotools(truth, found, images, classes):
    pytest.importorskip("pycocotools", reason="pycocotools is what these metrics are held against")
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {
            "info": {},
            "images": [{"id": i + 1} for i in range(images)],
            "categories": [{"id": c + 1} for c in range(classes)],
            "annotations": [
                {
                    "id": n + 1,
                    "image_id": int(truth.images[n]) + 1,
                    "category_id": int(truth.labels[n]) + 1,
                    "bbox": truth.boxes[n].tolist(),
                    "area": float(truth.area()[n]),
                    "iscrowd": int(truth.crowd[n]),
                }
                for n in range(len(truth.labels))
            ],
        }
        coco.createIndex()
        answers = coco.loadRes(
            np.concatenate(
                [
                    found.images[:, None] + 1,
                    found.boxes,
                    found.scores[:, None],
                    found.labels[:, None] + 1,
                ],
                axis=1,
            )
        )
        evaluation = COCOeval(coco, answers, "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation


@pytest.mark.parametrize(("seed", "options"), [(0, {}), (1, {"grid": True}), (2, {"images": 2, "per_image": 60})])
def test_agrees_with_pycocotools(seed, options):
    truth, found = scene(seed, **options)
    images, classes = options.get("images", 25), 4
    ours = average_precision(truth, found, classes)
    theirs = by_pycocotools(truth, found, images, classes)
    stats = theirs.stats
    mine = [ours.mean(), ours.mean(iou=0.5), ours.mean(iou=0.75)]
    mine += [ours.mean(area) for area in ("small", "medium", "large")]
    assert mine == pytest.approx(stats[:6], abs=1e-6)
    assert [ours.mean_recall(area) for area in AREAS] == pytest.approx(stats[8:], abs=1e-6)
    table = theirs.eval["precision"][:, :, :, 0, -1]  # (T, R, K)
    for label in range(classes):
        reference = table[:, :, label]
        expected = reference.mean() if (reference > -1).any() else -1
        assert ours.of_class(label) == pytest.approx(expected, abs=1e-6)
    assert ours.mean() > 0.05


def test_perfect_missed_and_absent():
    boxes = np.array([[10.0, 10, 50, 50], [100, 100, 40, 40]])
    truth = Boxes(np.array([0, 1]), np.array([0, 1]), boxes)
    same = Boxes(truth.images, truth.labels, boxes, scores=np.array([0.9, 0.8]))
    assert average_precision(truth, same, 2).mean() == pytest.approx(1.0)
    nothing = Boxes(np.empty(0, int), np.empty(0, int), np.empty((0, 4)), scores=np.empty(0))
    assert average_precision(truth, nothing, 2).mean() == 0.0
    assert average_precision(truth, same, 3).of_class(2) == -1.0
