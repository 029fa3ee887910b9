"""The geometry behind the labels of a map, counted on paper; test_wordmap asks whether maps are readable."""

import numpy as np
import pytest

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


FRAME = np.array([0.0, 0.0, 1000.0, 800.0])


def overlaps(boxes):
    low, high = np.maximum(boxes[:, None, :2], boxes[:, :2]), np.minimum(boxes[:, None, 2:], boxes[:, 2:])
    return int((high - low > 1e-6).all(axis=2).sum()) - len(boxes)  # each overlaps itself; 1e-6 px: rounding


def test_labels_whose_leaders_cross_change_places():
    points, sizes = np.array([[400.0, 400.0], [600.0, 400.0]]), np.full((2, 2), 20.0)
    placement = labels._Placement(points, sizes, FRAME, labels.MARK)
    placement._centre_on(0, np.array([590.0, 500.0, 610.0, 520.0]))
    placement._centre_on(1, np.array([390.0, 500.0, 410.0, 520.0]))
    before = placement.boxes.copy()
    placement.exchange_crossing()
    np.testing.assert_array_equal(placement.boxes, before[::-1])


@pytest.mark.parametrize("seed", range(4))
def test_hardly_any_leaders_cross_around_a_cluster(seed):
    points = 400 + np.random.default_rng(seed).uniform(-40, 40, size=(20, 2))
    boxes = labels.place(points, np.full((20, 2), (90.0, 25.0)), FRAME)
    ends = np.clip(points, boxes[:, :2], boxes[:, 2:])
    assert overlaps(boxes) == 0
    crossing = labels._intersect(points[:, None], ends[:, None], points, ends)
    assert np.triu(crossing).sum() <= 2  # of 190 pairs; without exchanging places and the cost of crossing, 5 and more


def test_labels_without_space_are_left_out_and_the_first_words_keep_theirs():
    sizes = np.full((150, 2), (90.0, 25.0))
    boxes = labels.place(np.full((150, 2), 400.0), sizes, FRAME)
    shown = np.isfinite(boxes).all(axis=1)
    assert 4 <= shown.sum() < 60 and shown[:4].all() and overlaps(boxes[shown]) == 0
    few = labels.place(np.full((3, 2), 50.0), np.full((3, 2), (90.0, 60.0)), np.array([0.0, 0.0, 110.0, 100.0]))
    assert np.isnan(few).all()  # any place in this frame covers the marks
