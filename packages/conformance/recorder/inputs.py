"""Random inputs for cases: what one configures, and what comes in at each step. The same seed gives the same cases."""

import random

SHAPES = ([], [1], [3], [7], [8], [2, 2], [3, 5], [4, 4], [37], [130], [2, 3, 4], [0], [301])


def rounded(x, digits=3):
    return float(f"{x:.{digits}g}")


def schedule(r):
    """A serialised schedule, and how exact its arithmetic is."""
    n, rate, end = r.randint(1, 20), rounded(r.uniform(0.01, 0.5)), rounded(r.uniform(0, 0.01))
    maybe = lambda: r.random() < 0.5
    kind = r.choice(["ExponentialDecay", "InverseTimeDecay", "PiecewiseConstantDecay", "PolynomialDecay", "CosineDecay", "CosineDecayRestarts"])
    exactness = "transcendental"
    config = {"initial_learning_rate": rate, "decay_steps": n}
    if kind == "ExponentialDecay":
        config |= {"decay_rate": rounded(r.uniform(0.5, 1.1)), "staircase": maybe()}
    elif kind == "InverseTimeDecay":
        config |= {"decay_rate": rounded(r.uniform(0, 2)), "staircase": maybe()}
        exactness = "exact"
    elif kind == "PiecewiseConstantDecay":
        boundaries = sorted(r.sample(range(0, 30), r.randint(1, 4)))
        config = {"boundaries": boundaries, "values": [rounded(r.uniform(0, 0.5)) for _ in range(len(boundaries) + 1)]}
        exactness = "exact"
    elif kind == "PolynomialDecay":
        power = r.choice([1.0, 1.0, 0.5, 2.0, rounded(r.uniform(0.3, 3))])
        config |= {"end_learning_rate": end, "power": power, "cycle": maybe()}
        exactness = "exact" if power == 1 else exactness
    elif kind == "CosineDecay":
        config |= {"alpha": r.choice([0.0, rounded(r.uniform(0, 0.5))])}
        if maybe():
            config |= {"warmup_target": rounded(r.uniform(0.1, 1)), "warmup_steps": r.randint(0, 9)}
    else:
        # Powers that float32 holds exactly: a restart is a difference of powers, which makes several ulp of one in pow.
        config = {"initial_learning_rate": rate, "first_decay_steps": n, "t_mul": r.choice([1.0, 1.5, 2.0, 3.0])}
        config |= {"m_mul": r.choice([1.0, rounded(r.uniform(0.5, 1.2))]), "alpha": r.choice([0.0, rounded(r.uniform(0, 0.3))])}
    return {"module": "keras.optimizers.schedules", "class_name": kind, "config": config, "registered_name": None}, exactness


def sgd(r):
    """Arguments for SGD, each knob on in a part of the cases, and how exact the arithmetic is."""
    on = lambda probability: r.random() < probability
    exactness, rate = "exact", rounded(r.uniform(0.01, 0.3))
    if on(0.3):
        rate, exactness = schedule(r)
    config = {"name": "sgd", "learning_rate": rate}
    if on(0.6):
        config |= {"momentum": r.choice([0.9, 0.5, 1.0, rounded(r.random())]), "nesterov": on(0.5)}
    if on(0.4):
        config["weight_decay"] = rounded(r.uniform(0, 0.3))
    if on(0.5):
        clip = r.choice(["clipnorm", "global_clipnorm", "clipvalue"])
        config[clip] = rounded(r.uniform(0.2, 4))
        exactness = "reduction" if clip != "clipvalue" and exactness == "exact" else exactness
    if on(0.35):
        config |= {"use_ema": True, "ema_momentum": rounded(r.uniform(0.5, 1)), "ema_overwrite_frequency": r.choice([None, 2, 3])}
    if on(0.2):
        config["loss_scale_factor"] = r.choice([2.0, 10.0, 128.0])
    if on(0.35):
        config["gradient_accumulation_steps"] = r.randint(2, 4)
    return {"class_name": "SGD", "config": config}, exactness


def floats(r, shape, scale=1.0):
    count = 1
    for dimension in shape:
        count *= dimension
    return [rounded(r.gauss(0, scale), 4) for _ in range(count)]


def trajectory(r, index, seed):
    optimizer, exactness = sgd(r)
    scheduled = isinstance(optimizer["config"]["learning_rate"], dict)
    scaled = r.random() < 0.2
    if scaled:
        arguments = {"name": "loss_scale", "initial_scale": r.choice([8.0, 10.0, 1024.0]), "dynamic_growth_steps": r.randint(1, 4)}
        optimizer = {"class_name": "LossScaleOptimizer", "config": {"inner_optimizer": optimizer, **arguments}}
    variables = []
    for i in range(r.randint(1, 5)):
        name, shape = r.choice(["kernel", "bias", "gamma"]), r.choice(SHAPES)
        variable = {"name": name, "path": f"layer{i}/{name}", "shape": shape, "values": floats(r, shape)}
        if r.random() < 0.1:
            variable["constraint"] = "nonneg"
        elif r.random() < 0.05:
            variable["overwriteWithGradient"] = True
        variables.append(variable)
    steps = []
    for t in range(r.randint(3, 12)):
        step = {"finalize": True} if t > 0 and r.random() < 0.03 else {}
        if not scheduled and r.random() < 0.08:
            step["setLearningRate"] = rounded(r.uniform(0, 0.3))
        given = range(len(variables))
        if r.random() < 0.15:
            step["vars"] = given = r.sample(given, r.randint(1, len(variables)))
        grads = [None if r.random() < 0.08 else floats(r, variables[i]["shape"], 20 if scaled else 1) for i in given]
        if scaled and r.random() < 0.15 and grads[0]:
            grads[0][r.randrange(len(grads[0]))] = r.choice(["NaN", "Infinity", "-Infinity"])
        steps.append({"grads": grads, **step})
    case = {"id": f"random-{index:03d}", "tags": ["random"], "exactness": exactness, "seed": seed, "dtype": "float64" if r.random() < 0.1 else "float32", "optimizer": optimizer}
    if r.random() < 0.2:
        case["excludeFromWeightDecay"] = {"varNames": [r.choice(["bias", "gam", "^k"])], "varList": [0]}
    return {**case, "variables": variables, "steps": steps}


def trajectories(count, seed):
    r = random.Random(seed)
    return [trajectory(r, index, seed) for index in range(count)]


def schedules(count, seed):
    r = random.Random(f"schedules {seed}")
    for index in range(count):
        serialised, exactness = schedule(r)
        yield {
            "id": f"schedule-{index:03d}-{serialised['class_name']}",
            "exactness": exactness,
            "schedule": serialised,
            "steps": list(range(51)),
            "farSteps": [75, 100, 500, 1000, 12345],
            "fractionalSteps": [0.5, 1.25, 2.5, 7.75, 10.5, 33.25],
        }
