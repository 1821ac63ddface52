"""A step of training under torchvision's RetinaNet R50 v2 in PyTorch eager, and its detection, for each line on standard input:
"width height" makes two pictures, "learn" goes from them through GenISP and the detector to the losses and back to GenISP's weights,
"detect" finds the objects in one; both print milliseconds."""
import os
import sys
import time

import torch
import torchvision

from genisp import GenIsp, fill

torch.set_num_threads(len(os.sched_getaffinity(0)))
torch.manual_seed(1)
isp = fill(GenIsp())
detector = torchvision.models.detection.retinanet_resnet50_fpn_v2(weights=None, weights_backbone=None).eval()
for parameter in detector.parameters():
    parameter.requires_grad_(False)
images = None
targets = [{"boxes": torch.tensor([[100.0, 100, 400, 500], [700, 300, 900, 420]]), "labels": torch.tensor([1, 3])}] * 2


def learn():
    # In training mode torchvision gives losses; the batch norms stay frozen.
    detector.train()
    for module in detector.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.eval()
    isp.zero_grad()
    losses = detector(list(isp(images)), targets)
    (losses["classification"] + losses["bbox_regression"]).backward()


def detect():
    detector.eval()
    with torch.no_grad():
        detector([images[0]])


for line in sys.stdin:
    words = line.split()
    if words[0] in ("learn", "detect"):
        start = time.perf_counter()
        (learn if words[0] == "learn" else detect)()
        print((time.perf_counter() - start) * 1e3, flush=True)
    else:
        images = torch.rand(2, 3, int(words[1]), int(words[0])) * 0.3
        print(torch.__version__, flush=True)
