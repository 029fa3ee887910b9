"""Fetch, verify and unpack the data sets; it needs nothing but Python itself. `sh get_datasets.sh` calls it.

    python -m utils.corpus.download                     # the Stanford Sentiment Treebank, from its home page
    SST_ZIP=copy.zip python -m utils.corpus.download    # the same from a copy at hand, without the network
    python -m utils.corpus.download evaluation          # what evaluate.py scores with: word similarity and analogies

A data set stands in its place whole and verified, or not at all: everything happens in a hidden temporary folder beside
the destination, which is removed whatever happens (only a process that is killed outright leaves it, unread, behind).
"""

import argparse
import contextlib
import functools
import hashlib
import http.client
import io
import os
import signal
import stat
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from utils.system.console import run
from utils.system.errors import EnvironmentFailure, InputError, brief
from utils.system.files import make_folder, replacing
from utils.system.paths import DATASETS

TIMEOUT = 30  # seconds without a sign of life from the server
PIECE = 1 << 16  # bytes read from the network at a time
REDRAW = 0.1  # seconds between two states of the progress line
ENCRYPTED = 0x1  # bit of a zip member's flags
MEMBER = b"PK\1\2"  # begins each entry of a zip's table of contents
MOST_MEMBERS = 1_000  # of a zip: once read, an entry takes eight times its bytes and more


@dataclass(frozen=True)
class DataSet:
    """What is published where, and how to know it again.

    Attributes
    ----------
    title : str
    url : str
        Where it is published: a zip, or a single file.
    folder : Path
        Where it belongs in the project.
    digests : dict of str to str
        File name -> sha256 of the published file, in hexadecimal.
    entries : dict of str to int
        File name -> number of lines, for the files that are known by that instead of by a digest.
    most_bytes : int
        What its zip may measure, packed or unpacked: anything larger is another file or a zip bomb.
    remedy : str
        What to do where it cannot be downloaded.
    zipped : bool
        Whether the files are published in a zip; if not, there is one file only.
    """

    title: str
    url: str
    folder: Path
    digests: dict
    entries: dict
    most_bytes: int
    remedy: str
    zipped: bool = True

    @property
    def names(self):
        """set of str: The files that belong to it."""
        return {*self.digests, *self.entries}


TREEBANK = DataSet(
    title="Stanford Sentiment Treebank",
    url="https://nlp.stanford.edu/~socherr/stanfordSentimentTreebank.zip",
    folder=DATASETS / "stanfordSentimentTreebank",
    digests={
        "datasetSentences.txt": "f7ae959a5ff0565eb860c3f2e600dde118bcb49aee63df8fa9b9a806da235553",
        "datasetSplit.txt": "ad567db10ae5275963f1ac3dd5ec21214b1d688c7aab582e2616ef4b3f970a5a",
        "sentiment_labels.txt": "20cbb150106bf334304a6f2076644eb7e1d8e17c7cd3d2d347e72bcaa2b4d322",
        "SOStr.txt": "6135cedf169a822da93a6807b5655f99550d27e74a3e3961d20097ec2f764d37",
        "STree.txt": "294534938c58070dbbc47d5edbc49b9ad0254f9af4814770b955688a8b1bf944",
        "original_rt_snippets.txt": "7316ec27d131acf8d7251b8477e8365a154c98470c104adcc64ac173a53a3666",
        "README.txt": "beff30caea91d73bceadf57b582e0a267ec0b153a57e1fa54cdfae0635cdcf10",
    },
    entries={"dictionary.txt": 239_232},
    most_bytes=50_000_000,  # the published files come to some 20 MB
    remedy="try again, or use a copy at hand with SST_ZIP=FILE; `python run.py --sample` works without data",
)
EVALUATION_FOLDER = DATASETS / "evaluation"
EVALUATION_REMEDY = "try again, or put copies into a folder of your own: `python evaluate.py --sets DIR FILE`"
EVALUATION_SETS = (
    DataSet(
        title="WordSim-353",
        url="https://gabrilovich.com/resources/data/wordsim353/wordsim353.zip",
        folder=EVALUATION_FOLDER / "wordsim353",
        digests={},
        entries={"combined.tab": 354},  # a line of names and 353 pairs
        most_bytes=1_000_000,
        remedy=EVALUATION_REMEDY,
    ),
    DataSet(
        title="SimLex-999",
        url="https://fh295.github.io/SimLex-999.zip",
        folder=EVALUATION_FOLDER / "SimLex-999",
        digests={},
        entries={"SimLex-999.txt": 1000},  # a line of names and 999 pairs
        most_bytes=1_000_000,
        remedy=EVALUATION_REMEDY,
    ),
    DataSet(
        title="Google analogies",
        url="https://raw.githubusercontent.com/tmikolov/word2vec/master/questions-words.txt",
        folder=EVALUATION_FOLDER / "questions-words",
        digests={"questions-words.txt": "8c29b3332afc46f3fb8be04cb5297bf96f39aa7131272dff57869b4485b22a36"},
        entries={},
        most_bytes=1_000_000,
        remedy=EVALUATION_REMEDY,
        zipped=False,
    ),
)


class DownloadFailure(EnvironmentFailure):
    """The network failed, not the disk."""


class BadZip(InputError):
    """A zip file that cannot be unpacked, must not be, or holds something else.

    Attributes
    ----------
    reason : str
        What is wrong with it, as the rest of a sentence that its name begins.
    """

    def __init__(self, zip_path, reason):
        super().__init__(f"{zip_path} {reason}; use another copy")
        self.reason = reason


def install(destination, zip_path=None, url=TREEBANK.url, quiet=False, data_set=TREEBANK):
    """Put a data set into its place, or leave everything as it was.

    Parameters
    ----------
    destination : str or Path
        The folder to make. If the data set stands there already, whole and undamaged, nothing is done; if it is
        incomplete or damaged, it is replaced once the new one has been verified.
    zip_path : str or Path, optional
        A copy at hand, instead of the network.
    url : str
        Where to download the zip.
    quiet : bool
        Print nothing.
    data_set : DataSet

    Returns
    -------
    Path
        The destination, absolute.

    Raises
    ------
    InputError
        `zip_path` or `url` is no good, or `destination` holds something else, which is not to be lost.
    EnvironmentFailure
        The download failed or brought something else; or the disk failed.
    """
    destination = Path(destination).resolve()  # of a link, what it leads to is replaced, not the link
    tell = functools.partial(print, flush=True) if not quiet else lambda *_: None
    with _disk_errors(destination):
        problems = _look_at(destination, data_set)
        if problems == []:
            tell(f"{data_set.title}: already there and verified, in {destination}")
            return destination
        if problems:
            tell(f"{destination} is incomplete or damaged and will be replaced: {_in_short(problems)}")
        with _workshop(destination) as workshop:
            new = workshop / "new"
            if zip_path is None:
                tell(f"downloading {url}")
                _unpack_from_network(url, workshop / "download.zip", new, quiet, data_set)
            else:
                _unpack_verified(zip_path, new, data_set)
            _put_in_place(new, destination, workshop / "old")
    tell(f"{data_set.title}: {len(data_set.names)} files, verified, in {destination}")
    return destination


def install_evaluation(folder=EVALUATION_FOLDER, quiet=False):
    """Put each of the evaluation sets into a folder of its own below `folder`; where one fails, go on with the next.

    Raises
    ------
    InputError, EnvironmentFailure
        As `install`; what failed is told when all have been tried.
    """
    failures = []
    for data_set in EVALUATION_SETS:
        try:
            install(Path(folder) / data_set.folder.name, url=data_set.url, quiet=quiet, data_set=data_set)
        except EnvironmentFailure as error:
            failures.append(f"{data_set.title}: {error}")
    if failures:
        raise EnvironmentFailure("\n".join(failures))


def verify(folder, data_set=TREEBANK):
    """Compare the files in `folder` with what was published.

    Parameters
    ----------
    folder : str or Path
    data_set : DataSet

    Returns
    -------
    list of str
        One sentence for each file that is missing or different; empty if all is well. Other files do not matter.
    """
    return [problem for name in sorted(data_set.names) if (problem := _problem(Path(folder) / name, data_set))]


def _problem(path, data_set):
    try:
        with path.open("rb") as file:
            if path.name in data_set.entries:
                wanted, got = data_set.entries[path.name], sum(1 for _ in file)
                return f"{path.name} has {got:,} entries, wanted {wanted:,}" if got != wanted else None
            wanted, got = data_set.digests[path.name], hashlib.file_digest(file, "sha256").hexdigest()
            return f"{path.name} has sha256 {got[:16]}..., wanted {wanted[:16]}..." if got != wanted else None
    except FileNotFoundError:
        return f"{path.name} is missing"
    except OSError as error:
        return f"{path.name} cannot be read: {error.strerror or error}"


def _in_short(problems, most=3):
    rest = len(problems) - most
    return "; ".join(problems[:most]) + (f"; and {rest} more" if rest > 0 else "")


# Fetching


def fetch(url, path, quiet=False, most_bytes=None):
    """Download `url` to the file `path`, with a progress line if there is a terminal to show it on.

    Parameters
    ----------
    url : str
        Begins with http:// or https://.
    path : str or Path
        Appears when the download is complete; a failed one leaves nothing.
    quiet : bool
        No progress line.
    most_bytes : int, optional
        Stop if more than this comes.

    Raises
    ------
    InputError
        `url` is not a web address.
    DownloadFailure
        There is no network, no such file, no answer in time, less came than announced, or more than `most_bytes`.
    EnvironmentFailure
        The file cannot be written.
    """
    with _open(url) as response:
        pieces = _received(response, url, most_bytes)
        if not quiet and sys.stderr.isatty():
            pieces = _drawn(pieces, response.length)
        with contextlib.closing(pieces), replacing(path, "wb") as file:
            for piece in pieces:
                file.write(piece)


def _open(url):
    try:
        if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
            raise ValueError("it does not begin with http:// or https://")
        return urllib.request.urlopen(url, timeout=TIMEOUT)
    except (ValueError, http.client.InvalidURL) as error:
        raise InputError(f"{url!r} is no web address to download from: {error}") from error
    except urllib.error.HTTPError as error:
        error.close()  # it holds the server's answer, and with it a socket
        raise DownloadFailure(f"cannot download {url}: the server answers {error.code} {error.reason}") from error
    except (OSError, http.client.HTTPException) as error:
        raise DownloadFailure(f"cannot download {url}: {_reason(error)}") from error


def _received(response, url, most_bytes):
    """Yield the body of `response` in pieces, and see to it that all of it has come, and no endless stream."""
    announced, got = response.length, 0
    try:
        while piece := response.read(PIECE):
            got += len(piece)
            if most_bytes is not None and got > most_bytes:
                raise DownloadFailure(f"cannot download {url}: more than the {most_bytes:,} bytes it may come to")
            yield piece
    except (OSError, http.client.HTTPException) as error:
        raise DownloadFailure(f"cannot download {url}: {_reason(error)}") from error
    if announced is not None and got != announced:
        raise DownloadFailure(f"cannot download {url}: the connection ended after {got:,} of {announced:,} bytes")


def _reason(error):
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, TimeoutError):
        return f"no answer within {TIMEOUT} s"
    return getattr(cause, "strerror", None) or str(cause) or type(cause).__name__


def _drawn(pieces, total):
    """Pass `pieces` on, and keep one line of the terminal telling how far it is."""
    start = time.monotonic()
    done, next_drawing = 0, start
    try:
        for piece in pieces:
            done += len(piece)
            now = time.monotonic()
            if now >= next_drawing or done == total:
                print(f"\r{_progress_line(done, total, now - start):<50}", end="", file=sys.stderr, flush=True)
                next_drawing = now + REDRAW
            yield piece
    finally:
        print(file=sys.stderr)  # what follows, an error perhaps, begins on a line of its own


def _progress_line(done, total, seconds):
    """Write e.g. "3.1 of 6.1 MB, 50 %, 1.2 MB/s"; `total` is None where the server has not told it."""
    rate = f"{done / 1e6 / max(seconds, 1e-3):.1f} MB/s"
    if not total:
        return f"{done / 1e6:.1f} MB, {rate}"
    return f"{done / 1e6:.1f} of {total / 1e6:.1f} MB, {100 * done // total} %, {rate}"


# Unpacking


def unpack(zip_path, folder, data_set=TREEBANK):
    """Unpack the files of a data set, and nothing else, into `folder`.

    They may lie in the zip at the top or in one folder; other members are left out. A zip with anything suspicious in
    it is refused as a whole, before the first file is written. What the files hold is for `verify` to judge.

    Parameters
    ----------
    zip_path, folder : str or Path
        The folder is made if it is missing.
    data_set : DataSet

    Raises
    ------
    InputError
        `zip_path` is no file, no zip, a damaged one, measures more than `data_set.most_bytes` or unpacks to more, has
        more than 1,000 members, or one that leaves the folder, is a link, is encrypted, or comes twice.
    EnvironmentFailure
        The files cannot be written; those written before stay.
    """
    contents = _contents(zip_path, data_set)
    folder = make_folder(folder)
    with _disk_errors(folder):
        for name, data in contents.items():
            (folder / name).write_bytes(data)


def _contents(zip_path, data_set):
    """Read the members of a zip that belong to the data set: dict of str to bytes, small enough to be held at once."""
    contents, room = {}, data_set.most_bytes
    try:
        packed = _packed(Path(zip_path), room)
        if not data_set.zipped:
            return dict.fromkeys(data_set.names, packed)
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            for name, member in _wanted(archive.infolist(), data_set).items():
                with archive.open(member) as file:
                    contents[name] = read_at_most(file, room)
                # zipfile compares the check sum only, and that of nothing is zero.
                if (got := len(contents[name])) != member.file_size or not got:
                    raise zipfile.BadZipFile(f"its {name} has {got:,} bytes, announced {member.file_size:,}")
                room -= got
    # Beside its own error zipfile lets through whatever damaged headers and streams stumble over.
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, OverflowError, OSError) as error:
        raise BadZip(zip_path, f"cannot be unpacked: {brief(_reason(error))}") from error
    return contents


def _packed(path, most):
    """Read a zip file as it is, unless it is too large or its table of contents would be when zipfile has read it."""
    if not path.is_file():
        raise zipfile.BadZipFile("there is no such file")
    if (size := path.stat().st_size) > most:
        raise zipfile.BadZipFile(f"its {size:,} bytes are more than the {most:,} it may come to")
    data = path.read_bytes()
    if (members := data.count(MEMBER)) > MOST_MEMBERS:
        raise zipfile.BadZipFile(f"its {members:,} members are more than the {MOST_MEMBERS:,} it may have")
    return data


def _wanted(members, data_set):
    """Choose from a zip's members: dict of file name to ZipInfo."""
    wanted = {}
    for member in members:
        if suspicion := suspicion_of(member):
            raise zipfile.BadZipFile(f"its member {member.orig_filename!r} {suspicion}")
        *folders, name = member.filename.split("/")
        if name not in data_set.names or len(folders) > 1 or folders == ["__MACOSX"]:
            continue
        if name in wanted:
            raise zipfile.BadZipFile(f"it holds {name} twice")
        wanted[name] = member
    if (declared := sum(member.file_size for member in members)) > data_set.most_bytes:
        raise zipfile.BadZipFile(f"its {declared:,} bytes are more than the {data_set.most_bytes:,} it may come to")
    return wanted


def suspicion_of(member):
    """Say what is suspicious about a member of a zip (a ZipInfo), or return None."""
    name = member.orig_filename  # as written in the zip: `filename` has been made harmless on some systems
    if name.startswith("/") or ".." in name.split("/") or not {"\\", ":", "\0"}.isdisjoint(name):
        return "leaves the folder"
    if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):  # 0: not written on Unix
        return "is a link or a device"
    if member.flag_bits & ENCRYPTED:
        return "is encrypted"
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "is compressed in an unknown way"
    return None


def read_at_most(file, most):
    """Read all of `file`, whatever its header says of its size, but no more than `most` bytes."""
    data = file.read(most + 1)
    if len(data) > most:
        raise zipfile.BadZipFile("it unpacks to more than it may come to")
    return data


# Putting it in place


def _look_at(destination, data_set):
    """Return what is wrong with what stands at `destination`; None if nothing does."""
    if not destination.exists():
        return None
    if not destination.is_dir():
        raise InputError(f"{destination} is a file; give a folder for the {data_set.title}")
    entries = sorted(destination.iterdir())
    if not entries:
        return None
    problems = verify(destination, data_set)
    foreign = [entry.name for entry in entries if entry.name not in data_set.names or entry.is_dir()]
    if problems and foreign:
        raise InputError(
            f"{destination} is not replaced, for it holds {_in_short(foreign)}, which the {data_set.title} does not; "
            "move that away or give another folder"
        )
    return problems


def _unpack_verified(zip_path, folder, data_set):
    unpack(zip_path, folder, data_set)
    if problems := verify(folder, data_set):
        raise BadZip(zip_path, f"is not the {data_set.title} as published: {_in_short(problems)}")


def _unpack_from_network(url, zip_path, folder, quiet, data_set):
    try:
        fetch(url, zip_path, quiet, data_set.most_bytes)
        _unpack_verified(zip_path, folder, data_set)
    except DownloadFailure as error:
        raise EnvironmentFailure(f"{error};\n{data_set.remedy}") from error
    except BadZip as error:
        raise EnvironmentFailure(f"what {url} has sent {error.reason};\n{data_set.remedy}") from error


def _put_in_place(new, destination, old):
    """Move `new` to `destination`, and what stood there to `old`; if that fails, put it back."""
    try:
        if destination.exists():
            destination.rename(old)
        new.rename(destination)
    except BaseException:
        if old.exists() and not destination.exists():
            old.rename(destination)
        raise


@contextlib.contextmanager
def _workshop(destination):
    """Make a hidden temporary folder beside `destination`, so that a move is a mere rename; remove it in any case."""
    missing = [folder for folder in destination.parents if not folder.exists()]
    try:
        parent = make_folder(destination.parent)
        marks = {"prefix": f".{destination.name}.", "suffix": ".part"}
        with tempfile.TemporaryDirectory(dir=parent, ignore_cleanup_errors=True, **marks) as workshop:
            yield Path(workshop)
    finally:
        for folder in missing:  # the empty ones go: those that were made for nothing
            with contextlib.suppress(OSError):
                folder.rmdir()


@contextlib.contextmanager
def _disk_errors(folder):
    try:
        yield
    except OSError as error:
        raise EnvironmentFailure(f"cannot fill the folder {folder}: {error.strerror or error}") from error


def main(argv=None):
    """Install what the command line says; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m utils.corpus.download",
        description=f"Fetch, verify and unpack the {TREEBANK.title}, or the sets for word similarity and analogies.",
        epilog="The environment variable SST_ZIP=FILE does what --zip does.",
    )
    parser.add_argument("what", nargs="?", choices=["treebank", "evaluation"], default="treebank", help="(treebank)")
    parser.add_argument("--zip", metavar="FILE", help="use a copy of the treebank at hand instead of the network")
    parser.add_argument("--url", help=f"download the treebank from there (default: {TREEBANK.url})")
    parser.add_argument(
        "--dest",
        metavar="DIR",
        type=Path,
        help=f"the folder to make (default: {TREEBANK.folder}; for evaluation: {EVALUATION_FOLDER})",
    )
    parser.add_argument("--quiet", action="store_true", help="print errors only")
    arguments = parser.parse_args(argv)
    if arguments.what == "evaluation":
        if arguments.zip is not None or arguments.url is not None:
            parser.error("--zip and --url are for the treebank; name copies of the evaluation sets to evaluate.py")
        install_evaluation(arguments.dest or EVALUATION_FOLDER, arguments.quiet)
        return 0
    zip_path = arguments.zip if arguments.zip is not None else os.environ.get("SST_ZIP") or None
    url = TREEBANK.url if arguments.url is None else arguments.url
    install(arguments.dest or TREEBANK.folder, zip_path, url, arguments.quiet, TREEBANK)
    return 0


if __name__ == "__main__":
    for name in ("SIGTERM", "SIGHUP"):  # a polite kill or a closed terminal: clean up, as after Ctrl-C
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:  # `nohup` has it ignored
            signal.signal(number, signal.default_int_handler)
    run(main)
