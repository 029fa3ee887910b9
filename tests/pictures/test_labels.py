"""The geometry behind the labels of a map, counted on paper; whether maps are readable is asked in test_plotting."""

import numpy as np

from utils.pictures import labels


def test_segments_and_boxes_counted_on_paper():
    box = np.array([0.0, 0.0, 2.0, 1.0])
    start = np.array([[-1.0, 0.5], [-1.0, 0.5], [-1.0, 0.5], [0.5, 0.5], [1.0, -2.0]])
    end = np.array([[3.0, 0.5], [-0.5, 0.5], [0.5, 3.0], [1.5, 0.7], [4.0, 1.0]])
    # right through; too short; passing the corner; wholly inside; passing the other corner
    assert labels._crossed(start, end, box).tolist() == [True, False, False, True, False]


def test_segments_that_cross_counted_on_paper():
    start, end = np.array([0.0, 0.0]), np.array([2.0, 2.0])
    others = np.array([[[0.0, 2.0], [2.0, 0.0]], [[3.0, 0.0], [3.0, 9.0]], [[0.0, 0.0], [5.0, 1.0]]])
    # a cross; beyond the end; a common start
    assert labels._intersect(start, end, others[:, 0], others[:, 1]).tolist() == [True, False, False]


def test_covering_counts_boxes_and_prefers_the_smaller_part():
    boxes = np.array([[0.0, 0.0, 10.0, 10.0], [20.0, 0.0, 30.0, 10.0], [np.nan] * 4])
    places = np.array([[10.0, 0.0, 20.0, 10.0], [9.0, 0.0, 19.0, 10.0], [5.0, 0.0, 15.0, 10.0], [5.0, 0.0, 25.0, 10.0]])
    none, little, more, both = labels._covered(places, boxes)
    assert none == 0
    assert 1 < little < more < 2 < both
