"""Checks of what an optimizer is given, for both halves: before anything is written over or donated."""

from collections.abc import Iterator

import numpy as np

from textbook_code._arguments import (
    expect,
    expect_alike,
    expect_integers,
    expect_real,
    is_traced,
    require,
)
from textbook_code._tree import leaves


def expect_arrays(name: str, tree: tuple) -> None:
    """Check a tree of one or more floating arrays."""
    arrays = dict(_named(name, tree))
    require(arrays, f"{name}: expected at least one array, got none")
    for place, array in arrays.items():
        require(
            hasattr(array, "dtype"),
            f"{place}: expected an array, got {type(array).__name__}",
        )
        expect("...", **{place: array})


def expect_update(
    kind: type, grads: tuple, state: tuple, params: tuple
) -> None:
    """Check what an update takes."""
    if not _fits(kind, grads, state, params):
        _expect_update(kind, grads, state, params)


def _expect_update(kind, grads, state, params) -> None:
    expect_arrays("params", params)
    require(
        getattr(state, "_fields", None) == kind._fields,
        f"state: expected {kind.__name__}, got {type(state).__name__}",
    )
    donated = _donated(state, params)
    expect_alike(**{"params": params, "grads": grads, **donated})
    _expect_own(grads, donated)


def expect_update_in_place(
    kind: type, grads: tuple, state: tuple, params: tuple
) -> None:
    """Check what an update takes that writes into params and state."""
    if not (
        _fits(kind, grads, state, params)
        and _are_writeable(grads, state, params)
    ):
        _expect_update(kind, grads, state, params)
        _expect_written(grads, _donated(state, params))


def _donated(state: tuple, params: tuple) -> dict:
    moments = {
        f"state.{name}": tree
        for name, tree in zip(state._fields, state, strict=True)
        if name != "step"
    }
    return {"params": params, **moments}


def expect_max_norm(max_norm: float) -> None:
    """Check a number > 0; what JAX traces passes."""
    expect_real(max_norm=max_norm)
    require(
        is_traced(max_norm) or max_norm > 0,
        f"max_norm: expected a number > 0, got {max_norm}",
    )


def expect_spans(warmup: int, total: int) -> None:
    """Check the steps of a schedule that rises and falls."""
    expect_integers(0, warmup=warmup)
    expect_integers(1, total=total)
    require(
        warmup <= total,
        f"warmup: expected at most total = {total}, got {warmup}",
    )


def _fits(kind: type, grads: tuple, state: tuple, params: tuple) -> bool:
    """Tell quickly that all is well. The checks that name a fault take longer than a small step itself."""
    if type(state) is not kind:
        return False
    donated = tuple(_donated(state, params).values())
    owners = {id(a) for a in leaves(donated)}
    return (
        len(owners) == len(leaves(donated)) > 0
        and _alike(grads, *donated)
        and owners.isdisjoint(map(id, leaves(grads)))
    )


def _alike(grads: tuple, *donated: tuple) -> bool:
    if isinstance(grads, tuple | list):
        return all(
            isinstance(t, tuple | list) and len(t) == len(grads)
            for t in donated
        ) and all(
            _alike(*branches) for branches in zip(grads, *donated, strict=True)
        )
    arrays = [a for a in (grads, *donated) if hasattr(a, "dtype")]
    return len(arrays) == 1 + len(donated) and all(
        a.dtype == grads.dtype
        and a.dtype.kind == "f"
        and a.shape == grads.shape
        for a in arrays
    )


def _are_writeable(grads: tuple, state: tuple, params: tuple) -> bool:
    """Tell quickly that all are NumPy's arrays, and the donated ones can be written and are no views."""
    donated = leaves(tuple(_donated(state, params).values()))
    owners = {id(a) for a in donated}
    return (
        all(isinstance(a, np.ndarray) for a in (*leaves(grads), *donated))
        and all(a.flags.writeable and a.base is None for a in donated)
        and owners.isdisjoint(id(g.base) for g in leaves(grads))
    )


def _expect_own(grads: tuple, donated: dict) -> None:
    """Check that no donated array shares memory with another one, or with a gradient."""
    owners = {}
    for name, tree in donated.items():
        for place, array in _named(name, tree):
            _expect_new(place, array, owners)
            owners[place] = array
    for place, array in _named("grads", grads):
        _expect_new(place, array, owners)


def _expect_new(place: str, array: np.ndarray, owners: dict) -> None:
    for owner, other in owners.items():
        require(
            not _share(array, other),
            f"{place}: expected an array of its own, got that of {owner}; copy it",
        )


def _share(a, b) -> bool:
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return np.may_share_memory(a, b)
    return a is b and not is_traced(a)


def _expect_written(grads: tuple, donated: dict) -> None:
    """Check that all are NumPy's arrays, and the donated ones not read-only."""
    for name, tree in {"grads": grads, **donated}.items():
        for place, array in _named(name, tree):
            got = type(array).__name__
            require(
                isinstance(array, np.ndarray | np.generic),
                f"{place}: expected a NumPy array, got {got}; convert with np.array({place})",
            )
            require(
                name == "grads" or array.flags.writeable,
                f"{place}: expected an array to write into, got a read-only one; copy it",
            )


def _named(name: str, tree: tuple) -> Iterator[tuple[str, np.ndarray]]:
    """Walk through a tree: each array after its name, as params[0].w."""
    if not isinstance(tree, tuple | list):
        yield name, tree
        return
    fields = getattr(tree, "_fields", None)
    for i, branch in enumerate(tree):
        yield from _named(
            f"{name}.{fields[i]}" if fields else f"{name}[{i}]", branch
        )
