"""The demo's data: the 1,797 handwritten digits that scikit-learn ships, as pictures with their known labels.

E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository, 1998.
"""

import csv
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

EDGE, MARGIN = 96, 12
ALL, FEWEST = 1797, 200
GOLDS = 60


@dataclass(frozen=True)
class Digits:
    """The files of the demo, and the truth by picture name."""

    pictures: Path
    gold: Path
    truth: Path
    labels: dict[str, str]


def write(folder: Path, count: int = ALL) -> Digits:
    """Write the ZIP of the first `count` pictures, the gold of 60 of them (as many of each digit), and all truths."""
    from sklearn.datasets import load_digits  # noqa: PLC0415 - takes seconds, and only the demo needs it

    folder.mkdir(parents=True, exist_ok=True)
    bunch = load_digits()
    labels = {f"digit-{number:04}.png": str(label) for number, label in enumerate(bunch.target[:count], 1)}
    with zipfile.ZipFile(folder / "digits.zip", "w") as archive:
        for name, grid in zip(labels, bunch.images[:count], strict=True):
            archive.writestr(name, _picture(grid))
    _write_table(folder / "truth.csv", labels)
    _write_table(folder / "gold.csv", _even(labels))
    return Digits(folder / "digits.zip", folder / "gold.csv", folder / "truth.csv", labels)


def _picture(grid: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> bytes:
    """Dark ink on white; 8 by 8 grey values of 0..16, drawn large enough for people."""
    ink = Image.fromarray((255 - grid * 255 / 16).astype(np.uint8))
    file = io.BytesIO()
    large = ink.resize((EDGE, EDGE), Image.Resampling.BICUBIC)
    ImageOps.expand(large, MARGIN, fill=255).save(file, "PNG", optimize=True)
    return file.getvalue()


def _even(labels: dict[str, str]) -> dict[str, str]:
    chosen: dict[str, str] = {}
    for digit in sorted(set(labels.values())):
        names = [name for name, label in labels.items() if label == digit]
        chosen |= dict.fromkeys(names[: GOLDS // 10], digit)
    return chosen


def _write_table(path: Path, labels: dict[str, str]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("name", "label"))
        writer.writerows(labels.items())
