"""The data: what is in it, that it comes from its seed alone, and that a damaged file is named."""

import doctest
import gzip
import math
import subprocess
import sys
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textbook_code import data

NAMES = data.MNIST_FILES


def rng(seed=0):
    return np.random.default_rng(seed)


def idx(array) -> bytes:
    """An array of unsigned bytes as an IDX file holds it."""
    return (
        bytes([0, 0, 8, array.ndim])
        + np.array(array.shape, ">u4").tobytes()
        + array.astype(np.uint8).tobytes()
    )


def mnist_arrays(n_train=7, n_test=3):
    shapes = [(n_train, 28, 28), (n_train,), (n_test, 28, 28), (n_test,)]
    return [rng(i).integers(0, 10 if len(s) == 1 else 256, s) for i, s in enumerate(shapes)]


@pytest.fixture
def folder(tmp_path):
    """A folder with the four files, plain, of 10 images in all."""
    for name, array in zip(NAMES, mnist_arrays(), strict=True):
        (tmp_path / name).write_bytes(idx(array))
    return tmp_path


def message(error, function, *args):
    with pytest.raises(error) as caught:
        function(*args)
    return str(caught.value)


# The digits


def test_digits():
    x, labels = data.digits()
    assert (x.shape, x.dtype, labels.shape, labels.dtype) == ((1797, 8, 8), np.float64, (1797,), np.int64)
    assert (x.min(), x.max()) == (0.0, 1.0)
    assert np.array_equal(16 * x, np.rint(16 * x))
    assert np.bincount(labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    # the first row of UCI's optdigits.tes begins 0,0,5,13,9,1,0,0 and shows a 0
    assert (16 * x[0, 0]).tolist() == [0, 0, 5, 13, 9, 1, 0, 0]
    assert labels[0] == 0


def test_digits_are_the_callers_own():
    x, labels = data.digits()
    x[:], labels[:] = 7, 7
    again, labels_again = data.digits()
    assert again.max() == 1.0 and labels_again[0] == 0


def test_digits_are_small_and_fast():
    assert data.DIGITS.stat().st_size < 50_000
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        data.digits()
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 0.1


def test_digits_missing(monkeypatch, tmp_path):
    monkeypatch.setattr(data, "DIGITS", tmp_path / "digits.npz")
    found = message(FileNotFoundError, data.digits)
    assert found == f"{tmp_path / 'digits.npz'}: no such file; install textbook-code again"


def swap_byte(content):
    return content[:20_000] + bytes([content[20_000] ^ 1]) + content[20_001:]


@pytest.mark.parametrize(
    "damage",
    [swap_byte, lambda c: c[:-100], lambda c: b"", lambda c: c + b"\0", lambda c: b"version https://git-lfs"],
)
def test_digits_damaged(monkeypatch, tmp_path, damage):
    path = tmp_path / "digits.npz"
    path.write_bytes(damage(data.DIGITS.read_bytes()))
    monkeypatch.setattr(data, "DIGITS", path)
    assert message(ValueError, data.digits) == f"{path}: damaged; install textbook-code again"


# IDX files


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=4), st.booleans())
def test_read_idx_of_any_shape(tmp_path_factory, shape, gzipped):
    path = tmp_path_factory.mktemp("idx") / "entries"
    array = rng().integers(0, 256, shape)
    path.write_bytes(gzip.compress(idx(array)) if gzipped else idx(array))
    found = data.read_idx(path)
    assert found.dtype == np.uint8
    assert found.flags.writeable
    np.testing.assert_array_equal(found, array)


def test_read_idx_takes_a_str(folder):
    np.testing.assert_array_equal(data.read_idx(str(folder / NAMES[0])), mnist_arrays()[0])


GOOD = idx(np.arange(6).reshape(2, 3))
GZIPPED = gzip.compress(GOOD, mtime=0)
FAULTS = [
    (
        "empty",
        b"",
        "expected an IDX file of unsigned bytes, which begins with 00 00 08 and the number of axes, got",
    ),
    (
        "html",
        b"<!DOCTYPE html>",
        "expected an IDX file of unsigned bytes, which begins with 00 00 08 and the number",
    ),
    ("short", GOOD[:3], "expected an IDX file of unsigned bytes"),
    ("ints", b"\0\0\x0c" + GOOD[3:], "expected an IDX file of unsigned bytes"),
    ("no axes", bytes([0, 0, 8, 0, 1]), "expected an IDX file of unsigned bytes"),
    ("little endian", bytes([3, 8, 0, 0]) + GOOD[4:], "expected an IDX file of unsigned bytes"),
    ("header cut", GOOD[:10], "truncated: expected 8 bytes for 2 axes, got 6"),
    ("truncated", GOOD[:-1], "truncated: expected 6 bytes for shape (2, 3), got 5"),
    ("too long", GOOD + b"\0\0", "too long: expected 6 bytes for shape (2, 3), got 8"),
    (
        "huge",
        bytes([0, 0, 8, 2]) + b"\xff" * 8,
        f"truncated: expected {(2**32 - 1) ** 2} bytes for shape (4294967295, 4294967295), got 0",
    ),
    ("gzip cut", GZIPPED[:-9], "expected a whole gzip, got a damaged one: Compressed file ended before"),
    ("gzip cut in its head", GZIPPED[:5], "expected a whole gzip, got a damaged one"),
    (
        "gzip of another sum",
        GZIPPED[:-8] + bytes([GZIPPED[-8] ^ 1]) + GZIPPED[-7:],
        "expected a whole gzip, got a damaged one: CRC check failed",
    ),
    ("gzip, then more", GZIPPED + b"more", "expected a whole gzip, got a damaged one"),
    ("gzip garbage", GZIPPED[:10] + b"\xff" * 20, "expected a whole gzip, got a damaged one"),
    (
        "gzip of a truncated file",
        gzip.compress(GOOD[:-1]),
        "truncated: expected 6 bytes for shape (2, 3), got 5",
    ),
    ("gzip of html", gzip.compress(b"<html>"), "expected an IDX file of unsigned bytes"),
]


@pytest.mark.parametrize("name", ["entries", "entries.gz"])
@pytest.mark.parametrize("fault, content, wanted", FAULTS, ids=[row[0] for row in FAULTS])
def test_read_idx_names_the_fault(tmp_path, name, fault, content, wanted):
    path = tmp_path / name
    path.write_bytes(content)
    assert message(ValueError, data.read_idx, path).startswith(f"{path}: {wanted}")


def test_what_came_is_shown(tmp_path):
    path = tmp_path / "entries"
    path.write_bytes(b"<!DOCTYPE html>")
    assert message(ValueError, data.read_idx, path).endswith("got 3c 21 44 4f")
    path.write_bytes(b"")
    assert message(ValueError, data.read_idx, path).endswith("got nothing")


def test_a_path_that_is_not_there(tmp_path):
    path = tmp_path / "absent"
    assert message(FileNotFoundError, data.read_idx, path) == f"{path}: no such file"
    assert message(FileNotFoundError, data.read_idx, tmp_path) == f"{tmp_path}: no such file"
    for function in (data.read_idx, data.mnist):
        assert message(ValueError, function, None) == "path: expected a path, got NoneType"
        assert message(ValueError, function, 3) == "path: expected a path, got int"


# MNIST


def check_mnist(found):
    (x, labels), (x_test, labels_test) = found
    for array, wanted in zip((x, labels, x_test, labels_test), mnist_arrays(), strict=True):
        if array.ndim == 3:
            assert array.dtype == np.float32
            assert 0 <= array.min() <= array.max() <= 1
            np.testing.assert_array_equal(np.rint(array * 255), wanted)
        else:
            assert array.dtype == np.int64
            np.testing.assert_array_equal(array, wanted)


def test_mnist(folder):
    check_mnist(data.mnist(folder))
    check_mnist(data.mnist(str(folder)))


@pytest.mark.parametrize("dotted", [False, True])
@pytest.mark.parametrize("gzipped", [False, True])
def test_mnist_under_its_other_names(tmp_path, dotted, gzipped):
    for name, array in zip(NAMES, mnist_arrays(), strict=True):
        name = name.replace("-idx", ".idx") if dotted else name
        path = tmp_path / (name + ".gz" * gzipped)
        path.write_bytes(gzip.compress(idx(array)) if gzipped else idx(array))
    check_mnist(data.mnist(tmp_path))


def test_the_content_says_whether_it_is_gzipped(folder):
    """Some tools unzip without renaming, others rename without unzipping."""
    first, second = folder / NAMES[0], folder / NAMES[1]
    first.write_bytes(gzip.compress(first.read_bytes()))
    second.rename(folder / f"{NAMES[1]}.gz")
    check_mnist(data.mnist(folder))


def test_a_folder_named_like_a_file_is_passed_over(folder):
    (folder / NAMES[0]).rename(folder / NAMES[0].replace("-idx", ".idx"))
    (folder / NAMES[0]).mkdir()
    check_mnist(data.mnist(folder))


def test_mnist_home(monkeypatch, folder):
    monkeypatch.setenv("HOME", str(folder.parent))
    monkeypatch.setenv("USERPROFILE", str(folder.parent))
    check_mnist(data.mnist(f"~/{folder.name}"))


WANTED = f"{', '.join(NAMES)} (plain or .gz)"


def test_mnist_without_its_folder(tmp_path):
    path = tmp_path / "absent"
    assert (
        message(FileNotFoundError, data.mnist, path) == f"{path}: no such folder; expected one with {WANTED}"
    )
    path.write_bytes(b"")
    assert (
        message(FileNotFoundError, data.mnist, path) == f"{path}: no such folder; expected one with {WANTED}"
    )


@pytest.mark.parametrize("name", NAMES)
def test_mnist_without_a_file(folder, name):
    (folder / name).unlink()
    assert (
        message(FileNotFoundError, data.mnist, folder) == f"{folder / name}: no such file; expected {WANTED}"
    )


def images(shape):
    return idx(np.zeros(shape))


SEVEN = f"expected labels, shape (7,) as {NAMES[0]} has 7 images, got shape"
MNIST_FAULTS = [
    ("swapped", 0, idx(np.zeros(7)), "expected images, shape (N, 28, 28), got shape (7,)"),
    ("swapped", 1, images((7, 28, 28)), f"{SEVEN} (7, 28, 28)"),
    ("fewer labels", 1, idx(np.zeros(6)), f"{SEVEN} (6,)"),
    ("test and train", 2, images((7, 28, 28)), None),
    ("other size", 2, images((3, 8, 8)), "expected images, shape (N, 28, 28), got shape (3, 8, 8)"),
    ("flat", 0, images((7, 784)), "expected images, shape (N, 28, 28), got shape (7, 784)"),
    ("none", 0, images((0, 28, 28)), "expected images, shape (N, 28, 28), got shape (0, 28, 28)"),
    ("label 10", 1, idx(np.full(7, 10)), "expected values from 0 to 9, got 10"),
    ("label 255", 3, idx(np.array([0, 255, 1])), "expected values from 0 to 9, got 255"),
    ("truncated", 0, images((7, 28, 28))[:-1], "truncated: expected 5488 bytes for shape (7, 28, 28), got"),
    ("too long", 3, idx(np.zeros(3)) + b"\0", "too long: expected 3 bytes for shape (3,), got 4"),
    ("magic", 2, b"PK\x03\x04" + bytes(100), "expected an IDX file of unsigned bytes"),
    ("gzip", 2, gzip.compress(images((3, 28, 28)))[:-5], "expected a whole gzip, got a damaged one"),
]


@pytest.mark.parametrize(
    "fault, i, content, wanted", MNIST_FAULTS, ids=[f"{r[0]} {r[1]}" for r in MNIST_FAULTS]
)
def test_mnist_names_the_file_and_its_fault(folder, fault, i, content, wanted):
    (folder / NAMES[i]).write_bytes(content)
    if wanted is None:  # the labels beside it are the ones that do not fit
        i, wanted = 3, f"expected labels, shape (7,) as {NAMES[2]} has 7 images, got shape (3,)"
    assert message(ValueError, data.mnist, folder).startswith(f"{folder / NAMES[i]}: {wanted}")


def test_all_headers_are_read_before_any_content(monkeypatch, folder):
    (folder / NAMES[3]).write_bytes(idx(np.zeros(2)))

    def never(path):
        raise AssertionError(f"{path} was read")

    monkeypatch.setattr(data, "read_idx", never)
    assert "expected labels" in message(ValueError, data.mnist, folder)


# Splits and batches


def rows(n):
    """Rows that know their label."""
    labels = np.arange(n)
    return np.stack([labels, labels], axis=1) / 2, labels


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 30), st.integers(1, 30))
def test_batches(n, size):
    x, labels = rows(max(n, size))
    parts = list(data.batches(x, labels, size, rng()))
    assert len(parts) == len(x) // size
    assert {len(part) for pair in parts for part in pair} == {size}
    seen = np.concatenate([part for _, part in parts])
    assert len(set(seen.tolist())) == len(seen) == len(x) // size * size
    for x_batch, labels_batch in parts:
        np.testing.assert_array_equal(x_batch[:, 0], labels_batch / 2)


def test_batches_are_shuffled_by_the_generator_alone():
    x, labels = rows(50)
    order = [[b.tolist() for _, b in data.batches(x, labels, 10, rng(seed))] for seed in (0, 0, 1)]
    assert order[0] == order[1] != order[2]
    seen = [i for batch in order[0] for i in batch]
    assert sorted(seen) == list(range(50)) != seen
    one = rng()
    epochs = [[b.tolist() for _, b in data.batches(x, labels, 10, one)] for _ in range(2)]
    assert epochs[0] != epochs[1]


def test_the_order_is_drawn_at_the_call():
    x, labels = rows(10)
    one, two = rng(), rng()
    epoch = data.batches(x, labels, 5, one)
    one.random(100)
    assert [b.tolist() for _, b in epoch] == [b.tolist() for _, b in data.batches(x, labels, 5, two)]


def test_batches_are_copies():
    x, labels = rows(4)
    for x_batch, labels_batch in data.batches(x, labels, 2, rng()):
        x_batch[:], labels_batch[:] = -1, -1
    assert x.min() >= 0 and labels.min() >= 0


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 40), st.floats(0.01, 0.99))
def test_train_test_split(n, share):
    x, labels = rows(n)
    size = round(n * share)
    if not 0 < size < n:
        assert message(ValueError, data.train_test_split, x, labels, share, rng()) == (
            f"test_share: expected a row for each part, got {size} of {n} to test"
        )
        return
    (x_train, labels_train), (x_test, labels_test) = data.train_test_split(x, labels, share, rng())
    assert len(x_test) == len(labels_test) == size
    assert sorted([*labels_train, *labels_test]) == list(range(n))
    np.testing.assert_array_equal(x_train[:, 0], labels_train / 2)
    np.testing.assert_array_equal(x_test[:, 0], labels_test / 2)


def test_the_split_is_shuffled_by_the_generator_alone():
    x, labels = rows(50)
    tests = [data.train_test_split(x, labels, 0.2, rng(seed))[1][1].tolist() for seed in (0, 0, 1)]
    assert tests[0] == tests[1] != tests[2]
    assert tests[0] != sorted(tests[0])


X, LABELS = rows(6)
BAD = [
    (data.batches, (X, LABELS, 7, rng()), "size: expected at most 6, the rows of x, got 7"),
    (data.batches, (X, LABELS, 0, rng()), "size: expected an integer ≥ 1, got 0"),
    (data.batches, (X, LABELS, 2.0, rng()), "size: expected an integer ≥ 1, got 2.0"),
    (data.batches, (X, LABELS, True, rng()), "size: expected an integer ≥ 1, got True"),
    (data.batches, (X, LABELS, 2, 0), "rng: expected a generator as from np.random.default_rng(0), got int"),
    (data.batches, (X, LABELS[:5], 2, rng()), "labels: expected 6 rows as in x, got 5"),
    (data.batches, (X, [0] * 6, 2, rng()), "labels: expected an array, got list"),
    (data.batches, ([0], LABELS, 2, rng()), "x: expected an array, got list"),
    (data.batches, (X[:0], LABELS[:0], 2, rng()), "x: expected shape (N, ...), none of it empty, got (0, 2)"),
    (data.batches, (np.array(1.0), LABELS, 2, rng()), "x: expected shape (N, ...), none of it empty, got ()"),
    (data.train_test_split, (X, LABELS, 0.0, rng()), "test_share: expected a number in (0, 1), got 0.0"),
    (data.train_test_split, (X, LABELS, 1, rng()), "test_share: expected a number in (0, 1), got 1"),
    (data.train_test_split, (X, LABELS, math.nan, rng()), "test_share: expected a number in (0, 1), got nan"),
    (data.train_test_split, (X, LABELS, "a", rng()), "test_share: expected a real number, got str"),
    (data.train_test_split, (X, LABELS, 0.01, rng()), "test_share: expected a row for each part, got 0 of 6"),
    (data.train_test_split, (X, LABELS, 0.99, rng()), "test_share: expected a row for each part, got 6 of 6"),
    (data.train_test_split, (X[:1], LABELS[:1], 0.5, rng()), "test_share: expected a row for each part"),
    (data.train_test_split, (X, LABELS[:5], 0.5, rng()), "labels: expected 6 rows as in x, got 5"),
    (data.train_test_split, (X, LABELS, 0.5, 0), "rng: expected a generator"),
    (data.spirals, (3,), "n: expected a positive even number, got 3"),
    (data.spirals, (0,), "n: expected a positive even number, got 0"),
    (data.spirals, (-2,), "n: expected an integer ≥ 0, got -2"),
    (data.spirals, (2.0,), "n: expected an integer ≥ 0, got 2.0"),
    (data.spirals, (2, -0.1), "noise: expected a finite number ≥ 0, got -0.1"),
    (data.spirals, (2, 0.1, -1), "seed: expected an integer ≥ 0, got -1"),
    (data.linear, (0, 1), "n: expected an integer ≥ 1, got 0"),
    (data.linear, (1, 0), "features: expected an integer ≥ 1, got 0"),
    (data.linear, (1, 1, math.inf), "noise: expected a finite number ≥ 0, got inf"),
    (data.linear, (1, 1, 0.1, None), "seed: expected an integer ≥ 0, got None"),
]


@pytest.mark.parametrize("function, args, wanted", BAD, ids=[f"{r[0].__name__}-{r[2][:30]}" for r in BAD])
def test_bad_input(function, args, wanted):
    """Raised by the call itself, not by the first use of what it returns."""
    assert message(ValueError, function, *args).startswith(wanted)


# Points drawn from a seed


def test_linear():
    x, y, w = data.linear(2000, 3, noise=0.5, seed=1)
    assert (x.shape, y.shape, w.shape) == ((2000, 3), (2000, 1), (3, 1))
    residual = y - x @ w
    assert residual.std() == pytest.approx(0.5, rel=0.1)
    assert abs(residual.mean()) < 0.1
    exact = data.linear(5, 3, noise=0.0, seed=1)
    np.testing.assert_allclose(exact[0] @ exact[2], exact[1])


def test_spirals():
    x, y = data.spirals(200, noise=0.0)
    assert (x.shape, y.shape) == ((200, 2), (200, 1))
    assert y.ravel().tolist() == [0.0] * 100 + [1.0] * 100
    radius = np.hypot(*x.T)
    assert 0.25 <= radius.min() <= radius.max() <= 1.5
    np.testing.assert_allclose(np.cos(np.arctan2(x[:, 1], x[:, 0]) - 2 * np.pi * radius), 1 - 2 * y.ravel())
    apart = np.min(np.hypot(*(x[:100, None] - x[None, 100:]).transpose(2, 0, 1)))
    assert 0.3 < apart < 0.6
    moved = data.spirals(2000, noise=0.1)[0] - data.spirals(2000, noise=0.0)[0]
    assert moved.std() == pytest.approx(0.1, rel=0.1)


@pytest.mark.parametrize("make", [lambda s: data.linear(4, 2, seed=s), lambda s: data.spirals(4, seed=s)])
def test_the_seed_decides(make):
    first, second, other = make(0), make(0), make(1)
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert not np.array_equal(first[0], other[0])


def test_xor_and_rings():
    assert [a.shape for a in data.xor()] == [(4, 2), (4, 1)]
    x, y = data.rings(10, noise=0.0)
    np.testing.assert_allclose(np.hypot(*x.T), 1 + y.ravel())
    assert message(ValueError, data.rings, 3) == "n: expected a positive even number, got 3"


def test_the_data_need_numpy_alone():
    code = "import sys, textbook_code.data; print(*sorted({'jax', 'scipy', 'sklearn'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_docstring_examples():
    results = doctest.testmod(data)
    assert results.failed == 0 and results.attempted >= 20
