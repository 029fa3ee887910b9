"""What a training leaves in its folder: checkpoints, the losses beside them, vectors and pictures."""

import tempfile

from utils.runs.checkpoints import Checkpoints
from utils.runs.losses import LossHistory
from utils.system.errors import EnvironmentFailure
from utils.system.files import make_folder

VECTORS, PICTURE, ANIMATION = "word_vectors.txt", "word_vectors.png", "word_vectors.gif"
LOSSES, CURVE = "losses.csv", "loss.png"


def writable_folder(path):
    """The folder `path`, made if missing.

    Raises
    ------
    EnvironmentFailure
        It cannot be made or written in.
    """
    folder = make_folder(path)
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise EnvironmentFailure(f"cannot write in the folder {folder}: {error.strerror or error}") from error
    return folder


class RunCheckpoints(Checkpoints):
    """Checkpoints with the reported losses beside them, so that a resumed run can draw the whole curve."""

    def __init__(self, folder, settings, keep, unit):
        super().__init__(folder, settings, keep, unit)
        self.history = LossHistory(self.folder / LOSSES)

    def save(self, iteration, params, state):
        """Write the losses first: whatever happens, a checkpoint finds all that were reported up to it."""
        self.history.save()
        super().save(iteration, params, state)

    def set_aside(self):
        """Move the losses along with the checkpoints."""
        place = super().set_aside()
        if place and self.history.path.exists():
            self.history.path.rename(place / self.history.path.name)
        return place
