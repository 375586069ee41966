"""Votes on pixels: careful hands win, trembling ones are smoothed, thin things survive, nothing is claimed twice."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage
from skimage.draw import disk

from broker.annotation import pixels, runs

SIZE = (90, 70)


def stretches(image):
    return runs.of_columns(np.ascontiguousarray(image.T, np.uint8).tobytes())


def blank():
    return np.zeros((SIZE[1], SIZE[0]), np.uint8)


def square(left, top, side):
    image = blank()
    image[top : top + side, left : left + side] = 1
    return stretches(image)


squares = st.builds(square, st.integers(0, 60), st.integers(0, 40), st.integers(1, 29))


@given(squares, squares, st.floats(0.01, 1))
def test_what_more_than_half_say_to_the_pixel_stands(good, bad, weight):
    assert pixels.agreed([bad, good, good], [weight, 0.6, 0.6], SIZE) == good


@given(st.lists(squares, min_size=1, max_size=5))
def test_nothing_is_agreed_on_that_nobody_marked_nearby(masks):
    agreed = pixels.agreed(masks, [1.0] * len(masks), SIZE)
    marked = np.zeros(SIZE[0] * SIZE[1], bool)
    for mask in masks:
        for start, end in mask:
            marked[start:end] = True
    near = ndimage.binary_dilation(marked.reshape(SIZE), iterations=3).ravel()
    assert all(near[start:end].all() for start, end in agreed)
    assert all(0 <= start < end <= marked.size for start, end in agreed)


def test_hands_that_tremble_make_a_mask_nearer_to_the_truth_than_the_majority():
    dice = np.random.default_rng(7)
    truth = blank()
    truth[disk((35, 45), 24)] = 1
    gains = []
    for _ in range(20):
        away = ndimage.distance_transform_edt(truth) - ndimage.distance_transform_edt(1 - truth)
        masks = [stretches(away + dice.normal(0, 4, truth.shape) > 0) for _ in range(4)]
        votes = sum(_cells(mask) for mask in masks)
        majority = stretches(votes >= 2)
        agreed = pixels.agreed(masks, [1.0] * 4, SIZE)
        gains.append(runs.likeness(agreed, stretches(truth)) - runs.likeness(majority, stretches(truth)))
    assert np.mean(gains) > 0.02


def test_a_line_one_pixel_wide_is_not_smoothed_away():
    masks = []
    for shift in range(4):
        image = blank()
        image[30, 5 + shift : 80 - shift] = 1
        masks.append(stretches(image))
    agreed = pixels.agreed(masks, [1.0] * 4, SIZE)
    assert runs.likeness(agreed, masks[1]) > 0.9


def test_masks_at_the_edge_of_the_image_are_not_eaten_away_there():
    masks = [square(0, 0, side) for side in (20, 22, 24)]
    corner = pixels.agreed(masks, [1.0] * 3, SIZE)
    assert corner[0][0] == 0
    right = [square(SIZE[0] - side, SIZE[1] - side, side) for side in (20, 22, 24)]
    assert pixels.agreed(right, [1.0] * 3, SIZE)[-1][1] == SIZE[0] * SIZE[1]


def test_weight_decides_between_two():
    assert pixels.agreed([square(0, 0, 9), square(40, 40, 9)], [2.0, 1.0], SIZE) == square(0, 0, 9)


def test_nothing_is_agreed_on_where_most_marked_nothing():
    assert pixels.agreed([(), (), square(3, 3, 9)], [1.0, 1.0, 1.5], SIZE) == ()


@given(st.lists(squares, min_size=1, max_size=4), st.data())
def test_masks_apart_share_no_pixel_and_lose_none(masks, data):
    says = [[(mask, data.draw(st.floats(0.1, 2)))] for mask in masks]
    parted = pixels.apart(masks, says)
    assert all(who & (who - 1) == 0 for _, _, who in runs.overlay(parted))
    whole = runs.joined((start, end) for start, end, _ in runs.overlay(masks))
    assert runs.joined((start, end) for start, end, _ in runs.overlay(parted)) == whole


def test_a_shared_pixel_goes_where_more_weight_stands():
    one, two = square(0, 0, 10), square(5, 5, 10)
    assert pixels.apart([one, two], [[(one, 1.0)], [(two, 3.0)]])[1] == two
    assert pixels.apart([one, two], [[(one, 1.0)], [(two, 1.0)]])[0] == one


@pytest.mark.parametrize("limit", [10, 1 << 22])
def test_large_things_are_cut_without_smoothing(monkeypatch, limit):
    monkeypatch.setattr(pixels, "MOST_CELLS", limit)
    masks = [square(10, 10, 20), square(12, 12, 20), square(8, 10, 24)]
    agreed = pixels.agreed(masks, [1.0] * 3, SIZE)
    level = stretches(sum(_cells(mask) for mask in masks) >= 2)
    assert (agreed == level) == (limit == 10)


def _cells(mask):
    flat = np.zeros(SIZE[0] * SIZE[1])
    for start, end in mask:
        flat[start:end] = 1
    return flat.reshape(SIZE).T
