"""Which marks of one set belong to which of another: one-to-one pairs of the largest sum."""

from collections.abc import Sequence


def pairs(table: Sequence[Sequence[float]]) -> list[tuple[int, int]]:
    """The (row, column) pairs, each row and column once at most, whose entries (0 or more) have the largest sum.

    Pairs of 0 are left out. The Hungarian method of scipy decides where two rows want one column.
    """
    wanted = [(row, column) for row, entries in enumerate(table) for column, value in enumerate(entries) if value > 0]
    rows, columns = ({place[side] for place in wanted} for side in (0, 1))
    if len(rows) == len(columns) == len(wanted):
        return wanted
    from scipy.optimize import linear_sum_assignment  # noqa: PLC0415 -- heavy: most answers need none of it

    found = zip(*linear_sum_assignment(table, maximize=True), strict=True)
    return [(int(row), int(column)) for row, column in found if table[row][column] > 0]
