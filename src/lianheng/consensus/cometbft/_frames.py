"""Messages cut out of a byte stream: each has its length before it, as a varint.

Reads as much as there is, so that many small requests cost one system call. A large message is
received where it will be read: its room is as long as the message up to a few megabytes and grows
twofold from there, so it is moved a few times at most, and a length that is only claimed costs
next to nothing.
"""

import socket
from collections.abc import Callable

from lianheng.consensus.cometbft._protobuf import ProtobufError
from lianheng.model import limits

_LENGTH_BYTES = 5  # enough for the largest message
_MORE = 0x80
# Room that is taken on the word of a length alone: memory that is not written to costs nothing.
_UNTOUCHED_BYTES = 8_388_608


class FrameReader:
    """Messages of one connection, one at a time."""

    def __init__(self, channel: socket.socket) -> None:
        """The channel is blocking and stays its owner's."""
        self._channel = channel
        self._room = bytearray(limits.ABCI_READ_BYTES)
        self._begin = 0  # of what was received and not yet given out
        self._end = 0

    def next(self, before_waiting: Callable[[], None]) -> memoryview | None:
        """The next message; None once the other side hung up between two.

        Valid until the next call; the caller releases it. `before_waiting` is called before each
        wait for more bytes. Raises ProtobufError for a length beyond the limit and a stream that
        ends inside a message, OSError of the socket.
        """
        while True:
            head = self._length()
            if head is not None:
                begin, end = head
                if end <= self._end:
                    self._begin = end
                    return memoryview(self._room)[begin:end]
                self._make_room(end - self._begin)
            else:
                self._make_room(_LENGTH_BYTES)
            before_waiting()
            with memoryview(self._room) as room:
                received = self._channel.recv_into(room[self._end :])
            if received == 0:
                if self._begin == self._end:
                    return None
                raise ProtobufError(
                    "protobuf.truncated",
                    f"the stream ended {self._end - self._begin} bytes into a message",
                )
            self._end += received

    def _length(self) -> tuple[int, int] | None:
        """Where the next message begins and ends, once its length is there."""
        length = shift = 0
        for place in range(self._begin, min(self._end, self._begin + _LENGTH_BYTES)):
            byte = self._room[place]
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < _MORE:
                if length > limits.ABCI_MESSAGE_BYTES:
                    raise ProtobufError(
                        "protobuf.too_large",
                        f"a message of {length:,} bytes; at most {limits.ABCI_MESSAGE_BYTES:,}",
                    )
                return place + 1, place + 1 + length
        if self._end - self._begin >= _LENGTH_BYTES:
            raise ProtobufError("protobuf.too_large", "a length of more than five bytes")
        return None

    def _make_room(self, wanted: int) -> None:
        """Room for at least one more byte of a message that has `wanted` bytes in all."""
        held = self._end - self._begin
        if held == 0 and len(self._room) == limits.ABCI_READ_BYTES:
            self._begin = self._end = 0
        fits = self._begin + wanted <= len(self._room)
        if fits or (self._begin == 0 and self._end < len(self._room)):
            return
        size = max(limits.ABCI_READ_BYTES, min(wanted, max(2 * held, _UNTOUCHED_BYTES)))
        room = self._room if size == len(self._room) else bytearray(size)
        with memoryview(self._room) as old:
            room[:held] = old[self._begin : self._end]
        self._room, self._begin, self._end = room, 0, held
