"""Label placement on a map: each label near its point, none over another label or a mark."""

import numpy as np

# Lengths in pixels of 1/150 inch, costs in pixels of distance between a label and its point.
MARK = 10  # half the side of the square that a mark occupies
AIR = 3  # around each label
RINGS = 1 + np.array([0, 9, 20, 33, 50, 72, 100, 136, 182, 240, 315])  # beyond the mark
NEAR_RINGS = 4  # those tried where there are too many labels for long leaders
ANGLES = np.arange(32) * (2 * np.pi / 32)
THOROUGH = 100  # up to this many labels choose again until none moves; more are placed once, in the order given
SWEEPS = 6
HIDING = 1e4  # covering a label or a mark: more than the longest leader
CROSSING = 300  # a leader that crosses a label, a mark or another leader
CLOSENESS, ELBOW = 15, 14  # a label within ELBOW of the mark of another word, which it might seem to name


def place(points, sizes, frame, mark=MARK):
    """Choose a place for the label of each point.

    Every label has 32 candidate places on each of 11 squares around its point. Up to 100 labels take the cheapest one,
    the most crowded point first, then choose again knowing the others until none moves; labels whose leaders cross
    change places where that is cheaper. More labels than that are placed once, in the order given, near their points.

    Parameters
    ----------
    points : ndarray of float64, shape (n, 2)
        Pixels of 1/150 inch.
    sizes : ndarray of float64, shape (n, 2)
        Width and height of each label, pixels.
    frame : ndarray of float64, shape (4,)
        Left, bottom, right, top, pixels; no label leaves it.
    mark : float
        Half the side of the square that a mark occupies, pixels.

    Returns
    -------
    ndarray of float64, shape (n, 4)
        Left, bottom, right, top of each label; NaN for a label that would cover another one or a mark wherever it went.
    """
    placement = _Placement(points, sizes, frame, mark)
    if len(points) > THOROUGH:
        for i in range(len(points)):
            placement.choose(i, NEAR_RINGS, HIDING)
        return placement.boxes
    distances = np.linalg.norm(points[:, None] - points, axis=2)  # (n, n)
    crowding = (1 / (distances + MARK)).sum(axis=1)  # (n,)
    for _ in range(SWEEPS):
        before = placement.boxes.copy()
        for i in np.argsort(-crowding, kind="stable"):
            placement.choose(i, len(RINGS), np.inf)
        placement.exchange_crossing()
        if np.array_equal(placement.boxes, before, equal_nan=True):
            break
    for i in reversed(range(len(points))):  # the first words are the last to give way
        placement.drop_if_covering(i)
    return placement.boxes


class _Placement:
    """Labels placed so far. A label without a place is NaN, which meets nothing."""

    def __init__(self, points, sizes, frame, mark):
        self.points, self.sizes, self.frame, self.mark = points, sizes, frame, mark
        self.marks = np.hstack((points - mark, points + mark))  # (n, 4)
        self.boxes = np.full((len(points), 4), np.nan)  # (n, 4)
        self.ends = np.full((len(points), 2), np.nan)  # (n, 2): of the leaders, on the boxes

    def choose(self, i, rings, most):
        """Move label i to the cheapest of its candidate places, if one costs less than `most`."""
        places, tips, costs = self._candidates(i, rings)  # (c, 4), (c, 2), (c,)
        best, least = None, most
        for start in range(0, len(costs), len(ANGLES)):
            if costs[start] >= least:  # ascending, and surroundings only add to them
                break
            part = slice(start, start + len(ANGLES))
            total = costs[part] + self._surroundings(i, places[part], tips[part], least)
            if total.min() < least:
                best, least = start + np.argmin(total), total.min()
        if best is not None:
            self.boxes[i], self.ends[i] = places[best], tips[best]

    def drop_if_covering(self, i):
        """Take label i away if it covers another label or a mark."""
        if self._surroundings(i, self.boxes[[i]], self.ends[[i]])[0] >= HIDING:
            self.boxes[i], self.ends[i] = np.nan, np.nan

    def exchange_crossing(self):
        """Let two labels whose leaders cross change places if that makes both together cheaper."""
        crossing = _intersect(self.points[:, None], self.ends[:, None], self.points, self.ends)  # (n, n)
        for i, j in np.argwhere(np.triu(crossing)):
            before = self.boxes[[i, j]], self.ends[[i, j]]
            cost = self._cost(i) + self._cost(j)
            self._centre_on(i, before[0][1])
            self._centre_on(j, before[0][0])
            if self._cost(i) + self._cost(j) >= cost:
                self.boxes[[i, j]], self.ends[[i, j]] = before

    def _centre_on(self, i, box):
        corner = (box[:2] + box[2:] - self.sizes[i]) / 2  # (2,)
        corner = np.clip(corner, self.frame[:2] + AIR, self.frame[2:] - AIR - self.sizes[i])  # (2,)
        self.boxes[i] = [*corner, *(corner + self.sizes[i])]
        self.ends[i] = np.clip(self.points[i], corner, corner + self.sizes[i])

    def _cost(self, i):
        surroundings = self._surroundings(i, self.boxes[[i]], self.ends[[i]])[0]
        return np.linalg.norm(self.ends[i] - self.points[i]) + surroundings

    def _candidates(self, i, rings):
        """The places for label i, (c, 4), their points nearest to its point, (c, 2), and their own costs, (c,)."""
        point, size = self.points[i], self.sizes[i]  # (2,), (2,)
        rings, angles = (grid.ravel() for grid in np.meshgrid(self.mark + RINGS[:rings], ANGLES, indexing="ij"))
        rays = np.stack((np.cos(angles), np.sin(angles)), axis=1)  # (c, 2)
        squared = rays / np.abs(rays).max(axis=1, keepdims=True)  # (c, 2): on the square around the point
        corner = point + squared * (rings[:, None] + size / 2) - size / 2  # (c, 2)
        corner = np.clip(corner, self.frame[:2] + AIR, self.frame[2:] - AIR - size)  # (c, 2)
        places, tips = np.hstack((corner, corner + size)), np.clip(point, corner, corner + size)  # (c, 4), (c, 2)
        # As maps do it: right before left, above before below (Imhof 1975, "Positioning names on maps").
        costs = np.linalg.norm(tips - point, axis=1) - 4 * rays[:, 0] - rays[:, 1]  # (c,)
        order = np.argsort(costs, kind="stable")
        return places[order], tips[order], costs[order]

    def _surroundings(self, i, places, tips, most=np.inf):
        """What it costs label i, with its leader, to be at places (c, 4) among the marks and the other labels: (c,).

        Leaders are not looked at where the label alone costs `most` or more.
        """
        point, others = self.points[i], np.arange(len(self.points)) != i  # (2,), (n,)
        low, high = np.minimum(point, places[:, :2].min(axis=0)), np.maximum(point, places[:, 2:].max(axis=0))  # (2,)
        marked = _meets(self.marks, low - ELBOW, high + ELBOW)  # (n,)
        labels = self.boxes[others & _meets(self.boxes, low, high)]  # (m, 4)
        cost = HIDING * _covered(places, np.vstack((self.marks[marked], labels)))  # (c,)
        cost += CLOSENESS * _covered(places, self.marks[marked & others] + ELBOW * np.array([-1, -1, 1, 1]))
        cheap = cost < most  # (c,)
        if cheap.any():
            cost[cheap] += self._crossings(i, places[cheap], tips[cheap], low, high, labels, marked)
        return cost

    def _crossings(self, i, places, tips, low, high, labels, marked):
        """What crossing leaders cost at places (c, 4), all between `low` and `high`: (c,)."""
        point = self.points[i]  # (2,)
        distances = np.linalg.norm(self.points - point, axis=1)  # (n,)
        apart = distances > 3 * MARK  # (n,): a leader cannot help meeting marks closer to its start
        obstacles = np.vstack((labels, self.marks[marked & apart]))  # (m, 4)
        cost = CROSSING * _crossed(point, tips[:, None], obstacles).sum(axis=1)  # (c,)
        reach = np.hstack((np.minimum(self.points, self.ends), np.maximum(self.points, self.ends)))  # (n, 4)
        led = (np.arange(len(reach)) != i) & _meets(reach, low, high)  # (n,)
        starts, ends = self.points[led], self.ends[led]  # (m, 2), (m, 2)
        cost += CROSSING * _crossed(starts, ends, places[:, None]).sum(axis=1)
        return cost + CROSSING * _intersect(point, tips[:, None], starts, ends).sum(axis=1)


def _meets(boxes, low, high):
    """Whether boxes (n, 4) meet the rectangle from `low` to `high`, (n,); False for NaN."""
    left, bottom, right, top = boxes.T  # (n,) each
    return (left <= high[0]) & (right >= low[0]) & (bottom <= high[1]) & (top >= low[1])


def _covered(places, boxes):
    """The number of boxes (m, 4) that each place (c, 4) covers, and a little for the area covered, to break ties."""
    left, bottom, right, top = places.T[:, :, None]  # (c, 1) each; sums over pairs of columns would be slower
    width = np.minimum(right, boxes[:, 2]) - np.maximum(left, boxes[:, 0])  # (c, m)
    height = np.minimum(top, boxes[:, 3]) - np.maximum(bottom, boxes[:, 1])  # (c, m)
    return np.where((width > 0) & (height > 0), 1 + width * height / 1e4, 0).sum(axis=1)


def _crossed(starts, ends, boxes):
    """Which segments meet which boxes, by the separating axis theorem; shapes (..., 2) and (..., 4) broadcast."""
    slope = (ends - starts) / 2  # (..., 2)
    half = np.abs(slope)  # (..., 2): of the segment's extent
    reach = (boxes[..., 2:] - boxes[..., :2]) / 2  # (..., 2): half the sides of the box
    between = (starts + ends) / 2 - (boxes[..., :2] + boxes[..., 2:]) / 2  # (..., 2): the middles
    across = np.abs(slope[..., 0] * between[..., 1] - slope[..., 1] * between[..., 0])  # (...)
    near = np.abs(between) < reach + half  # (..., 2)
    return near[..., 0] & near[..., 1] & (across < reach[..., 0] * half[..., 1] + reach[..., 1] * half[..., 0])


def _intersect(starts, ends, other_starts, other_ends):
    """Which segments cross which others; shapes (..., 2) broadcast. Sharing an end is not crossing."""
    return _divides(starts, ends, other_starts, other_ends) & _divides(other_starts, other_ends, starts, ends)


def _divides(starts, ends, first, second):
    """Whether the line through `starts` and `ends` runs between the points `first` and `second`."""
    x, y = (ends - starts)[..., 0], (ends - starts)[..., 1]  # (...) each
    sides = [x * (point - starts)[..., 1] - y * (point - starts)[..., 0] for point in (first, second)]
    return sides[0] * sides[1] < 0
