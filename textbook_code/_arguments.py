"""Checks of arguments, for both halves: one line a function, lest the formula be buried under its guards.

JAX knows dtype and shape even while it traces: checking them costs microseconds and works under ``jit``.
"""

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
    try:
        values = np.asarray(values)
    except TypeError:  # what a JAX tracer raises
        return
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
    require(
        isinstance(layers, list | tuple),
        f"layers: expected a tuple of layers (w, b), got {type(layers).__name__}",
    )
    require(layers, "layers: expected at least one layer (w, b), got none")
    for i, layer in enumerate(layers):
        group = isinstance(layer, list | tuple)
        got = f"{len(layer)} items" if group else type(layer).__name__
        require(
            group and len(layer) == 2,
            f"layers[{i}]: expected a pair (w, b), got {got}",
        )
    arrays = {
        f"layers[{i}].{k}": a
        for i, layer in enumerate(layers)
        for k, a in zip("wb", layer, strict=True)
    }
    shapes = [f"D{i} D{i + 1}, D{i + 1}" for i in range(len(layers))]
    expect(", ".join(["N D0", *shapes]), **first, **arrays)


def expect_init(rng, sizes, gain: float, dtype) -> None:
    """Check what draws parameters: a NumPy generator, two or more sizes, a gain ≥ 0 and a floating dtype."""
    generator, kind = isinstance(rng, np.random.Generator), type(rng).__name__
    require(
        generator,
        f"rng: expected a generator as from np.random.default_rng(0), got {kind}",
    )
    sized = isinstance(sizes, Sequence) or np.ndim(sizes) > 0
    chain = sized and all(
        isinstance(n, int | np.integer) and n >= 1 for n in sizes
    )
    require(
        chain and len(sizes) >= 2,
        f"sizes: expected two or more integers ≥ 1, got {sizes}",
    )
    require(
        isinstance(gain, Real) and 0 <= gain < np.inf,
        f"gain: expected a finite number ≥ 0, got {gain!r}",
    )
    require(
        _is_floating(dtype), f"dtype: expected a floating dtype, got {dtype!r}"
    )


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
    if array.dtype.kind != "f" and "float" not in str(
        array.dtype
    ):  # JAX's bfloat16 is of kind V
        advice = f"convert with {name}.astype(np.float32)"
        raise ValueError(
            f"{name}: expected a floating dtype, got {array.dtype}; {advice}"
        )
    for dtype, other in dtypes.items():
        advice = f"convert with {name}.astype({other}.dtype)"
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
