"""What a file may cost us at most: every limit of the readers, once."""

from dataclasses import dataclass

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30


@dataclass(frozen=True)
class Limits:
    """Limits on one uploaded file; sizes in bytes unless the name says otherwise.

    `problems` bounds the work a hostile file can ask for (each broken row may be read twice), not only the report.
    """

    bytes: int = 1_000_000_000
    rows: int = 5_000_000
    problems: int = 10_000
    fields: int = 500
    name_characters: int = 200
    field_characters: int = 128 * KIB
    row_bytes: int = 4 * MIB
    row_lines: int = 5_000
    depth: int = 32
    unpacked_bytes: int = 8 * GIB
    group_bytes: int = 512 * MIB
    zip_entries: int = 200_000
    zip_ratio: int = 100
    image_bytes: int = 32 * MIB
    image_pixels: int = 64_000_000
    recording_bytes: int = GIB
    recording_seconds: int = 12 * 3600
