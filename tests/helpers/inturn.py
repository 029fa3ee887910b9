"""Several workers that are this process: what a round changes does not depend on where its shares are trained."""

from utils.system.workers import Workers


class InTurn(Workers):
    """Does the tasks of all workers one after the other, right here."""

    def _perform(self, calls):
        return {i: function(*arguments) for i, (function, *arguments) in calls.items()}
