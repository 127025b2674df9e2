"""8-bit RGB PNG files, by libpng's simplified interface: the program that is tested needs libpng as well."""
import ctypes
import ctypes.util

FORMAT_RGB = 2
_library = None


class Image(ctypes.Structure):
    """png_image of png.h."""
    _fields_ = [("opaque", ctypes.c_void_p), ("version", ctypes.c_uint32), ("width", ctypes.c_uint32), ("height", ctypes.c_uint32),
                ("format", ctypes.c_uint32), ("flags", ctypes.c_uint32), ("colormap_entries", ctypes.c_uint32),
                ("warning_or_error", ctypes.c_uint32), ("message", ctypes.c_char * 64)]


def library():
    global _library
    if not _library:
        name = ctypes.util.find_library("png16") or ctypes.util.find_library("png")
        assert name, "libpng is not found"
        _library = ctypes.CDLL(name)
    return _library


def read(path):
    """(width, height, bytes of RGB) of a PNG that is 8-bit RGB."""
    image = Image(version=1)
    assert library().png_image_begin_read_from_file(ctypes.byref(image), path.encode()), (path, image.message)
    assert image.format == FORMAT_RGB, (path, image.format)
    data = ctypes.create_string_buffer(3 * image.width * image.height)
    assert library().png_image_finish_read(ctypes.byref(image), None, data, 0, None), (path, image.message)
    return image.width, image.height, data.raw


def crop(path, x, y, width, height):
    """The bytes of a part."""
    w, h, rgb = read(path)
    assert 0 <= x and x + width <= w and 0 <= y and y + height <= h, (path, w, h)
    return b"".join(rgb[3 * (row * w + x):3 * (row * w + x + width)] for row in range(y, y + height))


def apart(one, other):
    """The largest difference of two pictures, and how many values differ."""
    a, b = read(one), read(other)
    assert a[:2] == b[:2], (one, a[:2], other, b[:2])
    differences = [abs(x - y) for x, y in zip(a[2], b[2]) if x != y]
    return max(differences, default=0), len(differences)
