"""SM3 (GB/T 32905-2016), plainly: the twin of the VM's native hash."""

_MASK = 0xFFFFFFFF
_START = (
    0x7380166F,
    0x4914B2B9,
    0x172442D7,
    0xDA8A0600,
    0xA96F30BC,
    0x163138AA,
    0xE38DEE4D,
    0xB0FB0E4E,
)
_BLOCK = 64
_EARLY_ROUNDS = 16


def sm3_digest(data: bytes) -> bytes:
    """The 32 bytes of SM3 over `data`."""
    padding = b"\x80" + bytes(-(len(data) + 9) % _BLOCK) + (len(data) * 8).to_bytes(8)
    padded = data + padding
    state: tuple[int, ...] = _START
    for at in range(0, len(padded), _BLOCK):
        state = _compress(state, padded[at : at + _BLOCK])
    return b"".join(word.to_bytes(4) for word in state)


def _compress(state: tuple[int, ...], block: bytes) -> tuple[int, ...]:
    words = _expand(block)
    a, b, c, d, e, f, g, h = state
    for j in range(64):
        early = j < _EARLY_ROUNDS
        constant = 0x79CC4519 if early else 0x7A879D8A
        ss1 = _turn((_turn(a, 12) + e + _turn(constant, j % 32)) & _MASK, 7)
        ss2 = ss1 ^ _turn(a, 12)
        ff = a ^ b ^ c if early else (a & b) | (a & c) | (b & c)
        gg = e ^ f ^ g if early else (e & f) | (~e & _MASK & g)
        tt1 = (ff + d + ss2 + (words[j] ^ words[j + 4])) & _MASK
        tt2 = (gg + h + ss1 + words[j]) & _MASK
        a, b, c, d = tt1, a, _turn(b, 9), c
        e, f, g, h = tt2 ^ _turn(tt2, 9) ^ _turn(tt2, 17), e, _turn(f, 19), g
    return tuple(x ^ y for x, y in zip(state, (a, b, c, d, e, f, g, h), strict=True))


def _expand(block: bytes) -> list[int]:
    words = [int.from_bytes(block[at : at + 4]) for at in range(0, _BLOCK, 4)]
    for j in range(_EARLY_ROUNDS, 68):
        mixed = words[j - 16] ^ words[j - 9] ^ _turn(words[j - 3], 15)
        mixed ^= _turn(mixed, 15) ^ _turn(mixed, 23)
        words.append(mixed ^ _turn(words[j - 13], 7) ^ words[j - 6])
    return words


def _turn(word: int, bits: int) -> int:
    return (word << bits | word >> (32 - bits)) & _MASK if bits else word
