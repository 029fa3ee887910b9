"""The build backend of pyproject.toml: `pip install .` ends with a message instead of installing anything."""

import sys

MESSAGE = """\
error: this project is a checkout to run in and cannot be installed.
Install the packages that it needs:  pip install -r requirements.txt
Run its commands in its folder:      python run.py
Import it from elsewhere:            PYTHONPATH=FOLDER-OF-THE-CHECKOUT python your_script.py
"""


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    """Refuse, as the other hooks do."""
    sys.exit(MESSAGE)


get_requires_for_build_wheel = get_requires_for_build_editable = get_requires_for_build_sdist = build_wheel
build_editable = build_sdist = build_wheel
