"""The animated map: rotated copies do not move, stages are the maps of their vectors, each frame says what it is."""

import doctest

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from utils.pictures import animation
from utils.pictures.animation import align, animate_map, timeline
from utils.pictures.wordmap import Sheet, project_2d
from utils.system.errors import EnvironmentFailure, InputError

WORDS = ("rain", "snow", "tea", "coffee", "king")
STYLE = {"color": "#777777", "marker": "o", "markersize": 6}
ROUNDING = 1e-12  # float64 on numbers of size 1 to 10


def normal(seed, n=5, d=4):
    return np.random.default_rng(seed).normal(size=(n, d))


def turn(angle, mirrored=False):
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.array([[cosine, sine], [-sine, cosine]]) @ np.diag([1, -1 if mirrored else 1])


# ---- the alignment


@given(seed=st.integers(0, 2**32 - 1), angle=st.floats(0, 7), mirrored=st.booleans())
def test_a_rotated_or_mirrored_copy_does_not_move(seed, angle, mirrored):
    points = normal(seed, 6, 2)
    aligned = align([points @ turn(angle, mirrored), points @ turn(2 * angle), points])
    np.testing.assert_allclose(aligned, [points] * 3, rtol=0, atol=ROUNDING)


@given(seed=st.integers(0, 2**32 - 1), angle=st.floats(0, 7), mirrored=st.booleans())
def test_no_other_turn_brings_a_map_nearer_to_the_next(seed, angle, mirrored):
    maps = np.array([normal(seed, 6, 2), normal(seed + 1, 6, 2)])
    aligned = align(maps)
    np.testing.assert_array_equal(aligned[1], maps[1])
    other = maps[0] @ turn(angle, mirrored)
    assert np.linalg.norm(aligned[0] - aligned[1]) <= np.linalg.norm(other - maps[1]) + ROUNDING
    np.testing.assert_allclose(aligned[0] @ aligned[0].T, maps[0] @ maps[0].T, rtol=0, atol=1e-10)  # never stretched


def test_each_map_follows_the_next_one_not_the_last():
    first, second, last = (normal(seed, 6, 2) for seed in range(3))
    aligned = align([first, second, last])
    np.testing.assert_allclose(aligned[0], align([first, aligned[1]])[0], rtol=0, atol=ROUNDING)
    assert not np.allclose(aligned[0], align([first, last])[0])


def test_examples_in_the_docstrings():
    assert doctest.testmod(animation).failed == 0


# ---- the frames


def test_the_frames_in_their_order():
    assert timeline([5], 3) == [(0, "iteration 5", 3000)]
    assert timeline([0, 1000, 1500], 1) == [
        (0, "iteration 0", 800),
        (0.5, "between iterations 0 and 1,000", 60),
        (1, "iteration 1,000", 800),
        (1.5, "between iterations 1,000 and 1,500", 60),
        (2, "iteration 1,500", 3000),
    ]
    assert [moment for moment, *_ in timeline([0, 10], 3)] == [0, 0.25, 0.5, 0.75, 1]
    assert [text for _, text, _ in timeline([0, 10], 0)] == ["iteration 0", "iteration 10"]


@pytest.fixture
def shown(monkeypatch, tmp_path):
    """Animate and note what each frame shows: a list of (heading, coordinates, boxes of the labels)."""

    def call(words, frames, **options):
        notes = []
        show = Sheet.show

        def noting(sheet, coordinates, boxes):
            notes.append((sheet.heading.get_text(), coordinates, boxes))
            show(sheet, coordinates, boxes)

        monkeypatch.setattr(Sheet, "show", noting)
        animate_map(words, frames, tmp_path / "map.gif", **options)
        return notes[1:]  # the first is drawn for its colours

    return call


def test_stages_are_the_maps_and_the_last_is_as_it_is(shown):
    frames = {200: normal(1), 100: normal(0), 300: normal(2)}
    notes = shown(WORDS, frames, between=1)
    titles = [f"Word vectors during training: {text}" for _, text, _ in timeline([100, 200, 300], 1)]
    assert [text for text, *_ in notes] == titles
    np.testing.assert_array_equal(notes[-1][1], project_2d(frames[300])[0])
    aligned = align([project_2d(frames[iteration])[0] for iteration in (100, 200, 300)])
    np.testing.assert_allclose([note[1] for note in notes[::2]], aligned, rtol=0, atol=ROUNDING)
    np.testing.assert_allclose(notes[1][1], (aligned[0] + aligned[1]) / 2, rtol=0, atol=ROUNDING)


def test_words_whose_vectors_only_turn_stay_where_they_are(shown):
    vectors = normal(0) * [4, 3, 2, 1]
    rotation, _ = np.linalg.qr(normal(1, 4, 4))
    notes = shown(WORDS, {0: vectors @ rotation, 10: vectors @ -rotation.T, 20: vectors}, between=2)
    for _, coordinates, boxes in notes:
        np.testing.assert_allclose(coordinates, notes[-1][1], rtol=0, atol=1e-10)
        np.testing.assert_allclose(boxes, notes[-1][2], rtol=0, atol=1e-6)  # pixels


@settings(max_examples=5)
@given(seed=st.integers(0, 2**32 - 1))
def test_labels_do_not_overlap_at_the_stages(seed):
    maps = align([project_2d(normal(seed + t, 5))[0] for t in range(2)])
    sheet = Sheet(WORDS, [("other words", list(range(5)), STYLE)], maps, "a", animation.DPI)
    for coordinates in maps:
        boxes = sheet.places(coordinates)
        low, high = np.maximum(boxes[:, None, :2], boxes[:, :2]), np.minimum(boxes[:, None, 2:], boxes[:, 2:])
        overlaps = (high - low > 1e-6).all(axis=2)  # pixels: rounding
        assert overlaps.sum() == 5  # each with itself
        points = sheet.pixels(coordinates)
        ends = np.clip(points, boxes[:, :2], boxes[:, 2:])
        assert (np.linalg.norm(ends - points, axis=1) < 60).all()  # pixels; so few words have space nearby


def test_one_stage_is_a_picture(shown):
    assert [text for text, *_ in shown(WORDS, {7: normal(0)})] == ["Word vectors during training: iteration 7"]
    assert len(shown(["tea"], {7: [[1.0]], 9: [[2.0]]}, between=0)) == 2


def test_many_stages_have_fewer_frames_between():
    assert [animation._between(stages, None) for stages in (1, 2, 50, 51, 101, 251, 500)] == [9, 9, 9, 8, 3, 0, 0]
    assert animation._between(50, 2) == 2


def test_many_words_move_as_dots_where_labels_find_no_space(shown):
    words = [f"word{i}" for i in range(150)]
    notes = shown(words, {0: normal(0, 150), 10: normal(1, 150)}, between=1)
    first, middle, last = (np.isfinite(boxes).all(axis=1) for _, _, boxes in notes)
    assert 20 < middle.sum() < 150 and (middle == first & last).all()


def test_words_that_start_in_one_place_part(shown):
    notes = shown(WORDS, {0: np.zeros((5, 4)), 10: normal(0)}, between=0)
    assert not notes[0][1].any() and np.isfinite(notes[0][2]).all() and notes[1][1].any()


# ---- the file


def test_the_file_is_a_gif_that_repeats_with_all_frames_and_true_colours(tmp_path):
    animate_map(WORDS, {0: normal(0), 50: normal(1)}, tmp_path / "map.gif", {"drinks": ("tea", "coffee")}, between=2)
    with Image.open(tmp_path / "map.gif") as picture:
        assert (picture.format, picture.n_frames, picture.info["loop"]) == ("GIF", 4, 0)
        assert picture.width == 1000 and 600 <= picture.height <= 800
        durations, counts = [], []
        for frame in range(4):
            picture.seek(frame)
            durations.append(picture.info["duration"])
            colours = {colour: count for count, colour in picture.convert("RGB").getcolors(10**6)}
            assert colours[255, 255, 255] > 0.9 * 1000 * picture.height  # paper
            assert colours[0x00, 0x72, 0xB2] > 50  # the drinks
            counts.append(len(colours))
    assert durations == [800, 60, 60, 3000]
    assert max(counts) <= 256


def test_same_input_same_bytes_other_input_other_bytes(tmp_path):
    def content(seed=0, second=10, **options):
        animate_map(WORDS, {0: normal(seed), second: normal(1)}, tmp_path / "map.gif", **options)
        return (tmp_path / "map.gif").read_bytes()

    first = content(between=1)
    assert content(between=1) == first
    others = [content(seed=2, between=1), content(second=11, between=1), content(between=0)]
    assert len({first, *others, content(between=1, groups={"drinks": ("tea",)})}) == 5


@pytest.mark.parametrize(
    "words, frames, options, message",
    [
        (WORDS, {}, {}, "at least one iteration, got none"),
        (WORDS, {5: normal(0, 4)}, {}, "got 5 words and 4 vectors at iteration 5"),
        (WORDS, {0: normal(0), 5: normal(0) * np.nan}, {}, "got nan in row 0"),
        (["a"] * 2001, {0: normal(0, 2001)}, {}, "1 to 2000 words, got 2001"),
        ([], {0: normal(0)}, {}, "1 to 2000 words, got 0"),
        (WORDS, dict.fromkeys(range(51), normal(0)), {"between": 9}, "holds 500 frames, got 501"),
        (WORDS, dict.fromkeys(range(501), normal(0)), {}, "holds 500 frames, got 501"),
        (WORDS, {0: normal(0)}, {"between": -1}, "at least 0, got -1"),
        (WORDS, {0: normal(0)}, {"groups": {"one": ("tea",), "two": ("tea",)}}, "'tea' is in the groups"),
    ],
)
def test_the_animation_says_what_it_wants(words, frames, options, message, tmp_path):
    with pytest.raises(InputError) as caught:
        animate_map(words, frames, tmp_path / "map.gif", **options)
    assert message in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "map.gif"
    path.write_bytes(b"old")
    with pytest.raises(EnvironmentFailure, match="cannot write"):
        animate_map(["a"], {0: [[1.0]]}, tmp_path / "nowhere" / "map.gif")

    def fail(self, file, *_, **__):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", fail)
    with pytest.raises(EnvironmentFailure, match="No space left"):
        animate_map(["a"], {0: [[1.0]]}, path)
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]
