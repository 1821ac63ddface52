"""GenISP in PyTorch eager, a picture for each line on standard input: "width height" makes one, "run" develops it and "learn" goes
back to the weights too; both print milliseconds."""
import os
import resource
import sys
import time

import torch

from genisp import GenIsp, fill

torch.set_num_threads(len(os.sched_getaffinity(0)))
model = fill(GenIsp()).eval()
image = None
with torch.no_grad():
    for line in sys.stdin:
        words = line.split()
        if words[0] == "run":
            start = time.perf_counter()
            model(image)
            print((time.perf_counter() - start) * 1e3, flush=True)
        elif words[0] == "learn":
            model.zero_grad()
            start = time.perf_counter()
            with torch.enable_grad():
                model(image).abs().mean().backward()
            print((time.perf_counter() - start) * 1e3, flush=True)
        elif words[0] == "peak":
            print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, flush=True)
        else:
            image = torch.rand(1, 3, int(words[1]), int(words[0]))
            print(torch.__version__, flush=True)
