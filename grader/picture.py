"""Look into an untrusted PNG: whether it is a whole one, and shows anything. It is never shown or decoded further."""

import struct
import zlib

SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by colour type; PNG specification, section 11.2.2
LEAST_SIDE = 100  # pixels
MOST_PIXELS = 25_000_000
MOST_BYTES = 20_000_000  # of the file; the handout's picture takes 20 kB
LEAST_ROWS = 20  # rows of pixels that differ; a map of words has hundreds, a blank page one or two


def trouble_of(data):
    """Say what is wrong with a PNG as a picture of word vectors.

    Parameters
    ----------
    data : bytes
        The whole file.

    Returns
    -------
    str or None
        The rest of a sentence that begins with the file's name.
    """
    if not data.startswith(SIGNATURE):
        return "is not a PNG"
    if len(data) > MOST_BYTES:
        return f"has {len(data):,} bytes: too many for a picture of words"
    try:
        chunks = list(_chunks(data[len(SIGNATURE) :]))
        if len(chunks) < 3 or chunks[0][0] != b"IHDR" or chunks[-1][0] != b"IEND":
            return "is not a whole PNG"
        width, height, depth, colour, *_, interlaced = struct.unpack(">IIBBBBB", chunks[0][1])
        if min(width, height) < LEAST_SIDE:
            return f"has {width} by {height} pixels: too few to show words"
        if width * height > MOST_PIXELS:
            return f"has {width} by {height} pixels: too many"
        row = 1 + (width * depth * CHANNELS[colour] + 7) // 8  # bytes: the filter, then the pixels
        wanted = row * height
        unpacked = zlib.decompressobj().decompress(b"".join(body for kind, body in chunks if kind == b"IDAT"), wanted)
    except (ValueError, KeyError, struct.error, zlib.error) as error:
        return f"is a damaged PNG ({error})"
    if len(unpacked) < wanted:
        return "is not a whole PNG"
    rows = {unpacked[n * row : (n + 1) * row] for n in range(height)}
    if len(rows) < LEAST_ROWS and not interlaced:
        return "is blank"
    return None


def _chunks(data):
    """Yield (type, body) of each chunk; ValueError where one is cut off or its checksum is wrong."""
    at = 0
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        body, checksum = data[at + 8 : at + 8 + length], data[at + 8 + length : at + 12 + length]
        if len(body) != length or checksum != struct.pack(">I", zlib.crc32(kind + body)):
            raise ValueError(f"its chunk {kind.decode('latin-1')!r} is cut off or changed")
        yield kind, body
        at += 12 + length
