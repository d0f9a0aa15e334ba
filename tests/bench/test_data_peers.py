"""The digits are scikit-learn's, and digits.npz is made from them: run this file to write it anew."""

import io
import zipfile
import zlib

import numpy as np
from sklearn.datasets import load_digits

from textbook_code import data


def digits_file() -> bytes:
    """The content of digits.npz: no time of day in it, so that the same digits give the same bytes."""
    sklearn = load_digits()
    arrays = {"x": sklearn.images.astype(np.uint8), "labels": sklearn.target.astype(np.uint8)}
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, array in arrays.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, array, version=(1, 0))
            info = zipfile.ZipInfo(f"{name}.npy")  # dated 1980
            archive.writestr(info, member.getvalue(), zipfile.ZIP_DEFLATED, 9)
    return content.getvalue()


def members(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_digits_are_scikit_learns():
    sklearn = load_digits()
    x, labels = data.digits()
    np.testing.assert_array_equal(16 * x, sklearn.images)
    np.testing.assert_array_equal(labels, sklearn.target)
    assert labels.dtype == sklearn.target.dtype


def test_the_file_is_as_written_here():
    """Member by member: another zlib may pack the same content differently."""
    assert members(data.DIGITS.read_bytes()) == members(digits_file())


if __name__ == "__main__":
    data.DIGITS.write_bytes(digits_file())
    print(f"{data.DIGITS}: set DIGITS_CRC to {hex(zlib.crc32(digits_file()))}")
