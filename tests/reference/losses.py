#!/usr/bin/python3
"""Writes Fixtures/losses.json: what torchvision 0.14.1 gives as detection losses, matches and gradients, on numbers made by the formula of
retinanet.py, and what a plain SimOTA assigns."""
import json
import math
import pathlib

import numpy as np
import torch
import torch.nn.functional as F
from torchvision.models.detection._utils import Matcher
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.retinanet import _default_anchorgen
from torchvision.ops import box_iou, generalized_box_iou_loss, sigmoid_focal_loss

from retinanet import between, build, image, require, samples, uniform, weight, with_margins

FIXTURES = pathlib.Path(__file__).parent.parent / "GenIsp.Tests" / "Fixtures"


def boxes(name, count, width, height, least, most):
    """Their left upper corners are within width × height."""
    x, y = between(name + ".x", count, 0.0, width), between(name + ".y", count, 0.0, height)
    right, bottom = x + between(name + ".w", count, least, most), y + between(name + ".h", count, least, most)
    return torch.from_numpy(np.stack([x, y, right, bottom], 1))


def labels(name, count, first, end):
    return torch.from_numpy((uniform(name, count) * np.float32(end - first)).astype(np.int64) + first)


def with_gradient(function, argument):
    argument = argument.clone().requires_grad_()
    value = function(argument)
    value.backward()
    return {"value": value.item(), "gradient": samples(argument.grad)}


def functions():
    logits = torch.from_numpy(between("focal.logits", 210, -12.0, 12.0).reshape(30, 7))
    positive = torch.from_numpy((uniform("focal.positive", 210) < 0.2).astype(np.float32).reshape(30, 7))
    predicted, target = boxes("loss.predicted", 50, 20.0, 20.0, 1.0, 30.0), boxes("loss.target", 50, 20.0, 20.0, 1.0, 30.0)
    return {
        "focal": with_gradient(lambda x: sigmoid_focal_loss(x, positive, reduction="sum"), logits),
        "focalOther": with_gradient(lambda x: sigmoid_focal_loss(x, positive, alpha=0.6, gamma=1.5, reduction="sum"), logits),
        # A tenth: some differences are below β.
        "smoothL1": with_gradient(lambda x: F.smooth_l1_loss(x / 10, target / 10, reduction="sum", beta=1 / 9), predicted),
        "l1": with_gradient(lambda x: F.l1_loss(x / 10, target / 10, reduction="sum"), predicted),
        "giou": with_gradient(lambda x: generalized_box_iou_loss(x, target, reduction="sum"), predicted),
    }


def matches(salt):
    """Boxes with small whole coordinates: equal IoUs, and IoUs of exactly .5, are many."""
    def whole(name, count):
        corner = np.floor(between(name + ".corner", 2 * count, 0.0, 8.0)).reshape(count, 2)
        size = np.floor(between(name + ".size", 2 * count, 1.0, 6.0)).reshape(count, 2)
        return torch.from_numpy(np.concatenate([corner, corner + size], 1))

    iou = box_iou(whole(f"matcher.boxes{salt}", 6), whole(f"matcher.anchors{salt}", 80))
    best = iou.max(1).values
    require(best.min() > 0, "a box without an anchor")
    require(best.min() < 0.4, "all boxes have a good anchor")
    require(((iou == best[:, None]).sum(1) > 1).sum() > 1, "no ties")
    require((iou == 0.5).any() and ((iou.max(0).values == iou).sum(0) > 1).any(), "no IoU of .5, or no two boxes tie")
    found = Matcher(0.5, 0.4, allow_low_quality_matches=True)(iou)
    require((found == -2).any(), "none is between")
    return {"salt": salt, "matches": found.tolist()}


def heads():
    """Both heads' losses of one image, by the number of its boxes."""
    height, width, classes = 128, 160, 7
    grids = [(math.ceil(height / s), math.ceil(width / s)) for s in (8, 16, 32, 64, 128)]
    images = ImageList(torch.zeros(1, 3, height, width), [(height, width)])
    anchors = _default_anchorgen()(images, [torch.zeros(1, 1, *g) for g in grids])[0]
    model = build(1, classes, 64, 96)
    logits = torch.from_numpy(between("heads.logits", len(anchors) * classes, -8.0, 3.0).reshape(1, -1, classes))
    regression = torch.from_numpy(between("heads.regression", len(anchors) * 4, -0.6, 0.6).reshape(1, -1, 4))
    rows = []
    for count in (12, 1, 0, 60):
        target = {
            "boxes": boxes(f"heads{count}", count, 130.0, 100.0, 5.0, 60.0),
            "labels": labels(f"heads{count}.labels", count, 0, classes),
        }

        def loss(kind, part, logits, regression):
            model.head.regression_head._loss_type = kind
            return model.compute_loss([target], {"cls_logits": logits, "bbox_regression": regression}, [anchors])[part]

        rows.append({
            "boxes": count,
            "classification": with_gradient(lambda x: loss("l1", "classification", x, regression), logits),
            "l1": with_gradient(lambda x: loss("l1", "bbox_regression", logits, x), regression),
            "giou": with_gradient(lambda x: loss("giou", "bbox_regression", logits, x), regression),
            "smoothL1OfBeta1": with_gradient(lambda x: loss("smooth_l1", "bbox_regression", logits, x), regression),
        })
    return rows


def gradients(case, kind):
    """Both losses of a batch, and their gradients to the images, through the whole network. In float64: in float32, rounding turns ReLUs
    near 0 on or off, and each processor's gradient goes its own way."""
    model = build(case["version"], case["classes"], case["minSize"], case["maxSize"]).eval()
    shapes = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    model.load_state_dict({
        name: torch.from_numpy(weight(name, shape, case["classBias"], case["classGain"], case["boxGain"], case["salt"]))
        for name, shape in shapes.items()})
    model.double()
    for parameter in model.parameters():
        parameter.requires_grad = False
    model.head.regression_head._loss_type = kind
    images = [image(f"image{i}", *size).double().requires_grad_() for i, size in enumerate(case["images"])]
    # RetinaNet's labels of its categories: COCO's have gaps.
    known = [1, 2, 3, 13, 44, 90] if case["classes"] == 91 else list(range(1, case["classes"]))
    targets = [
        {"boxes": boxes(f"target{i}", 3, size[1] * 0.6, size[0] * 0.6, 20.0, 80.0),
         "labels": torch.tensor([known[k] for k in labels(f"target{i}.labels", 3, 0, len(known))])}
        for i, size in enumerate(case["images"])]
    batch, resized = model.transform(images, targets)
    features = list(model.backbone(batch.tensors).values())
    losses = model.compute_loss(resized, model.head(features), model.anchor_generator(batch, features))
    of_classes = torch.autograd.grad(losses["classification"], images, retain_graph=True)
    of_boxes = torch.autograd.grad(losses["bbox_regression"], images)
    return {
        "labels": [target["labels"].tolist() for target in targets],
        "classification": losses["classification"].item(), "boxes": losses["bbox_regression"].item(),
        "classificationGradients": [samples(g) for g in of_classes], "boxGradients": [samples(g) for g in of_boxes],
    }


def sim_ota(boxes_count, centre, salt):
    """Point by point and box by box, in Python's own numbers."""
    size, classes = 64, 5
    points = [((column + centre) * stride, (row + centre) * stride, stride)
              for stride in (8, 16, 32) for row in range(size // stride) for column in range(size // stride)]
    name = f"simota{boxes_count}.{salt}"
    predicted = boxes(name + ".predicted", len(points), 50.0, 50.0, 4.0, 40.0).tolist()
    scores = np.square(uniform(name + ".scores", len(points) * classes)).reshape(-1, classes).tolist()
    # Some lie outside, some are small.
    truth = boxes(name + ".boxes", boxes_count, 75.0, 75.0, 1.0, 40.0).tolist()
    kinds = labels(name + ".classes", boxes_count, 0, classes).tolist()

    def overlap(a, b):
        w = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
        h = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
        return w * h / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - w * h)

    cost, claims = {}, {}
    for g, box in enumerate(truth):
        ious = []
        for p, (x, y, stride) in enumerate(points):
            inside = box[0] < x < box[2] and box[1] < y < box[3]
            near = max(abs(x - (box[0] + box[2]) / 2), abs(y - (box[1] + box[3]) / 2)) < 2.5 * stride
            if inside or near:
                iou = overlap(box, predicted[p])
                ious.append(iou)
                q = [math.sqrt(s) for s in scores[p]]
                entropy = -math.log(q[kinds[g]]) - sum(math.log(1 - v) for c, v in enumerate(q) if c != kinds[g])
                cost[g, p] = entropy - 3 * math.log(iou + 1e-8) + (0 if inside and near else 1e5)
        total = sum(sorted(ious, reverse=True)[:10])
        require(abs(total - round(total)) > 1e-4 or total == 0, "a sum of IoUs is nearly whole")
        own = sorted((c, p) for (box_index, p), c in cost.items() if box_index == g)
        k = max(1, int(total))
        if k < len(own):
            require(own[k][0] - own[k - 1][0] > 0.05, "two costs are nearly equal")
        for _, p in own[:k]:
            claims.setdefault(p, []).append(g)
    assigned = [-1] * len(points)
    for p, claimants in claims.items():
        rivals = sorted((c, g) for (g, point), c in cost.items() if point == p)
        if len(claimants) > 1:
            require(rivals[1][0] - rivals[0][0] > 0.05, "a point costs two boxes the same")
        assigned[p] = claimants[0] if len(claimants) == 1 else rivals[0][1]
    return {"salt": salt, "boxes": boxes_count, "centre": centre, "assigned": assigned}


if __name__ == "__main__":
    torch.set_num_threads(2)
    cases = json.loads((FIXTURES / "retinanet.json").read_text())["cases"]
    fixture = {
        "functions": functions(),
        "matches": [with_margins(lambda s: matches(s + first)) for first in (0, 100)],
        "heads": heads(),
        "gradients": {name: gradients(cases[name], kind) for name, kind in [
            ("v2, a batch of unequal odd sizes", "giou"), ("v1, four classes, bounded by the long side", "l1")]},
        "simOta": [with_margins(sim_ota, count, centre) for count, centre in [(1, 0.5), (4, 0.0), (12, 0.5)]],
    }
    output = FIXTURES / "losses.json"
    output.write_text(json.dumps(fixture, separators=(",", ":"), ensure_ascii=False).replace('],"', '],\n"') + "\n")
    print(output.stat().st_size, "bytes")
