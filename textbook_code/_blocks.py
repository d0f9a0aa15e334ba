"""Formulas at the speed of the cache: applied unchanged to one slice of a large array after the other.

A formula of five NumPy operations makes five passes over its arrays, and four intermediate arrays as large as
they are. Where these do not fit the cache, each pass waits for memory. A slice that fits is fetched once.
"""

from collections.abc import Callable
from functools import partial, wraps
from inspect import signature

import numpy as np

from textbook_code._arguments import require

BLOCK = (
    32_768  # entries: 128 KiB in float32, a few of which fit a core's own cache
)


def in_blocks(f: Callable) -> Callable:
    """Let an elementwise function take large arrays slice by slice, and write into ``out=`` if given."""
    return _blocked(f, lambda a: a.reshape(-1))


def in_row_blocks(f: Callable) -> Callable:
    """Let a function of rows, the last axis, take large arrays some rows at a time."""
    return _blocked(f, lambda a: a.reshape(-1, a.shape[-1]))


def update_in_blocks(rule: Callable, *arrays: np.ndarray) -> None:
    """Call a rule, which writes into its arguments, on one slice after the other."""
    if not all(a.flags.c_contiguous for a in arrays):
        rule(
            *arrays
        )  # flat, they would be copies: the rule would write into those
        return
    arrays = [a.reshape(-1) for a in arrays]
    for start in range(0, arrays[0].size, BLOCK):
        rule(*(a[start : start + BLOCK] for a in arrays))


def _blocked(f: Callable, flat: Callable) -> Callable:
    parameters = signature(f).parameters.items()
    names = [name for name, p in parameters if p.annotation is np.ndarray]

    @wraps(f)
    def blocked(*args, out=None, **named):
        n = len(names)  # the arrays come first
        later = [named.pop(k) for k in names[len(args) :] if k in named]
        arrays, options = [*args[:n], *later], args[n:]
        whole = partial(f, *arrays, *options, **named)
        if not _are_large(arrays):
            return whole() if out is None else _filled(out, whole(), arrays)
        y = np.empty_like(arrays[0], order="C") if out is None else out
        result = flat(_like(y, arrays[0], arrays))
        flats = [flat(a) for a in arrays]
        rows = max(1, BLOCK * len(result) // y.size)
        for start in range(0, len(result), rows):
            part = slice(start, start + rows)
            result[part] = f(*(a[part] for a in flats), *options, **named)
        return y

    return blocked


def _are_large(arrays: list) -> bool:
    """Whether to slice. Arrays that do not fit go to the function whole: it names what is wrong."""
    return (
        all(isinstance(a, np.ndarray) for a in arrays)
        and len({a.shape for a in arrays})
        == len({a.dtype for a in arrays})
        == 1
        and arrays[0].size > BLOCK
    )


def _like(out, x: np.ndarray, args: list) -> np.ndarray:
    got = (
        f"{getattr(out, 'dtype', type(out).__name__)} of shape {np.shape(out)}"
    )
    right = (
        isinstance(out, np.ndarray)
        and (out.shape, out.dtype) == (x.shape, x.dtype)
        and out.flags.c_contiguous
        and out.flags.writeable
    )
    require(
        right,
        f"out: expected a writeable, contiguous {x.dtype} of shape {x.shape}, got {got}",
    )
    apart = all(a is out or not np.may_share_memory(a, out) for a in args)
    require(
        apart,
        "out: expected memory of its own or an argument itself, got a part of one",
    )
    return out


def _filled(out, y, args: list) -> np.ndarray:
    _like(out, np.asarray(y), args)[...] = y
    return out
