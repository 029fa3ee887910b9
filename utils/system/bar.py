"""A progress bar that keeps what matters, the rate and the loss, however narrow the terminal is."""

from tqdm import tqdm

# The layout from so many columns on (tqdm leaves the last one of a terminal free); from FULL on it is tqdm's own.
FULL = 70
LAYOUTS = {41: "{percentage:3.0f}%|{bar}| {rate_fmt}{postfix}", 33: "{percentage:3.0f}% {rate_fmt}{postfix}"}
SHORTEST = "{rate_fmt}{postfix}"


class Bar(tqdm):
    """tqdm's bar; where its full line does not fit, numbers are abbreviated and the less important ones left out.

    The width is looked up each time: a terminal may be resized.
    """

    def __init__(self, *args, **options):
        super().__init__(*args, dynamic_ncols=True, **options)

    @property
    def format_dict(self):
        """What tqdm formats a line from, with the layout for the current width."""
        line = super().format_dict
        columns = line["ncols"] or FULL
        if columns >= FULL or not line["total"]:
            return line
        layout = next((layout for least, layout in LAYOUTS.items() if columns >= least), SHORTEST)
        return {**line, "bar_format": layout, "unit_scale": True}
