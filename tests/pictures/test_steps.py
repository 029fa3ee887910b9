"""utils/pictures/steps.py: the page's file, and formulas that are those of the derivations."""

import base64
import hashlib
import json
import re

import pytest
from derivations import PAGE

from utils.explain import EXPLANATIONS
from utils.pictures import steps
from utils.pictures.steps import FORMULAS, METHODS, step_page
from utils.system.errors import EnvironmentFailure, InputError

DERIVATIONS = PAGE.read_text(encoding="utf-8")


def spaceless(tex):
    return re.sub(r"\s", "", tex)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    path = tmp_path_factory.mktemp("steps") / "step.html"
    step_page(path, "skipgram")
    return path.read_text(encoding="utf-8")


WITHOUT_PAGE = ["subwords", "glove"]


def test_every_method_that_is_explained_has_its_steps_or_says_that_it_has_none(tmp_path):
    assert list(METHODS) == [method for method in EXPLANATIONS if method not in WITHOUT_PAGE]
    for method in WITHOUT_PAGE:
        with pytest.raises(InputError, match=f"there is no page of {method}"):
            step_page(tmp_path / "step.html", method)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", FORMULAS)
def test_every_formula_is_part_of_the_equation_whose_number_it_bears(name):
    number, tex = FORMULAS[name]
    equations = re.findall(r"^```math\n(.*?)^```$", DERIVATIONS, flags=re.MULTILINE | re.DOTALL)
    place = equations[int(number) - 1] if number else DERIVATIONS
    assert spaceless(tex) in spaceless(place)


def test_the_script_uses_every_formula_and_no_other(page):
    quoted = set(re.findall(r'"([\w-]+)"', steps.part("stages.js")))
    assert set(FORMULAS) <= quoted
    assert re.findall(r'<div id="formula-([\w-]+)">', page) == list(FORMULAS)


def test_the_policy_allows_the_pages_own_style_and_script_alone(page):
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1]
    (style,) = re.findall(r"<style>(.*?)</style>", page, flags=re.DOTALL)
    (script,) = re.findall(r"<script>(.*?)</script>", page, flags=re.DOTALL)
    hashes = ["sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (style, script)]
    assert policy == (
        f"default-src 'none'; style-src '{hashes[0]}'; script-src '{hashes[1]}'; base-uri 'none'; form-action 'none'"
    )
    assert not re.search(r'\b(?:src|href|style|on\w+)="', page)
    assert "http" not in page.replace("http-equiv", "")


def test_it_starts_with_the_method_asked_for_and_otherwise_with_the_first(tmp_path):
    started = []
    for method in ("all", "svd"):
        step_page(tmp_path / "step.html", method)
        data = re.search(r'id="data">(.*?)</script>', (tmp_path / "step.html").read_text(encoding="utf-8"))[1]
        started.append(json.loads(data)["method"])
    assert started == ["sigmoid", "svd"]


def test_the_same_method_gives_the_same_bytes(page, tmp_path):
    step_page(tmp_path / "step.html", "skipgram")
    assert (tmp_path / "step.html").read_text(encoding="utf-8") == page


def test_a_folder_that_is_missing_is_named(tmp_path):
    with pytest.raises(EnvironmentFailure, match="nowhere"):
        step_page(tmp_path / "nowhere" / "step.html")
