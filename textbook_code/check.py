"""The law of this package: a derivative by hand = the one by machine = a finite difference.

``CASES`` is the table of what is checked; the tests and the code reference go through the same table.
JAX is imported only where it is asked, so that ``gradient_check`` works without it.
"""

import inspect
import pkgutil
from collections.abc import Callable
from importlib import import_module
from typing import NamedTuple

import numpy as np

from textbook_code._tree import leaves, tree_map

# A central difference with step h errs by h²/6 f''' from the curve and by about eps/h from rounding. The sum
# is least near h = eps^(1/3), about eps^(2/3) = 4e-11 there; the tolerance leaves room for a large f'''.
STEP = np.finfo(np.float64).eps ** (1 / 3)
TOLERANCE_DIFFERENCE = 1e-8
TOLERANCE_JAX = 1e-10


class Case(NamedTuple):
    """One row of the table: a function, the shapes of the arguments it is derived by, its other arguments.

    A list of shapes stands for a tuple of arrays. A string among the other arguments names an activation.
    """

    function: str
    shapes: tuple
    others: tuple = ()


class Agreement(NamedTuple):
    """How far the derivative by hand is, relatively, from JAX and from a central difference."""

    jax: float
    difference: float


ELEMENTWISE = (
    "sigmoid",
    "tanh",
    "relu",
    "leaky_relu",
    "elu",
    "silu",
    "gelu",
    "gelu_tanh",
    "softplus",
)
CASES = (
    *(
        Case(f"activations.{name}", (shape,))
        for name in ELEMENTWISE
        for shape in [(7,), (2, 3, 4)]
    ),
    Case("activations.leaky_relu", ((5, 4),), (0.3,)),
    Case("activations.elu", ((5, 4),), (0.3,)),
    *(
        Case(f"activations.{name}", (s,))
        for name in ("softmax", "log_softmax")
        for s in [(7,), (2, 3, 4)]
    ),
    Case("dense.dense", ((1, 1), (1, 1), (1,))),
    Case("dense.dense", ((5, 3), (3, 4), (4,))),
    Case("losses.mse", ((6,),), (np.linspace(-1, 1, 6),)),
    Case("losses.mse", ((3, 2),), (np.linspace(-1, 1, 6).reshape(3, 2),)),
    Case(
        "losses.bce_with_logits", ((6,),), (np.array([0.0, 1, 0, 1, 1, 0.5]),)
    ),
    Case(
        "losses.bce_with_logits",
        ((3, 2),),
        (np.array([[0.0, 1], [0, 1], [1, 0.5]]),),
    ),
    Case("losses.cross_entropy", ((1, 3),), (np.array([2]),)),
    Case("losses.cross_entropy", ((5, 3),), (np.array([0, 2, 1, 1, 0]),)),
    Case("mlp.mlp", ((5, 3), [[(3, 2), (2,)]]), ("activations.relu",)),
    *(
        Case(
            "mlp.mlp",
            ((5, 3), [[(3, 8), (8,)], [(8, 6), (6,)], [(6, 2), (2,)]]),
            (f"activations.{name}",),
        )
        for name in ("relu", "gelu")
    ),
    Case("conv.conv2d", ((1, 1, 1, 1), (1, 1, 1, 1))),
    Case("conv.conv2d", ((2, 6, 5, 3), (3, 2, 3, 4)), (1, 1)),
    Case("conv.conv2d", ((2, 7, 6, 5), (3, 3, 5, 4)), (2, 2)),
    Case("conv.conv2d", ((2, 7, 6, 5), (3, 5, 5, 4)), (1, "same")),
    Case("conv.conv1d", ((2, 6, 3), (3, 3, 4))),
    Case("conv.conv1d", ((2, 7, 3), (3, 3, 4)), (2, "same")),
    Case("conv.conv2d_as_dense", ((3, 2, 2, 3),), ((4, 5, 2), 1, 1)),
    Case("conv.conv2d", ((2, 8, 7, 2), (3, 2, 2, 3)), (3, 2)),
    Case("conv.conv2d", ((3, 9, 2, 5), (1, 1, 5, 2)), (4, 0)),
    Case("conv.conv1d", ((2, 8, 5), (4, 5, 3)), (2, 2)),
    Case("conv.conv2d_as_dense", ((3, 1, 5, 2),), ((4, 3, 5), 2, "same")),
    *(
        Case(f"pool.{name}", (shape,), others)
        for name in ("max_pool2d", "avg_pool2d")
        for shape, others in [
            ((1, 1, 1, 1), (1,)),
            ((2, 5, 7, 3), (2,)),
            ((2, 7, 6, 3), (3, 2)),
            ((2, 7, 6, 3), (2, 3)),
        ]
    ),
    Case("norm.batch_norm", ((6, 3), (3,), (3,))),
    Case("norm.batch_norm", ((2, 3, 4, 5), (5,), (5,)), (0.1,)),
    *(
        Case(
            "norm.batch_norm_inference",
            (shape, (3,), (3,)),
            (np.array([0.5, -1.0, 2.0]), np.array([1.5, 0.0, 0.2]), 0.1),
        )
        for shape in [(1, 3), (2, 4, 5, 3)]
    ),
    Case("norm.layer_norm", ((5, 4), (4,), (4,))),
    Case("norm.layer_norm", ((2, 3, 6), (6,), (6,)), (0.1,)),
    Case("cnn.cnn", ((2, 5, 6, 2), [[[(3, 3, 2, 3), (3,)]], [(18, 4), (4,)]])),
    Case(
        "cnn.cnn",
        (
            (3, 8, 8, 1),
            [[[(3, 3, 1, 4), (4,)], [(3, 3, 4, 5), (5,)]], [(20, 3), (3,)]],
        ),
    ),
)


# Functions whose derivative nobody takes: the tests compare their results alone, half by half. Dropout
# has a derivative by hand, but takes another kind of generator in each half: the tests fix the mask for it.
WITHOUT_CASE = (
    "cnn.cnn_init",
    "cnn.cnn_loss_and_grads",
    "dropout.dropout",
    "init.fans",
    "init.glorot_normal",
    "init.glorot_uniform",
    "init.he_normal",
    "init.lecun_normal",
    "init.orthogonal",
    "losses.accuracy",
    "mlp.mlp_init",
    "mlp.mlp_loss_and_grads",
    "norm.running_init",
    "norm.running_update",
    *(
        f"optim.{name}_{half}"
        for name in (
            "sgd",
            "momentum",
            "nesterov",
            "adagrad",
            "rmsprop",
            "adam",
            "adamw",
        )
        for half in ("init", "update")
    ),
    "optim.clip_by_global_norm",
    "optim.constant_schedule",
    "optim.step_schedule",
    "optim.warmup_cosine_schedule",
    "train.fit",
    "train.train_epoch",
    "train.train_step",
)
JAX_ALONE = ("sharding",)  # modules that the NumPy half has no use for


def gradient_check(
    f: Callable, f_vjp: Callable, args: tuple, seed: int = 0
) -> float:
    """Compare f_vjp with a central difference of f along one random direction.

    For random u and v, ⟨u, f(x + h v) - f(x - h v)⟩ / 2h must be ⟨f_vjp(u, x), v⟩. One projection sees every
    entry of the derivative at once: three calls, whatever the size.

    Parameters
    ----------
    f : function
        Takes args, returns an array.
    f_vjp : function
        Takes u, of the shape of that array, and args; returns the derivatives by each.
    args : tuple
        float64 arrays of size about 1, or tuples of them.
    seed : int
        Seed of u and v.

    Returns
    -------
    gap : float
        Difference of the two numbers, relative to the norm of the derivative. Below 1e-8 if f_vjp is right.

    Examples
    --------
    >>> x = np.linspace(-2, 2, 5)
    >>> gradient_check(np.sin, lambda u, x: u * np.cos(x), (x,)) < 1e-8
    True
    >>> gradient_check(np.sin, lambda u, x: u * np.sin(x), (x,)) < 1e-8
    False
    """
    rng = np.random.default_rng(seed)
    v = tree_map(lambda a: rng.standard_normal(a.shape), args)
    ahead = f(*tree_map(lambda a, d: a + STEP * d, args, v))
    behind = f(*tree_map(lambda a, d: a - STEP * d, args, v))
    u = rng.standard_normal(np.shape(ahead))
    grads = leaves(f_vjp(u, *args))
    if _shapes(grads) != _shapes(leaves(args)):
        return np.inf
    by_hand = sum(np.sum(g * d) for g, d in zip(grads, leaves(v), strict=True))
    by_difference = np.sum(u * (ahead - behind)) / (2 * STEP)
    return _ratio(
        abs(by_hand - by_difference), np.sqrt(sum(np.sum(g * g) for g in grads))
    )


def vjp_agreement(case: Case) -> Agreement:
    """Compare the derivative by hand with JAX's, entry by entry in float64, and with a central difference.

    Parameters
    ----------
    case : Case
        What to compare.

    Returns
    -------
    agreement : Agreement
        The two relative differences.

    Examples
    --------
    >>> agreement = vjp_agreement(Case("activations.tanh", ((2, 3),)))
    >>> agreement.jax < 1e-10, agreement.difference < 1e-8
    (True, True)
    """
    f, f_vjp, f_jax = halves(case)
    args = draw(case.shapes)
    dy = np.random.default_rng(1).standard_normal(np.shape(f(*args)))
    by_hand, by_jax = (
        leaves(f_vjp(dy, *args)),
        leaves(jax_vjp(f_jax, dy, args)),
    )
    gap = _worst_gap(by_hand, by_jax)
    return Agreement(gap, gradient_check(f, f_vjp, args))


def check_laws(cases: tuple[Case, ...] = CASES) -> list[tuple[Case, Agreement]]:
    """Check every case, and return how well it agreed.

    Parameters
    ----------
    cases : tuple of Case
        The table.

    Returns
    -------
    agreements : list of (Case, Agreement)
        In the order of the table.

    Raises
    ------
    ValueError
        If a derivative by hand differs from JAX by more than 1e-10, or from the difference by more than 1e-8.

    Examples
    --------
    >>> [(case.function, agreement.jax < 1e-10) for case, agreement in check_laws(CASES[:1])]
    [('activations.sigmoid', True)]
    """
    agreements = [(case, vjp_agreement(case)) for case in cases]
    limits = Agreement(TOLERANCE_JAX, TOLERANCE_DIFFERENCE)
    for case, agreement in agreements:
        for other, gap, limit in zip(
            ("JAX", "finite difference"), agreement, limits, strict=True
        ):
            if not gap <= limit:  # so that nan fails
                where = f"{case.function}_vjp, shapes {case.shapes}"
                raise ValueError(
                    f"{where}: by hand and {other} differ by {gap:.0e}, allowed {limit:.0e}"
                )
    return agreements


def mirror_faults(
    by_numpy: dict, by_jax: dict, cases: tuple[Case, ...] = CASES
) -> list[str]:
    """Name what one half has and the other lacks, signatures that differ, and functions without a case.

    Parameters
    ----------
    by_numpy, by_jax : dict
        What ``public`` returns for each half.
    cases : tuple of Case
        The table.

    Returns
    -------
    faults : list of str
        Empty if the halves mirror each other.

    Examples
    --------
    >>> mirror_faults(public("with_numpy"), public("with_jax"))
    []
    """
    vjps = {name for name in by_numpy if name.endswith("_vjp")}
    functions = set(by_numpy) - vjps
    machine = {n for n in by_jax if n.split(".")[0] not in JAX_ALONE}
    derived = {n for n in functions if inspect.isfunction(by_numpy[n])}
    derived -= set(WITHOUT_CASE)
    cased = {case.function for case in cases}
    return [
        *(f"{n}: with_jax lacks it" for n in sorted(functions - machine)),
        *(f"{n}: with_numpy lacks it" for n in sorted(machine - functions)),
        *(
            f"{n}: signatures differ"
            for n in sorted(functions & machine)
            if _signature(by_numpy[n]) != _signature(by_jax[n])
        ),
        *(
            f"{n}: with_numpy lacks {n}_vjp"
            for n in sorted(derived)
            if f"{n}_vjp" not in vjps
        ),
        *(f"{n}: no case in check.CASES" for n in sorted(derived - cased)),
        *(
            f"{n}: in check.WITHOUT_CASE, but there is no such function"
            for n in sorted(set(WITHOUT_CASE) - functions)
        ),
    ]


def public(half: str) -> dict[str, Callable]:
    """Collect the public functions and classes of a half.

    Parameters
    ----------
    half : str
        "with_numpy" or "with_jax".

    Returns
    -------
    functions : dict
        From "module.function" to the function.

    Examples
    --------
    >>> public("with_numpy")["activations.relu"].__name__
    'relu'
    """
    package = import_module(f"textbook_code.{half}")
    modules = [m.name for m in pkgutil.iter_modules(package.__path__)]
    found = {}
    for module in modules:
        for name, value in vars(
            import_module(f"{package.__name__}.{module}")
        ).items():
            own = (
                getattr(value, "__module__", None)
                == f"{package.__name__}.{module}"
            )
            if own and callable(value) and not name.startswith("_"):
                found[f"{module}.{name}"] = value
    return found


def halves(case: Case) -> tuple[Callable, Callable, Callable]:
    """Give f and f_vjp of the NumPy half and f of the JAX half, as functions of the derived arguments alone.

    Parameters
    ----------
    case : Case
        The case, whose other arguments are filled in.

    Returns
    -------
    f, f_vjp, f_jax : functions
        To be called with args, dy and args, args.

    Examples
    --------
    >>> f, f_vjp, f_jax = halves(Case("activations.leaky_relu", ((1,),), (0.5,)))
    >>> f(np.array([-2.0])), f_vjp(np.array([1.0]), np.array([-2.0]))
    (array([-1.]), array([0.5]))
    """

    f, f_vjp = (
        _find("with_numpy", case.function),
        _find("with_numpy", case.function + "_vjp"),
    )
    f_jax = _find("with_jax", case.function)
    others, others_jax = (
        _others("with_numpy", case, [""]),
        _others("with_jax", case, [""]),
    )
    others_vjp = _others("with_numpy", case, ["", "_vjp"])
    return (
        lambda *args: _first(f(*args, *others)),
        lambda dy, *args: f_vjp(dy, *args, *others_vjp),
        lambda *args: _first(f_jax(*args, *others_jax)),
    )


def jax_vjp(f: Callable, dy: np.ndarray, args: tuple) -> tuple:
    """Pull dy back through f by JAX, in float64 and without TF32, whatever the caller's settings.

    Parameters
    ----------
    f : function
        A function of JAX arrays.
    dy : (...)
        Gradient of the loss with respect to its output.
    args : tuple
        The arguments, float64 arrays or tuples of them.

    Returns
    -------
    dargs : tuple
        Gradient of the loss with respect to each argument.

    Examples
    --------
    >>> [dx] = jax_vjp(lambda x: x * x, np.array(1.0), (np.array(3.0),))
    >>> float(dx)
    6.0
    """
    import jax

    with jax.enable_x64(True), jax.default_matmul_precision("highest"):
        dargs = jax.jit(lambda dy, args: jax.vjp(f, *args)[1](dy))(dy, args)
    return jax.tree.map(
        np.asarray, dargs
    )  # once x64 is off, JAX would compute in float32 even with float64 arrays


def draw(shapes: tuple, seed: int = 0) -> tuple:
    """Draw the arguments of a case: entries of both signs and of size 0.1 to 2, away from kinks at 0.

    Parameters
    ----------
    shapes : tuple
        As in a case: a list of shapes stands for a tuple of arrays.
    seed : int
        Seed of the generator.

    Returns
    -------
    args : tuple
        float64 arrays and tuples of them.

    Examples
    --------
    >>> x, [w, b] = draw(((5, 3), [(3, 2), (2,)]))
    >>> x.shape, w.shape, b.shape
    ((5, 3), (3, 2), (2,))
    """
    rng = np.random.default_rng(seed)

    def tree(shapes):
        if isinstance(shapes, list):
            return tuple(tree(shape) for shape in shapes)
        return rng.uniform(0.1, 2, shapes) * rng.choice([-1.0, 1.0], shapes)

    return tree(list(shapes))


def _find(half: str, name: str) -> Callable:
    module, function = name.split(".")
    return getattr(import_module(f"textbook_code.{half}.{module}"), function)


def _first(y):
    """The result that is derived, of a function that returns more: batch_norm's statistics are not."""
    return y[0] if isinstance(y, tuple) else y


def _others(half: str, case: Case, suffixes: list[str]) -> list:
    """Replace each name of an activation by the function, or by the function and its vjp."""
    found = [
        [_find(half, o + s) for s in suffixes]
        if isinstance(o, str) and "." in o
        else [o]
        for o in case.others
    ]
    return [other for group in found for other in group]


def _signature(function: Callable) -> list:
    return [
        (p.name, p.kind, p.default)
        for p in inspect.signature(function).parameters.values()
    ]


def _shapes(leaves: list) -> list[tuple]:
    return [np.shape(leaf) for leaf in leaves]


def _worst_gap(leaves: list, others: list) -> float:
    """Largest relative difference: nan if one is nan, infinite if the arrays differ in number or shape."""
    if _shapes(leaves) != _shapes(others):
        return np.inf
    gaps = [
        _ratio(np.max(np.abs(a - b)), np.max(np.abs(b)))
        for a, b in zip(leaves, others, strict=True)
    ]
    return float(np.max(gaps))


def _ratio(gap: float, size: float) -> float:
    return float(gap / size) if size else float(gap)
