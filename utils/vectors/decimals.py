"""Numbers of single precision as decimal text, thousands at a time: the same bytes as Python's `"%.9g"`, faster.

Nine significant digits tell all float32 numbers apart. A number a with 10^e <= a < 10^(e + 1) has the digits of the
whole number nearest to a * 10^(8 - e). In float64 that product is off by at most 1e-7, so its rounding is certain
unless the fraction lies that close to one half; those few, and the numbers that are written with an exponent, are left
to Python.
"""

import numpy as np

DIGITS = 9
LOWEST, HIGHEST = -4, DIGITS - 1  # exponents of the numbers that "%.9g" writes without an exponent
POWERS = 10.0 ** np.arange(LOWEST, HIGHEST + 2)
SCALES = 10.0 ** np.arange(HIGHEST - LOWEST, -1, -1)  # 10^(8 - e), exact in float64
UNCERTAIN = 2e-7  # twice the error of the product
WIDTH = 16  # bytes for a number: its sign, the 5 of "0.000", its digits, the separator
POINT, ZERO = ord("."), ord("0")
FIRST = WIDTH - 1 - DIGITS  # column of the first digit
DROPPED = b"\0"
# Several bytes at a time, as one number each: a sign with "0.000", without and then with the minus; four digits.
_PREFIXES = ["0.000", "0.00", "0.0", "0.", *[""] * (HIGHEST + 1)]
PREFIXES = np.array([[sign + prefix for prefix in _PREFIXES] for sign in ("\0", "-")], "S8").view(np.uint64)  # (2, e)
FOURS = np.array([f"{number:04}" for number in range(10_000)], "S4").view(np.uint32)
EXPONENT = 23  # bits of a float32 before those of its exponent
# The place in POWERS of the least number with each exponent of two: `_places` has the right one or the one before it.
LEAST_PLACES = np.searchsorted(POWERS, 2.0 ** (np.arange(256) - 127), side="right") - 1
NEXT_POWERS = np.append(POWERS, np.inf)  # behind that place -1: POWERS[0]


def as_text(rows: np.ndarray, separator: bytes) -> list[bytes]:
    """Write each row as its numbers in nine digits, with a separator between them.

    Parameters
    ----------
    rows : ndarray of float32, shape (n, d)
        Finite.
    separator : bytes
        One byte.

    Returns
    -------
    list of bytes, length n

    Examples
    --------
    >>> as_text(np.array([[0.5, -2, 1e-7]], np.float32), b" ")
    [b'0.5 -2 1.00000001e-07']
    """
    n, d = rows.shape
    numbers = rows.astype(np.float64).ravel()  # (N,)
    sizes = np.abs(numbers)
    places = _places(rows, sizes)  # (N,): 0 where e is LOWEST, -1 below it
    zero, plain = sizes == 0, (places >= 0) & (places < len(SCALES))
    places = np.where(plain, places, -LOWEST)
    products = sizes * SCALES[places]
    whole = np.rint(products)
    plain &= (np.abs(np.abs(products - whole) - 0.5) > UNCERTAIN) & (whole < 10**DIGITS)
    whole = np.where(plain, whole, 0).astype(np.uint32)

    canvas = np.empty((n * d, WIDTH), np.uint8)

    def columns(first, dtype):
        """Several columns of the canvas from `first` on, as one number."""
        return np.ndarray(n * d, dtype, canvas, offset=first, strides=(WIDTH,))

    columns(0, np.uint64)[:] = PREFIXES.ravel().take(places + len(_PREFIXES) * np.signbit(numbers))
    high = whole // 10_000
    first = high // 10_000
    canvas[:, FIRST] = first + ZERO
    columns(FIRST + 1, np.uint32)[:] = FOURS.take(high - 10_000 * first)
    columns(FIRST + 5, np.uint32)[:] = FOURS.take(whole - 10_000 * high)
    _place_points(canvas, places + LOWEST)
    _drop_zeros(canvas, whole, places + LOWEST)
    odd = np.flatnonzero(~plain & ~zero)
    if len(odd):
        written = [b"%.9g" % number for number in numbers[odd].tolist()]
        canvas[odd, : WIDTH - 1] = np.array(written, f"S{WIDTH - 1}").view(np.uint8).reshape(-1, WIDTH - 1)
    canvas[:, -1] = ord(separator)
    canvas[d - 1 :: d, -1] = ord("\n")
    return canvas.tobytes().translate(None, DROPPED).split(b"\n")[:-1]


def _places(rows, sizes):
    """The place of each number's power of ten in POWERS, -1 for what is smaller: (N,).

    From the exponent of two it is one of two; a comparison says which.
    """
    bits = np.ascontiguousarray(rows, dtype=np.float32).view(np.uint32).ravel()  # (N,)
    places = LEAST_PLACES.take((bits >> EXPONENT) & 0xFF)  # (N,)
    places += sizes >= NEXT_POWERS.take(places + 1)
    return places


def _place_points(canvas, exponents):
    """Numbers from 1 on have the point after digit number e: those before it move one column to the left."""
    large = np.flatnonzero(exponents >= 0)
    for e in range(HIGHEST + 1) if len(large) else ():
        rows = large[exponents[large] == e]
        canvas[rows, FIRST - 1 : FIRST + e] = canvas[rows, FIRST : FIRST + e + 1]
        canvas[rows, FIRST + e] = POINT if e < HIGHEST else 0


def _drop_zeros(canvas, whole, exponents):
    """Drop the zeros at the end of the digits behind the point, and the point if none is left."""
    rows = np.flatnonzero((whole % 10 == 0) & (exponents < DIGITS - 1))
    for digit in range(DIGITS - 1, -1, -1):  # from the last one
        rows = rows[(whole[rows] % 10 ** (DIGITS - digit) == 0) & (exponents[rows] < digit)]
        canvas[rows, FIRST + digit] = 0
        ends = rows[exponents[rows] == digit - 1]
        canvas[ends, FIRST + digit - 1] = 0
