"""Run lengths: read and written as pycocotools does, and nothing of a hostile text believed."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocotools import mask as coco
from skimage.draw import polygon2mask

from broker.annotation import runs
from broker.errors import Invalid


@st.composite
def images(draw):
    """An array of zeros and ones, of stripes as often as of noise."""
    height, width = draw(st.integers(1, 30)), draw(st.integers(1, 30))
    cells = draw(st.lists(st.booleans(), min_size=height * width, max_size=height * width))
    image = np.array(cells, np.uint8).reshape(height, width)
    return np.repeat(image, draw(st.sampled_from([1, 40])), axis=1)


def stretches(image):
    return runs.of_columns(image.T.tobytes())


@given(images())
def test_masks_are_written_as_cocos_own_encoder_writes_them(image):
    counts = coco.encode(np.asfortranarray(image))["counts"].decode()
    assert runs.pack(stretches(image), image.size) == counts
    assert runs.unpack(counts, image.size) == stretches(image)
    assert runs.area(stretches(image)) == image.sum()


@given(images(), st.data())
def test_overlap_and_likeness_are_those_of_pycocotools(image, data):
    other = np.roll(image, data.draw(st.integers(0, 20)))
    one, two = (coco.encode(np.asfortranarray(each)) for each in (image, other))
    shared = int((image & other).sum())
    assert runs.overlap(stretches(image), stretches(other)) == shared
    if shared:
        assert runs.likeness(stretches(image), stretches(other)) == pytest.approx(coco.iou([one], [two], [0])[0, 0])


@given(
    st.text(st.characters(min_codepoint=48, max_codepoint=112), max_size=12) | st.text(max_size=8), st.integers(1, 500)
)
def test_any_text_is_a_mask_of_the_image_or_invalid(counts, cells):
    try:
        mask = runs.unpack(counts, cells)
    except Invalid:
        return
    assert all(0 <= start < end <= cells for start, end in mask)
    assert all(before[1] < after[0] for before, after in itertools.pairwise(mask))
    assert runs.unpack(runs.pack(mask, cells), cells) == mask


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ("", "0 pixels are not the 10 of the image"),
        ("5", "5 pixels are not the 10"),
        (";", "run 1 leaves the image"),
        ("O", "run 1 leaves the image"),
        ("p", "does not belong here"),
        ("P", "the end is missing"),
        ("oooooooooooooo", "does not belong here"),
        ("é", "does not belong here"),
    ],
)
def test_what_is_wrong_with_a_mask_is_told(counts, told):
    with pytest.raises(Invalid, match=told):
        runs.unpack(counts, 10)


@given(st.lists(images().map(stretches), min_size=1, max_size=4))
def test_an_overlay_says_of_every_pixel_who_covers_it(masks):
    found = runs.overlay(masks)
    for number, mask in enumerate(masks):
        assert runs.joined((start, end) for start, end, who in found if who >> number & 1) == mask
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(found))


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 20)), min_size=3, max_size=7))
def test_a_polygon_covers_the_pixels_whose_middle_is_inside(points):
    mask = runs.of_polygon(points, 30, 20)
    cells = np.zeros(600, bool)
    for start, end in mask:
        cells[start:end] = True
    ours = cells.reshape(30, 20).T
    # scikit-image asks about points, (row, column): ours are the middles.
    theirs = polygon2mask((20, 30), np.array([(y - 0.5, x - 0.5) for x, y in points]))
    assert (ours == theirs)[~_on_a_side(points)].all()


def _on_a_side(points):
    """The pixels whose middle is on a side and may fall either way; in halves, all of it is exact."""
    row, column = np.mgrid[0:20, 0:30] + 0.5
    found = np.zeros((20, 30), bool)
    for (x, y), (to_x, to_y) in zip(points, [*points[1:], points[0]], strict=True):
        straight = (to_x - x) * (row - y) == (to_y - y) * (column - x)
        beside = (column >= min(x, to_x)) & (column <= max(x, to_x)) & (row >= min(y, to_y)) & (row <= max(y, to_y))
        found |= straight & beside
    return found


def test_a_polygon_that_leaves_the_image_is_cut_off():
    assert runs.area(runs.of_polygon([(0, 0), (100, 0), (100, 100), (0, 100)], 8, 5)) == 40
