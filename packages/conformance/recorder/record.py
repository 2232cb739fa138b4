"""The recordings of Keras that the conformance suite replays: compared with the Keras at hand, and more of them."""

import argparse
import hashlib
import json
import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
GOLDENS = HERE.parent / "goldens"
KERNELS = "NPY_DISABLE_CPU_FEATURES"


def start_over_without_vector_kernels():
    """numpy's vector kernels have pow and cos of their own: recorded are the C library's."""
    from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__

    os.environ[KERNELS] = " ".join(name for name in __cpu_dispatch__ if __cpu_features__[name])
    os.execv(sys.executable, [sys.executable, *sys.argv])


def differences(want, got, path=""):
    """Where two JSON values differ: (path, expected, found). The order of keys counts in what Keras serializes."""
    if isinstance(want, dict) and isinstance(got, dict):
        keys = list if path.startswith((".serialized", ".schedule")) else sorted
        if keys(want) != keys(got):
            yield path, keys(want), keys(got)
        for key in (key for key in want if key in got):
            yield from differences(want[key], got[key], f"{path}.{key}")
    elif isinstance(want, list) and isinstance(got, list) and len(want) == len(got):
        for index, pair in enumerate(zip(want, got)):
            yield from differences(*pair, f"{path}.{index}")
    elif want != got or isinstance(want, bool) != isinstance(got, bool):
        yield path, want, got


def ulps(a, b, dtype):
    import numpy as np

    integer = {"float16": np.int16, "float32": np.int32, "float64": np.int64}[dtype]
    try:
        ordered = [int(np.array(float(x), dtype).view(integer)) for x in (a, b)]
    except (TypeError, ValueError):
        return None
    low = int(np.iinfo(integer).min)
    first, second = (x if x >= 0 else low - x for x in ordered)
    return abs(first - second)


def why(case, found):
    """What the numbers of a case that differ hang on."""
    import numpy as np
    import keras

    numeric = all(isinstance(x, (int, float)) for _, *pair in found for x in pair)
    if not numeric:
        return f"not a matter of rounding: Keras {keras.__version__} does something else, or the case was altered"
    if case["exactness"] == "transcendental":
        return "the rate takes pow, cos or log, which differ by kernels of numpy and C library"
    if case["exactness"] == "reduction":
        return f"a sum of squares, whose order is that of numpy {np.__version__}"
    return f"only + - * / and sqrt: Keras {keras.__version__} computes something else, or the case was altered"


def verify(args):
    import session

    counts, worst = {}, 0
    for name in json.loads((args.goldens / "manifest.json").read_text())["files"]:
        file = json.loads((args.goldens / name).read_text())
        run = {"trajectories": session.run, "schedules": session.run_schedule}.get(file["kind"])
        if run is None:
            continue
        same = 0
        for case in file["cases"]:
            found = [d for d in differences(case, run(case)) if d[0] != ".bits"]
            whole = "bits" not in case or session.bits(case) == case["bits"]
            same += whole and not found
            if not whole:
                print(f"{case['id']}: its floats do not give its own bits, {case['bits']}: altered since it was recorded")
            if found:
                path, want, got = min(found, key=lambda d: order(d[0]))
                largest = max((ulps(w, g, case.get("dtype", "float32")) or 0 for _, w, g in found), default=0)
                worst = max(worst, largest)
                print(f"{case['id']}: {len(found)} differ, at most {largest} ulp; first {path[1:]}: {want} recorded, {got} now")
                print(f"  {why(case, found)}")
        counts[name] = (same, len(file["cases"]))
        print(f"{name}: {same} of {len(file['cases'])} the same, bit for bit", flush=True)
    same, total = (sum(column) for column in zip(*counts.values()))
    print(f"{same} of {total} cases the same with {versions()}" + (f"; at most {worst} ulp" if worst else ""))
    return 0 if same == total else 1


def order(path):
    """Expectations by step, and in a step the rate first: what the others hang on."""
    parts = path.split(".")
    return [p.zfill(6) if p.isdigit() else ("0" if p.startswith("learningRate") else p) for p in parts]


def versions():
    import keras
    import numpy as np

    return f"Keras {keras.__version__}, numpy {np.__version__}, vector kernels {'off' if KERNELS in os.environ else 'on'}"


def random(args):
    import keras
    import numpy as np

    import inputs
    import session

    cases = [session.run(case) for case in inputs.trajectories(args.cases, args.seed)]
    schedules = [session.run_schedule(case) for case in inputs.schedules(max(1, args.cases // 10), args.seed)]
    args.out.mkdir(parents=True, exist_ok=True)
    files = {}
    for name, kind, list_ in (
        ("trajectories-random.json", "trajectories", cases),
        ("schedules.json", "schedules", schedules),
    ):
        head = {"schemaVersion": 1, "set": f"random-{args.seed}", "kind": kind}
        dump = lambda x: json.dumps(x, separators=(",", ":"), allow_nan=False)
        text = dump(head)[:-1] + ',"cases":[\n' + ",\n".join(map(dump, list_)) + "\n]}\n"
        (args.out / name).write_text(text, newline="\n")
        data = text.encode()
        files[name] = {"cases": len(list_), "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    source = {"library": "keras", "version": keras.__version__, "backend": "numpy", "numpy": np.__version__}
    manifest = {"schemaVersion": 1, "set": f"random-{args.seed}", "kind": "manifest"}
    manifest |= {"trajectoryCases": len(cases), "scheduleCases": len(schedules), "source": source, "files": files}
    (args.out / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
    print(f"{len(cases)} trajectories and {len(schedules)} schedules in {args.out}, recorded with {versions()}")
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vector-kernels", action="store_true", help="leave numpy's vector kernels on, to see what they change")
    commands = parser.add_subparsers(required=True, metavar="command")
    one = commands.add_parser("verify", help="run every recorded case again, and say which differ and why; exit status 1 if any")
    one.add_argument("--goldens", type=Path, default=GOLDENS, metavar="DIR", help="default: the goldens of this package")
    one.set_defaults(run=verify)
    two = commands.add_parser("random", help="record random cases in the goldens' format")
    two.add_argument("--cases", type=int, default=300)
    two.add_argument("--seed", type=int, default=1)
    two.add_argument("--out", type=Path, required=True, metavar="DIR")
    two.set_defaults(run=random)
    args = parser.parse_args()
    os.environ["KERAS_BACKEND"] = "numpy"
    if not args.vector_kernels and KERNELS not in os.environ:
        start_over_without_vector_kernels()
    return args.run(args)


if __name__ == "__main__":
    sys.exit(main())
