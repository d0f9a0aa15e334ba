"""The speed table: the book's functions against PyTorch, optax and the limits of the machine, on one thread.

``make bench`` runs this file and writes ``book/code/speed-cpu.json``, which the page *How fast it is* shows.
``make bench ROWS='relu conv'`` prints the rows whose key holds one of these words, and writes nothing. On an
accelerator (``JAX_PLATFORMS=cuda``, with a JAX made for it) the file is ``speed-gpu.json``. It holds only
the rows with JAX on both sides, because NumPy and the PyTorch of the lock stay on the CPU.

A new row is one ``Row`` in ``ROWS`` with a function that makes the two calls to be timed. Before anything is
timed, both calls must give the same numbers three times in a row. A missed bar is a finding, not a failure:
only calls that disagree make the exit status 1.
"""

import gc
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from functools import cache, partial
from importlib import import_module
from importlib.metadata import version
from itertools import pairwise
from math import ceil
from pathlib import Path
from statistics import median
from typing import NamedTuple

# NumPy, JAX and PyTorch are imported inside of functions, after the number of threads has been set.

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "book/code"
NUMPY_HALF = ROOT / "textbook_code/with_numpy"
ROUNDS = 21
BLOCK_S = 0.02  # a block repeats a short call until it takes about this long
PAUSE_S = 0.005  # between blocks: the threads of the one library go to sleep before the other one starts
GAP = 1e-4  # what the two sides may differ by, relative to the largest entry
SETTINGS = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "OPENBLAS_THREAD_TIMEOUT": "18",  # idle threads of OpenBLAS spin for 2^18 cycles, not for 2^26
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
}


class Kind(NamedTuple):
    """What a row says, from the milliseconds of both sides."""

    value: Callable[[float, float], float]
    digits: int
    sign: str
    text: str

    def shown(self, value: float) -> str:
        return self.text.format(value)


RATIO = Kind(lambda ours, peer: ours / peer, 2, "≤", "{:.2f}")
SHARE = Kind(lambda ours, peer: 100 * peer / ours, 0, "≥", "{:.0f} %")
EXTRA = Kind(lambda ours, peer: ours - peer, 0, "≤", "{:.0f} ms")


class Row(NamedTuple):
    """One line of the table: names, the bar, and what makes the two callables that are timed."""

    key: str
    function: str
    arguments: str
    ours: str
    peer: str
    bar: float
    make: Callable[[], tuple[Callable, Callable]]
    kind: Kind = RATIO


# ---------------------------------------------------------------- helpers of the rows


def of(half: str, module: str):
    return import_module(f"textbook_code.with_{half.lower()}.{module}")


@cache
def normal(*shape: int):
    """Normal float32 numbers, the same for the same shape; read only, because the rows share them."""
    import numpy as np

    x = np.random.default_rng(0).standard_normal(shape, dtype=np.float32)
    x.flags.writeable = False
    return x


def tensor(array):
    import torch

    return torch.from_numpy(array.copy())


def placed(half: str, array):
    """The array where the half computes: NumPy's own memory, or JAX's device."""
    return array if half == "NumPy" else import_module("jax.numpy").asarray(array)


def stepping(step: Callable, *carry) -> Callable:
    """A call without arguments: it hands params and state on to the next call and returns what is left."""

    def run():
        nonlocal carry
        *carry, result = step(*carry)
        return result

    return run


# ---------------------------------------------------------------- convolution


def conv(x_shape, m, gradients=False):
    ours = conv_numpy(x_shape, m, gradients)
    return ours, conv_torch(x_shape, m, gradients)


def conv_numpy(x_shape, m, gradients):
    half = of("NumPy", "conv")
    x, w, dy = normal(*x_shape), normal(3, 3, x_shape[-1], m), normal(*x_shape[:-1], m)
    if not gradients:
        return lambda: half.conv2d(x, w, pad="same")
    return lambda: (half.conv2d(x, w, pad="same"), half.conv2d_vjp(dy, x, w, pad="same"))


def conv_torch(x_shape, m, gradients):
    import torch

    x, dy = (tensor(normal(*x_shape[:-1], c).transpose(0, 3, 1, 2)).contiguous() for c in (x_shape[-1], m))
    w = tensor(normal(3, 3, x_shape[-1], m).transpose(3, 2, 0, 1)).contiguous()
    convolve = partial(torch.nn.functional.conv2d, x, w, padding=1)
    if not gradients:
        return lambda: convolve().permute(0, 2, 3, 1)

    def both():
        y = convolve()
        dx, dw = torch.autograd.grad(y, (x, w), dy)
        return y.detach().permute(0, 2, 3, 1), (dx.permute(0, 2, 3, 1), dw.permute(2, 3, 1, 0))

    x.requires_grad_(), w.requires_grad_()
    return both


def conv_of_gemm_rate(gradients=False):
    """The large convolution, and one matrix product of as many multiplications: thrice with gradients."""
    import numpy as np

    n = 1024
    k = 64 * 32 * 32 * 9 * 64 * 64 * (3 if gradients else 1) // n**2
    a, b, c = normal(n, k), normal(k, n), np.empty((n, n), np.float32)

    def product():  # returns nothing: there is no number to compare
        np.matmul(a, b, out=c)

    return conv_numpy((64, 32, 32, 64), 64, gradients), product


def conv_jax():
    import jax

    x, w = placed("JAX", normal(64, 32, 32, 64)), placed("JAX", normal(3, 3, 64, 64))
    ours = jax.jit(partial(of("JAX", "conv").conv2d, pad="same"))
    layout = ("NHWC", "HWIO", "NHWC")
    lax = partial(jax.lax.conv_general_dilated, window_strides=(1, 1), padding="SAME")
    bare = jax.jit(partial(lax, dimension_numbers=layout))
    return partial(ours, x, w), partial(bare, x, w)


# ---------------------------------------------------------------- training steps

SIZES = (784, 256, 128, 10)
BATCH = 128
STEPS = 32  # of one call of train_epoch
RATE = 1e-2  # large enough that a wrong step shows in the third loss


def layers(half: str):
    import numpy as np

    return of(half, "mlp").mlp_init(np.random.default_rng(0), SIZES, dtype=np.float32)


def batches(steps: int):
    import numpy as np

    return normal(steps, BATCH, SIZES[0]), np.random.default_rng(1).integers(SIZES[-1], size=(steps, BATCH))


def mlp(half, optimizer, peer):
    return mlp_ours(half, optimizer), peer(optimizer)


def mlp_ours(half, optimizer):
    train, optim, loss = of(half, "train"), of(half, "optim"), of(half, "mlp").mlp_loss_and_grads
    init, update = getattr(optim, f"{optimizer}_init"), getattr(optim, f"{optimizer}_update")
    [x], [labels] = (placed(half, array) for array in batches(1))
    params = layers(half)
    return stepping(lambda p, s: train.train_step(p, s, x, labels, loss, update, RATE), params, init(params))


def mlp_torch(optimizer, steps=1):
    import torch

    x, labels = map(tensor, batches(steps))
    linear = [torch.nn.Linear(d, m) for d, m in pairwise(SIZES)]
    relu = torch.nn.ReLU()
    model = torch.nn.Sequential(linear[0], relu, linear[1], relu, linear[2])
    for layer, (w, b) in zip(linear, layers("NumPy"), strict=True):
        layer.weight.data, layer.bias.data = tensor(w.T).contiguous(), tensor(b)
    rule = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}[optimizer]
    rule = rule(model.parameters(), lr=RATE, fused=True)

    def step(x, labels):
        rule.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(x), labels)
        loss.backward()
        rule.step()
        return loss.detach()

    if steps == 1:
        return partial(step, x[0], labels[0])
    return lambda: torch.stack([step(*batch) for batch in zip(x, labels, strict=True)])


def mlp_optax(optimizer):
    import jax
    import optax

    [x], [labels] = (placed("JAX", array) for array in batches(1))
    rule = getattr(optax, optimizer)(RATE)

    def loss(params, x, labels):
        for w, b in params[:-1]:
            x = jax.nn.relu(x @ w + b)
        logits = x @ params[-1].w + params[-1].b
        return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()

    @partial(jax.jit, donate_argnums=(0, 1))
    def step(params, state, x, labels):
        value, grads = jax.value_and_grad(loss)(params, x, labels)
        updates, state = rule.update(grads, state, params)
        return optax.apply_updates(params, updates), state, value

    params = layers("JAX")
    return stepping(lambda p, s: step(p, s, x, labels), params, rule.init(params))


def mlp_scan():
    import numpy as np

    train, optim, loss = of("JAX", "train"), of("JAX", "optim"), of("JAX", "mlp").mlp_loss_and_grads
    xs, labels, rates = (placed("JAX", a) for a in (*batches(STEPS), np.full(STEPS, RATE, np.float32)))
    params, update = layers("JAX"), optim.sgd_update
    epoch = stepping(
        lambda p, s: train.train_epoch(p, s, xs, labels, loss, update, rates), params, optim.sgd_init(params)
    )
    return epoch, mlp_torch("sgd", STEPS)


# ---------------------------------------------------------------- optimizers

MILLION = 1_000_000


def adam():
    import torch

    optim, grads, params = of("NumPy", "optim"), (normal(MILLION),), (normal(2, MILLION)[1].copy(),)
    peer = torch.nn.Parameter(tensor(params[0]))
    peer.grad = tensor(grads[0])
    rule = torch.optim.Adam([peer], lr=RATE, fused=True)

    def step(params, state):
        params, state = optim.adam_update(grads, state, params, RATE)
        return params, state, params[0]

    def torch_step():
        rule.step()
        return peer.detach()

    return stepping(step, params, optim.adam_init(params)), torch_step


def adam_jax():
    import jax
    import jax.numpy as jnp
    import optax

    optim, rule, grads = of("JAX", "optim"), optax.adam(RATE), (placed("JAX", normal(MILLION)),)

    def apply(grads, state, params, rate):
        updates, state = rule.update(grads, state, params)
        return optax.apply_updates(params, updates), state

    def side(init, update):
        update, params = jax.jit(update, donate_argnums=(1, 2)), (jnp.array(normal(2, MILLION)[1]),)

        def step(params, state):
            params, state = update(grads, state, params, RATE)
            return params, state, params[0]

        return stepping(step, params, init(params))

    return side(optim.adam_init, optim.adam_update), side(rule.init, apply)


# ---------------------------------------------------------------- activations and the import


def relu_of_copy():
    import numpy as np

    x = np.abs(normal(10 * MILLION))  # relu leaves it as it is: both sides give the same numbers
    y, copy, relu = np.empty_like(x), np.empty_like(x), of("NumPy", "activations").relu

    def copying():
        np.copyto(copy, x)
        return copy

    return partial(relu, x, out=y), copying


def activation(name, torch_name, *torch_arguments, shape=(10 * MILLION,), **torch_options):
    import torch

    peer = getattr(torch.nn.functional, torch_name)
    x = normal(*shape)
    ours = partial(getattr(of("NumPy", "activations"), name), x)
    return ours, partial(peer, tensor(x), *torch_arguments, **torch_options)


def import_of_half():
    names = [f"textbook_code.with_numpy.{path.stem}" for path in sorted(NUMPY_HALF.glob("[!_]*.py"))]
    heavy = f"import sys, {', '.join(names)}; sys.exit(len({{'jax', 'scipy'}} & sys.modules.keys()))"
    return partial(fresh_python, heavy), partial(fresh_python, "pass")


def fresh_python(code: str) -> int:
    """The exit status of a new interpreter. Neither jax nor scipy may have been imported: then it is 0."""
    plain = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=plain).returncode


# ---------------------------------------------------------------- the table

LARGE, LARGE_TEXT = (64, 32, 32, 64), "(64, 32, 32, 64) → 64, 3×3"
MIDDLE, MIDDLE_TEXT = (32, 14, 14, 16), "(32, 14, 14, 16) → 32, 3×3"
GREY, GREY_TEXT = (32, 28, 28, 1), "(32, 28, 28, 1) → 16, 3×3"
BOTH, NET, TENS = "conv2d, conv2d_vjp", "784-256-128-10, (128, 784)", "(10000000,)"
conv_both_of_gemm_rate = partial(conv_of_gemm_rate, gradients=True)
gelu_tanh = partial(activation, "gelu_tanh", "gelu", approximate="tanh")
softmax_rows = partial(activation, "softmax", "softmax", shape=(10_000, 1000), dim=-1)

ROWS = (
    Row("conv-64", "conv2d", LARGE_TEXT, "NumPy", "PyTorch", 1.4, lambda: conv(LARGE, 64)),
    Row("conv-64-gemm", "conv2d", LARGE_TEXT, "NumPy", "np.matmul", 55, conv_of_gemm_rate, SHARE),
    Row("conv-64-both", BOTH, LARGE_TEXT, "NumPy", "PyTorch", 1.15, lambda: conv(LARGE, 64, True)),
    Row("conv-64-both-gemm", BOTH, LARGE_TEXT, "NumPy", "np.matmul", 65, conv_both_of_gemm_rate, SHARE),
    Row("conv-16", "conv2d", MIDDLE_TEXT, "NumPy", "PyTorch", 1.6, lambda: conv(MIDDLE, 32)),
    Row("conv-16-both", BOTH, MIDDLE_TEXT, "NumPy", "PyTorch", 1.5, lambda: conv(MIDDLE, 32, True)),
    Row("conv-1", "conv2d", GREY_TEXT, "NumPy", "PyTorch", 2.8, lambda: conv(GREY, 16)),
    Row("conv-64-jax", "conv2d", LARGE_TEXT, "JAX", "jax.lax", 1.05, conv_jax),
    Row("sgd", "train_step, sgd", NET, "NumPy", "PyTorch", 1.0, lambda: mlp("NumPy", "sgd", mlp_torch)),
    Row("sgd-jax", "train_step, sgd", NET, "JAX", "PyTorch", 0.85, lambda: mlp("JAX", "sgd", mlp_torch)),
    Row("sgd-scan-jax", "train_epoch, sgd", f"{NET} × {STEPS}", "JAX", "PyTorch", 0.75, mlp_scan),
    Row("adam", "train_step, adam", NET, "NumPy", "PyTorch", 1.1, lambda: mlp("NumPy", "adam", mlp_torch)),
    Row("adam-jax", "train_step, adam", NET, "JAX", "optax", 1.0, lambda: mlp("JAX", "adam", mlp_optax)),
    Row("adam-million", "adam_update", "(1000000,)", "NumPy", "PyTorch", 3.5, adam),
    Row("adam-million-jax", "adam_update", "(1000000,)", "JAX", "optax", 1.0, adam_jax),
    Row("relu", "relu(x, out=y)", TENS, "NumPy", "np.copyto", 90, relu_of_copy, SHARE),
    Row("sigmoid", "sigmoid", TENS, "NumPy", "PyTorch", 1.1, lambda: activation("sigmoid", "sigmoid")),
    Row("gelu", "gelu", TENS, "NumPy", "PyTorch", 1.1, lambda: activation("gelu", "gelu")),
    Row("gelu-tanh", "gelu_tanh", TENS, "NumPy", "PyTorch", 1.1, gelu_tanh),
    Row("softmax", "softmax", "(10000, 1000)", "NumPy", "PyTorch", 1.1, softmax_rows),
    Row("import", "import with_numpy.*", "python -c", "NumPy", "pass", 160, import_of_half, EXTRA),
)


def chosen(words: list[str], backend: str) -> list[Row]:
    """The rows whose key holds one of the words; on an accelerator those with JAX on both sides."""
    rows = [row for row in ROWS if not words or any(word in row.key for word in words)]
    return rows if backend == "cpu" else [row for row in rows if row.peer in ("jax.lax", "optax")]


# ---------------------------------------------------------------- measuring


def use_one_thread() -> None:
    os.environ.update(SETTINGS)
    if hasattr(os, "sched_setaffinity"):  # Linux only
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    import torch

    torch.set_num_threads(1)


def gap(ours, peer) -> float:
    """The largest difference of two results, relative to the largest entry; 0 if a side returns nothing."""
    import numpy as np

    from textbook_code._tree import leaves

    if peer is None:
        return 0.0
    pairs = [[np.asarray(leaf) for leaf in pair] for pair in zip(leaves(ours), leaves(peer), strict=True)]
    if any(a.shape != b.shape for a, b in pairs):
        return float("inf")
    return max(float(np.abs(a - b).max() / (np.abs(b).max() or 1)) for a, b in pairs)


def compare(row: Row, ours: Callable, peer: Callable) -> None:
    for _ in range(3):  # the third loss shows whether the first two steps were the same
        apart = gap(ours(), peer())
        if not apart <= GAP:
            sys.exit(f"bench: {row.key}: {row.ours} and {row.peer} differ by {apart:.0e}, allowed {GAP:.0e}")


def timed(run: Callable, number: int) -> float:
    """Milliseconds of one call, in a block of ``number`` calls."""
    import jax

    start = time.perf_counter()
    for _ in range(number):
        result = run()
    jax.block_until_ready(result)  # JAX's calls return before their work is done
    return (time.perf_counter() - start) / number * 1000


def measure(rows: list[Row]) -> dict[str, tuple[float, float]]:
    """Medians over rounds, in ms. In each round the two sides of a row meet; they take turns to begin."""
    from tqdm import tqdm

    sides, numbers = {row.key: row.make() for row in rows}, {}
    for row in rows:
        compare(row, *sides[row.key])
        numbers[row.key] = [ceil(BLOCK_S * 1000 / timed(run, 1)) for run in sides[row.key]]
    times = {row.key: ([], []) for row in rows}
    gc.collect()
    gc.disable()
    for turn in tqdm(range(ROUNDS), "rounds", leave=False, disable=None):
        for key, runs in sides.items():
            for side in (0, 1) if turn % 2 else (1, 0):
                time.sleep(PAUSE_S)
                times[key][side].append(timed(runs[side], numbers[key][side]))
    gc.enable()
    return {key: (median(ours), median(peer)) for key, (ours, peer) in times.items()}


# ---------------------------------------------------------------- the report


def judged(row: Row, ours_ms: float, peer_ms: float) -> dict:
    """One row of the JSON. The verdict is on the figure that is shown."""
    ours_ms, peer_ms = (float(f"{ms:.4g}") for ms in (ours_ms, peer_ms))
    value = round(row.kind.value(ours_ms, peer_ms), row.kind.digits)
    return {
        "key": row.key,
        "function": row.function,
        "arguments": row.arguments,
        "ours": row.ours,
        "ours_ms": ours_ms,
        "peer": row.peer,
        "peer_ms": peer_ms,
        "ratio": row.kind.shown(value),
        "bar": f"{row.kind.sign} {row.kind.shown(row.bar)}",
        "met": value <= row.bar if row.kind.sign == "≤" else value >= row.bar,
    }


def limits(times: dict[str, tuple[float, float]]) -> dict[str, float]:
    """What the machine can do: the peers of two rows tell it."""
    found = {}
    if "conv-64-both-gemm" in times:
        flop = 2 * 3 * 64 * 32 * 32 * 9 * 64 * 64
        found["matmul_gflops"] = round(flop / times["conv-64-both-gemm"][1] / 1e6, 1)
    if "relu" in times:
        found["copy_gbs"] = round(2 * 4 * 10 * MILLION / times["relu"][1] / 1e6, 1)
    return found


def machine() -> dict:
    import jax

    def read(path, start=""):
        lines = Path(path).read_text().splitlines() if Path(path).exists() else []
        return next((line.split(":")[-1].strip() for line in lines if line.startswith(start)), "")

    levels = sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index[2-9]"))
    device = jax.devices()[0]
    return {
        "processor": read("/proc/cpuinfo", "model name") or platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "cache": ", ".join(f"L{read(level / 'level')} {read(level / 'size')}" for level in levels),
        "accelerator": "" if device.platform == "cpu" else device.device_kind,
    }


def blas() -> str:
    """The library of NumPy's matrix products, and for which processor it has chosen its kernels."""
    import numpy as np
    from threadpoolctl import threadpool_info

    name = np.show_config(mode="dicts")["Build Dependencies"]["blas"]["name"].removeprefix("scipy-")
    loaded = [lib for lib in threadpool_info() if lib["internal_api"] == name]
    return " ".join([name, *(f"{lib['version']} {lib.get('architecture')}" for lib in loaded)])


def versions() -> dict[str, str]:
    import numpy as np

    return {
        "Python": platform.python_version(),
        "NumPy": f"{np.__version__} ({blas()})",
        **{name: version(name.lower()) for name in ("JAX", "optax")},
        "PyTorch": version("torch"),
    }


def report(rows: list[Row], times: dict[str, tuple[float, float]]) -> dict:
    return {
        "date": date.today().isoformat(),
        "machine": machine(),
        "versions": versions(),
        "threads": 1,
        "rounds": ROUNDS,
        "limits": limits(times),
        "rows": [judged(row, *times[row.key]) for row in rows],
    }


def table(found: dict) -> str:
    """The report as aligned text."""
    head = ("function", "arguments", "ours", "ms", "peer", "ms", "ratio", "bar", "")
    lines = [head]
    for row in found["rows"]:
        names = row["function"], row["arguments"], row["ours"]
        times = f"{row['ours_ms']:.2f}", row["peer"], f"{row['peer_ms']:.2f}"
        lines.append((*names, *times, row["ratio"], row["bar"], "met" if row["met"] else "missed"))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    aligned = [
        "  ".join(
            f"{c:>{n}}" if i in (3, 5, 6) else f"{c:<{n}}"
            for i, (c, n) in enumerate(zip(cells, widths, strict=True))
        )
        for cells in lines
    ]
    about = [
        ", ".join(f"{k} {v}" for k, v in found[part].items() if v)
        for part in ("limits", "machine", "versions")
    ]
    return "\n".join(line.rstrip() for line in [*aligned, "", *about])


def save(found: dict, path: Path) -> None:
    """Write all of it or nothing."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8")
    part.replace(path)


def main(words: list[str]) -> None:
    start = time.monotonic()
    use_one_thread()
    import jax

    backend = jax.default_backend()
    rows = chosen(words, backend)
    if not rows:
        sys.exit(f"bench: no key holds {' or '.join(words)}; keys: {', '.join(row.key for row in ROWS)}")
    found = report(rows, measure(rows))
    print(table(found))
    if not words:
        path = PAGE / f"speed-{'cpu' if backend == 'cpu' else 'gpu'}.json"
        save(found, path)
        print(f"\nWrote {path.relative_to(ROOT)} in {time.monotonic() - start:.0f} s")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main(sys.argv[1:])
