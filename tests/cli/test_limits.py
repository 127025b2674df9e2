"""docs/limits.md: each number stands in the source as it stands there, what goes beyond is refused with a sentence, and what is refused costs no
more memory than is promised."""
import http.server, json, os, re, resource, shutil, ssl, struct, subprocess, threading, time, unittest, zipfile, zlib

from support import *

TINY = os.path.join(SOURCE, "tests", "golden", "layouts", "openai")
WITH = ("-m", TINY, "--templates", "none", "--device", "reference")
BOUND = 1 << 30  # of address space, for what is refused: the document says so


def rows():
    with open(os.path.join(SOURCE, "docs", "limits.md"), encoding="utf-8") as f:
        return re.findall(r"^\| (.+?) \| (.+?) \| `(\S+)` in `(\S+)` \| `(\S+)`: `(\w+)` \|$", f.read(), re.M)


def number(text):
    """"2^28 pixels", "100 MiB", "100,000" """
    text = text.replace(",", "")
    found = re.match(r"2\^(\d+)", text)
    if found:
        return 1 << int(found.group(1))
    count, unit = re.match(r"(\d+)(?: (KiB|MiB|GiB))?", text).groups()
    return int(count) << {None: 0, "KiB": 10, "MiB": 20, "GiB": 30}[unit]


class Limits(CliTest):
    def setUp(self):
        super().setUp()
        self.write("photo.png", png(32, 32))

    def beyond(self, code, *words, says, bounded=True):
        more = {} if SANITIZED or not bounded else {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_AS, (BOUND, BOUND))}
        self.fail_with(code, *words, words=[says], env={"OMP_NUM_THREADS": "2"}, **more)

    def map(self, *words):
        return ("map", "photo.png", "dog", "-o", "x.png", *words)

    def test_the_document(self):
        self.assertGreater(len(rows()), 15)
        for what, limit, constant, source, test, case in rows():
            with self.subTest(what):
                with open(os.path.join(SOURCE, source), encoding="utf-8") as f:
                    value = re.search(rf"^#define {constant} +(.+?)(?: /\*.*)?$", f.read(), re.M).group(1)
                value = re.sub(r"\((?:size_t|uint64_t)\)|(?<=\d)u\b", "", value)
                self.assertEqual(eval(value, {}), number(limit))
                with open(os.path.join(SOURCE, test), encoding="utf-8") as f:
                    self.assertIn(case, f.read())

    def test_pictures(self):
        with open(self.path("large.png"), "wb") as f:
            f.truncate((1 << 30) + 1)
        outcome = self.run_tool("map", "large.png", "dog", "-o", "x.png", *WITH)
        self.assertEqual((outcome.code, "1073741824" in outcome.lines[-1]), (INPUT, True), outcome)
        os.remove(self.path("large.png"))  # too large to be looked at for changes

    def test_classes(self):
        for folder in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"):
            os.makedirs(self.path("set/" + folder))
        self.write("set/ImageSets/Segmentation/val.txt", "a\n")
        self.write("classes.txt", "".join(f"{i}\n" for i in range(4097)))
        self.beyond(USAGE, "eval", "set", "--labels", "classes.txt", *WITH, says="4096")

    def test_labels_and_templates(self):
        self.write("many.txt", "".join(f"{i}\n" for i in range(100001)))
        self.write("large.txt", "x" * ((1 << 20) + 1))
        for option in ("--labels", "--templates"):
            self.beyond(INPUT, *self.map("-m", TINY, option, "large.txt", "--device", "reference"), says="larger than 1048576 bytes")
        self.beyond(INPUT, *self.map(*WITH, "--labels", "many.txt"), says="more than 100000")

    def test_a_grid(self):
        self.beyond(USAGE, *self.map(*WITH, "--size", "16000"), says="patches")

    def test_lists_of_a_data_set(self):
        os.makedirs(self.path("set/ImageSets/Segmentation"))
        for folder in ("JPEGImages", "SegmentationClass"):
            os.makedirs(self.path("set/" + folder))
        with open(self.path("set/ImageSets/Segmentation/val.txt"), "wb") as f:
            f.truncate((1 << 28) + 1)
        self.assertEqual(self.run_tool("eval", "set", *WITH).code, INPUT)
        os.remove(self.path("set/ImageSets/Segmentation/val.txt"))  # too large to be looked at for changes
        os.makedirs(self.path("coco/annotations"))
        os.makedirs(self.path("coco/val2017"))
        self.write("coco/annotations/instances_val2017.json", '{"images":' + "[" * 14 + "]" * 14 + "}")
        self.beyond(INPUT, "eval", "coco", *WITH, says="deeper")

    def test_a_model_folder(self):
        for name, content, says in ((CONFIG, b"{" + b" " * (1 << 20), "larger than 1048576 bytes"),
                                    ("vocab.json", b"{" + b" " * (32 << 20), "larger than 33554432 bytes"),
                                    ("merges.txt", b"a b\n" * ((8 << 20) + 1), "larger than 33554432 bytes"),
                                    (WEIGHTS, struct.pack("<Q", (100 << 20) + 1) + bytes(1 << 20), "header")):
            with self.subTest(name):
                self.copy_model("m", skip=(name,))
                self.write("m/" + name, content)
                self.beyond(MODEL, *self.map("-m", "m", *REFERENCE), says=says)
                shutil.rmtree(self.path("m"))

    def test_parts(self):
        shutil.copytree(os.path.join(SOURCE, "tests", "golden", "layouts", "hugging-face-shards"), self.path("m"))
        self.write("m/model.safetensors.index.json", json.dumps({"weight_map": {f"t{i}": f"model-{i}.safetensors" for i in range(1001)}}))
        self.beyond(MODEL, *self.map("-m", "m", *REFERENCE), says="more than 1000")

    def test_an_archive(self):
        def archive(entries, pickle=b"\x80\x02}."):
            with zipfile.ZipFile(self.path("m.pt"), "w") as z:
                z.writestr("m/data.pkl", pickle)
                for i in range(entries):
                    z.writestr(f"m/data/{i}", b"")
        archive(100001)
        self.beyond(MODEL, "model", "info", "m.pt", says="100000")
        archive(1, b"\x80\x02" + b"0" * (4 << 20) + b".")
        self.beyond(MODEL, "model", "info", "m.pt", says="4194304")

    def test_small_files_that_become_large(self):
        """A PNG that unpacks to 256 MiB where its header speaks of 8 x 8, and archives packed a thousandfold."""
        packer = zlib.compressobj(9)
        data = b"".join(packer.compress(bytes(1 << 20)) for _ in range(256)) + packer.flush()
        self.write("bomb.png", b"\x89PNG\r\n\x1a\n" + ihdr(8, 8) + chunk(b"IDAT", data) + chunk(b"IEND", b""))
        more = {} if SANITIZED else {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_AS, (BOUND, BOUND))}
        self.assertIn(self.run_tool("map", "bomb.png", "dog", "-o", "x.png", *WITH, **more).code, (OK, INPUT))
        with zipfile.ZipFile(self.path("m.pt"), "w", zipfile.ZIP_DEFLATED) as z:
            z.writestr("m/data.pkl", b"\x80\x02}.")
            z.writestr("m/data/0", bytes(64 << 20))
        self.beyond(MODEL, "model", "info", "m.pt", says="m.pt")


class Certificates(CliTest):
    def test_a_server_that_nobody_vouches_for(self):
        made = subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext",
                               "subjectAltName=IP:127.0.0.1", "-keyout", self.path("key"), "-out", self.path("cert")],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if made.returncode:
            self.skipTest("skipped: openssl makes no certificate here")
        seen = []

        class Handler(http.server.SimpleHTTPRequestHandler):
            def log_message(self, *args):
                pass

            def do_GET(self):
                seen.append(self.path)
                self.send_error(404)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.path("cert"), self.path("key"))
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        try:
            words = ("model", "pull", f"https://127.0.0.1:{server.server_port}/m.pt", "-q")
            outcome = self.run_tool(*words, env={"no_proxy": "*", "XDG_DATA_HOME": self.path("data")})
            self.assertEqual((outcome.code, seen), (ERROR, []), outcome)
            self.assertIn("certificate", outcome.lines[-1])
        finally:
            server.shutdown()
            server.server_close()


if __name__ == "__main__":
    unittest.main()
