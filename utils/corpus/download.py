"""Fetch, verify and unpack the data sets, with Python's standard library alone. `sh get_datasets.sh` calls it.

    python -m utils.corpus.download                     # the Stanford Sentiment Treebank, from its home page
    SST_ZIP=copy.zip python -m utils.corpus.download    # the same from a copy at hand, without the network
    python -m utils.corpus.download text8               # 17 million words of Wikipedia (TEXT8_ZIP: a copy at hand)
    python -m utils.corpus.download evaluation          # what evaluate.py scores with: word similarity and analogies

Downloads and zips are read and verified in memory. Only then are files written, under temporary names, and moved into
place together: a download that fails or is interrupted leaves nothing behind.
"""

import argparse
import contextlib
import functools
import hashlib
import http.client
import io
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from utils.corpus.published import BY_HAND, EVALUATION_FOLDER, EVALUATION_REMEDY, EVALUATION_SETS, TEXT8, TREEBANK
from utils.system.console import ArgumentParser, HelpFormatter, run, speaker
from utils.system.errors import EnvironmentFailure, InputError
from utils.system.files import make_folder, write_together
from utils.system.paths import DATASETS
from utils.system.zips import BadZip, read_members

TIMEOUT = 30  # seconds without an answer from the server
PIECE = 1 << 16  # bytes read from the network at a time
REDRAW = 0.1  # seconds between two updates of the progress line


def install(destination, zip_path=None, url=None, quiet=False, data_set=TREEBANK):
    """Put the files of a data set into a folder, verified; on any failure write nothing.

    Parameters
    ----------
    destination : str or Path
        The folder to fill. If the files are there already and intact, nothing is done; missing and damaged ones are
        replaced once the new ones have been verified. Other files in the folder are left alone.
    zip_path : str or Path, optional
        A copy at hand, instead of the network.
    url : str, optional
        Where to download the zip; the published address by default.
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
        `zip_path` or `url` is invalid, or `destination` is a file.
    EnvironmentFailure
        The download failed or brought something else; or the files cannot be written.
    """
    destination, url = Path(destination).absolute(), data_set.url if url is None else url
    tell = speaker(quiet)
    problems = verify(destination, data_set)
    if destination.is_file():
        raise InputError(f"{destination} is a file; give a folder for the {data_set.title}")
    if not problems:
        tell(f"{data_set.title}: already there and verified, in {destination}")
        return destination
    if any(os.path.lexists(destination / name) for name in data_set.files):
        tell(f"{destination} is incomplete or damaged and will be replaced: {_in_short(problems)}")
    if zip_path is not None:
        contents = _from_file(zip_path, data_set)
    else:
        tell(f"downloading {url}")
        contents = _from_network(url, data_set, quiet)
    _place(contents, destination)
    files = f"{len(contents)} file{'s' if len(contents) > 1 else ''}"
    tell(f"{data_set.title}: {files}, verified, in {destination}", f"  terms: {data_set.terms}")
    return destination


def install_evaluation(folder=EVALUATION_FOLDER, quiet=False):
    """Put each of the evaluation sets into its own folder below `folder`; where one fails, go on with the next.

    Raises
    ------
    InputError, EnvironmentFailure
        As `install`; download failures are reported together, after all sets have been tried.
    """
    failures = []
    for data_set in EVALUATION_SETS:
        try:
            install(Path(folder) / data_set.folder.name, quiet=quiet, data_set=data_set)
        except EnvironmentFailure as error:
            failures.append(f"{data_set.title} ({error})")
    if failures:
        raise EnvironmentFailure(f"not fetched: {'; '.join(failures)}; {EVALUATION_REMEDY}")


def verify(folder, data_set=TREEBANK):
    """Compare the files in `folder` with the published ones.

    Parameters
    ----------
    folder : str or Path
    data_set : DataSet

    Returns
    -------
    list of str
        One sentence for each file that is missing or different; empty if all is well. Other files do not matter.

    Raises
    ------
    EnvironmentFailure
        A file is there but cannot be read.
    """
    contents = {}
    for name in data_set.files:
        path = Path(folder) / name
        try:
            contents[name] = path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise EnvironmentFailure(f"cannot read {path}: {error.strerror or error}") from error
    return _problems(contents, data_set)


def _problems(contents, data_set):
    return [
        problem
        for name, wanted in sorted(data_set.files.items())
        if (problem := _problem(name, contents.get(name), wanted))
    ]


def _problem(name, data, wanted):
    """Say what is wrong with the contents of a file, or return None."""
    if data is None:
        return f"{name} is missing"
    if isinstance(wanted, int):
        got = sum(1 for _ in io.BytesIO(data))
        return f"{name} has {got:,} entries, wanted {wanted:,}" if got != wanted else None
    got = hashlib.sha256(data).hexdigest()
    return f"{name} has sha256 {got[:16]}..., wanted {wanted[:16]}..." if got != wanted else None


def _in_short(problems, most=3):
    rest = len(problems) - most
    return "; ".join(problems[:most]) + (f"; and {rest} more" if rest > 0 else "")


# Reading


def _from_file(path, data_set):
    try:
        return _verified(path, data_set)
    except BadZip as error:
        raise InputError(f"{path} {error}; use another copy") from error


def _from_network(url, data_set, quiet):
    remedy = f"; {data_set.remedy}" if data_set.remedy else ""
    try:
        return _verified(fetch(url, data_set.most_bytes, quiet), data_set)
    except BadZip as error:
        raise EnvironmentFailure(f"the file from {url} {error}{remedy}") from error
    except EnvironmentFailure as error:
        raise EnvironmentFailure(f"{error}{remedy}") from error


def _verified(source, data_set):
    """The files of a data set: dict of name to bytes; `source` is a zip's path, or the bytes of the download."""
    if data_set.zipped:
        contents = read_members(source, functools.partial(_members, data_set.files), data_set.most_bytes)
    else:
        contents = dict.fromkeys(data_set.files, source)
    if problems := _problems(contents, data_set):
        raise BadZip(f"is not the {data_set.title} as published: {_in_short(problems)}")
    return contents


def _members(names, members):
    """Choose members by name, at the top of the zip or in a folder there: an iterator over (name, ZipInfo)."""
    for member in members:
        *folders, name = member.filename.split("/")
        if name in names and len(folders) <= 1 and folders != ["__MACOSX"]:
            yield name, member


def fetch(url, most_bytes, quiet=False):
    """Download a file into memory, with a progress line on standard error if that is a terminal.

    Parameters
    ----------
    url : str
        Begins with http:// or https://.
    most_bytes : int
        Stop if the file has more.
    quiet : bool
        No progress line.

    Returns
    -------
    bytes

    Raises
    ------
    InputError
        `url` is not a web address.
    EnvironmentFailure
        The server or the file cannot be reached, the answer takes too long, or it is shorter than announced or longer
        than `most_bytes`.
    """
    with _open(url) as response:
        total, show, data = response.length, not quiet and sys.stderr.isatty(), bytearray()
        start = next_update = time.monotonic()
        try:
            while piece := response.read(PIECE):
                data += piece
                if max(len(data), total or 0) > most_bytes:
                    raise EnvironmentFailure(f"cannot download {url}: more than the expected {most_bytes:,} bytes")
                now = time.monotonic()
                if show and (now >= next_update or len(data) == total):
                    line = _progress_line(len(data), total, now - start)
                    print(f"\r{line:<50}", end="", file=sys.stderr, flush=True)
                    next_update = now + REDRAW
        except (OSError, http.client.HTTPException) as error:
            raise EnvironmentFailure(f"cannot download {url}: {_reason(error)}") from error
        finally:
            if show:
                print(file=sys.stderr)  # an error, or whatever follows, begins on its own line
    if total is not None and len(data) != total:
        raise EnvironmentFailure(f"cannot download {url}: the connection ended after {len(data):,} of {total:,} bytes")
    return bytes(data)


def _open(url):
    try:
        if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
            raise ValueError("it does not begin with http:// or https://")
        return urllib.request.urlopen(url, timeout=TIMEOUT)
    except (ValueError, http.client.InvalidURL) as error:
        raise InputError(f"{url!r} is not a web address to download from: {error}") from error
    except urllib.error.HTTPError as error:
        error.close()  # it holds the server's answer, and with it a socket
        raise EnvironmentFailure(f"cannot download {url}: the server answers {error.code} {error.reason}") from error
    except (OSError, http.client.HTTPException) as error:
        raise EnvironmentFailure(f"cannot download {url}: {_reason(error)}") from error


def _reason(error):
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, TimeoutError):
        return f"no answer within {TIMEOUT} s"
    return getattr(cause, "strerror", None) or str(cause) or type(cause).__name__


def _progress_line(done, total, seconds):
    """Write e.g. "3.1 of 6.1 MB, 50 %, 1.2 MB/s"; `total` is None if the server has not announced it."""
    rate = f"{done / 1e6 / max(seconds, 1e-3):.1f} MB/s"
    if not total:
        return f"{done / 1e6:.1f} MB, {rate}"
    return f"{done / 1e6:.1f} of {total / 1e6:.1f} MB, {100 * done // total} %, {rate}"


# Writing


def _place(contents, folder):
    """Write files, dict of name to bytes, into a folder, which is made if it is missing and removed on failure."""
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        make_folder(folder)
        write_together({folder / name: data for name, data in contents.items()})
    except BaseException:
        for path in made:
            with contextlib.suppress(OSError):  # it is not empty, or was never made
                path.rmdir()
        raise


class _HelpFormatter(HelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Keeps the lines of the list of data sets."""


def main(argv=None):
    """Install what the command line names; return the exit status."""
    sets = (TREEBANK, TEXT8, *EVALUATION_SETS)
    parser = ArgumentParser(
        prog="python -m utils.corpus.download",
        formatter_class=_HelpFormatter,
        description="Fetch, verify and unpack data sets:\n\n"
        + "\n".join(f"  {data_set.title}: {data_set.url}\n    terms: {data_set.terms}" for data_set in sets),
        epilog=f"{BY_HAND}\n\nThe environment variables SST_ZIP=FILE and TEXT8_ZIP=FILE do what --zip does.",
    )
    parser.add_argument(
        "what",
        nargs="?",
        choices=["treebank", "text8", "evaluation"],
        default="treebank",
        help="the treebank, text8, or all sets for word similarity and analogies",
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--zip", metavar="FILE", help="use a copy at hand instead of the network")
    source.add_argument("--url", help="download from this address instead of the published one")
    parser.add_argument("--dest", metavar="DIR", type=Path, help=f"the folder to fill (default: in {DATASETS})")
    parser.add_argument("--quiet", action="store_true", help="print errors only")
    arguments = parser.parse_args(argv)
    if arguments.what == "evaluation":
        if arguments.zip is not None or arguments.url is not None:
            parser.error("--zip and --url are for a single data set; give copies of the evaluation sets to evaluate.py")
        install_evaluation(arguments.dest or EVALUATION_FOLDER, arguments.quiet)
        return 0
    data_set = TEXT8 if arguments.what == "text8" else TREEBANK
    zip_path = arguments.zip
    if zip_path is None and arguments.url is None:
        zip_path = os.environ.get(data_set.variable) or None
    install(arguments.dest or data_set.folder, zip_path, arguments.url, arguments.quiet, data_set)
    return 0


if __name__ == "__main__":
    run(main)
