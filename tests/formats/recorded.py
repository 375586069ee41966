"""Sounds and films for the tests, made in memory."""

import io
import struct

import numpy as np
import soundfile

RATE = 8000
SECRET = b"N 47.9990 E 7.8421"


def tone(seconds: float = 1.5, rate: int = RATE, *, kind: str = "WAV", subtype: str | None = None) -> bytes:
    """Silence, then half a second of a loud tone, then silence; with a comment that tells where it was recorded."""
    times = np.arange(int(seconds * rate)) / rate
    samples = 0.8 * np.sin(2 * np.pi * 440 * times) * ((times >= 0.5) & (times < 1.0))
    file = io.BytesIO()
    with soundfile.SoundFile(file, "w", rate, 1, subtype, format=kind) as sound:
        if kind != "MP3":
            sound.comment = SECRET.decode()
        sound.write(samples)
    return file.getvalue()


def box(name: bytes, *parts: bytes) -> bytes:
    """A box of MP4."""
    content = b"".join(parts)
    return struct.pack(">I4s", 8 + len(content), name) + content


def mp4(
    codec: bytes = b"avc1", *, width: int = 640, height: int = 360, seconds: float = 2.5, turned: bool = False
) -> bytes:
    """The boxes of a film with its place in its user data; the samples are none."""
    matrix = (0, 1, 0, -1, 0, 0, 0, 0, 1) if turned else (1, 0, 0, 0, 1, 0, 0, 0, 1)
    header = struct.pack(">4s4I", b"", 0, 0, 1000, int(seconds * 1000)) + bytes(80)
    track = (
        bytes(40) + struct.pack(">9i", *(one << 16 for one in matrix)) + struct.pack(">II", width << 16, height << 16)
    )
    table = box(b"stsd", struct.pack(">II", 0, 1), box(codec, bytes(78)))
    media = box(b"mdia", box(b"minf", box(b"stbl", table)))
    place = box(b"udta", box(b"\xa9xyz", SECRET))
    film = box(b"moov", box(b"mvhd", header), box(b"trak", box(b"tkhd", track), media, box(b"meta", SECRET)), place)
    return box(b"ftyp", b"isom", bytes(4), b"isom") + film + box(b"uuid", SECRET) + box(b"mdat", bytes(3000))


def element(name: int, *parts: bytes) -> bytes:
    """An element of EBML, its length in eight bytes."""
    content = b"".join(parts)
    head = name.to_bytes((name.bit_length() + 7) // 8)
    return head + (1 << 56 | len(content)).to_bytes(8) + content


def webm(codec: bytes = b"V_VP9", *, doctype: bytes = b"webm", live: bool = False) -> bytes:
    """The elements of a film of 3.25 seconds with tags; `live` as a browser records it, of unknown length."""
    head = element(0x1A45DFA3, element(0x4282, doctype))
    duration = b"" if live else element(0x4489, struct.pack(">d", 3250.0))
    info = element(0x1549A966, element(0x2AD7B1, (1_000_000).to_bytes(3)), duration, element(0x7BA9, SECRET))
    picture = element(0xE0, element(0xB0, (320).to_bytes(2)), element(0xBA, (180).to_bytes(2)))
    tracks = element(0x1654AE6B, element(0xAE, element(0x86, codec), picture if codec.startswith(b"V") else b""))
    tags = element(0x1254C367, element(0x7373, SECRET))
    cluster = element(0x1F43B675, bytes(2000))
    if live:
        cluster = b"\x1f\x43\xb6\x75\x01\xff\xff\xff\xff\xff\xff\xff" + bytes(2000)
    segment = element(0x18538067, info, tracks, tags, cluster)
    if live:
        segment = segment[:4] + b"\x01\xff\xff\xff\xff\xff\xff\xff" + segment[12:]
    return head + segment
