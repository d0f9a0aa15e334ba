"""Convolution: one small dense layer, applied at every place of an image or of a sequence.

The convolution of deep learning does not flip the kernel; signal processing calls it cross-correlation.
Images are (N, H, W, C), kernels (KH, KW, C, M). XLA has the operation built in, for every kind of device.
"""

import jax
import jax.numpy as jnp

from textbook_code._arguments import expect, expect_image, expect_pads


def conv2d(
    x: jax.Array, w: jax.Array, stride: int = 1, pad: int | str = 0
) -> jax.Array:
    """Convolution: y[n, i, j, m] = Σ_abc xp[n, i stride + a, j stride + b, c] w[a, b, c, m].

    xp is x with ``pad`` zeros on each side; HO = ⌊(H + 2 pad - KH) / stride⌋ + 1, WO likewise.

    Parameters
    ----------
    x : (N, H, W, C)
        A batch of N images.
    w : (KH, KW, C, M)
        M filters of KH × KW.
    stride : int
        Step from one window to the next, ≥ 1.
    pad : int or "same"
        Zeros on each side, ≥ 0; "same" means (KH - 1) / 2 and (KW - 1) / 2, for odd KH and KW.

    Returns
    -------
    y : (N, HO, WO, M)
        M features for each window.

    Raises
    ------
    ValueError
        If shapes or dtypes do not fit, the batch is empty, stride or pad is out of range, or the kernel is
        larger than the padded image.

    Examples
    --------
    >>> x = jnp.arange(9.0).reshape(1, 3, 3, 1)
    >>> conv2d(x, jnp.ones((2, 2, 1, 1)))[0, :, :, 0].tolist()
    [[8.0, 12.0], [20.0, 24.0]]
    """
    expect("N H W C, KH KW C M", x=x, w=w)
    pads = expect_pads(x.shape[1:3], w.shape[:2], stride, pad)
    return _convolve(x, w, stride, pads, ("NHWC", "HWIO", "NHWC"))


def conv1d(
    x: jax.Array, w: jax.Array, stride: int = 1, pad: int | str = 0
) -> jax.Array:
    """Convolution of sequences: y[n, i, m] = Σ_ac xp[n, i stride + a, c] w[a, c, m].

    xp is x with ``pad`` zeros at each end; LO = ⌊(L + 2 pad - K) / stride⌋ + 1.

    Parameters
    ----------
    x : (N, L, C)
        A batch of N sequences.
    w : (K, C, M)
        M filters of length K.
    stride : int
        Step from one window to the next, ≥ 1.
    pad : int or "same"
        Zeros at each end, ≥ 0; "same" means (K - 1) / 2, for odd K.

    Returns
    -------
    y : (N, LO, M)
        M features for each window.

    Raises
    ------
    ValueError
        If shapes or dtypes do not fit, the batch is empty, stride or pad is out of range, or the kernel is
        longer than the padded sequence.

    Examples
    --------
    >>> x = jnp.array([[[1.0], [2.0], [4.0]]])
    >>> conv1d(x, jnp.array([[[-1.0]], [[1.0]]]))[0, :, 0].tolist()  # differences
    [1.0, 2.0]
    """
    expect("N L C, K C M", x=x, w=w)
    pads = expect_pads(x.shape[1:2], w.shape[:1], stride, pad)
    return _convolve(x, w, stride, pads, ("NWC", "WIO", "NWC"))


def conv2d_as_dense(
    w: jax.Array,
    in_shape: tuple[int, int, int],
    stride: int = 1,
    pad: int | str = 0,
) -> jax.Array:
    """The matrix of a convolution: for flattened x and y, y = conv2d(x, w) is y = x matrix.

    The columns of one filter hold the same few weights, and zeros elsewhere: a convolution is a dense layer
    that shares weights and looks only near by. Row d is the output for an image whose entry d is 1 and all
    others 0.

    Parameters
    ----------
    w : (KH, KW, C, M)
        M filters of KH × KW.
    in_shape : tuple of int
        The shape (H, W, C) of one image.
    stride : int
        Step from one window to the next, ≥ 1.
    pad : int or "same"
        Zeros on each side, ≥ 0; "same" means (KH - 1) / 2 and (KW - 1) / 2, for odd KH and KW.

    Returns
    -------
    matrix : (D, P)
        D = H · W · C inputs, P = HO · WO · M outputs.

    Raises
    ------
    ValueError
        If shapes do not fit, stride or pad is out of range, or the kernel is larger than the padded image.

    Examples
    --------
    >>> w = jnp.array([1.0, 2.0]).reshape(1, 2, 1, 1)
    >>> conv2d_as_dense(w, (1, 4, 1)).tolist()
    [[1.0, 0.0, 0.0], [2.0, 1.0, 0.0], [0.0, 2.0, 1.0], [0.0, 0.0, 2.0]]
    """
    expect("KH KW C M", w=w)
    expect_image(in_shape, w.shape[2])
    size = in_shape[0] * in_shape[1] * in_shape[2]
    w = jnp.asarray(w)
    lit_pixels = jnp.eye(size, dtype=w.dtype).reshape(-1, *in_shape)
    return conv2d(lit_pixels, w, stride, pad).reshape(size, -1)


def _convolve(x, w, stride, pads, layout):
    return jax.lax.conv_general_dilated(
        x,
        w,
        window_strides=[stride for _ in pads],
        padding=[(p, p) for p in pads],
        dimension_numbers=layout,
    )
