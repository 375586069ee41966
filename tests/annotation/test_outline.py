"""Outlines: what they enclose is the mask, and fewer points keep close to it."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.draw import disk
from skimage.measure import euler_number, label

from broker.annotation import outline, runs

HEIGHT, WIDTH = 12, 14


@st.composite
def masks(draw):
    image = np.zeros((HEIGHT, WIDTH), np.uint8)
    for _ in range(draw(st.integers(0, 4))):
        top, left = draw(st.integers(0, HEIGHT - 1)), draw(st.integers(0, WIDTH - 1))
        image[top : top + draw(st.integers(1, 6)), left : left + draw(st.integers(1, 6))] ^= 1
    return image


def stretches(image):
    return runs.of_columns(image.T.tobytes())


@given(masks())
def test_rings_enclose_all_parts_and_their_holes(image):
    rings = outline.rings(stretches(image), HEIGHT)
    areas = [outline.turned(ring) for ring in rings]
    assert areas == sorted(areas, reverse=True)
    filled = np.zeros((HEIGHT, WIDTH), bool)
    for ring in rings:
        mask = np.zeros(HEIGHT * WIDTH, bool)
        for start, end in runs.of_polygon(ring, WIDTH, HEIGHT):
            mask[start:end] = True
        filled |= mask.reshape(WIDTH, HEIGHT).T
    assert (filled | (image == 0)).all()
    if euler_number(image, connectivity=2) == label(image, connectivity=2).max():  # no holes
        assert (filled == image).all()


def test_a_mask_through_whole_columns_has_one_ring():
    assert outline.rings(((0, 24),), HEIGHT) == [((0, 0), (1, 0), (2, 0), (2, 12), (1, 12), (0, 12))]
    assert outline.rings((), HEIGHT) == []


def test_a_disk_keeps_its_form_in_far_fewer_points():
    image = np.zeros((100, 120), np.uint8)
    image[disk((50, 60), 40)] = 1
    [ring] = outline.rings(stretches(image), 100)
    slim = outline.simplified(ring)
    assert len(slim) < len(ring) / 5
    assert runs.likeness(runs.of_polygon(slim, 120, 100), stretches(image)) > 0.97


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=2, max_size=20), st.floats(0.5, 5))
def test_a_path_keeps_its_ends_and_every_point_stays_near(points, tolerance):
    slim = outline.path(points, tolerance)
    assert (slim[0], slim[-1]) == (points[0], points[-1])
    sides = list(itertools.pairwise(slim))
    for x, y in points:
        distances = []
        for (from_x, from_y), (to_x, to_y) in sides:
            start, way = np.array([from_x, from_y]), np.array([to_x - from_x, to_y - from_y])
            along = np.clip((np.array([x, y]) - start) @ way / max(way @ way, 1e-9), 0, 1)
            distances.append(np.hypot(*(start + along * way - [x, y])))
        assert min(distances) <= tolerance + 1e-6


@pytest.mark.parametrize("count", [3, 4, 40])
def test_a_ring_keeps_at_least_three_points(count):
    ring = tuple((at, at % 2) for at in range(count))
    assert len(outline.simplified(ring, 1000)) == 3
