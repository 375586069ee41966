"""What several masks say together: votes on each pixel, smoothed a little, cut where the voters would like it best."""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from broker.annotation import runs
from broker.annotation.runs import Stretches

SMOOTH, WIDEST = 0.1, 2.0
"""The smoothing's standard deviation: a share of the side of a square as large as the thing, at most so many pixels."""
LOSS = 0.05
"""How much less the voters may like a smoothed mask: what it costs where the masks are too thin to be smoothed."""
MOST_CELLS = 1 << 22
"""Larger things are not smoothed: it moves their edges by a pixel or two, and would cost seconds."""
HALF = 0.45
"""Half of all weight, so that pixels about which two like voters disagree are still taken after smoothing."""
MARGIN = 6
"""Pixels around what is marked that take part in the smoothing: three times the widest standard deviation."""


def agreed(masks: Sequence[Stretches], weights: Sequence[float], size: tuple[int, int]) -> Stretches:
    """The mask that masks of one image of that width and height, with positive weights, mean.

    What more than half of all weight says to the pixel stands. Else the pixels that have a share of the weight are
    taken, the share being that which makes the mask most like all votes (weighted mean IoU): of three like voters two,
    mostly. Hands tremble independently of each other, so the votes are smoothed first, unless voters would like that
    much less (thin things).
    """
    shares: dict[Stretches, float] = defaultdict(float)
    for mask, weight in zip(masks, weights, strict=True):
        shares[mask] += weight
    first = max(shares, key=lambda mask: shares[mask])
    if shares[first] > math.fsum(weights) / 2:
        return first
    liked, level = _level(masks, weights)
    smoothed = _smoothed(masks, weights, size)
    return smoothed[1] if smoothed and smoothed[0] >= liked - LOSS else level


def apart(masks: Sequence[Stretches], says: Sequence[Sequence[tuple[Stretches, float]]]) -> list[Stretches]:
    """The masks without shared pixels: each goes to the mask for which more weight stands there, ties to the first.

    `says` gives for each mask the votes, with their weights, that it was made of.
    """
    if not any(who & (who - 1) for _, _, who in runs.overlay(masks)):
        return list(masks)
    votes = [(owner, mask, weight) for owner, group in enumerate(says) for mask, weight in group]
    left: list[list[tuple[int, int]]] = [[] for _ in masks]
    for start, end, who in runs.overlay([*masks, *(mask for _, mask, _ in votes)]):
        claimed = [owner for owner in range(len(masks)) if who >> owner & 1]
        if claimed:
            here = [0.0] * len(masks)
            for number, (owner, _, weight) in enumerate(votes, len(masks)):
                here[owner] += weight * (who >> number & 1)
            left[max(claimed, key=lambda owner: (round(here[owner], 9), -owner))].append((start, end))
    return [runs.joined(stretches) for stretches in left]


def _level(masks: Sequence[Stretches], weights: Sequence[float]) -> tuple[float, Stretches]:
    """Of the masks of all pixels with at least some weight, the one most liked, and how much it is."""
    stretches = runs.overlay(masks)
    pixels = Counter[int]()
    for start, end, who in stretches:
        pixels[who] += end - start
    voters = range(len(masks))
    heavy = {who: round(math.fsum(weights[voter] for voter in voters if who >> voter & 1), 9) for who in pixels}
    areas = [runs.area(mask) for mask in masks]

    def liked(chosen: set[int]) -> float:
        shared = [sum(pixels[who] for who in chosen if who >> voter & 1) for voter in voters]
        return _mean_iou(shared, sum(pixels[who] for who in chosen), areas, weights)

    levels = [{who for who in pixels if heavy[who] >= level} for level in sorted({*heavy.values(), math.inf})]
    best = max(levels, key=liked)
    return liked(best), runs.joined((start, end) for start, end, who in stretches if who in best)


def _smoothed(
    masks: Sequence[Stretches], weights: Sequence[float], size: tuple[int, int]
) -> tuple[float, Stretches] | None:
    """How much the half of the smoothed votes is liked, and its mask; None where there is nothing to smooth."""
    import numpy as np  # noqa: PLC0415 -- heavy: only errands need it
    from scipy.ndimage import gaussian_filter  # noqa: PLC0415 -- heavy: only errands need it

    box, height = _box(masks, size), size[1]
    if box is None or (box[1] - box[0]) * (box[3] - box[2]) > MOST_CELLS:
        return None
    left, right, top, bottom = box
    cells = [_cells(mask, box, height) for mask in masks]
    total = math.fsum(weights)
    votes = sum(weight * one for weight, one in zip(weights, cells, strict=True)) / total
    width = min(WIDEST, SMOOTH * math.sqrt(float(votes.sum())))
    soft = gaussian_filter(votes, width, mode="nearest")
    chosen = soft > HALF
    shared = [int(np.count_nonzero(one[chosen])) for one in cells]
    liked = _mean_iou(shared, int(np.count_nonzero(chosen)), [runs.area(mask) for mask in masks], weights)
    whole = np.zeros((right - left, height), np.uint8)
    whole[:, top:bottom] = chosen
    found = tuple((start + left * height, end + left * height) for start, end in runs.of_columns(whole.tobytes()))
    return liked, found


def _cells(mask: Stretches, box: tuple[int, int, int, int], height: int) -> Any:
    """Which pixels within the box the mask has: an array, column by column."""
    import numpy as np  # noqa: PLC0415 -- heavy: only errands need it

    left, right, top, bottom = box
    flat = np.zeros((right - left) * height, np.bool_)
    for start, end in mask:
        flat[start - left * height : end - left * height] = True
    return flat.reshape(right - left, height)[:, top:bottom].copy()


def _box(masks: Sequence[Stretches], size: tuple[int, int]) -> tuple[int, int, int, int] | None:
    """Left, right, top, bottom of what the masks cover, with a margin within the image."""
    covered = [stretch for mask in masks for stretch in mask]
    if not covered:
        return None
    width, height = size
    right = (max(end for _, end in covered) - 1) // height + 1
    left = min(start for start, _ in covered) // height
    # A stretch that goes on in the next column covers all rows, as far as is of interest here.
    rows = [(start % height, start % height + end - start) for start, end in covered]
    top, bottom = min(first for first, _ in rows), max(last for _, last in rows)
    if bottom > height:
        top, bottom = 0, height
    return max(left - MARGIN, 0), min(right + MARGIN, width), max(top - MARGIN, 0), min(bottom + MARGIN, height)


def _mean_iou(shared: Sequence[int], size: int, areas: Sequence[int], weights: Sequence[float]) -> float:
    """The weighted mean IoU with all voters, rounded so that ties are ties."""
    unions = [size + area - both for area, both in zip(areas, shared, strict=True)]
    likes = [
        weight * (both / union if union else 1) for weight, both, union in zip(weights, shared, unions, strict=True)
    ]
    return round(math.fsum(likes) / math.fsum(weights), 9)
