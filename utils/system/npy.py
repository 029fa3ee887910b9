"""Arrays from the bytes of a .npy file that nobody vouches for."""

import io
import math
import tokenize
import warnings

import numpy as np

# What NumPy's reader of headers lets through, beside ValueError, at one that was made up.
STUMBLES = (tokenize.TokenError, OverflowError, RecursionError, MemoryError, TypeError, Warning)


def array_from(data):
    """Read an array from the bytes of a .npy file.

    Unlike `np.load` it takes neither a pickle nor a zip, and it fetches no memory for an array that is not there: the
    header must announce as many bytes as follow it, no more and no less.

    Parameters
    ----------
    data : bytes
        The whole file, in version 1.0 of the format: what `np.save` writes for arrays of numbers.

    Returns
    -------
    ndarray

    Raises
    ------
    ValueError
        It is no such file. The message is the rest of a sentence that the file's name begins.
    """
    file = io.BytesIO(data)
    try:
        if np.lib.format.read_magic(file) != (1, 0):
            raise ValueError("another version of the format than 1.0")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            shape, _, dtype = np.lib.format.read_array_header_1_0(file)
            if (announced := math.prod(shape) * dtype.itemsize) != (there := len(data) - file.tell()):
                raise ValueError(f"its header announces {announced:,} bytes, {there:,} follow it")
            file.seek(0)
            return np.lib.format.read_array(file, allow_pickle=False)
    except (ValueError, *STUMBLES) as error:
        raise ValueError(f"is no .npy file of numbers ({error})") from None
