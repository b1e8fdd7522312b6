"""What bench/bursts.js measures, in PyTorch on one thread."""
import time

import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(0)


def report(name, model, criterion, optimizer, x, y, warm, bursts, steps):
    def step():
        loss = criterion(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    for _ in range(warm):
        step()
    times = []
    for _ in range(bursts):
        start = time.perf_counter()
        for _ in range(steps):
            step()
        times.append((time.perf_counter() - start) * 1e6 / steps)
    times.sort()
    print(f"{name}: least {times[0]:.1f} µs, median {times[bursts // 2]:.1f}")


xor = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
report("XOR, mean squared error, SGD", xor, nn.MSELoss(), torch.optim.SGD(xor.parameters(), lr=0.1),
       torch.tensor([[0.0, 0], [0, 1], [1, 0], [1, 1]]), torch.tensor([[0.0], [1], [1], [0]]), 2000, 60, 100)
mlp = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10))
report("784-256-10, batch 256, Adam", mlp, nn.CrossEntropyLoss(), torch.optim.Adam(mlp.parameters()),
       torch.randn(256, 784), torch.arange(256) % 10, 50, 30, 10)
