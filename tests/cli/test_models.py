"""`clip-surgeon model`: fetched from a server on this machine that cuts, lies, redirects and refuses."""
import hashlib, http.server, json, os, shutil, signal, subprocess, threading, time, unittest

from support import BINARY, CliTest, ERROR, MODEL, OK, REFERENCE, SOURCE, USAGE, environment

LAYOUTS = os.path.join(SOURCE, "tests", "golden", "layouts")
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def load(path):
    with open(os.path.join(LAYOUTS, path), "rb") as f:
        return f.read()


ARCHIVE = load("openai/ViT-tiny.pt")
HASH = hashlib.sha256(ARCHIVE).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_HEAD(self):
        self.answer(head=True)

    def do_GET(self):
        self.answer(head=False)

    def answer(self, head):
        server = self.server
        with server.lock:
            server.seen.append((self.command, self.path, self.headers.get("Range"), self.headers.get("Authorization")))
        route = next((r for r in sorted(server.routes, key=len, reverse=True) if self.path.startswith(r)), None)
        try:
            if route is None:
                self.give(404, b"nothing here")
            else:
                server.routes[route](self, head)
        except (BrokenPipeError, ConnectionResetError):
            pass
        if getattr(self, "cut", False):
            self.close_connection = True

    def give(self, code, body, headers=(), length=None, send=None, head=False):
        """The answer with body; `length` is what it says of itself, `send` how many bytes come before the connection is cut."""
        self.send_response(code)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        if not head:
            self.wfile.write(body if send is None else body[:send])
            self.wfile.flush()
        if send is not None or length is not None:
            self.cut = True

    def start(self):
        """The first byte that is asked for."""
        asked = self.headers.get("Range")
        return int(asked.split("=")[1].split("-")[0]) if asked else 0

    def part(self, body, send=None, **more):
        """The body from there on, as a server does that knows ranges."""
        start = self.start()
        if not self.headers.get("Range"):
            return self.give(200, body, send=send, **more)
        if start >= len(body):
            return self.give(416, b"", [("Content-Range", f"bytes */{len(body)}")])
        self.give(206, body[start:], [("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")], send=send, **more)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.routes, self.seen, self.lock = {}, [], threading.Lock()
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()


class ModelTest(CliTest):
    def setUp(self):
        super().setUp()
        self.server = self.start_server()
        self.data = os.path.join(self.home, ".local/share/clip-surgeon/models")

    def start_server(self):
        server = Server()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server

    def env(self, **more):
        return {"no_proxy": "*", "HF_ENDPOINT": self.server.url, "XDG_CACHE_HOME": None, "HF_HOME": None, "HF_HUB_CACHE": None,
                "HF_TOKEN": None, "HF_HUB_OFFLINE": None} | more

    def serve(self, route, function):
        self.server.routes[route] = function

    def pull(self, source, **env):
        return self.run_tool("model", "pull", source, "-q", env=self.env(**env))

    def address(self, name="m.pt", prefix="", digest=HASH):
        return f"{self.server.url}/{prefix}{digest}/{name}" if digest else f"{self.server.url}/{prefix}{name}"

    def files(self, folder=None):
        return sorted(os.path.relpath(os.path.join(d, n), folder or self.data) for d, _, names in os.walk(folder or self.data)
                      for n in names)

    def leave(self, content):
        """What an earlier run would have left."""
        os.makedirs(os.path.join(self.data, "m"))
        with open(os.path.join(self.data, "m", "m.pt.incomplete"), "wb") as f:
            f.write(content)

    def arrived(self, outcome):
        self.assertEqual(outcome.code, OK, outcome)
        self.assertEqual(self.files(), ["m/m.pt"])
        with open(os.path.join(self.data, "m", "m.pt"), "rb") as f:
            self.assertTrue(f.read() == ARCHIVE)
        self.assertEqual(outcome.stdout.decode().strip(), os.path.join(self.data, "m", "m.pt"))

    def failed(self, outcome, *words, code=ERROR, left=()):
        self.assertEqual(outcome.code, code, outcome)
        self.assertEqual(outcome.stdout, b"")
        self.assertEqual(len(outcome.lines), 1, outcome)
        for word in words:
            self.assertIn(word, outcome.lines[0])
        self.assertEqual(self.files(), sorted(left))


class Addresses(ModelTest):
    def test_whole(self):
        self.serve("/", lambda h, head: h.part(ARCHIVE))
        self.arrived(self.pull(self.address()))
        shutil.copy(os.path.join(LAYOUTS, "openai/vocab.json"), os.path.join(self.data, "m"))
        shutil.copy(os.path.join(LAYOUTS, "openai/merges.txt"), os.path.join(self.data, "m"))
        outcome = self.succeed("model", "info", "m", "--json")
        info = json.loads(outcome.stdout)
        self.assertEqual((info["sha256"], info["layers"], info["heads"], info["bytes"]), (HASH, 2, 1, len(ARCHIVE)))
        self.succeed("embed", "-m", "m", *REFERENCE, "--text", "dog", "--npy", "dog.npy")
        count = len(self.server.seen)
        self.assertEqual(self.pull(self.address()).code, OK)  # it is here already
        self.assertEqual(len(self.server.seen), count)
        self.succeed("model", "rm", "m")
        self.assertEqual(self.files(), [])
        self.fail_with(MODEL, "model", "rm", "m")

    def test_ten_interruptions(self):
        piece = len(ARCHIVE) // 12
        self.serve("/", lambda h, head: h.part(ARCHIVE, send=piece))
        self.arrived(self.pull(self.address()))
        starts = [int(seen[2].split("=")[1].split("-")[0]) if seen[2] else 0 for seen in self.server.seen]
        self.assertGreaterEqual(len(starts), 12)
        self.assertEqual(starts, [i * piece for i in range(len(starts))])

    def test_killed_and_continued(self):
        def slow(h, head):
            if len(self.server.seen) > 1:
                return h.part(ARCHIVE)
            h.give(200, ARCHIVE, send=200000)
            time.sleep(5)
        self.serve("/", slow)
        process = subprocess.Popen([BINARY, "model", "pull", self.address(), "-q"], env=environment(self.home, self.env()),
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        part = os.path.join(self.data, "m", "m.pt.incomplete")
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and not (os.path.exists(part) and os.path.getsize(part) > 100000):
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.assertGreater(os.path.getsize(part), 100000)
        have = os.path.getsize(part)
        self.arrived(self.pull(self.address()))
        self.assertEqual(self.server.seen[-1][2], f"bytes={have}-")

    def test_two_at_once(self):
        self.serve("/", lambda h, head: (h.give(200, ARCHIVE, send=1000), time.sleep(3)))
        process = subprocess.Popen([BINARY, "model", "pull", self.address(), "-q"], env=environment(self.home, self.env()),
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and not self.server.seen:
            time.sleep(0.02)
        self.failed(self.pull(self.address()), "another process", left=["m/m.pt.incomplete"])
        process.kill()
        process.wait()

    def test_wrong_hash(self):
        wrong = HASH[::-1]
        self.serve("/", lambda h, head: h.part(ARCHIVE))
        self.failed(self.pull(self.address(digest=wrong)), "arrived damaged and was removed", HASH, wrong)

    def test_left_over_of_another_file(self):
        self.serve("/", lambda h, head: h.part(ARCHIVE))
        self.leave(b"x" * 5000)
        self.arrived(self.pull(self.address()))

    def test_left_over_that_nothing_verifies(self):
        self.serve("/", lambda h, head: h.part(ARCHIVE))
        self.leave(b"x" * 5000)
        self.arrived(self.pull(self.address(digest=None)))
        self.assertEqual(self.server.seen[0][2], None)

    def test_left_over_is_whole(self):
        self.serve("/", lambda h, head: h.part(ARCHIVE))
        self.leave(ARCHIVE)
        self.arrived(self.pull(self.address()))
        self.assertEqual(len(self.server.seen), 1)  # 416 says that it is whole

    def test_left_over_is_too_long(self):
        self.serve("/", lambda h, head: h.part(ARCHIVE))
        self.leave(ARCHIVE + b"more")
        self.arrived(self.pull(self.address()))

    def test_server_without_ranges(self):
        self.serve("/", lambda h, head: h.give(200, ARCHIVE, send=300000 if len(self.server.seen) < 3 else None))
        self.arrived(self.pull(self.address()))

    def test_wrong_range(self):
        def wrong(h, head):
            start = h.start()
            if start and len(self.server.seen) < 3:
                return h.give(206, ARCHIVE[:1000], [("Content-Range", f"bytes 0-999/{len(ARCHIVE)}")])
            h.part(ARCHIVE)
        self.serve("/", wrong)
        self.leave(ARCHIVE[:5000])
        self.arrived(self.pull(self.address()))

    def test_says_more_than_it_has(self):
        self.serve("/", lambda h, head: h.give(200, ARCHIVE, length=len(ARCHIVE) + 100))
        self.failed(self.pull(self.address()), "cannot be fetched", left=["m/m.pt.incomplete"])

    def test_says_less_than_it_has(self):
        self.serve("/", lambda h, head: h.give(200, ARCHIVE, length=len(ARCHIVE) - 100))
        self.failed(self.pull(self.address()), "arrived damaged")

    def test_refusals(self):
        for code, words in ((401, "HF_TOKEN"), (403, "HF_TOKEN"), (404, "does not exist"), (410, "does not exist"), (400, "HTTP 400"),
                            (451, "HTTP 451")):
            with self.subTest(code=code):
                self.server.seen.clear()
                self.serve("/", lambda h, head, code=code: h.give(code, b"no"))
                outcome = self.pull(self.address())
                self.assertEqual(len(self.server.seen), 1)  # another try would not help
                self.failed(outcome, words, left=["m/m.pt.incomplete"])

    def test_busy_then_willing(self):
        for code in (429, 500, 502, 503, 504):
            with self.subTest(code=code):
                shutil.rmtree(self.data, True)
                self.server.seen.clear()
                self.serve("/", lambda h, head, code=code: h.give(code, b"later", [("Retry-After", "1")] if code == 429 else [])
                           if len(self.server.seen) < 3 else h.part(ARCHIVE))
                self.arrived(self.pull(self.address()))
                self.assertEqual(len(self.server.seen), 3)

    def test_busy_for_ever(self):
        self.serve("/", lambda h, head: h.give(500, b"later"))
        self.failed(self.pull(self.address()), "HTTP 500", left=["m/m.pt.incomplete"])
        self.assertEqual(len(self.server.seen), 7)

    def test_redirects(self):
        self.serve("/", lambda h, head: h.give(302, b"", [("Location", "/real/x")]))
        self.serve("/real", lambda h, head: h.part(ARCHIVE))
        self.arrived(self.pull(self.address()))
        self.succeed("model", "rm", "m")
        for target in ("/again", "file:///etc/passwd", "ftp://127.0.0.1/x", "http:///"):
            with self.subTest(target=target):
                self.serve("/", lambda h, head, target=target: h.give(302, b"", [("Location", target)]))
                self.failed(self.pull(self.address()), "cannot be fetched", left=["m/m.pt.incomplete"])

    def test_nobody_there(self):
        server = self.start_server()
        url = server.url
        server.shutdown()
        server.server_close()
        self.failed(self.pull(f"{url}/m.pt"), "cannot be fetched", left=["m/m.pt.incomplete"])

    def test_names(self):
        for source in ("no-such-name", "hf:", "hf:one", "hf:a/b/c", "hf:../x", "hf:a/..", "hf:a/b@", "hf:a/b@../x", "hf:a b/c",
                       f"{self.server.url}/m.bin", f"{self.server.url}/.pt", f"{self.server.url}/a%2fb.pt", "ftp://x/m.pt", ""):
            with self.subTest(source=source):
                self.failed(self.pull(source), code=USAGE)
        for words in (["pull"], ["pull", "a", "b"], ["info"], ["list", "x"], ["rm"], ["other"]):
            self.fail_with(USAGE, "model", *words)
        for name in ("..", ".", "/etc", "a/b", "", "ViT-B-16", "hf:a/b"):
            with self.subTest(name=name):
                self.assertEqual(self.run_tool("model", "rm", name, env=self.env()).code, MODEL)

    def test_list(self):
        rows = json.loads(self.succeed("model", "list", "--json", env=self.env()).stdout)["models"]
        self.assertFalse(any(row["present"] for row in rows))
        os.makedirs(os.path.join(self.home, ".cache/clip"))
        shutil.copy(os.path.join(LAYOUTS, "openai/ViT-tiny.pt"), os.path.join(self.home, ".cache/clip/ViT-B-16.pt"))
        rows = json.loads(self.succeed("model", "list", "--json", env=self.env()).stdout)["models"]
        self.assertEqual([row["name"] for row in rows if row["present"]], ["ViT-B-16"])
        self.assertEqual(json.loads(self.succeed("model", "info", "ViT-B-16", "--json", env=self.env()).stdout)["layers"], 2)
        self.fail_with(MODEL, "model", "info", "ViT-L-14", words=["clip-surgeon model pull ViT-L-14"], env=self.env())
        self.succeed("model", "rm", "ViT-B-16", env=self.env())
        self.assertIn("ViT-B-16", self.succeed("model", env=self.env()).stdout.decode())


class Hub(ModelTest):
    def offer(self, folder, only=None, etag=None):
        """A repository as the hub serves it; large files come from another server, which must not see the token."""
        self.cdn = self.start_server()
        names = [n for n in os.listdir(os.path.join(LAYOUTS, folder)) if not n.startswith("expected")]
        contents = {n: load(f"{folder}/{n}") for n in names if only is None or n in only}

        def listing(h, head):
            files = [{"rfilename": n} for n in sorted(contents)] + [{"rfilename": "README.md"}]
            h.give(200, json.dumps({"sha": COMMIT, "siblings": files}).encode())

        def resolve(h, head):
            name = h.path.rsplit("/", 1)[1]
            body = contents[name]
            if name.endswith(".safetensors"):
                digest = etag or hashlib.sha256(body).hexdigest()
                return h.give(302, b"", [("Location", f"{self.cdn.url}/{name}"), ("X-Linked-Etag", f'"{digest}"'),
                                         ("X-Linked-Size", str(len(body))), ("ETag", '"other"')], head=head)
            blob = hashlib.sha1(b"blob %d\0" % len(body) + body).hexdigest()
            h.give(200, body, [("ETag", f'W/"{blob}"')], head=head)

        self.serve("/api/models/owner/repo/revision/main", listing)
        self.serve(f"/owner/repo/resolve/{COMMIT}/", resolve)
        self.cdn.routes["/"] = lambda h, head: h.part(contents[h.path[1:]], send=200000)
        self.cache = os.path.join(self.home, ".cache/huggingface/hub/models--owner--repo")
        return contents

    def test_every_layout(self):
        for folder in ("hugging-face", "hugging-face-shards", "open-clip-g14"):
            with self.subTest(folder=folder):
                contents = self.offer(folder)
                self.server.seen.clear()
                outcome = self.pull("hf:owner/repo", HF_TOKEN="secret")
                self.assertEqual(outcome.code, OK, outcome)
                snapshot = os.path.join(self.cache, "snapshots", COMMIT)
                self.assertEqual(outcome.stdout.decode().strip(), snapshot)
                self.assertEqual(sorted(os.listdir(snapshot)), sorted(contents))
                for name, body in contents.items():
                    path = os.path.join(snapshot, name)
                    self.assertTrue(os.readlink(path).startswith("../../blobs/"))
                    with open(path, "rb") as f:
                        self.assertTrue(f.read() == body)
                self.assertEqual(load_text(os.path.join(self.cache, "refs", "main")), COMMIT)
                self.assertFalse([n for n in os.listdir(os.path.join(self.cache, "blobs")) if n.endswith(".incomplete")])
                self.assertTrue(all(seen[3] == "Bearer secret" for seen in self.server.seen))
                self.assertTrue(self.cdn.seen and all(seen[3] is None for seen in self.cdn.seen))
                for name in ("hf:owner/repo", f"hf:owner/repo@{COMMIT}"):
                    self.succeed("embed", "-m", name, *REFERENCE, "--text", "dog", "--npy", "dog.npy", "-y", env=self.env())
                count = len(self.server.seen)
                offline = self.pull("hf:owner/repo", HF_HUB_OFFLINE="1")
                self.assertEqual((offline.code, offline.stdout), (OK, outcome.stdout))
                self.assertEqual(len(self.server.seen), count)
                self.assertEqual(self.pull("hf:owner/repo").code, OK)  # nothing large comes twice
                self.succeed("model", "rm", "hf:owner/repo", env=self.env())
                self.assertFalse(os.path.exists(self.cache))
        self.failed(self.pull("hf:owner/repo", HF_HUB_OFFLINE="1"), "HF_HUB_OFFLINE")

    def test_places(self):
        self.offer("hugging-face")
        for variable, below in (("HF_HOME", "hub"), ("HF_HUB_CACHE", "")):
            folder = os.path.join(self.folder, variable)
            self.assertEqual(self.pull("hf:owner/repo", **{variable: folder}).code, OK)
            self.assertTrue(os.path.isdir(os.path.join(folder, below, "models--owner--repo", "snapshots", COMMIT)))
        self.assertFalse(os.path.exists(self.cache))

    def test_refused(self):
        self.offer("hugging-face", only=["config.json"])
        self.failed(self.pull("hf:owner/repo"), "holds neither open_clip_model.safetensors", code=MODEL)
        for etag in ("../../../x", "a/b", "", "x" * 150):
            self.offer("hugging-face", etag=etag or " ")
            self.assertEqual(self.pull("hf:owner/repo").code, ERROR)
        self.offer("hugging-face", etag="0" * 64)
        self.failed(self.pull("hf:owner/repo"), "arrived damaged")
        self.assertFalse(os.path.exists(os.path.join(self.cache, "refs")))
        for body in (b"", b"[]", b"{", b'{"sha": "../../x"}', b'{"sha": 7}', b"x" * 1000):
            self.serve("/api/models/owner/repo/revision/main", lambda h, head, body=body: h.give(200, body))
            self.assertIn(self.pull("hf:owner/repo").code, (ERROR, MODEL))
        self.serve("/api/models/owner/repo/revision/main", lambda h, head: h.give(401, b"no"))
        self.failed(self.pull("hf:owner/repo"), "HF_TOKEN")
        self.fail_with(MODEL, "model", "info", "hf:owner/other", words=["clip-surgeon model pull hf:owner/other"], env=self.env())


def load_text(path):
    with open(path) as f:
        return f.read()


if __name__ == "__main__":
    unittest.main()
