"""Fixtures for the tests of pictures."""

import pytest

from utils.pictures import fonts


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
