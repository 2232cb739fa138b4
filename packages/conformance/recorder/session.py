"""Runs the inputs of a case through the real Keras, and gives the case with what came out."""

import contextlib
import warnings

import keras
import numpy as np
from keras.src.backend.common import dtypes

np.seterr(all="ignore")  # infinities and NaN are among what is recorded
SLOTS = {
    "momentums": "momentums",
    "accumulators": "_accumulated_gradients",
    "averages": "_model_variables_moving_average",
}
# What only running Keras can say; the rest of a case is its inputs.
RECORDED = ("serialized", "optimizerVariables", "expect", "final", "bits")


def from_json(x):
    """The strings for NaN and the infinities as numbers."""
    if isinstance(x, dict):
        return {key: from_json(value) for key, value in x.items()}
    if isinstance(x, list):
        return [from_json(value) for value in x]
    return float(x) if x in ("NaN", "Infinity", "-Infinity") else x


def to_json(x):
    """Numbers as the files write them: float32 with the fewest digits that identify it, others exactly."""
    if isinstance(x, dict):
        return {key: to_json(value) for key, value in x.items()}
    if isinstance(x, (list, tuple)):
        return [to_json(value) for value in x]
    if isinstance(x, np.ndarray):
        return to_json(list(x.ravel()))
    if isinstance(x, np.integer):
        return int(x)
    if isinstance(x, (float, np.floating)):
        x = float(str(x)) if isinstance(x, np.float32) else float(x)
        return x if np.isfinite(x) else {"inf": "Infinity", "-inf": "-Infinity"}.get(str(x), "NaN")
    return x


def make(described):
    config = from_json(described["config"])
    if described["class_name"] == "LossScaleOptimizer":
        inner = make(config.pop("inner_optimizer"))
        return keras.optimizers.LossScaleOptimizer(inner, **config)
    if isinstance(config.get("learning_rate"), dict):
        config["learning_rate"] = keras.optimizers.schedules.deserialize(config["learning_rate"])
    return keras.optimizers.SGD(**config)


def make_variable(described, dtype):
    *scopes, name = described["path"].split("/")
    values = np.array(from_json(described["values"]), dtype).reshape(described["shape"])
    constraint = keras.constraints.NonNeg() if described.get("constraint") == "nonneg" else None
    with contextlib.ExitStack() as stack:
        for scope in scopes:
            stack.enter_context(keras.name_scope(scope, deduplicate=False))
        variable = keras.Variable(values, dtype=dtype, name=name)
    variable.constraint = constraint
    if described.get("overwriteWithGradient"):
        variable.overwrite_with_gradient = True
    return variable


def error_of(call):
    try:
        call()
    except Exception as error:
        return type(error).__name__
    return None


def apply(optimizer, step, variables, dtype):
    """Applies a step; the paths that Keras warned of, or None, and the error."""
    given = [variables[i] for i in step.get("vars", range(len(variables)))]
    gradients = []
    for j, values in enumerate(step["grads"]):
        array = None if values is None else np.array(from_json(values), dtype)
        if array is not None and j < len(given) and array.size == np.prod(given[j].shape):
            array = array.reshape(given[j].shape)
        gradients.append(array)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        error = error_of(lambda: optimizer.apply(gradients, given))
    warned = any("Gradients do not exist" in str(warning.message) for warning in caught)
    # Keras 3.16 names paths here, earlier ones names, in reverse: recorded are the paths in the order of the call.
    return [v.path for v, g in zip(given, gradients) if g is None] if warned else None, error


def state(optimizer, inner, variables, index, used, warned):
    arrays = lambda list_: [None if v is None else np.array(v.value) for v in list_] or None
    seen = {
        "step": index,
        "learningRateUsed": used,
        "learningRate": np.float32(float(inner.learning_rate)),
        "iterations": int(inner.iterations),
        "rawIterations": int(inner._iterations),
        "variables": arrays(variables),
        **{name: arrays(getattr(inner, attribute, None) or []) for name, attribute in SLOTS.items()},
    }
    if warned:
        seen["warnedMissing"] = warned
    if inner is not optimizer:
        seen["dynamicScale"] = np.float32(float(optimizer.dynamic_scale))
        seen["stepCounter"] = int(optimizer.step_counter)
    return seen


def run(case):
    """`case` holds inputs (what is recorded in it is not looked at, but for which steps); gives all of it anew."""
    keras.backend.clear_session()
    dtype = case["dtype"]
    # As on TensorFlow: Keras's other backends compute float64 in float32.
    dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64" if dtype == "float64" else "float32"
    optimizer = make(case["optimizer"])
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    serialized = keras.optimizers.serialize(optimizer)
    variables = [make_variable(described, dtype) for described in case["variables"]]
    excluded = case.get("excludeFromWeightDecay")
    if excluded:
        chosen = [variables[i] for i in excluded.get("varList", [])]
        inner.exclude_from_weight_decay(var_list=chosen, var_names=excluded.get("varNames"))
    optimizer.build(variables)
    recorded = {e["step"] for e in case["expect"]} if "expect" in case else range(len(case["steps"]))
    steps, expect = [], []
    for index, step in enumerate(case["steps"]):
        step = {key: value for key, value in step.items() if key not in ("setError", "expectError")}
        if step.get("finalize"):
            optimizer.finalize_variable_values(variables)
        if "setLearningRate" in step:
            rate = from_json(step["setLearningRate"])
            rate = keras.optimizers.schedules.deserialize(rate) if isinstance(rate, dict) else rate
            if error := error_of(lambda: setattr(optimizer, "learning_rate", rate)):
                step["setError"] = error
        used, warned = np.float32(float(inner.learning_rate)), None
        if "grads" in step:
            warned, error = apply(optimizer, step, variables, dtype)
            if error:
                step["expectError"] = error
        steps.append(step)
        if index in recorded:
            expect.append(state(optimizer, inner, variables, index, used, warned))
    described = lambda v: {"path": v.path, "shape": list(v.shape), "dtype": str(v.dtype)}
    own = [described(v) for v in optimizer.variables]
    optimizer.finalize_variable_values(variables)
    final = {"variables": [np.array(v.value) for v in variables]}
    inputs = {key: value for key, value in case.items() if key not in RECORDED}
    found = to_json({"serialized": serialized, "optimizerVariables": own, "expect": expect, "final": final})
    whole = {**inputs, **found, "steps": steps}
    return {**whole, "bits": bits(whole)}


def run_schedule(case):
    """The values of a schedule at the steps of the case, whole ones as int32, like the counter of an optimizer."""
    schedule = keras.optimizers.schedules.deserialize(from_json(case["schedule"]))
    at = lambda steps, dtype: [to_json(np.float32(schedule(dtype(step)))) for step in steps]
    found = {"schedule": to_json(keras.optimizers.schedules.serialize(schedule)), "values": at(case["steps"], np.int32)}
    for steps, values, dtype in (("farSteps", "farValues", np.int32), ("fractionalSteps", "fractionalValues", float)):
        if steps in case:
            found[values] = at(case[steps], dtype)
    return {**case, **found}


def bits(case):
    """FNV-1a over all floats of a case: initial values, then what each step took and left, then the final ones."""
    dtype = np.dtype(case["dtype"])
    arrays = [variable["values"] for variable in case["variables"]]
    seen = {e["step"]: e for e in case["expect"]}
    for index, step in enumerate(case["steps"]):
        arrays += step.get("grads", [])
        for field in ("variables", *SLOTS) if index in seen else ():
            arrays += seen[index][field] or []
    arrays += case["final"]["variables"]
    hashed = 0x811C9DC5
    for values in arrays:
        floats = np.array(from_json(values or []), dtype)
        floats[np.isnan(floats)] = np.nan
        for byte in floats.astype(dtype.newbyteorder("<")).tobytes():
            hashed = (hashed ^ byte) * 0x01000193 & 0xFFFFFFFF
    return f"{hashed:08x}"
