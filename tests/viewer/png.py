"""8-bit RGB PNG files, by nothing but the standard library."""
import struct
import zlib


def read(path):
    """(width, height, bytes of RGB) of a PNG."""
    with open(path, "rb") as file:
        data = file.read()
    assert data[:8] == b"\x89PNG\r\n\x1a\n", path
    at, packed, size = 8, b"", None
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + length]
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack(">IIBB", body[:10])
            assert (depth, colour) == (8, 2), path
            size = width, height
        elif kind == b"IDAT":
            packed += body
        at += 12 + length
    raw, (width, height) = zlib.decompress(packed), size
    stride, before, rows = 3 * width, bytearray(3 * width), []
    for y in range(height):
        kind = raw[y * (stride + 1)]
        row = bytearray(raw[y * (stride + 1) + 1:(y + 1) * (stride + 1)])
        for i in range(stride):
            a = row[i - 3] if i >= 3 else 0
            b = before[i]
            c = before[i - 3] if i >= 3 else 0
            if kind == 1:
                row[i] = (row[i] + a) & 255
            elif kind == 2:
                row[i] = (row[i] + b) & 255
            elif kind == 3:
                row[i] = (row[i] + (a + b) // 2) & 255
            elif kind == 4:
                p = a + b - c
                pa, pb, pc = abs(p - a), abs(p - b), abs(p - c)
                row[i] = (row[i] + (a if pa <= pb and pa <= pc else b if pb <= pc else c)) & 255
        rows.append(bytes(row))
        before = row
    return width, height, b"".join(rows)


def apart(one, other):
    """The largest difference of two pictures, and how many values differ."""
    a, b = read(one), read(other)
    assert a[:2] == b[:2], (one, a[:2], other, b[:2])
    worst = count = 0
    for x, y in zip(a[2], b[2]):
        if x != y:
            count += 1
            worst = max(worst, abs(x - y))
    return worst, count
