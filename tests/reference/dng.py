"""Writes small DNG files into tests/GenIsp.Tests/Fixtures/raw: one for each thing that a RAW file may say or get wrong.

TIFF 6.0 and the DNG specification 1.6; needs only Python's standard library. Pixel (x, y) of the stored mosaic is 1000 + 10·y + x.
"""
import os
import struct

OUT = os.path.join(os.path.dirname(__file__), "..", "GenIsp.Tests", "Fixtures", "raw")
BYTE, ASCII, SHORT, LONG, RATIONAL, SRATIONAL = 1, 2, 3, 4, 5, 10
TUNGSTEN, D65 = 17, 21
RGGB, GBRG = [0, 1, 1, 2], [1, 2, 0, 1]
MATRIX = [0.9020, -0.2890, -0.0715, -0.4535, 1.2436, 0.2348, -0.0934, 0.1919, 0.7086]
WARM = [1.1, -0.5, 0.05, -0.4, 1.3, 0.1, 0.0, 0.1, 0.5]


def pack(kind, values):
    if kind in (RATIONAL, SRATIONAL):
        return b"".join(struct.pack("<ii" if kind == SRATIONAL else "<II", round(v * 10000), 10000) for v in values)
    return struct.pack("<%d%s" % (len(values), {BYTE: "B", ASCII: "B", SHORT: "H", LONG: "I"}[kind]), *values)


def write(name, width=64, height=48, claimed=None, samples=1, keep=None, **changes):
    pixels = b"".join(struct.pack("<H", 1000 + 10 * y + x) * samples for y in range(height) for x in range(width))
    text = lambda s: list(s.encode()) + [0]
    shown_width, shown_height = claimed or (width, height)
    tags = {
        254: (LONG, [0]), 256: (LONG, [shown_width]), 257: (LONG, [shown_height]), 258: (SHORT, [16] * samples), 259: (SHORT, [1]),
        262: (SHORT, [32803]), 271: (ASCII, text("Lantern")), 272: (ASCII, text("Mk 1")), 274: (SHORT, [1]), 277: (SHORT, [samples]),
        278: (LONG, [shown_height]), 279: (LONG, [len(pixels)]), 33421: (SHORT, [2, 2]), 33422: (BYTE, RGGB), 33434: (RATIONAL, [0.04]),
        34665: (LONG, [0]), 50706: (BYTE, [1, 4, 0, 0]), 50708: (ASCII, text("Lantern Mk 1")), 50714: (SHORT, [600]),
        50717: (LONG, [15520]), 50721: (SRATIONAL, WARM), 50722: (SRATIONAL, MATRIX), 50728: (RATIONAL, [0.5, 1.0, 0.8]),
        50778: (SHORT, [TUNGSTEN]), 50779: (SHORT, [D65]),
    }
    for tag, value in changes.items():
        tag = int(tag[1:])
        if value is None:
            tags.pop(tag)
        else:
            tags[tag] = value
    tags[273] = (LONG, [0])
    entries = sorted(tags.items())
    extra_at = 8 + 2 + 12 * len(entries) + 4
    extra = b""
    sizes = {tag: len(pack(kind, values)) for tag, (kind, values) in entries}
    data_at = extra_at + sum(size + size % 2 for size in sizes.values() if size > 4) + 18
    ifd = struct.pack("<H", len(entries))
    for tag, (kind, values) in entries:
        body = pack(kind, {273: [data_at], 34665: [data_at - 18]}.get(tag, values))
        count = len(values)
        if len(body) > 4:
            place = struct.pack("<I", extra_at + len(extra))
            extra += body + b"\0" * (len(body) % 2)
        else:
            place = body.ljust(4, b"\0")
        ifd += struct.pack("<HHI", tag, kind, count) + place
    exif = struct.pack("<HHHIII", 1, 34855, SHORT, 1, 6400, 0)  # ISO speed, the only thing asked of the EXIF part
    file = struct.pack("<2sHI", b"II", 42, 8) + ifd + struct.pack("<I", 0) + extra + exif + pixels
    with open(os.path.join(OUT, name + ".dng"), "wb") as f:
        f.write(file[:keep] if keep else file)


os.makedirs(OUT, exist_ok=True)
write("plain")
write("margins", _50829=(LONG, [4, 6, 44, 60]), _33422=(BYTE, GBRG))  # top, left, bottom, right
write("black2x2", _50713=(SHORT, [2, 2]), _50714=(SHORT, [600, 610, 620, 630]))
write("black4x4", _50713=(SHORT, [4, 4]), _50714=(SHORT, [600 + i for i in range(16)]))
write("turned", _274=(SHORT, [6]))
write("turned_180", _274=(SHORT, [3]))
write("turned_270", _274=(SHORT, [8]))
write("mirrored", _274=(SHORT, [2]))
write("first_matrix_only", _50722=None, _50779=None)
write("no_matrix", _50721=None, _50722=None, _50778=None, _50779=None)
write("singular_matrix", _50721=None, _50778=None, _50722=(SRATIONAL, [1, 2, 3, 2, 4, 6, 0, 0, 1]))
write("no_white_balance", _50728=None)
write("white_below_black", _50717=(LONG, [500]))
write("xtrans", _33421=(SHORT, [6, 6]), _33422=(BYTE, [
    1, 2, 1, 1, 0, 1, 0, 1, 0, 2, 1, 2, 1, 2, 1, 1, 0, 1, 1, 0, 1, 1, 2, 1, 2, 1, 2, 0, 1, 0, 1, 0, 1, 1, 2, 1]))
write("linear", samples=3, _262=(SHORT, [34892]), _33421=None, _33422=None)
write("truncated", keep=3000)
write("absurd_size", claimed=(60000, 60000))
