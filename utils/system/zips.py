"""Read chosen members of an untrusted zip into memory: nothing else in it is read, and nothing is written."""

import io
import struct
import zipfile
import zlib
from pathlib import Path

from utils.system.errors import brief

ENTRY = b"PK\1\2"  # begins each entry of a zip's table of contents
MOST_MEMBERS = 5_000  # zipfile takes some 500 bytes of memory for an entry of 46 bytes
# What zipfile raises at damaged headers and streams; RuntimeError where it wants a password.
DAMAGED = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError),
    *(OSError, OverflowError, RuntimeError, ValueError),
)


class BadZip(ValueError):
    """A zip that cannot or must not be read. The message is the rest of a sentence that begins with its name."""


def read_members(source, choose, most_bytes, most_packed=None, most_members=MOST_MEMBERS):
    """Read chosen members of a zip, in memory proportional to the limits whatever the zip declares or holds.

    Parameters
    ----------
    source : bytes, str or Path
        The zip itself, or its path.
    choose : callable
        Takes the members, a list of ZipInfo, and returns those to read: an iterable of (name, ZipInfo). It may raise
        `zipfile.BadZipFile` to refuse the zip.
    most_bytes : int
        Limit for the sum of the sizes of the chosen members.
    most_packed : int, optional
        Limit for the size of the zip; by default `most_bytes`.
    most_members : int
        Limit for the number of members, chosen or not.

    Returns
    -------
    dict of str to bytes

    Raises
    ------
    BadZip
        It is missing, damaged, encrypted, too large, or holds a chosen name twice.
    """
    contents, declared = {}, 0
    try:
        with zipfile.ZipFile(io.BytesIO(_packed(source, most_packed or most_bytes, most_members))) as archive:
            for name, member in choose(archive.infolist()):
                if name in contents:
                    raise zipfile.BadZipFile(f"it holds {name} twice")
                # With other methods zipfile unpacks more than it is asked for.
                if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                    raise zipfile.BadZipFile(f"{name} is compressed by a method other than deflate")
                declared += member.file_size
                if declared > most_bytes:
                    raise zipfile.BadZipFile(f"its {declared:,} bytes are more than the expected {most_bytes:,}")
                with archive.open(member) as file:
                    contents[name] = file.read(member.file_size + 1)  # read() would unpack all that is there
                if len(contents[name]) != member.file_size:  # the checksum of no bytes at all is 0, too
                    raise zipfile.BadZipFile(f"{name} is cut off")
    except DAMAGED as error:
        reason = getattr(error, "strerror", None) or brief(error) or type(error).__name__
        raise BadZip(f"cannot be unpacked: {reason}") from error
    return contents


def _packed(source, most_bytes, most_members):
    """The bytes of a zip, unless they are too many or it has too many members."""
    if not isinstance(source, bytes):
        path = Path(source)
        if not path.is_file():
            raise zipfile.BadZipFile("there is no such file")
        if (size := path.stat().st_size) > most_bytes:
            raise zipfile.BadZipFile(f"its {size:,} bytes are more than the expected {most_bytes:,}")
        source = path.read_bytes()
    if (members := source.count(ENTRY)) > most_members:
        raise zipfile.BadZipFile(f"it has {members:,} members, more than the {most_members:,} allowed")
    return source
