"""PyTorch's cases: each takes the spec of a section, and gives `(step, value)`."""
import math
import time

import torch


def uniform(n, seed, scale=1.0):
    """data.js uniform: mulberry32, whose state is a multiple of one constant."""
    mask = 0xFFFFFFFF
    a = (seed + torch.arange(1, n + 1, dtype=torch.int64) * 0x6D2B79F5) & mask
    t = ((a ^ (a >> 15)) * (a | 1)) & mask
    t = t ^ ((t + (((t ^ (t >> 7)) * (t | 61)) & mask)) & mask)
    u = (t ^ (t >> 14)).to(torch.float64)
    return ((u / 2**31 - 1) * scale).to(torch.float32)


def perceptron(sizes, activation):
    nn = torch.nn
    modules = []
    for i, (inputs, outputs) in enumerate(zip(sizes, sizes[1:])):
        layer = nn.Linear(inputs, outputs)
        with torch.no_grad():
            weight = uniform(outputs * inputs, 100 + i, math.sqrt(6 / inputs))
            layer.weight.copy_(weight.view(outputs, inputs))
            layer.bias.copy_(uniform(outputs, 200 + i, 0.1))
        modules.append(layer)
        if i < len(sizes) - 2:
            modules.append(nn.Tanh() if activation == "tanh" else nn.ReLU())
    return nn.Sequential(*modules)


def train(spec):
    sizes, batch = spec["sizes"], spec["batch"]
    if spec.get("inputs") == "xor":
        x = torch.tensor([[0.0, 0], [0, 1], [1, 0], [1, 1]])
        y = torch.tensor([[0.0], [1], [1], [0]])
    else:
        x = uniform(batch * sizes[0], 1).view(batch, sizes[0])
        y = torch.arange(batch) * 7 % sizes[-1]
    model = perceptron(sizes, spec["activation"])
    criterion = {"crossEntropy": torch.nn.CrossEntropyLoss, "mse": torch.nn.MSELoss,
                 "bceWithLogits": torch.nn.BCEWithLogitsLoss}[spec["loss"]]()
    kind = {"adam": torch.optim.Adam, "sgd": torch.optim.SGD}[spec["optimizer"]]
    optimizer = kind(model.parameters(), lr=spec["lr"])
    result = [0.0]

    def step():
        loss = criterion(model(x), y)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        result[0] = loss.item()

    return step, lambda: result[0]


def keeping(compute):
    result = [None]

    def step():
        result[0] = compute()

    return step, lambda: result[0].reshape(-1)[0].item()


def matmul(spec):
    a = uniform(math.prod(spec["a"]), 1).view(spec["a"])
    b = uniform(math.prod(spec["b"]), 2).view(spec["b"])
    a = a.transpose(-1, -2) if spec["transposeA"] else a
    b = b.transpose(-1, -2) if spec["transposeB"] else b
    return keeping(lambda: torch.matmul(a, b))


def in_place(op, n):
    """The same tensor rewritten by every step."""
    x, y = uniform(n, 1), uniform(n, 2)
    step = {
        "add_": lambda: x.add_(y),
        "exp_": lambda: x.exp_(),
        "neg_ exp_": lambda: x.neg_().exp_(),
        "tanh_": lambda: x.tanh_(),
        "relu_": lambda: x.relu_(),
    }[op]
    return step, lambda: x[0].item()


def elementwise(spec):
    n = spec["n"]
    if spec["isInPlace"]:
        return in_place(spec["op"], n)
    shape = [n // 100, 100] if spec["op"] == "softmax" else [n]
    x, y = uniform(n, 1, 2.0).view(shape), uniform(n, 2, 2.0).view(shape)
    return keeping({
        "add": lambda: torch.add(x, y),
        "exp": lambda: torch.exp(x),
        "tanh": lambda: torch.tanh(x),
        "relu": lambda: torch.relu(x),
        "sum": lambda: torch.sum(x),
        "softmax": lambda: torch.softmax(x, 1),
    }[spec["op"]])


def accuracy(model, loader):
    correct = total = 0
    with torch.no_grad():
        for images, labels in loader:
            correct += (model(images.view(-1, 784)).argmax(1) == labels).sum().item()
            total += labels.size(0)
    return correct / total


def epoch(spec):
    import torchvision
    from torch.utils.data import DataLoader
    torch.manual_seed(0)
    start = time.perf_counter()
    to_tensor = torchvision.transforms.ToTensor()
    train_set = torchvision.datasets.MNIST(spec["root"], train=True, transform=to_tensor)
    test_set = torchvision.datasets.MNIST(spec["root"], train=False, transform=to_tensor)
    loaded = time.perf_counter()
    model = perceptron(spec["sizes"], "relu")
    criterion = torch.nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    train_loader = DataLoader(train_set, batch_size=256, shuffle=True)
    test_loader = DataLoader(test_set, batch_size=256, shuffle=True)
    for images, labels in train_loader:
        loss = criterion(model(images.view(-1, 784)), labels)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        loss.item()
    trained = time.perf_counter()
    accuracy(model, train_loader)
    check = accuracy(model, test_loader)
    end = time.perf_counter()
    return {"load": loaded - start, "train": trained - loaded, "evaluate": end - trained,
            "total": end - start, "check": check}
