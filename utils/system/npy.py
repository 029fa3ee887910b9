"""Arrays from the bytes of untrusted .npy files, and the bytes of such files."""

import io
import math
import tokenize
import warnings

import numpy as np

# What NumPy raises at a malformed header, beside ValueError.
MALFORMED = (tokenize.TokenError, OverflowError, RecursionError, MemoryError, TypeError, SyntaxError, Warning)


def npy_parts(array):
    """What `np.save` writes for an array, without a copy of the numbers: list of bytes-like, to be written in turn."""
    header, array = io.BytesIO(), np.asarray(array, order="C")
    np.lib.format.write_array_header_1_0(header, np.lib.format.header_data_from_array_1_0(array))
    return [header.getvalue(), array.reshape(-1).view(np.uint8).data]


def array_from(data):
    """Read an array from the bytes of a .npy file.

    Unlike `np.load` it reads neither pickles nor zips, and allocates nothing for an array that is not there: the header
    must declare exactly as many bytes as follow it.

    Parameters
    ----------
    data : bytes
        The whole file, in version 1.0 of the format: what `np.save` writes for arrays of numbers.

    Returns
    -------
    ndarray
        A read-only view of `data`.

    Raises
    ------
    ValueError
        It is not such a file. The message is the rest of a sentence that begins with the file's name.
    """
    file = io.BytesIO(data)
    shape, columns_first, dtype = header_from(file, len(data))
    count = math.prod(shape) if dtype.itemsize else 0
    try:
        return np.frombuffer(data, dtype, count, file.tell()).reshape(shape, order="F" if columns_first else "C")
    except ValueError as error:  # a shape or a type that no array can have
        raise ValueError(f"is not a .npy file of numbers ({error})") from None


def header_from(file, size):
    """Read the header of an open .npy file of `size` bytes: (shape, whether columns come first, dtype).

    Raises
    ------
    ValueError
        As from `array_from`.
    """
    try:
        if np.lib.format.read_magic(file) != (1, 0):
            raise ValueError("another version of the format than 1.0")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            shape, columns_first, dtype = np.lib.format.read_array_header_1_0(file)
        follow, declared = size - file.tell(), math.prod(shape) * dtype.itemsize
        if dtype.hasobject or declared != follow or min(shape, default=0) < 0:
            raise ValueError(f"its header declares shape {shape} of {dtype}, {follow:,} bytes follow")
    except (ValueError, *MALFORMED) as error:
        raise ValueError(f"is not a .npy file of numbers ({error})") from None
    return shape, columns_first, dtype
