"""What the command-line tests share: running the tool, and making pictures and models with the standard library alone."""
import hashlib, json, os, re, shutil, struct, subprocess, tempfile, unittest, zlib

BINARY = os.environ["CSG_BINARY"]
SANITIZED = bool(os.environ.get("CSG_SANITIZED"))
SOURCE = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
DEMO_MODEL = os.path.join(SOURCE, "assets", "demo-model")
with open(os.path.join(DEMO_MODEL, "open_clip_config.json"), encoding="utf-8") as f:
    DEMO_CONFIG = json.load(f)["model_cfg"]
DEMO_BLOCKS = DEMO_CONFIG["vision_cfg"]["layers"]
# Kernels are compiled once for all tests of a run.
CACHE = os.environ.get("CSG_TEST_CACHE") or os.path.join(os.path.dirname(os.path.abspath(BINARY)), "cli-test-cache")
POCL_CACHE = os.environ.get("POCL_CACHE_DIR") or os.path.join(CACHE, "pocl")

OK, ERROR, USAGE, NO_DEVICE, MODEL, INPUT, BUILD, MEMORY = range(8)
INTERRUPTED = 130


# ------------------------------------------------------------------------------------------------ pictures

def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def ihdr(width, height, bits=8, colour=2):
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0))


CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


def pattern(width, height, channels, bits=8):
    """Rows of a picture with some structure: gradients and a bright square."""
    rows = []
    for y in range(height):
        row = bytearray()
        for x in range(width):
            inside = width // 4 <= x < width // 2 and height // 4 <= y < height // 2
            for c in range(channels):
                v = 230 - 40 * c if inside else (x * 255 // max(width - 1, 1) * (c + 1) + y * 3) % 200
                row += bytes([v, v] if bits == 16 else [v])
        rows.append(bytes(row))
    return rows


def png(width, height, colour=2, bits=8, rows=None, extra=b""):
    rows = rows or pattern(width, height, CHANNELS[colour], bits)
    data = zlib.compress(b"".join(b"\0" + r for r in rows), 1)
    if colour == 3:
        extra += chunk(b"PLTE", bytes(v for i in range(256) for v in (i, 255 - i, i // 2)))
    return b"\x89PNG\r\n\x1a\n" + ihdr(width, height, bits, colour) + extra + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def ppm(width, height):
    return b"P6\n%d %d\n255\n" % (width, height) + b"".join(pattern(width, height, 3))


def bmp(width, height):
    rows = [b"".join(r[i:i + 3][::-1] for i in range(0, len(r), 3)) + b"\0" * (-len(r) % 4) for r in pattern(width, height, 3)]
    data = b"".join(reversed(rows))
    return (struct.pack("<2sIHHI", b"BM", 54 + len(data), 0, 0, 54)
            + struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, len(data), 2835, 2835, 0, 0) + data)


def read_png(data):
    """(width, height, rows of RGB bytes) of an 8-bit RGB PNG without interlacing."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, packed, head = 8, b"", None
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + length]
        assert struct.unpack(">I", data[at + 8 + length:at + 12 + length])[0] == zlib.crc32(kind + body)
        head = struct.unpack(">IIBBBBB", body) if kind == b"IHDR" else head
        packed += body if kind == b"IDAT" else b""
        at += 12 + length
    width, height = head[:2]
    assert head[2:] == (8, 2, 0, 0, 0), head
    raw, stride, rows = zlib.decompress(packed), 3 * width, []
    previous = bytearray(stride)
    for y in range(height):
        kind, row = raw[y * (stride + 1)], bytearray(raw[y * (stride + 1) + 1:(y + 1) * (stride + 1)])
        for i in range(stride if kind else 0):
            a = row[i - 3] if i >= 3 else 0
            b, c = previous[i], previous[i - 3] if i >= 3 else 0
            p = a + b - c
            nearest = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
            row[i] = (row[i] + (0, a, b, (a + b) // 2, nearest)[kind]) & 255
        rows.append(bytes(row))
        previous = row
    return width, height, rows


def record(kind, key, payload):
    """A file of the cache (host/base/record.h)."""
    return kind + key.encode() + struct.pack("<Q", len(payload)) + hashlib.sha256(payload).hexdigest().encode() + payload


# ------------------------------------------------------------------------------------------------ running

class Outcome:
    def __init__(self, code, stdout, stderr):
        self.code, self.stdout, self.stderr = code, stdout, stderr
        # A driver that compiles may speak on stderr by itself (PoCL's clang: "2 warnings generated.").
        self.lines = [l for l in stderr.decode("utf-8").splitlines() if not re.fullmatch(r"\d+ warnings? generated\.", l)]

    def __repr__(self):
        return f"exit {self.code}\nstdout: {self.stdout[:2000]!r}\nstderr: {self.stderr[-2000:]!r}"


def environment(home, extra=None):
    env = {k: v for k, v in os.environ.items() if not k.startswith(("CSG_", "XDG_"))}
    env |= {"HOME": home, "XDG_CACHE_HOME": CACHE, "LC_ALL": "C.UTF-8"} | (extra or {})
    return {k: v for k, v in env.items() if v is not None}


class CliTest(unittest.TestCase):
    """A test in an empty folder of its own, which is also HOME and the current folder."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="csg-cli-")
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.home = os.path.join(self.folder, "home")
        self.work = os.path.join(self.folder, "work")
        os.makedirs(self.home)
        os.makedirs(self.work)

    def path(self, name):
        return os.path.join(self.work, name)

    def write(self, name, data):
        with open(self.path(name), "wb") as f:
            f.write(data if isinstance(data, bytes) else data.encode())
        return name

    def read(self, name):
        with open(self.path(name), "rb") as f:
            return f.read()

    def listing(self):
        """Every file below the working folder with its content."""
        found = {}
        for folder, _, names in os.walk(self.work):
            for name in names:
                path = os.path.join(folder, name)
                with open(path, "rb") as f:
                    found[os.path.relpath(path, self.work)] = f.read()
        return found

    def run_tool(self, *args, env=None, stdin=None, **more):
        done = subprocess.run([BINARY, *args], cwd=self.work, env=environment(self.home, env), input=stdin,
                              stdin=None if stdin is not None else subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=300, **more)
        return Outcome(done.returncode, done.stdout, done.stderr)

    def succeed(self, *args, **more):
        outcome = self.run_tool(*args, **more)
        self.assertEqual(outcome.code, OK, outcome)
        for line in outcome.lines:
            self.assertTrue(line.startswith("clip-surgeon: "), outcome)
        return outcome

    def fail_with(self, code, *args, words=(), **more):
        """The exit code, nothing on stdout, one sentence on the last line of stderr, and no file made, changed or removed."""
        before = self.listing()
        outcome = self.run_tool(*args, **more)
        after = self.listing()
        for name in set(after) - set(before):
            os.remove(self.path(name))  # else one failure would bring others
        self.assertIn(outcome.code, code if isinstance(code, tuple) else (code,), outcome)
        self.assertEqual(outcome.stdout, b"", outcome)
        messages = [l for l in outcome.lines if not l.startswith("clip-surgeon: warning: ")]
        self.assertEqual(len(messages), 1, outcome)
        self.assertEqual(outcome.lines[-1], messages[0], outcome)
        self.assertRegex(messages[0], r"^clip-surgeon: \S.{9,}([^.\s]|\.\.\.)$", outcome)
        self.assertTrue(messages[0].isprintable(), outcome)
        for word in words:
            self.assertIn(word, messages[0], outcome)
        self.assertEqual(sorted(before), sorted(after), outcome)
        self.assertTrue(before == after, "a file was changed")
        return outcome

    def map_json(self, *args, **more):
        """`map --json`: the document, and the outcome."""
        outcome = self.succeed("map", *args, "--json", *QUICK, **more)
        document = json.loads(outcome.stdout)
        return document, outcome

    def copy_model(self, name="model", skip=()):
        os.makedirs(self.path(name))
        for file in os.listdir(DEMO_MODEL):
            if file not in skip:
                shutil.copy(os.path.join(DEMO_MODEL, file), self.path(name))
        return name


# The demo model without prompt ensemble: what most tests need, and quick. The reference takes five times as long as a device on a CPU:
# its figures are the goldens' business, and here it runs where a command may end before there is a device, or where it is what is tested.
QUICK = ("--templates", "none")
REFERENCE = ("--device", "reference", *QUICK)
WEIGHTS, CONFIG = "open_clip_model.safetensors", "open_clip_config.json"
