"""Word vectors in files, their format told by the extension.

| extension | format | what it is |
| --- | --- | --- |
| `.txt`, `.vec` | `word2vec` | text: the header "words dimensions", then lines "word number number ..." |
| `.glove`, `.txt` | `glove` | the same without a header, by which it is told apart in a `.txt` |
| `.bin` | `binary` | word2vec's: the header, then each word and its numbers, 4 bytes each |
| `.npz` | `npz` | NumPy arrays: any word, any precision |
| `.tsv` | `projector` | the Embedding Projector's: X.tsv with the numbers, X_metadata.tsv with a word a line |

The first three may be compressed (`.txt.gz`). All but `npz` hold numbers of single precision, and those exactly; what
is too small for it becomes 0. White space within a word, or no word at all, they refuse (`projector`: tabs and line
ends only).
"""

import contextlib
import gzip
import re
import sys
import zlib
from pathlib import Path

import numpy as np

from utils.system.errors import EnvironmentFailure, InputError, brief
from utils.system.files import replacing, write_together
from utils.system.npy import array_from
from utils.vectors import formats
from utils.vectors.wordvectors import WordVectors

EXTENSIONS = {
    ".txt": "word2vec",
    ".vec": "word2vec",
    ".glove": "glove",
    ".bin": "binary",
    ".npz": "npz",
    ".tsv": "projector",
}
COMPRESSED = ".gz"
GZIP_LEVEL = 6  # 9 takes twice as long for 1 % less
COMPRESSIBLE = ("word2vec", "glove", "binary")
METADATA = "_metadata"
MATRICES = ("center", "outside", "sum", "concat")


def format_of(path, format=None):
    """The format of a file: the one that is given, or else that of its extension.

    Returns
    -------
    {"word2vec", "glove", "binary", "npz", "projector"}

    Raises
    ------
    InputError
        The extension or the format is unknown, or such a file cannot be compressed.
    """
    path = Path(path)
    compressed = path.suffix.lower() == COMPRESSED
    extension = path.with_suffix("").suffix.lower() if compressed else path.suffix.lower()
    known = sorted(set(EXTENSIONS.values()))
    if format is None and extension not in EXTENSIONS:
        hint = ": it holds no words, load_saved_params takes them as well" if extension == ".npy" else ""
        raise InputError(f"{path}: files of word vectors end in {', '.join(EXTENSIONS)}, not in {extension!r}{hint}")
    if format is not None and format not in known:
        raise InputError(f"format must be one of {', '.join(known)}, got {format!r}")
    format = format or EXTENSIONS[extension]
    if compressed and format not in COMPRESSIBLE:
        raise InputError(f"{path}: files of format {format} are not compressed: leave out {COMPRESSED}")
    return format


def load_vectors(path, limit=None, format=None):
    """Read word vectors.

    Parameters
    ----------
    path : str or Path
        Of the projector's two files the one with the numbers.
    limit : int, optional
        Read the first so many words only.
    format : str, optional
        As in the table above; by default told by the extension and, in a `.txt` or `.vec`, by whether the first line
        is two whole numbers.

    Returns
    -------
    WordVectors
        float32, except from `npz`. Of a word that comes twice the first one counts, with a notice on standard error.

    Raises
    ------
    InputError
        The file is missing, of another format, damaged or cut off; the line or the word is named.
    EnvironmentFailure
        The file is there but cannot be read.

    Notes
    -----
    Memory: about twice the (uncompressed) file at most, whatever its header claims. Text must end with a line end:
    without it, nobody can tell whether the last number is whole. Words of text may have spaces within, as in one of
    GloVe's files, unless what follows the space is a number.
    """
    path, given = Path(path), format
    format = format_of(path, given)
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 1):
        raise InputError(f"limit must be a whole number of at least 1, got {limit!r}")
    most = sys.maxsize if limit is None else limit
    if format == "npz":
        with _reading(path):
            return _first_of_each(path, *formats.read_npz(path, most))
    with _opened(path) as file:
        if format == "binary":
            words, vectors = formats.read_binary(path, file, most)
        elif format == "projector":
            with _opened(_metadata(path)) as words_file:
                words, vectors = formats.read_projector(path, file, _metadata(path), words_file, most)
        else:
            has_header = None if given is None and format == "word2vec" else format == "word2vec"
            words, vectors = formats.read_text(path, file, most, has_header)
    return _first_of_each(path, words, vectors)


def save_vectors(path, vectors, format=None):
    """Write word vectors; the file (the projector's: both) is there whole or not at all.

    Parameters
    ----------
    path : str or Path
    vectors : WordVectors
    format : str, optional
        As in the table above; by default told by the extension.

    Raises
    ------
    InputError
        The format is unknown, or cannot hold one of the words or numbers.
    EnvironmentFailure
        The file cannot be written.
    """
    path = Path(path)
    format = format_of(path, format)
    if format != "npz":
        _check_words(path, vectors.words, format)
        _check_numbers(path, vectors.vectors)
    if format == "projector":
        numbers, words = formats.projector_files(vectors)
        write_together({path: numbers, _metadata(path): words})
        return
    with replacing(path, "wb") as plain, _compressing(plain, path) as file:
        if format == "npz":
            formats.write_npz(file, vectors)
        elif format == "binary":
            formats.write_binary(file, vectors)
        else:
            formats.write_text(file, vectors, header=format == "word2vec")


def load_saved_params(path, words, which="center"):
    """Read the parameters that a training has saved (`saved_params_40000.npy`): they hold no words.

    Parameters
    ----------
    path : str or Path
    words : list of str, length V
        The word of each id, as of `StanfordSentiment.words()`.
    which : {"center", "outside", "sum", "concat"}
        As for `select`.

    Returns
    -------
    WordVectors

    Raises
    ------
    InputError
        The file is missing or damaged, or has not two rows for each word.
    EnvironmentFailure
        The file is there but cannot be read.
    """
    with _reading(path):
        try:
            parameters = array_from(Path(path).read_bytes())
        except ValueError as error:
            raise InputError(f"{path} is damaged: it {brief(error)}") from None
    if parameters.ndim != 2 or len(parameters) != 2 * len(words):
        wanted = f"wanted two rows for each of {len(words)} words: give the words of its training"
        raise InputError(f"{path} has shape {parameters.shape}, {wanted}")
    return WordVectors(words, np.array(select(parameters, which)))


def select(parameters, which):
    """The vectors of the words, out of the stacked parameters of a training.

    Parameters
    ----------
    parameters : ndarray, shape (2 V, d)
        Centre vectors above outside vectors.
    which : {"center", "outside", "sum", "concat"}
        The last two are of the centre and the outside vector of each word.

    Returns
    -------
    ndarray, shape (V, d), or (V, 2 d) for "concat"
        For "center" and "outside" a view.
    """
    if which not in MATRICES:
        raise InputError(f"the vectors to take must be one of {', '.join(MATRICES)}, got {which!r}")
    if np.ndim(parameters) != 2 or len(parameters) % 2:
        raise InputError(f"parameters need two rows for each word, got shape {np.shape(parameters)}")
    center, outside = np.split(parameters, 2)  # (V, d)
    if which == "sum":
        return center + outside
    if which == "concat":
        return np.concatenate([center, outside], axis=1)
    return center if which == "center" else outside


@contextlib.contextmanager
def _reading(path):
    try:
        yield
    except FileNotFoundError:
        raise InputError(f"{path} is missing") from None
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise InputError(f"{path} is damaged or cut off: {brief(error)}") from None
    except OSError as error:
        raise EnvironmentFailure(f"cannot read {path}: {error.strerror or error}") from error


@contextlib.contextmanager
def _opened(path):
    with _reading(path), (gzip.open if path.suffix.lower() == COMPRESSED else open)(path, "rb") as file:
        yield file


def _compressing(file, path):
    if path.suffix.lower() != COMPRESSED:
        return contextlib.nullcontext(file)
    return gzip.GzipFile(path.stem, "wb", GZIP_LEVEL, file, mtime=0)  # the same vectors give the same bytes


def _metadata(path):
    return path.with_name(f"{path.stem}{METADATA}{path.suffix}")


def _first_of_each(path, words, vectors):
    first = {}
    for i, word in enumerate(words):
        first.setdefault(word, i)
    if len(first) < len(words):
        again = next(word for i, word in enumerate(words) if first[word] != i)
        notice = f"{len(words) - len(first)} entries repeat a word ({again!r}); the first of each counts"
        print(f"{path}: {notice}", file=sys.stderr)
        words, vectors = list(first), vectors[list(first.values())]
    try:
        return WordVectors(words, vectors)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _check_words(path, words, format):
    refused = re.compile(r"[\t\n\r]" if format == "projector" else r"[\t\n\v\f\r ]")
    for i, word in enumerate(words):
        fault = "is empty" if not word else "has white space" if refused.search(word) else None
        try:
            size = len(word.encode())
        except UnicodeEncodeError:
            fault = "is no valid text"
        else:
            if format == "binary" and size >= formats.LONGEST_WORD:
                fault = f"is longer than {formats.LONGEST_WORD - 1} bytes"
        if fault:
            raise InputError(f"{path}: word {i}, {word[:60]!r}, {fault}, which format {format} cannot hold: use .npz")


def _check_numbers(path, vectors):
    if max(vectors.max(), -vectors.min()) > np.finfo(np.float32).max:
        raise InputError(f"{path}: some numbers are beyond single precision, which this format keeps: use .npz")
