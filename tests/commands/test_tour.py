"""examples/tour.ipynb: stored without outputs, and all of it runs as in Jupyter, with pictures inline.

Needs nbclient and ipykernel (requirements-optional.txt); running it is skipped elsewhere.
"""

import json
import re

import pytest

from utils.system.paths import PROJECT

TOUR = PROJECT / "examples" / "tour.ipynb"


def test_it_is_stored_without_outputs():
    cells = json.loads(TOUR.read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert len(code) >= 8
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    assert len({cell["id"] for cell in cells}) == len(cells)


@pytest.fixture(scope="module")
def outputs():
    """What each cell of code shows, by its id; a cell that raises fails."""
    nbclient = pytest.importorskip("nbclient", reason="needs nbclient: requirements-optional.txt")
    pytest.importorskip("ipykernel", reason="needs ipykernel: requirements-optional.txt")
    nbformat = pytest.importorskip("nbformat", reason="needs nbformat, which nbclient installs")
    notebook = nbformat.read(TOUR, as_version=4)
    nbformat.validate(notebook)
    client = nbclient.NotebookClient(notebook, timeout=500, resources={"metadata": {"path": str(TOUR.parent)}})
    client.execute()
    return {cell.id: cell.outputs for cell in notebook.cells if cell.cell_type == "code"}


def text(cell):
    return "".join(output.text for output in cell if output.output_type == "stream" and output.name == "stdout")


def test_nothing_is_said_on_standard_error(outputs):
    assert [o.text for cell in outputs.values() for o in cell if o.output_type == "stream" and o.name == "stderr"] == []


@pytest.mark.parametrize("cell", ["curve", "map", "count", "compare"])
def test_pictures_are_shown_inline(outputs, cell):
    (picture,) = [output.data["image/png"] for output in outputs[cell] if "image/png" in output.get("data", {})]
    assert len(picture) > 4000  # base64 of a picture with something on it


def test_the_gradient_is_right_and_the_loss_falls(outputs):
    assert "passed: one window" in text(outputs["check"])
    losses = [float(loss) for loss in re.findall(r"loss per window ([\d.]+)", text(outputs["train"]))]
    assert len(losses) == 6 and losses[-1] < 0.8 * losses[0]


def test_both_methods_find_the_planted_groups_and_chance_does_not(outputs):
    found = re.findall(r"^(.*): (\d+)%; coffee is near", text(outputs["compare"]), flags=re.MULTILINE)
    shares = {name: int(share) for name, share in found}
    assert list(shares) == ["untrained", "skip-gram", "SVD of PPMI"]
    assert shares["untrained"] < 40 and min(shares["skip-gram"], shares["SVD of PPMI"]) > 80  # per cent
