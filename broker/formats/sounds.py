"""Sounds decoded whole by libsndfile, a block at a time: how long they are, and how loud at which place."""

from collections.abc import Collection, Iterator
from typing import IO, Any, NamedTuple

import numpy as np
import soundfile

from broker.errors import Invalid

PEAKS = 600
"""How many places of a recording have their loudness drawn."""
STEP, BLOCK = 1024, 256 * 1024
MOST_CHANNELS = 8


class Heard(NamedTuple):
    """A sound's length in seconds, and the largest sample of each of at most PEAKS equal parts, 0 to 255."""

    seconds: float
    peaks: bytes


def hear(file: IO[bytes], codecs: Collection[str], most_seconds: float) -> Heard:
    """Decode a sound of one of these codecs, in libsndfile's names. Raises Invalid, and what libsndfile raises."""
    file.seek(0)
    with soundfile.SoundFile(file) as sound:
        if sound.subtype not in codecs or sound.channels > MOST_CHANNELS:
            raise Invalid(f"the sound is packed as {sound.format} {sound.subtype}, which browsers do not play")
        frames, steps = 0, []
        for block in _decoded(sound):
            frames += len(block)
            if frames > most_seconds * sound.samplerate:
                raise Invalid(f"the recording is longer than {most_seconds / 3600:g} hours")
            steps.append(np.maximum.reduceat(np.abs(block).max(axis=1), np.arange(0, len(block), STEP)))
        if not frames:
            raise Invalid("the recording is empty")
        return Heard(frames / sound.samplerate, _peaks(np.concatenate(steps)))


def _decoded(sound: Any) -> Iterator[Any]:
    while len(block := sound.read(BLOCK, dtype="float32", always_2d=True)):
        yield block


def _peaks(steps: Any) -> bytes:
    count = min(PEAKS, len(steps))
    loud = np.maximum.reduceat(np.nan_to_num(steps), [at * len(steps) // count for at in range(count)])
    return bytes(np.rint(loud.clip(0, 1) * 255).astype(np.uint8))
