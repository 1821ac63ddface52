"""Writes tests/GenIsp.Tests/Fixtures/events.json: two TensorBoard event files of one run, put together byte by byte, and checksums.

Neither TensorFlow nor a protobuf library is needed. The frames are TFRecord's, the field numbers those of TensorBoard's event.proto and
summary.proto. The picture is a PNG of this script's own, so its bytes, unlike its pixels, are not those of any other encoder.
"""
import base64
import json
import os
import struct
import zlib


def crc32c(data):
    """Bit by bit, with the Castagnoli polynomial in reflected order."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(data):
    crc = crc32c(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def record(data):
    length = struct.pack("<Q", len(data))
    return length + masked(length) + data + masked(data)


def varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out + bytes([value]))


def integer(field, value):
    return varint(field << 3) + varint(value)


def block(field, data):
    return varint(field << 3 | 2) + varint(len(data)) + data


def event(milliseconds, step, what):
    """wall_time = 1, step = 2 (left out if zero, as protobuf does)."""
    return record(b"\x09" + struct.pack("<d", milliseconds / 1000) + (integer(2, step) if step else b"") + what)


def version(milliseconds):
    return event(milliseconds, 0, block(3, b"brain.Event:2"))


def start(milliseconds, step):
    return event(milliseconds, step, block(7, integer(1, 1)))


def scalars(milliseconds, step, values):
    """Event.summary = 5; Summary.value = 1; Value.tag = 1, Value.simple_value = 2 (float)."""
    items = [block(1, block(1, tag.encode()) + b"\x15" + struct.pack("<f", value)) for tag, value in values]
    return event(milliseconds, step, block(5, b"".join(items)))


def png(width, height, rgb):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + rgb[3 * width * y:3 * width * (y + 1)] for y in range(height))
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def picture(milliseconds, step, tag, width, height, rgb):
    """Value.image = 4; Image.height = 1, width = 2, colorspace = 3 (3 is RGB), encoded_image_string = 4."""
    image = integer(1, height) + integer(2, width) + integer(3, 3) + block(4, png(width, height, rgb))
    return event(milliseconds, step, block(5, block(1, block(1, tag.encode()) + block(4, image))))


def main():
    began, resumed = 1_700_000_000_250, 1_700_000_360_125
    files = {
        "fresh": [
            version(began),
            scalars(began, 0, [("loss/total", 1.5), ("loss/box", 0.0), ("größe", -2.25e-3)]),
            scalars(began, 7, [("lr", 1e-3), ("loss/total", float("inf"))]),
            picture(began, 7, "val/night", 3, 2, bytes([0, 255, 51, 102, 153, 204, 255, 0, 0, 0, 255, 0, 0, 0, 255, 10, 20, 30])),
        ],
        "resumed": [version(resumed), start(resumed, 5), scalars(resumed, 3_000_000_000, [("loss/total", 1.25)])],
    }
    long = bytes((i * i + 7 * i) % 256 for i in range(1, 40))
    fixture = {
        "files": {name: [base64.b64encode(item).decode() for item in items] for name, items in files.items()},
        # Of the first n bytes of one row, for every n.
        "crc32c": {"bytes": base64.b64encode(long).decode(), "of_first": [crc32c(long[:n]) for n in range(len(long) + 1)]},
    }
    assert crc32c(b"123456789") == 0xE3069283
    path = os.path.join(os.path.dirname(__file__), "../GenIsp.Tests/Fixtures/events.json")
    with open(path, "w", encoding="utf-8", newline="\n") as out:
        json.dump(fixture, out, indent=1)
        out.write("\n")


if __name__ == "__main__":
    main()
