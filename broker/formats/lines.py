"""Physical lines of an untrusted byte stream: decoded, counted, bounded, and able to step back."""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from broker.errors import Invalid, TooLarge
from broker.formats.limits import KIB, Limits

BLOCK = 256 * KIB
BOM = b"\xef\xbb\xbf"
UTF16 = (b"\xff\xfe", b"\xfe\xff")


class OverlongError(Exception):
    """The record has more bytes or lines than a row may have."""


class Lines:
    r"""Lines that end with \n, \r\n or \r, as text.

    A record is what was read since `close()`: one line, or several when a quoted field goes over line ends.
    `offset` counts the bytes read, `fault` names what is wrong with the record's bytes.
    """

    def __init__(self, stream: BinaryIO, limits: Limits) -> None:
        self.offset = 0
        self.opened = 0
        self.fault: str | None = None
        self._stream = stream
        self._limits = limits
        self._queue: deque[bytes] = deque()
        self._record: list[bytes] = []
        self._rest = b""
        self._skipped = 0
        if stream.seekable():
            stream.seek(0)
        self._begin()

    def _begin(self) -> None:
        self._rest = self._stream.read(BLOCK)
        if self._rest.startswith(UTF16):
            raise Invalid("The file is UTF-16 text; save it as UTF-8.")
        if self._rest.startswith(BOM):
            self._rest = self._rest[len(BOM) :]
            self.offset = self.opened = len(BOM)

    def go(self, offset: int) -> None:
        """Continue at a byte offset from the beginning of the file; an offset already passed changes nothing."""
        if offset <= self.offset:
            return
        if self._stream.seekable():
            self._stream.seek(offset)
            self._rest = b""
        else:
            self._rest = self._beyond(offset - self.offset)
        self._queue.clear()
        self.offset = offset
        self.close()

    def _beyond(self, count: int) -> bytes:
        """Read over `count` bytes of a stream that cannot seek; returns what was read too much."""
        waiting = b"".join(self._queue) + self._rest
        while waiting and len(waiting) < count:
            count -= len(waiting)
            waiting = self._stream.read(BLOCK)
        return waiting[count:]

    def __iter__(self) -> Iterator[str]:
        """Yield the next lines; raises OverlongError for a record over its bytes or lines, TooLarge for the file."""
        queue, record = self._queue, self._record
        most, most_lines = self._limits.row_bytes, self._limits.row_lines
        while queue or self._fill():
            line = queue.popleft()
            record.append(line)
            self.offset += len(line)
            if self._skipped or self.offset - self.opened > most or len(record) > most_lines:
                self.offset += self._skipped
                raise OverlongError
            try:
                text = line.decode()
            except UnicodeDecodeError as error:
                at = self.offset - len(line) + error.start
                self.fault = f"byte {at} (0x{line[error.start]:02X}) is not UTF-8 text; save the file as UTF-8"
                text = line.decode(errors="replace")
            if "\0" in text:
                self.fault = f"byte {self.offset - len(line) + line.index(0)} is a NUL byte"
            yield text

    def ready(self) -> Sequence[bytes]:
        """The lines of the block that is read already, or of the next one, without moving on; none before a record
        that is too long, and at the end.
        """
        if not self._queue:
            self._fill()
        return () if self._skipped or self._record else tuple(self._queue)

    def between_blocks(self) -> bool:
        """Whether all lines of a block were read."""
        return not self._queue

    def skip_ready(self) -> None:
        """Move on past the lines that are ready."""
        self.offset += sum(map(len, self._queue))
        self._queue.clear()
        self.close()

    def close(self) -> None:
        """The record is done: the next line opens another."""
        self._record.clear()
        self.opened = self.offset
        self.fault = None

    def retreat(self) -> str:
        """Step back to the end of the record's first line and close; returns the record's text as far as read."""
        text = b"".join(self._record).decode(errors="replace")
        if self._skipped:  # its bytes are gone, so there is nothing to step back to
            self._skipped = 0
        else:
            again = self._record[1:]
            self._queue.extendleft(reversed(again))
            self.offset -= sum(map(len, again))
        self.close()
        return text

    def _fill(self) -> bool:
        """Queue the complete lines of the next block; false at the end of the stream."""
        buffer = self._rest
        while True:
            cut = _last_end(buffer)
            if cut:
                break
            if len(buffer) > self._limits.row_bytes:
                buffer = self._skip(buffer)
                self._rest = buffer
                return True
            block = self._stream.read(BLOCK)
            if not block:
                cut = len(buffer)
                break
            buffer += block
        self._count(cut)
        self._rest = buffer[cut:]
        self._queue.extend(buffer[:cut].splitlines(keepends=True))
        return cut > 0

    def _skip(self, buffer: bytes) -> bytes:
        r"""Read over a line too long to hold; an empty line takes its place in the queue. Returns what follows.

        Of \r\n only the first is read over: the other is a blank line, which no reader minds.
        """
        while True:
            ends = [at for at in (buffer.find(b"\n"), buffer.find(b"\r")) if at >= 0]
            if ends:
                cut = min(ends) + 1
                break
            self._skipped += len(buffer)
            self._count(self._skipped)
            buffer = self._stream.read(BLOCK)
            if not buffer:
                cut = 0
                break
        self._skipped += cut
        self._queue.append(b"")
        return buffer[cut:]

    def _count(self, more: int) -> None:
        if self.offset + more > self._limits.bytes:
            raise TooLarge(f"The file has more than {self._limits.bytes:,} bytes.")


def _last_end(buffer: bytes) -> int:
    r"""The length of the complete lines in a buffer; a \r at its very end may be half of \r\n and does not count."""
    at = buffer.rfind(b"\n")
    if at < 0:
        at = buffer.rfind(b"\r", 0, max(len(buffer) - 1, 0))
    return at + 1
