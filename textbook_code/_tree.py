"""Trees of arrays: parameters, gradients and states are tuples and NamedTuples of arrays, nested.

JAX brings the same under ``jax.tree``; this is what the NumPy half needs of it.
"""

from collections.abc import Callable


def leaves(tree) -> list:
    """List the arrays of a tree, from left to right."""
    if isinstance(tree, tuple | list):
        return [leaf for branch in tree for leaf in leaves(branch)]
    return [tree]


def tree_map(f: Callable, tree, *others):
    """Apply f to each array of a tree, and to those in the same place of the other trees."""
    if not isinstance(tree, tuple | list):
        return f(tree, *others)
    branches = [
        tree_map(f, *group) for group in zip(tree, *others, strict=True)
    ]
    named = hasattr(tree, "_fields")
    return type(tree)(*branches) if named else tuple(branches)
