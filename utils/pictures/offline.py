"""Web pages that are one file: no other file, no network, and no script or style but the page's own."""

import base64
import hashlib
import html
import json
from pathlib import Path

from utils.system.files import replacing

JOINERS = "\u200c\u200d"  # not printable by themselves, but Persian and Hindi are not written without them


def part(name):
    """Read a part of a page, a file beside this one."""
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def write_page(path, title, body, data, style, script):
    """Write a page that works offline, with a Content-Security-Policy that names its one style and its one script.

    Parameters
    ----------
    path : str or Path
        The file to write, atomically; its folder must exist.
    title : str
    body : str
        HTML; texts in it must have been escaped.
    data : object
        Written as JSON; the script finds it as `data`.
    style, script : sequence of str
        Names of files beside this one, in the order in which they are joined; those of the shell come first.

    Raises
    ------
    EnvironmentFailure
        The file cannot be written.
    """
    style = "".join(map(part, ("shell.css", *style)))
    script = "".join(map(part, ("shell.js", *script)))
    page = part("shell.html").format(
        title=html.escape(shown(title)),
        body=body,
        style=style, style_hash=_hash(style), script=script, script_hash=_hash(script),
        data=json.dumps(data, separators=(",", ":")).replace("<", "\\u003c"),  # no word ends the script element
    )  # fmt: skip
    with replacing(path) as file:
        file.write(page)


def shown(text):
    """Write invisible characters, and those that would change the direction of the text around them, as their code."""
    return "".join(
        letter if letter.isprintable() or letter in JOINERS else letter.encode("unicode_escape").decode()
        for letter in text
    )


def _hash(text):
    """The name of the one script (or style) that a Content-Security-Policy allows; no text of a word is ever run."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
