import io
import re

import pytest
from tqdm import tqdm

from utils.system.bar import FULL, Bar


@pytest.mark.parametrize("columns", [30, 34, 42, 60, 71, 80, 200])
@pytest.mark.parametrize("total, scaled", [(1_000_000, True), (90_000, False)])
def test_rate_and_loss_are_shown_in_terminals_of_any_width(monkeypatch, columns, total, scaled):
    monkeypatch.setattr("tqdm.std._screen_shape_wrapper", lambda: lambda file: (columns - 1, 24))  # as tqdm's own
    bar = Bar(total=total, unit=" words", unit_scale=scaled, file=io.StringIO())
    bar.set_postfix(loss="4.158883", refresh=False)
    bar.n, bar.start_t = total // 2, bar.start_t - 1
    line = tqdm.format_meter(**bar.format_dict)
    assert "loss=4.158883" in line and re.search(r"\d\.?\d*k? words/s", line), line
    assert len(line) < columns
    assert ("50%" in line) == (columns > 30) and ("<" in line) == (columns > FULL), line
