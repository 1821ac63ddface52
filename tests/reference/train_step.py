#!/usr/bin/python3
"""Writes Fixtures/train_step.json: the losses of one training step and the gradients to every weight of GenISP, through torchvision
0.14.1's RetinaNet. Weights, image and boxes come from the formulas of genisp.py, retinanet.py and losses.py.

All is computed in float64, which is the truth; the script prints how far PyTorch's own float32 is from it.
"""
import json
import pathlib

import torch
from torchvision.models.detection import retinanet as torchvision_retinanet

from genisp import GenIsp, fill
from losses import boxes, labels
from retinanet import build, image, rounded, weight

FIXTURES = pathlib.Path(__file__).parent.parent / "GenIsp.Tests" / "Fixtures"
CASE, MIN_SIZE, MAX_SIZE, HEIGHT, WIDTH, COLOR_WEIGHT, BETA = "v1, four classes, bounded by the long side", 64, 96, 48, 70, 0.1, 1 / 9
SAMPLES = 12

smooth_l1_of_beta_1 = torchvision_retinanet._box_loss
torchvision_retinanet._box_loss = lambda *arguments: smooth_l1_of_beta_1(*arguments, cnf={"beta": BETA})


def step(case, kind):
    isp = fill(GenIsp()).to(kind)
    detector = build(case["version"], case["classes"], MIN_SIZE, MAX_SIZE).eval()
    shapes = {name: tuple(value.shape) for name, value in detector.state_dict().items()}
    detector.load_state_dict({
        name: torch.from_numpy(weight(name, shape, case["classBias"], case["classGain"], case["boxGain"], case["salt"]))
        for name, shape in shapes.items()})
    detector.to(kind)
    for parameter in detector.parameters():
        parameter.requires_grad = False
    detector.head.regression_head._loss_type = "smooth_l1"
    target = {"boxes": boxes("step", 3, 40.0, 25.0, 12.0, 30.0).to(kind), "labels": labels("step.labels", 3, 1, case["classes"])}

    picture = isp((image("step", HEIGHT, WIDTH) * 0.2).to(kind)[None])
    batch, resized = detector.transform([picture[0]], [target])
    features = list(detector.backbone(batch.tensors).values())
    losses = detector.compute_loss(resized, detector.head(features), detector.anchor_generator(batch, features))
    r, g, b = picture.mean((0, 2, 3))
    color = COLOR_WEIGHT * ((r - g).abs() + (r - b).abs() + (g - b).abs())
    (losses["classification"] + losses["bbox_regression"] + color).backward()
    gradients = {name: parameter.grad.double().flatten() for name, parameter in isp.named_parameters()}
    return target, [losses["classification"].item(), losses["bbox_regression"].item(), color.item()], gradients


if __name__ == "__main__":
    torch.set_num_threads(2)
    case = json.loads((FIXTURES / "retinanet.json").read_text())["cases"][CASE]
    target, losses, gradients = step(case, torch.float64)
    _, losses32, gradients32 = step(case, torch.float32)
    for name, gradient in gradients.items():
        off = (gradients32[name] - gradient).abs().max() / gradient.abs().max()
        print(f"{name:22} norm {gradient.norm():.3g}, float32 is off by {off:.2g} of the largest element")
    print(losses, losses32, target["labels"])
    fixture = {
        "case": CASE, "minSize": MIN_SIZE, "maxSize": MAX_SIZE, "height": HEIGHT, "width": WIDTH, "colorWeight": COLOR_WEIGHT,
        "labels": target["labels"].tolist(), "classification": losses[0], "boxes": losses[1], "color": losses[2],
        "norm": torch.cat(list(gradients.values())).norm().item(),
        "gradients": {
            name: {"norm": g.norm().item(), "largest": g.abs().max().item(),
                   "samples": rounded(g[[k * len(g) // min(SAMPLES, len(g)) for k in range(min(SAMPLES, len(g)))]])}
            for name, g in gradients.items()},
    }
    output = FIXTURES / "train_step.json"
    output.write_text(json.dumps(fixture, separators=(",", ":")).replace("},", "},\n") + "\n")
    print(output.stat().st_size, "bytes")
