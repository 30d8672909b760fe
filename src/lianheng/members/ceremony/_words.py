"""Fingerprints: hashes that people compare by phone, as groups of digits or as words.

A fingerprint is scrypt (RFC 7914) of the hash, with the salt `lianheng.fingerprint.1`, N = 2^14,
r = 8, p = 1, of which 10 bytes are taken: five groups of four hexadecimal digits, or ten words, one
for each byte, from a list of 256 in alphabetical order. Both say the same. The derivation makes
each try of somebody who looks for two documents with one fingerprint take 16 MiB and some 50 ms.
"""

import hashlib
from dataclasses import dataclass
from typing import Self

from lianheng.model import Hash32

FINGERPRINT_SALT = b"lianheng.fingerprint.1"
FINGERPRINT_BYTES = 10

_N, _R, _P = 2**14, 8, 1
_MEMORY_BYTES = 33_554_432
_GROUP_DIGITS = 4

# Plain nouns and colours, no two alike in their first three letters.
_LIST = """
    acorn album amber anchor ankle anvil apple apron arrow atlas autumn axle badge bamboo banjo
    barley basin beacon bell berry bicycle birch bishop blanket bottle bramble bridge bronze
    bucket butter cabin cactus camel canoe carpet castle cedar cello chalk cherry chimney cinema
    circle clover cobalt coffee comet copper coral cotton cradle crystal curtain daisy dancer
    delta denim desert diamond dinner dolphin donkey dove dragon drum dune eagle earth echo
    elbow elephant ember engine fabric falcon feather fence fiddle finger flannel flute forest
    fossil fountain fox fridge galaxy garden gate giraffe glacier glove goblet gold grape guitar
    hammer harbor hazel helmet heron hill honey horse hotel ice igloo indigo insect iron island
    ivory jacket jaguar jasmine jelly jersey jigsaw jungle kayak kettle kitchen koala ladder
    lagoon lamp lantern lemon leopard library lily linen lizard lobster lotus lunar magnet mango
    maple marble meadow melon mercury mirror monkey moose mosaic moth mountain mushroom napkin
    nectar needle nickel noodle nutmeg oak oasis ocean olive onion opera orange orchid organ
    otter oval oyster paddle palace panda paper parrot peach pebble pelican pencil pepper piano
    pillow pine planet plum pocket pony potato prairie pumpkin puzzle quartz quilt rabbit radio
    raft rainbow raven ribbon river robin rocket rose ruby saddle saffron salmon sandal satin
    scarf school sesame shadow silver sketch snow sofa spider spoon squirrel stable sugar summer
    swan table tailor temple thunder tiger timber tomato tower trumpet tulip tunnel turtle
    umbrella uncle unicorn valley vanilla velvet violin volcano wagon walnut water whale willow
    window wizard wolf yacht yellow yogurt zebra zipper zodiac
"""
WORDS = tuple(_LIST.split())


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Ten bytes that stand for a hash."""

    data: bytes

    @classmethod
    def of(cls, digest: Hash32) -> Self:
        """The fingerprint of a hash."""
        return cls(
            hashlib.scrypt(
                digest,
                salt=FINGERPRINT_SALT,
                n=_N,
                r=_R,
                p=_P,
                maxmem=_MEMORY_BYTES,
                dklen=FINGERPRINT_BYTES,
            )
        )

    @property
    def digits(self) -> str:
        """`4be1-77c0-19aa-e390-5d02`."""
        text = self.data.hex()
        return "-".join(
            text[start : start + _GROUP_DIGITS] for start in range(0, len(text), _GROUP_DIGITS)
        )

    @property
    def words(self) -> str:
        """Ten words, parted by spaces."""
        return " ".join(WORDS[byte] for byte in self.data)
