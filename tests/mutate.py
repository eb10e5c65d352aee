"""Files as disks, networks and other programs damage them, and as a hostile hand does: cut short, bits flipped, pieces
of another file, numbers of headers that lie. Pure functions over bytes; the generator given draws all.
"""

from collections.abc import Callable
from random import Random

# Where headers state counts, sizes, times: boxes of MP4, chunks of AVI, elements of Matroska, parts of PNG and JPEG.
NAMES = [
    *(b"mvhd", b"tkhd", b"mdhd", b"elst", b"stsd", b"stts", b"ctts", b"stsc", b"stsz", b"stco", b"stss", b"trun"),
    *(b"avih", b"strh", b"strf", b"idx1", b"indx", b"movi", b"LIST", b"00dc", b"01wb"),
    *(b"\x2a\xd7\xb1", b"\x44\x89", b"\x16\x54\xae\x6b", b"\xb0\x82", b"\xba\x81", b"\x53\x6e", b"\x23\xe3\x83"),
    *(b"\x1f\x43\xb6\x75", b"\x1c\x53\xbb\x6b", b"\x15\x49\xa9\x66", b"\xe7", b"\xa3", b"\xe0"),
    *(b"IHDR", b"IDAT", b"\xff\xc0", b"\xff\xc2", b"\xff\xc4", b"\xff\xdb", b"VP8 ", b"VP8X"),
]
LIES = [0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 62, (1 << 64) - 1]


def cut(data: bytes, _: bytes, random: Random) -> bytes:
    """The first part of a file."""
    return data[: random.randrange(len(data) + 1)]


def flip_bits(data: bytes, _: bytes, random: Random) -> bytes:
    """1 to 200 bits, anywhere."""
    changed = bytearray(data)
    for _ in range(round(200 ** random.random())):
        changed[random.randrange(len(data))] ^= 1 << random.randrange(8)
    return bytes(changed)


def splice(data: bytes, other: bytes, random: Random) -> bytes:
    """The begin of one file and the end of another."""
    return data[: random.randrange(len(data) + 1)] + other[random.randrange(len(other) + 1) :]


def lie(data: bytes, _: bytes, random: Random) -> bytes:
    """One to four numbers of a header, each of 1, 2, 4 or 8 bytes, of either byte order."""
    changed = bytearray(data)
    for _ in range(random.randint(1, 4)):
        known = [name for name in NAMES if name in data]
        name = random.choice(known) if known and random.random() < 0.8 else b""
        places = [at for at in range(len(data)) if data.startswith(name, at)] if name else [0]
        at = random.choice(places) + len(name) + random.randrange(48)
        size = random.choice([1, 2, 4, 4, 8])
        number = random.choice([*LIES, random.getrandbits(8 * size)]) % (1 << 8 * size)
        changed[at : at + size] = number.to_bytes(size, random.choice(["big", "little"]))
    return bytes(changed)


def zero(data: bytes, _: bytes, random: Random) -> bytes:
    """A stretch of zeros, as a disk that lost a block leaves it."""
    start = random.randrange(len(data))
    length = random.randint(1, max(1, len(data) // 4))
    return data[:start] + bytes(len(data[start : start + length])) + data[start + length :]


def repeat(data: bytes, _: bytes, random: Random) -> bytes:
    """A stretch that stands there several times."""
    start = random.randrange(len(data))
    stretch = data[start : start + random.randint(1, 4096)]
    return data[:start] + stretch * random.randint(2, 20) + data[start:]


def insert(data: bytes, _: bytes, random: Random) -> bytes:
    """Noise between two bytes."""
    at = random.randrange(len(data) + 1)
    return data[:at] + random.randbytes(random.randint(1, 2048)) + data[at:]


def leave_out(data: bytes, _: bytes, random: Random) -> bytes:
    """A stretch that is missing."""
    start = random.randrange(len(data))
    return data[:start] + data[start + random.randint(1, 4096) :]


MUTATIONS: list[Callable[[bytes, bytes, Random], bytes]] = [
    cut,
    flip_bits,
    splice,
    lie,
    lie,
    zero,
    repeat,
    insert,
    leave_out,
]


def mutated(data: bytes, other: bytes, random: Random) -> tuple[bytes, str]:
    """A file changed by one of them, or, one time in four, by two; and what was done.

    >>> mutated(b"what was written", b"", Random(1)) == mutated(b"what was written", b"", Random(1))
    True
    """
    chosen = random.choices(MUTATIONS, k=1 + (random.random() < 0.25))
    for mutation in chosen:
        data = mutation(data, other, random) if data else other
    return data, " ".join(mutation.__name__ for mutation in chosen)
