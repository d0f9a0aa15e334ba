"""Checks of arguments, for both halves: one line a function, lest the formula be buried under its guards.

JAX knows dtype and shape even while it traces: checking them costs microseconds and works under ``jit``.
"""

import sys
from collections.abc import Sequence
from functools import cache
from numbers import Real

import numpy as np


def require(condition, message: str) -> None:
    """Raise a ValueError with the message unless the condition holds."""
    if not condition:
        raise ValueError(message)


def expect(shapes: str, **arrays) -> None:
    """Check that the arrays are floating, of one dtype, and of the shapes given, letter by letter.

    ``expect("N D, D M, M", x=x, w=w, b=b)`` gives each letter one size, at least 1. ``...`` stands for any
    axes; an array of shape ``...`` alone may be empty. A Python float is a scalar of any floating dtype.
    """
    dtypes, sizes = {}, {}
    for letters, (name, array) in zip(
        _letters(shapes), arrays.items(), strict=True
    ):
        _expect_dtype(name, array, dtypes)
        _expect_shape(name, np.shape(array), letters, sizes)


def expect_real(**numbers) -> None:
    """Check that each is one real number: Python's, NumPy's, or one that JAX traces."""
    for name, number in numbers.items():
        kind = getattr(getattr(number, "dtype", None), "kind", "")
        scalar = kind in ("f", "i") and np.shape(number) == ()
        require(
            isinstance(number, Real) or scalar,
            f"{name}: expected a real number, got {type(number).__name__}",
        )


def expect_values(name: str, values, low: float, high: float) -> None:
    """Check that all values lie in [low, high]. Inside ``jit`` there are no values yet: nothing to check."""
    if is_traced(values):
        return
    values = np.asarray(values)
    wrong = values[~((values >= low) & (values <= high))]
    if wrong.size:
        raise ValueError(
            f"{name}: expected values from {low} to {high}, got {wrong[0]}"
        )


def expect_labels(name: str, labels, shape: tuple, classes: int) -> None:
    """Check that labels are integers of the given shape, each from 0 to ``classes - 1``."""
    dtype = getattr(labels, "dtype", type(labels).__name__)
    right = getattr(dtype, "kind", "") in ("i", "u") and labels.shape == shape
    got = f"{dtype} of shape {np.shape(labels)}"
    require(
        right, f"{name}: expected an integer array of shape {shape}, got {got}"
    )
    expect_values(name, labels, 0, classes - 1)


def expect_layers(layers, **first) -> None:
    """Check one or more layers (w, b) whose sizes chain; ``first`` is the array that enters the first one."""
    arrays = _named_layers("layers", layers)
    shapes = [f"D{i} D{i + 1}, D{i + 1}" for i in range(len(layers))]
    expect(", ".join(["N D0", *shapes]), **first, **arrays)


def _named_layers(name: str, layers) -> dict:
    """Check one or more pairs (w, b), and give the arrays by their places, as ``layers[0].w``."""
    require(
        isinstance(layers, list | tuple),
        f"{name}: expected a tuple of layers (w, b), got {type(layers).__name__}",
    )
    require(layers, f"{name}: expected at least one layer (w, b), got none")
    places = [f"{name}[{i}]" for i in range(len(layers))]
    for place, layer in zip(places, layers, strict=True):
        _expect_pair(place, "(w, b)", layer)
    return {
        f"{place}.{k}": array
        for place, layer in zip(places, layers, strict=True)
        for k, array in zip("wb", layer, strict=True)
    }


def _expect_pair(name: str, pair: str, value) -> None:
    group = isinstance(value, list | tuple)
    got = f"{len(value)} items" if group else type(value).__name__
    require(
        group and len(value) == 2,
        f"{name}: expected a pair {pair}, got {got}",
    )


def expect_init(rng, sizes, gain: float, dtype) -> None:
    """Check what draws parameters: a NumPy generator, two or more sizes, a gain ≥ 0 and a floating dtype."""
    expect_generator(rng)
    expect_sizes("sizes", sizes)
    require(
        isinstance(gain, Real) and 0 <= gain < np.inf,
        f"gain: expected a finite number ≥ 0, got {gain!r}",
    )
    expect_floating(dtype)


def expect_generator(rng) -> None:
    """Check that rng is a NumPy generator."""
    require(
        isinstance(rng, np.random.Generator),
        f"rng: expected a generator as from np.random.default_rng(0), got {type(rng).__name__}",
    )


def expect_sizes(name: str, sizes) -> None:
    """Check a sequence of two or more integers ≥ 1."""
    sized = isinstance(sizes, Sequence) or np.ndim(sizes) > 0
    right = sized and all(
        isinstance(n, int | np.integer) and n >= 1 for n in sizes
    )
    require(
        right and len(sizes) >= 2,
        f"{name}: expected two or more integers ≥ 1, got {sizes}",
    )


def expect_floating(dtype) -> None:
    """Check that dtype names a floating dtype."""
    require(
        _is_floating(dtype), f"dtype: expected a floating dtype, got {dtype!r}"
    )


def expect_integers(low: int, **numbers) -> None:
    """Check that each is an integer, at least ``low``."""
    for name, number in numbers.items():
        integer = isinstance(number, int | np.integer) and not isinstance(
            number, bool
        )
        require(
            integer and number >= low,
            f"{name}: expected an integer ≥ {low}, got {number!r}",
        )


def expect_finite(**numbers) -> None:
    """Check that each is a finite number ≥ 0, as a learning rate is; what JAX traces passes."""
    for name, number in numbers.items():
        expect_real(**{name: number})
        require(
            is_traced(number) or 0 <= number < np.inf,
            f"{name}: expected a finite number ≥ 0, got {number}",
        )


def expect_fractions(**numbers) -> None:
    """Check that each is a number in [0, 1), as a decay rate is; what JAX traces passes."""
    for name, number in numbers.items():
        expect_real(**{name: number})
        require(
            is_traced(number) or 0 <= number < 1,
            f"{name}: expected a number in [0, 1), got {number}",
        )


def expect_pads(
    image: tuple, kernel: tuple, stride: int, pad: int | str
) -> tuple[int, ...]:
    """Check stride and pad for the axes given, and return how many zeros each of them gets at either end."""
    expect_integers(1, stride=stride)
    if isinstance(pad, str):
        require(
            pad == "same",
            f"pad: expected an integer ≥ 0 or 'same', got {pad!r}",
        )
        require(
            all(size % 2 for size in kernel),
            f"pad: 'same' expected a kernel of odd size, which has a middle, got {_by(kernel)}",
        )
        return tuple(size // 2 for size in kernel)
    expect_integers(0, pad=pad)
    padded = [size + 2 * pad for size in image]
    require(
        all(k <= size for k, size in zip(kernel, padded, strict=True)),
        f"w: expected a kernel of at most {_by(padded)}, the padded input, got {_by(kernel)}",
    )
    return tuple(pad for _ in kernel)


def expect_image(in_shape, channels: int) -> None:
    """Check the shape (H, W, C) of one image."""
    expect_sizes("in_shape", in_shape)
    require(
        len(in_shape) == 3 and in_shape[2] == channels,
        f"in_shape: expected (H, W, C) with C = {channels} as in w, got {tuple(in_shape)}",
    )


def expect_cnn_init(rng, in_shape, channels, classes, dtype) -> None:
    """Check what draws a CNN: the image must survive being halved once for each convolution."""
    expect_generator(rng)
    expect_sizes("in_shape", in_shape)
    require(
        len(in_shape) == 3,
        f"in_shape: expected (H, W, C), got {tuple(in_shape)}",
    )
    require(
        isinstance(channels, list | tuple) and channels,
        f"channels: expected one or more integers ≥ 1, got {channels!r}",
    )
    expect_integers(1, **{f"channels[{i}]": n for i, n in enumerate(channels)})
    expect_integers(1, classes=classes)
    _expect_halving("in_shape", in_shape[:2], len(channels))
    expect_floating(dtype)


def expect_cnn_params(params, x) -> None:
    """Check the parameters (convs, head) of a CNN: channels chain, and the head fits what is left of x."""
    _expect_pair("params", "(convs, head)", params)
    convs, head = params
    arrays, n = _named_layers("convs", convs), len(convs)
    _expect_pair("head", "(w, b)", head)
    w, b = head
    shapes = [f"K{i} K{i} C{i} C{i + 1}, C{i + 1}" for i in range(n)]
    letters = ", ".join(["N H W C0", *shapes, "D M, M"])
    expect(letters, x=x, **arrays, **{"head.w": w, "head.b": b})
    for i, (kernel, _) in enumerate(convs):
        require(
            kernel.shape[0] % 2,
            f"convs[{i}].w: expected a kernel of odd size, got {_by(kernel.shape[:2])}",
        )
    _expect_halving("x", x.shape[1:3], n)
    h, width = (size // 2**n for size in x.shape[1:3])
    features = h * width * convs[-1][1].size
    require(
        len(w) == features,
        f"head.w: expected shape (D, M) with D = {h} · {width} · {convs[-1][1].size}, got {w.shape}",
    )


def _expect_halving(name: str, sides, times: int) -> None:
    require(
        min(sides) >= 2**times,
        f"{name}: expected H and W ≥ {2**times}, to be halved {times} times, got {_by(sides)}",
    )


def expect_window(x, size, stride) -> int:
    """Check the arguments of pooling, and give the stride."""
    expect("N H W C", x=x)
    expect_integers(1, size=size)
    h, w = x.shape[1:3]
    require(
        size <= min(h, w),
        f"size: expected at most {min(h, w)}, as x has H = {h} and W = {w}, got {size}",
    )
    if stride is None:
        return size
    expect_integers(1, stride=stride)
    return stride


def expect_batch_norm(x, gamma, beta, eps, **dy) -> None:
    """Check what batch normalization is given: at least two entries for each feature."""
    shapes = ", ".join(["... C, C, C", *(["... C"] * len(dy))])
    expect(shapes, x=x, gamma=gamma, beta=beta, **dy)
    expect_finite(eps=eps)
    n = x.size // x.shape[-1]
    require(
        n >= 2, f"x: expected two or more entries for each feature, got {n}"
    )


def expect_inference(x, gamma, beta, mean, var, eps, **dy) -> None:
    """Check what batch normalization is given at inference."""
    shapes = ", ".join(["... C, C, C, C, C", *(["... C"] * len(dy))])
    expect(shapes, x=x, gamma=gamma, beta=beta, mean=mean, var=var, **dy)
    expect_values("var", var, 0, np.inf)
    expect_finite(eps=eps)


def expect_running(running, mean, var, n, decay) -> None:
    """Check running statistics and those of a batch of n entries for each feature."""
    require(
        isinstance(running, tuple) and len(running) == 2,
        f"running: expected a Running (mean, var), got {type(running).__name__}",
    )
    arrays = {"running.mean": running[0], "running.var": running[1]}
    expect("C, C, C, C", **arrays, mean=mean, var=var)
    expect_values("var", var, 0, np.inf)
    expect_integers(2, n=n)
    expect_fractions(decay=decay)


def _by(sizes) -> str:
    return " × ".join(map(str, sizes))


def expect_same_length(**arrays) -> None:
    """Check that all arrays have as many rows as the first one."""
    for name, array in arrays.items():
        require(
            np.ndim(array) > 0,
            f"{name}: expected an array with rows, got {array!r}",
        )
    (first, array), *others = arrays.items()
    for name, other in others:
        require(
            len(other) == len(array),
            f"{name}: expected length {len(array)} as {first} has, got {len(other)}",
        )


def expect_training(optimizer, schedule, epochs) -> None:
    """Check how to train: a pair of functions, a schedule that can be called, one or more epochs."""
    _expect_pair("optimizer", "(init, update)", optimizer)
    for name, f in zip(
        ("optimizer[0]", "optimizer[1]", "schedule"),
        (*optimizer, schedule),
        strict=True,
    ):
        require(
            callable(f),
            f"{name}: expected a function, got {type(f).__name__}",
        )
    expect_integers(1, epochs=epochs)


def expect_rates(schedule, first: int, count: int) -> np.ndarray:
    """Check what a schedule gives for some steps, and return these rates."""
    rates = [schedule(step) for step in range(first, first + count)]
    for rate in rates:
        expect_finite(schedule=rate)
    return np.array([float(rate) for rate in rates])


def expect_alike(**trees) -> None:
    """Check that trees of arrays have one structure, and in each place one shape and one floating dtype.

    ``expect_alike(params=params, grads=grads)`` takes the first one as the measure.
    """
    (first, tree), *others = trees.items()
    for name, other in others:
        _expect_alike(first, tree, name, other)


def _expect_alike(first: str, tree, name: str, other) -> None:
    if isinstance(tree, tuple | list):
        fits = isinstance(other, tuple | list) and len(other) == len(tree)
        got = (
            f"{len(other)} items"
            if isinstance(other, tuple | list)
            else type(other).__name__
        )
        require(
            fits, f"{name}: expected {len(tree)} items as in {first}, got {got}"
        )
        keys = [f".{k}" for k in getattr(tree, "_fields", ())] or [
            f"[{i}]" for i in range(len(tree))
        ]
        for key, branch, twin in zip(keys, tree, other, strict=True):
            _expect_alike(first + key, branch, name + key, twin)
        return
    dtypes = {}
    _expect_dtype(first, tree, dtypes)
    _expect_dtype(name, other, dtypes)
    require(
        np.shape(tree) == np.shape(other),
        f"{name}: expected shape {np.shape(tree)} as in {first}, got {np.shape(other)}",
    )


def is_traced(value) -> bool:
    """Whether JAX traces it: inside ``jit`` there is no value yet."""
    jax = sys.modules.get("jax")  # the NumPy half does without importing it
    return jax is not None and isinstance(value, jax.core.Tracer)


def _is_floating(dtype) -> bool:
    try:
        return np.issubdtype(dtype, np.floating)
    except TypeError:  # what NumPy raises if it knows no such dtype
        return False


@cache
def _letters(shapes: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(shape.split()) for shape in shapes.split(", "))


def _expect_dtype(name: str, array, dtypes: dict) -> None:
    """Check one array's dtype; ``dtypes`` remembers the first one, and whose it was."""
    if type(array) is float:
        return
    if not hasattr(array, "dtype"):
        advice = f"convert with np.asarray({name}, np.float32)"
        raise ValueError(
            f"{name}: expected an array, got {type(array).__name__}; {advice}"
        )
    if array.dtype in dtypes:
        return
    # JAX's bfloat16 is of kind V.
    if array.dtype.kind != "f" and "float" not in str(array.dtype):
        advice = f"convert with {name}.astype(np.float32)"
        raise ValueError(
            f"{name}: expected a floating dtype, got {array.dtype}; {advice}"
        )
    for dtype, other in dtypes.items():
        # The wider one: JAX cannot make a float32 array float64 unless x64 is enabled.
        wide, narrow = other, name
        if array.dtype.itemsize > dtype.itemsize:
            wide, narrow = name, other
        advice = f"use one dtype, as by {wide}.astype({narrow}.dtype)"
        raise ValueError(
            f"{name}: expected {dtype} as in {other}, got {array.dtype}; {advice}"
        )
    dtypes[array.dtype] = name


def _expect_shape(name: str, shape: tuple, letters: tuple, sizes: dict) -> None:
    """Check one array's shape; ``sizes`` remembers each letter's size, and in which array it came first."""
    before = dict(sizes)
    parts = _split(shape, letters)
    fits = parts is not None and all(
        sizes.setdefault(a, (size, name))[0] == size for a, size in parts
    )
    if fits and (0 not in shape or letters == ("...",)):
        return
    known = ", ".join(
        f"{a} = {before[a][0]} as in {before[a][1]}"
        for a in letters
        if a in before
    )
    comma = "," * (
        len(letters) == 1 and letters != ("...",)
    )  # (N,) as Python writes it
    wanted = f"({', '.join(letters)}{comma}){' with ' * bool(known)}{known}"
    raise ValueError(
        f"{name}: expected shape {wanted}, {'none of it empty, ' * fits}got {tuple(shape)}"
    )


def _split(shape: tuple, letters: tuple) -> list | None:
    """Pair each letter with its size, ``...`` with the axes left over; None if there are too few or many."""
    left = len(shape) - len(letters) + 1
    if "..." not in letters:
        return list(zip(letters, shape, strict=True)) if left == 1 else None
    i = letters.index("...")
    sizes = [*shape[:i], shape[i : i + left], *shape[i + left :]]
    return list(zip(letters, sizes, strict=True)) if left >= 0 else None
