"""Room for the labels of a map: each beside its point, none over another label or a mark."""

import numpy as np

# Lengths in pixels of 1/150 inch, costs in pixels of distance between a label and its point.
MARK = 10  # half the side of the square that a mark needs
AIR = 3  # around each label
RINGS = MARK + 1 + np.array([0, 9, 20, 33, 50, 72, 100, 136, 182, 240, 315, 410, 530, 680])
ANGLES = np.arange(32) * (2 * np.pi / 32)
SWEEPS = 8
HIDING = 1e4  # to cover a label or a mark: more than the longest way round
CROSSING = 300  # to lead a line across a label, a mark or another line
CROSSING_NEAR = 60  # to lead a line across that of a point so close by that it can hardly be helped
CLOSENESS, ELBOW = 15, 14  # to come nearer than ELBOW to the mark of another word, which might seem to be meant


def place(points, sizes, frame):
    """Find room for a label beside each point.

    Every label may stand at 32 places on each of 14 squares around its point. It takes the cheapest one, the most
    crowded point first; then all choose again, knowing the others, until nobody moves.

    Parameters
    ----------
    points : ndarray of float64, shape (n, 2)
        Pixels of 1/150 inch.
    sizes : ndarray of float64, shape (n, 2)
        Width and height of each label, pixels.
    frame : ndarray of float64, shape (4,)
        Left, bottom, right, top, pixels; no label leaves it.

    Returns
    -------
    ndarray of float64, shape (n, 4)
        Left, bottom, right, top of each label.
    """
    distances = np.linalg.norm(points[:, None] - points, axis=2)  # (n, n)
    apart = distances > 3 * MARK  # (n, n): a leader cannot help meeting what lies closer to its start
    choices = [_choices(points, i, apart[i], sizes[i], frame) for i in range(len(points))]
    boxes = np.full((len(points), 4), np.nan)  # (n, 4); NaN, not placed yet, meets nothing
    ends = np.full((len(points), 2), np.nan)  # (n, 2): of the leaders, on the boxes
    crowding = (1 / (distances + MARK)).sum(axis=1)  # (n,)
    for _ in range(SWEEPS):
        before = boxes.copy()
        for i in np.argsort(-crowding, kind="stable"):
            others = np.arange(len(points)) != i
            places, tips, costs = choices[i]  # (c, 4), (c, 2), (c,)
            total = costs + HIDING * _covered(places, boxes[others])  # (c,)
            total += CROSSING * _crossed(points[i], tips[:, None], boxes[others]).sum(axis=1)
            total += CROSSING * _crossed(points[others], ends[others], places[:, None]).sum(axis=1)
            weights = np.where(apart[i], CROSSING, CROSSING_NEAR)  # (n,)
            total += _intersect(points[i], tips[:, None], points, ends) @ weights
            best = np.argmin(total)
            boxes[i], ends[i] = places[best], tips[best]
        if np.array_equal(boxes, before, equal_nan=True):
            break
    return boxes


def _choices(points, i, apart, size, frame):
    """Return the places for label i, (c, 4), their points nearest to its point, (c, 2), and what each costs, (c,)."""
    point, marks = points[i], np.hstack((points - MARK, points + MARK))  # (2,), (n, 4)
    rings, angles = (grid.ravel() for grid in np.meshgrid(RINGS, ANGLES, indexing="ij"))  # (c,), (c,)
    rays = np.stack((np.cos(angles), np.sin(angles)), axis=1)  # (c, 2)
    squared = rays / np.abs(rays).max(axis=1, keepdims=True)  # (c, 2): on the square around the point
    corner = point + squared * (rings[:, None] + size / 2) - size / 2  # (c, 2)
    corner = np.clip(corner, frame[:2] + AIR, frame[2:] - AIR - size)  # (c, 2)
    places, tips = np.hstack((corner, corner + size)), np.clip(point, corner, corner + size)  # (c, 4), (c, 2)
    # As maps do it: rather right than left, rather above than below (Imhof 1975, "Positioning names on maps").
    costs = np.linalg.norm(tips - point, axis=1) - 4 * rays[:, 0] - rays[:, 1]  # (c,)
    costs += HIDING * _covered(places, marks) + CROSSING * _crossed(point, tips[:, None], marks[apart]).sum(axis=1)
    costs += CLOSENESS * _covered(places, np.delete(marks, i, axis=0) + ELBOW * np.array([-1, -1, 1, 1]))
    return places, tips, costs


def _covered(places, boxes):
    """Count the boxes (m, 4) that each place (c, 4) covers, and add a little for the area, to decide ties."""
    low = np.maximum(places[:, None, :2], boxes[:, :2])  # (c, m, 2)
    high = np.minimum(places[:, None, 2:], boxes[:, 2:])  # (c, m, 2)
    sides = high - low  # (c, m, 2)
    overlap = np.where((sides > 0).all(axis=2), 1 + sides.prod(axis=2) / 1e4, 0)  # (c, m)
    return overlap.sum(axis=1)


def _crossed(starts, ends, boxes):
    """Tell which segments meet which boxes, by the separating axis theorem; shapes (..., 2) and (..., 4) broadcast."""
    slope = (ends - starts) / 2  # (..., 2)
    half = np.abs(slope)  # (..., 2): of the segment's extent
    reach = (boxes[..., 2:] - boxes[..., :2]) / 2  # (..., 2): half the sides of the box
    between = (starts + ends) / 2 - (boxes[..., :2] + boxes[..., 2:]) / 2  # (..., 2): the middles
    across = np.abs(slope[..., 0] * between[..., 1] - slope[..., 1] * between[..., 0])  # (...)
    near = (np.abs(between) < reach + half).all(axis=-1)  # (...)
    return near & (across < reach[..., 0] * half[..., 1] + reach[..., 1] * half[..., 0])


def _intersect(starts, ends, other_starts, other_ends):
    """Tell which segments cross which others; shapes (..., 2) broadcast. To share an end is not to cross."""
    return _divides(starts, ends, other_starts, other_ends) & _divides(other_starts, other_ends, starts, ends)


def _divides(starts, ends, first, second):
    """Tell whether the line through `starts` and `ends` runs between the points `first` and `second`."""
    x, y = np.moveaxis(ends - starts, -1, 0)
    sides = [x * (point - starts)[..., 1] - y * (point - starts)[..., 0] for point in (first, second)]
    return sides[0] * sides[1] < 0
