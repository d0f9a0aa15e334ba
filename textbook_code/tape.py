"""Reverse-mode automatic differentiation: backpropagation for any formula, read in one sitting.

An operation is a function f with its derivative f_vjp, as in the NumPy half. When it is computed, it writes a
step on the tape. Read backwards, the tape calls each f_vjp once the gradient of its result is complete.
"""

from collections.abc import Callable
from itertools import zip_longest

import numpy as np

from textbook_code._arguments import expect, require
from textbook_code.with_numpy.activations import relu, relu_vjp, tanh, tanh_vjp


def on_tape(f: Callable, f_vjp: Callable) -> Callable:
    """Make f an operation on Variables, which writes itself on their tape.

    Parameters
    ----------
    f, f_vjp : functions
        f takes arrays and returns one. f_vjp takes dy and the same, and returns the gradients by the arrays.

    Returns
    -------
    operation : function
        Takes Variables in place of the arrays; any other argument is a constant.

    Examples
    --------
    >>> sin = on_tape(np.sin, lambda dy, x: dy * np.cos(x))
    >>> x = Variable(0.0, tape=[])
    >>> backward(sin(2 * x), x)
    (array(2.),)
    """
    name = f.__name__.strip("_")

    def operation(*args, **options):
        xs = [x for x in args if isinstance(x, Variable)]
        n = len({id(x.tape) for x in xs})
        require(n == 1, f"{name}: expected Variables of one tape, got {n}")
        values = [x.value if isinstance(x, Variable) else x for x in args]
        y = Variable(f(*values, **options), xs[0].tape)
        dtypes = sorted({str(x.value.dtype) for x in (y, *xs)})
        require(len(dtypes) == 1, f"{name}: expected one dtype, got {dtypes}")
        y.tape.append((name, args, y, lambda dy: f_vjp(dy, *values, **options)))
        return y

    return operation


def _matmul(x, y):
    expect("N D, D M", x=x, y=y)
    return x @ y


def _sum_vjp(dy, x, axis=None, keepdims=False):
    return dy.reshape(x.sum(axis, keepdims=True).shape) + np.zeros_like(x)


def _swapped(operation):
    return lambda x, y: operation(y, x)


class Variable:
    """An array; what is computed from it is written on its tape. Other operands are constants.

    Parameters
    ----------
    value, tape : (...), list
        A floating array or a Python number; the steps, each a name, arguments, result and pullback: f_vjp.

    Examples
    --------
    >>> x = Variable(3.0, tape=[])
    >>> y = (2 * x).exp()
    >>> [name for name, args, result, pullback in y.tape]
    ['multiply', 'exp']
    """

    def __init__(self, value, tape: list):
        value = np.asarray(value, float if isinstance(value, int) else None)
        expect("N", value=value.ravel())
        self.value, self.tape = value, tape

    __array_ufunc__ = None  # so that NumPy leaves array * variable to __rmul__
    __neg__ = on_tape(np.negative, lambda dy, x: -dy)
    __add__ = __radd__ = on_tape(np.add, lambda dz, x, y: (dz, dz))
    __sub__ = on_tape(np.subtract, lambda dz, x, y: (dz, -dz))
    __mul__ = __rmul__ = on_tape(np.multiply, lambda dz, x, y: (dz * y, dz * x))
    __truediv__ = on_tape(np.divide, lambda dz, x, y: (dz / y, -dz * x / y**2))
    __matmul__ = on_tape(_matmul, lambda dz, x, y: (dz @ y.T, x.T @ dz))
    __rsub__, __rtruediv__ = _swapped(__sub__), _swapped(__truediv__)
    __rmatmul__ = _swapped(__matmul__)
    __pow__ = on_tape(pow, lambda dy, x, n: dy * n * x ** (n - (n != 0)))
    exp = on_tape(np.exp, lambda dy, x: dy * np.exp(x))
    log = on_tape(np.log, lambda dy, x: dy / x)
    tanh, relu = on_tape(tanh, tanh_vjp), on_tape(relu, relu_vjp)
    T = property(on_tape(np.transpose, lambda dy, x: dy.T))
    reshape = on_tape(np.ndarray.reshape, lambda dy, x, *_: dy.reshape(x.shape))
    sum = on_tape(np.ndarray.sum, _sum_vjp)

    def mean(self, axis=None, keepdims=False):
        total = self.sum(axis=axis, keepdims=keepdims)
        return total / (self.value.size / total.value.size)


def backward(y: Variable, *xs: Variable) -> tuple[np.ndarray, ...]:
    """Read the tape of y backwards for the gradients of y with respect to xs: 0 where y does not depend on x.

    Parameters
    ----------
    y, *xs : Variable
        A scalar, shape (), and what to derive it by.

    Returns
    -------
    grads : tuple of (...)
        One for each of xs, of its shape.

    Raises
    ------
    ValueError
        If y is no scalar, or an operation has no derivative by one of its Variables.

    Examples
    --------
    >>> x = Variable(3.0, tape=[])
    >>> backward(x * x, x)  # x is used twice, and each use adds its share: 3 + 3
    (array(6.),)
    """
    other = [type(x).__name__ for x in (y, *xs) if not isinstance(x, Variable)]
    require(not other, f"expected Variables, got {other}")
    expect("", y=y.value)
    grads = {y: np.ones_like(y.value)}
    for name, args, result, pullback in reversed(y.tape):
        if result in grads:  # else y does not depend on it
            dargs = pullback(grads[result])
            dargs = dargs if isinstance(dargs, tuple) else (dargs,)
            for x, dx in zip_longest(args, dargs):
                if isinstance(x, Variable):
                    require(dx is not None, f"{name}: lacks a derivative")
                    grads[x] = grads.get(x, 0) + _sum_to(x.value.shape, dx)
    return tuple(np.asarray(grads.get(x, np.zeros_like(x.value))) for x in xs)


def _sum_to(shape, dx):  # x was broadcast: each copy adds its share
    stretched = (1,) * (dx.ndim - len(shape)) + shape
    axes = tuple(i for i, n in enumerate(stretched) if n < dx.shape[i])
    return dx.sum(axis=axes).reshape(shape)
