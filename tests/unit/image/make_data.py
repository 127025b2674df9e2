#!/usr/bin/env python3
"""Writes the pictures in data/ and, as PPM, what Pillow makes of them. Needs Pillow, numpy and opencv-python-headless.

NAME.EXT is an input and NAME.EXT.ppm what loading must give (large.jpg: for comparing two decoders); resize-IN-OUT.ppm is resize-IN.ppm under Pillow's bicubic.
"""
import io
import pathlib
import struct
import zlib

import cv2
import numpy as np
from PIL import Image, ImageOps

DATA = pathlib.Path(__file__).parent / "data"


def picture(width, height, channels=3):
    """Waves with a little noise: neither flat nor pure noise, so that every filter and transform has something to do."""
    rng = np.random.default_rng(7)
    y, x = np.mgrid[0:height, 0:width]
    planes = [127 + 100 * np.sin(x / (3.0 + c) + c) * np.cos(y / (4.0 - c / 2)) for c in range(channels)]
    noisy = np.stack(planes, axis=-1) + rng.normal(0, 8, (height, width, channels))
    return np.clip(noisy, 0, 255).astype(np.uint8)


def expect(name):
    with Image.open(DATA / name) as opened:
        ImageOps.exif_transpose(opened).convert("RGB").save(DATA / (name + ".ppm"))


def exif(orientation, order):
    """A TIFF structure with one other tag before the orientation."""
    entries = [(0x0100, 3, 1, 5), (0x0112, 3, 1, orientation)]
    body = struct.pack(order + "H", len(entries))
    for tag, kind, count, value in entries:
        body += struct.pack(order + "HHIHH", tag, kind, count, value, 0)
    return (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, 8) + body + bytes(4)


def interlaced_png(rgb):
    """Adam7, which Pillow reads but does not write."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    height, width, _ = rgb.shape
    raw = b""
    for x, y, dx, dy in ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)):
        for row in rgb[y::dy, x::dx]:
            raw += b"\0" + row.tobytes()
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 1)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")


def inputs():
    rgb = Image.fromarray(picture(37, 23))
    grey = rgb.convert("L")
    alpha = Image.fromarray(picture(37, 23, 1)[:, :, 0])
    rgba = rgb.copy()
    rgba.putalpha(alpha)
    grey_alpha = grey.copy()
    grey_alpha.putalpha(alpha)
    palette = rgb.quantize(40)
    cmyk = Image.fromarray(picture(37, 23, 4), "CMYK")

    def save(image, name, **options):
        image.save(DATA / name, **options)
        expect(name)

    save(rgb, "rgb.png")
    save(grey, "grey.png")
    save(rgba, "rgba.png")
    save(grey_alpha, "grey-alpha.png")
    save(palette, "palette.png")
    save(palette, "palette-alpha.png", transparency=3)
    save(grey.convert("1"), "bit.png")
    save(Image.new("RGB", (1, 1), (9, 80, 200)), "one.png")
    save(rgb, "turned.png", exif=exif(6, ">"))
    (DATA / "interlaced.png").write_bytes(interlaced_png(picture(37, 23)))
    expect("interlaced.png")
    deep = picture(37, 23).astype(np.uint16) * 256 + np.random.default_rng(8).integers(0, 256, (23, 37, 3)).astype(np.uint16)
    cv2.imwrite(str(DATA / "rgb16.png"), deep)
    expect("rgb16.png")
    cv2.imwrite(str(DATA / "grey16.png"), deep[:, :, 0])
    # Pillow clips grey of 16 bits to white instead of scaling it: expect what it does with 16-bit colour, the high byte.
    Image.fromarray((deep[:, :, 0] >> 8).astype(np.uint8)).convert("RGB").save(DATA / "grey16.png.ppm")

    save(rgb, "rgb.bmp")
    save(palette, "palette.bmp")
    save(rgb, "rgb.tga")
    save(rgb, "rle.tga", compression="tga_rle")
    save(palette, "palette.gif")
    save(rgb, "rgb.ppm-in", format="PPM")
    save(grey, "grey.pgm")
    save(grey.convert("1"), "bit.pbm")
    for name, text in (("plain.pbm", "P1 # a comment\n5 2\n01101 1 0\n1 1 0\n"), ("plain.pgm", "P2\n3 2\n10\n0 1 3\n5 9 10\n"),
                       ("plain.ppm-in", "P3 2 1\n#x\n100 0 7 50 100 99 1\n")):
        (DATA / name).write_bytes(text.encode())
        expect(name)
    (DATA / "deep.ppm-in").write_bytes(b"P6 37 23 1000\n" + (picture(37, 23).astype(np.uint16) * 3).astype(">u2").tobytes())
    expect("deep.ppm-in")
    (DATA / "shallow.pgm").write_bytes(b"P5\n37 23\n14\n" + (picture(37, 23, 1) // 18).tobytes())
    expect("shallow.pgm")

    save(rgb, "444.jpg", quality=90, subsampling=0)
    save(rgb, "422.jpg", quality=90, subsampling=1)
    save(rgb, "420.jpg", quality=90, subsampling=2)
    save(rgb, "progressive.jpg", quality=85, progressive=True)
    save(rgb, "restart.jpg", quality=85, restart_marker_blocks=2)
    save(grey, "grey.jpg", quality=90)
    save(cmyk, "cmyk.jpg", quality=90)
    save(rgb, "adobe-rgb.jpg", quality=90, keep_rgb=True)
    Image.fromarray(picture(160, 120)).save(DATA / "large.jpg", quality=92)
    for orientation in range(1, 9):
        small = Image.fromarray(picture(13, 8))
        data = b"Exif\0\0" + exif(orientation, "<>"[orientation % 2])
        save(small, f"orient{orientation}.jpg", quality=90, exif=data)


RESIZES = [
    ((41, 29), [(41, 29), (13, 7), (97, 64), (20, 29), (41, 11), (60, 7), (1, 1)]),
    ((1, 1), [(9, 5)]),
    ((300, 2), [(3, 90), (299, 3)]),
]


def resizes():
    for (width, height), sizes in RESIZES:
        name = f"resize-{width}x{height}"
        image = Image.fromarray(np.random.default_rng(9).integers(0, 256, (height, width, 3)).astype(np.uint8))
        image.save(DATA / f"{name}.ppm")
        for out_width, out_height in sizes:
            # Pass by pass: Pillow 13 changes their order for some sizes, every version before goes along the width first.
            wide = image.resize((out_width, height), Image.BICUBIC)
            wide.resize((out_width, out_height), Image.BICUBIC).save(DATA / f"{name}-{out_width}x{out_height}.ppm")


def main():
    DATA.mkdir(exist_ok=True)
    for old in DATA.iterdir():
        old.unlink()
    inputs()
    resizes()
    print(sum(f.stat().st_size for f in DATA.iterdir()), "bytes")


if __name__ == "__main__":
    main()
