"""Fixtures for the tests of pictures."""

import os
import shutil

import pytest

from utils.pictures import fonts

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = [
    "--no-sandbox", "--headless=new", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run",
]  # fmt: skip


@pytest.fixture
def system_fonts(monkeypatch):
    """Pretend that the system has certain font files only: system_fonts([path, ...])."""

    def have(paths):
        monkeypatch.setattr(fonts.font_manager, "findSystemFonts", lambda: list(paths))
        fonts._system_fonts.cache_clear()
        fonts._announced.clear()

    yield have
    fonts._system_fonts.cache_clear()
    fonts._announced.clear()


@pytest.fixture(scope="session")
def browser():
    """Chromium, driven by playwright; tests are skipped without them."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright: requirements-browser.txt")
    if not CHROMIUM:
        pytest.skip("needs chromium")
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def visit(browser):
    """Open a file: visit(path, (width, height), "light" or "dark") -> page. What it complains of or fetches fails."""
    complaints, contexts = [], []

    def call(path, size, scheme="light"):
        context = browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: request.url.startswith("file:") or complaints.append(request.url))
        page.goto(path.as_uri())
        return page

    yield call
    for context in contexts:
        context.close()
    assert complaints == []
