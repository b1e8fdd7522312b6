"""PyTorch's process: answers the commands of worker.js, repeating and timing as it does."""
import json
import os
import sys
import time

begin = time.perf_counter()
settings = json.loads(sys.argv[1])
cases = None
now = time.perf_counter
state = {"case": None, "count": 1}


def load():
    """Imports PyTorch when a command first needs it: start() measures that."""
    global cases
    if cases is None:
        import pytorch_cases
        pytorch_cases.torch.set_num_threads(settings["threads"])
        cases = pytorch_cases


def build(spec):
    load()
    kinds = {"train": cases.train, "matmul": cases.matmul, "elementwise": cases.elementwise}
    return kinds[spec["kind"]](spec)


def run(step, steps):
    start = now()
    for _ in range(steps):
        step()
    return now() - start


def prepare(spec, warmSeconds, sampleSeconds, slowSeconds):
    step, value = state["case"] = build(spec)
    first, done = run(step, 1), 1
    if slowSeconds < first < 4 * slowSeconds:
        first, done = run(step, 1), 2
    if first > slowSeconds:
        return {"first": first, "check": None}
    run(step, 3 - done)
    check = value()
    spent, steps, per_step = 0.0, 1, first
    while spent < warmSeconds:
        seconds = run(step, steps)
        per_step = seconds / steps
        spent += seconds
        steps = max(1, min(2 * steps, round(warmSeconds / 4 / per_step)))
    state["count"] = max(1, round(sampleSeconds / per_step))
    return {"first": first, "check": check}


def sample():
    step, value = state["case"]
    seconds = run(step, state["count"]) / state["count"]
    value()
    return {"seconds": seconds}


def resident():
    with open("/proc/self/statm") as file:
        return {"rss": int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")}


def memory(spec, steps, seconds):
    step, _ = build(spec)
    run(step, 100)
    before = resident()
    deadline, done = now() + seconds, 0
    while done < steps and now() < deadline:
        run(step, 10)
        done += 10
    return {"before": before, "after": resident(), "steps": done}


def start(spec):
    load()
    loaded = now()
    step, value = build(spec)
    step()
    return {"import": loaded - begin, "value": value(), "first": now() - begin}


def epoch(spec):
    load()
    return cases.epoch(spec)


def versions():
    load()
    return {"versions": {"PyTorch": cases.torch.__version__, "Python": sys.version.split()[0]}}


def release():
    state["case"] = None
    return {}


commands = {f.__name__: f for f in (prepare, sample, memory, start, epoch, versions, release)}
with os.fdopen(3, "w") as answers:
    for line in sys.stdin:
        options = json.loads(line)
        try:
            answer = commands[options.pop("command")](**options)
        except Exception as error:
            answer = {"reason": f"{type(error).__name__}: {error}".split("\n")[0]}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
