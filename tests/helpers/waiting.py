"""Waiting for what other processes do."""

import time

import pytest


def wait_for(condition):
    for _ in range(2000):  # some minutes: a guard against waiting for ever
        if condition():
            return
        time.sleep(0.05)
    pytest.fail("it did not happen")
