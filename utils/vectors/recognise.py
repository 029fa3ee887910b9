"""What a file is, by its first bytes: one of the formats of word vectors, or something that cannot be read here."""

from pathlib import Path

from utils.system.errors import InputError
from utils.vectors import fasttext, formats

GZIP = b"\x1f\x8b"
ZIP = (b"PK\3\4", b"PK\5\6")
HEAD = 2**16  # bytes looked at
LONGEST_LETTER = 4  # bytes of UTF-8
NAMES = {
    "word2vec": "word2vec's text",
    "glove": "text without a header",
    "binary": "word2vec's binary format",
    "npz": "an archive of NumPy",
    "projector": "numbers between tabs",
    "fasttext": "a model of fastText",
}
UNPACK = "unpack it first"
EXPORT = "write its vectors as word2vec's text with the program that made it"
# First bytes -> what such a file is, and what to do.
FOREIGN = {
    b"\x93NUMPY": ("a single array of NumPy: it holds no words", "load_saved_params takes it with a list of words"),
    b"\xfd7zXZ": ("compressed by xz", UNPACK),
    b"BZh": ("compressed by bzip2", UNPACK),
    b"\x28\xb5\x2f\xfd": ("compressed by zstd", UNPACK),
    b"7z\xbc\xaf": ("a 7z archive", UNPACK),
    b"\x89HDF": ("an HDF5 file", EXPORT),
    b"PAR1": ("a Parquet file", EXPORT),
    b"GGUF": ("a GGUF model", EXPORT),
    b"SQLite format": ("a SQLite database", EXPORT),
    b"\x89PNG": ("a PNG picture", "give the file of the vectors"),
    b"GIF8": ("a GIF picture", "give the file of the vectors"),
    b"\xff\xd8\xff": ("a JPEG picture", "give the file of the vectors"),
    b"%PDF": ("a PDF document", "give the file of the vectors"),
    b"\x7fELF": ("a program", "give the file of the vectors"),
    b"\xff\xfe": ("UTF-16 text", "save it as UTF-8"),
    b"\xfe\xff": ("UTF-16 text", "save it as UTF-8"),
    b"<!DOCTYPE": ("a web page", "fetch the file itself, not the page about it"),
    b"<html": ("a web page", "fetch the file itself, not the page about it"),
    b"version https://git-lfs": ("a pointer of Git LFS, not the file itself", "fetch it with `git lfs pull`"),
}
PICKLES = tuple(bytes([0x80, protocol]) for protocol in range(2, 6))
TAR = slice(257, 262)


def kind(path: str | Path, head: bytes, hint: str | None) -> str:
    """Tell the format of a file.

    Parameters
    ----------
    path : str or Path
        For messages.
    head : bytes
        The first HEAD bytes, unpacked and without a byte order mark.
    hint : str or None
        The format that its name stands for. It decides where the content does not.

    Returns
    -------
    {"word2vec", "glove", "binary", "npz", "projector", "fasttext"}

    Raises
    ------
    InputError
        The file is of a kind that cannot be read here.
    """
    _refuse_foreign(path, head)
    if head.startswith(fasttext.MAGIC):
        return "fasttext"
    if head.startswith(ZIP):
        return "npz"
    if b"\r" in head and b"\n" not in head and len(head) < HEAD:
        raise InputError(f"{path}, line 1: its lines end with carriage returns alone: convert them to line feeds")
    first, _, rest = head.partition(b"\n")
    header = formats.HEADER.fullmatch(first)
    if header and not (hint == "projector" and b"\t" in first):
        return _with_header(int(header[2]), rest, hint)
    if hint == "projector" and formats.are_numbers(first):
        return "projector"
    return "glove" if formats.is_record(first) or hint in (None, "word2vec") else hint


def _with_header(d, rest, hint):
    """The format of a file whose first line is two whole numbers, the second of which is d."""
    if formats.is_record(rest.partition(b"\n")[0], d):
        # With d = 1 it is open whether the first line is a word of GloVe's, or four bytes happen to look like a number.
        return hint if d == 1 and hint in ("glove", "binary") else "word2vec"
    numbers = rest.partition(b" ")[2][: d * formats.SINGLE.itemsize]
    if not _is_text(numbers):
        return "binary"
    return hint if hint in ("glove", "binary") else "word2vec"


def _is_text(data):
    """Whether these bytes, which may end within a letter, can be text: UTF-8 without control characters."""
    try:
        data.decode()
    except UnicodeDecodeError as error:
        if error.start < len(data) - LONGEST_LETTER:
            return False
    return not any(byte < 9 or 14 <= byte < 28 for byte in data)


def _refuse_foreign(path, head):
    for start, (what, remedy) in FOREIGN.items():
        if head[: len(start)].lower() == start.lower():
            raise InputError(f"{path} is {what}: {remedy}")
    if head.startswith(PICKLES):
        raise InputError(
            f"{path} is a pickle, as gensim's save() writes, which can run any code and is not opened here: "
            "in gensim, save with save_word2vec_format()"
        )
    if head[TAR] == b"ustar":
        raise InputError(f"{path} is a tar archive: {UNPACK}")
