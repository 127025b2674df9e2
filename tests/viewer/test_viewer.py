#!/usr/bin/env python3
"""The viewer in a real window: Xvfb, software OpenGL, real X events where xdotool is there, scripts for the rest.

    test_viewer.py PROGRAM [unittest options]

CSG_VIEWER_SOAK_S: how long the test of memory runs (default 2; 3600 for the real thing).
"""
import contextlib
import ctypes
import glob
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import png  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
ASSETS = os.path.join(HERE, "..", "..", "assets")
HORSES = os.path.abspath(os.path.join(ASSETS, "pictures", "horses.jpg"))
LAYOUTS = os.path.abspath(os.path.join(HERE, "..", "golden", "layouts"))
PERSON = os.path.abspath(os.path.join(ASSETS, "pictures", "person.jpg"))
PROGRAM = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else None
FAILING = os.environ.get("CSG_FAILING_BINARY")
SOAK_S = float(os.environ.get("CSG_VIEWER_SOAK_S", "2"))
DISPLAY = None
SANITIZER = "asan" in (PROGRAM or "")


def loaded_for_good():
    """GLFW unloads OpenGL's drivers at its end, and what they keep would belong to nobody."""
    names = ("libGL.so.1", "libGLX_mesa.so.0", "dri/swrast_dri.so")
    return ":".join(found[0] for found in (glob.glob("/usr/lib/*/" + name) for name in names) if found)


def start_display():
    """Xvfb on a free display, its process and its name."""
    read, write = os.pipe()
    server = subprocess.Popen(["Xvfb", "-displayfd", str(write), "-screen", "0", "1600x1000x24", "-noreset", "-nolisten", "tcp"],
                              pass_fds=[write], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(write)
    with os.fdopen(read) as told: # to its end of line: the server dies of a pipe that closes before
        name = told.readline().strip()
    return server, ":" + name


class Viewer(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        self.env = {**os.environ, "DISPLAY": DISPLAY, "LIBGL_ALWAYS_SOFTWARE": "1",
                    "XDG_CONFIG_HOME": self.path("config"), "XDG_STATE_HOME": self.path("state"),
                    "LSAN_OPTIONS": "print_suppressions=0:suppressions=" + os.path.join(HERE, "..", "lsan.supp")}
        if SANITIZER:
            self.env["LD_PRELOAD"] = loaded_for_good()
            self.env["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":use_sigaltstack=0:verify_asan_link_order=0"
        # Kernels are compiled once for these tests and those of the command line.
        self.env["XDG_CACHE_HOME"] = os.path.join(os.path.dirname(PROGRAM), "cli-test-cache")
        self.env["CSG_PRECISION"] = "f32"  # that of the command line, which the viewer is compared with; its own default is measured
        self.env.pop("WAYLAND_DISPLAY", None)

    def path(self, name):
        return os.path.join(self.folder, name)

    def start(self, arguments, script, env=None, program=None, window="1000x700"):
        with open(self.path("script"), "w") as file:
            file.write("\n".join(line.strip() for line in script.strip().splitlines()) + "\n")
        command = [program or PROGRAM, "view", *(["--window", window] if window else []), "--script", self.path("script"), *arguments]
        return subprocess.Popen(command, env={**self.env, **(env or {})}, cwd=self.folder, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def told(self, process, fact):
        """Waits until the script prints the fact: its value."""
        for line in process.stdout:
            if line.startswith(fact + ": "):
                return line.split(": ", 1)[1].strip()
        self.fail(f"the script ended without {fact}: {process.stderr.read()}")

    def finish(self, process, code=0):
        out, err = process.communicate(timeout=300)
        self.assertEqual(process.returncode, code, f"\n{out}\n{err}")
        return out, err

    def view(self, arguments, script, code=0, **more):
        return self.finish(self.start(arguments, script, **more), code)

    def map(self, arguments):
        subprocess.run([PROGRAM, "map", "-q", "-y", *arguments], check=True, env=self.env, cwd=self.folder,
                       stdout=subprocess.DEVNULL)

    # ------------------------------------------------------------------ the picture

    def test_demo_opens_without_arguments(self):
        out, _ = self.view([], """
            wait map
            expect picture dog.jpg
            expect chips 3
            expect texts 3
            expect text dog
            expect method surgery
            expect mode set
            expect grid 15x15
            expect first_block 2
            expect banner
            window window.png
            quit""")
        self.assertEqual(png.read(self.path("window.png"))[:2], (1000, 700))

    def test_overlay_is_the_one_of_the_command_line(self):
        cases = [("horse", {"labels": "demo", "size": "192"}), ("horse", {"method": "raw", "colormap": "jet"}),
                 ("horse+person", {"method": "surgery", "colormap": "inferno", "opacity": "0.35"}),
                 ("person", {"size": "224", "fit": "aspect", "colormap": "grey", "opacity": "1"}),
                 ("dog", {"size": "192", "fit": "stretch", "first-block": "6", "colormap": "turbo", "opacity": "0.6"})]
        names = {"size": "size_px", "first-block": "first_block"}
        options, script = {}, "wait map\nscreenshot v0.png\n"
        for i, (text, changed) in enumerate(cases):
            options |= changed
            if i:
                script += "".join(f"set {names.get(name, name)} {value}\n" for name, value in changed.items())
                script += f"prompt {text}\nwait map\nscreenshot v{i}.png\n"
            self.map([HORSES, text, *(word for name, value in options.items() for word in (f"--{name}", value)), "--no-legend", "-o",
                      f"m{i}.png"])
        self.view([HORSES, "horse", "--labels", "demo", "--size", "192"], script + "quit")
        for i, (text, changed) in enumerate(cases):
            worst, count = png.apart(self.path(f"v{i}.png"), self.path(f"m{i}.png"))
            print(f"overlay {text} {changed}: at most {worst} levels apart, {count} of {3 * 773 * 512} values")
            # Where a value lies on a step of the colour table, its last bit decides between two colours, which for jet are 3 levels apart.
            self.assertLessEqual(worst, 2 if count > 20 else 3)

    def test_legend_and_captions_cover_nothing_of_the_map(self):
        """At 1:1 the window has the pixels of the screenshot, with the legend below them."""
        out, _ = self.view([HORSES, "horse", "--labels", "demo"], """
            set panel 0
            set read_out 0
            wait map
            action one-to-one
            wait frames 3
            print pane
            window window.png
            screenshot picture.png
            set layout grid
            prompt person
            wait map
            wait frames 3
            print pane
            print canvas
            quit""")
        one, grid, canvas = (list(map(int, line.split(": ")[1].split())) for line in out.splitlines() if ": " in line)
        self.assertEqual(one[2:], [773, 512])
        self.assertEqual(png.crop(self.path("window.png"), *one), png.read(self.path("picture.png"))[2])
        self.assertGreater(canvas[1] + canvas[3] - (grid[1] + grid[3]), 28)  # the legend's height

    def test_paused_video_is_the_one_of_the_command_line(self):
        self.view(["lavfi:mandelbrot=size=320x240:rate=10", "horse"], """
            wait map
            key space
            await paused 1
            wait ms 300
            wait map
            plain frame.png
            screenshot overlay.png
            quit""")
        self.map(["frame.png", "horse", "--no-legend", "-o", "map.png"])
        worst, _ = png.apart(self.path("overlay.png"), self.path("map.png"))
        self.assertLessEqual(worst, 2)

    def test_without_the_heat_map_the_picture_is_the_picture(self):
        self.view([HORSES, "horse"], "wait map\nplain a.png\naction overlay\nscreenshot b.png\nquit")
        self.assertEqual(png.apart(self.path("a.png"), self.path("b.png")), (0, 0))

    # ------------------------------------------------------------------ prompts and switches

    def test_prompts(self):
        self.view([HORSES, "horse", "--labels", "demo"], """
            wait map
            expect chips 1
            type person
            await text person
            wait map
            expect texts 2
            expect chips 1
            key enter
            expect chips 2
            wait map
            type a zebra on zoot
            await unknown ~zoot
            type
            await text person
            key x
            wait map
            key tab
            expect text horse
            wait map
            expect texts 1
            key z
            wait map
            expect texts 2
            key z
            wait map
            expect texts 1
            key z
            wait map
            expect texts 2
            key delete
            expect chips 1
            expect text person
            prompt 馬がいる
            wait map
            expect texts 2
            window window.png
            quit""")
        with open(self.path("state/clip-surgeon/prompts.json")) as file:
            self.assertEqual(json.load(file), ["person"])

    def test_texts_and_pictures_do_not_wait_for_each_other(self):
        out, _ = self.view(["lavfi:testsrc=size=160x120:rate=20", "horse"], """
            wait map
            set labels imagenet1000
            await encoding 1
            print maps
            note maps
            await maps !
            note maps
            await maps !
            print maps
            expect encoding 1
            set labels
            wait map
            action pause
            wait map
            size 1024
            wait ms 300
            expect settled 0
            type zebra
            await unknown ~zebra
            expect settled 0
            quit""")
        before, after = (int(line.split(":")[1]) for line in out.split("\n") if line.startswith("maps"))
        self.assertGreater(after, before)

    @unittest.skipUnless(os.path.exists("/proc/self/task"), "skipped: no /proc")
    def test_what_computes_stands_back(self):
        """The threads of an OpenCL device on the CPU, too; so the picture keeps its rate, which a busy machine's clock cannot show."""
        process = self.start(["lavfi:testsrc=size=64x48:rate=10", "horse"], "wait map\nprint device\nawait toast ~never\nquit")
        own_threads = len(os.sched_getaffinity(0)) if "pthread" in self.told(process, "device") else 0  # PoCL's
        nice = {}
        for thread in os.listdir(f"/proc/{process.pid}/task"):
            with open(f"/proc/{process.pid}/task/{thread}/stat") as file:
                nice[int(thread)] = int(file.read().rsplit(")", 1)[1].split()[16])
        process.kill()
        process.communicate()
        own = os.getpriority(os.PRIO_PROCESS, 0)
        self.assertEqual(nice[process.pid], own)
        self.assertGreaterEqual(list(nice.values()).count(min(own + 5, 19)), 2 + own_threads)

    def bars(self, text, fonts):
        """What the window has above the picture for a prompt, with the fonts of one folder."""
        with open(self.path("fonts.conf"), "w") as file:
            file.write(f"<fontconfig><dir>{fonts}</dir><cachedir>{self.path('fontcache')}</cachedir></fontconfig>")
        out, _ = self.view([HORSES, text, "--templates", "none"], "wait map\nwait frames 4\nprint canvas\nwindow window.png\nquit",
                           env={"FONTCONFIG_FILE": self.path("fonts.conf")})
        top = int(out.split(": ")[1].split()[1])
        seen = png.crop(self.path("window.png"), 0, 0, 1000, top)
        os.unlink(self.path("window.png"))
        return seen

    def test_prompts_have_glyphs_where_a_font_has_them(self):
        """Two prompts look the same where both are the sign for a character that is not there."""
        plain = os.path.abspath(os.path.join(ASSETS, "fonts"))
        self.assertEqual(self.bars("馬", plain), self.bars("鳥", plain))
        found = subprocess.run(["fc-list", ":charset=99ac 9ce5", "file"], capture_output=True, text=True).stdout if shutil.which("fc-list") else ""
        files = [line.strip().rstrip(":") for line in found.splitlines() if line.strip().rstrip(":").endswith((".ttf", ".ttc", ".otf"))]
        if not files:
            self.skipTest("skipped: no font here has Chinese characters")
        os.mkdir(self.path("fonts"))
        for file in sorted(files)[:1] + [os.path.join(plain, name) for name in os.listdir(plain) if name.endswith(".ttf")]:
            os.symlink(file, self.path(os.path.join("fonts", os.path.basename(file))))
        self.assertNotEqual(self.bars("馬", self.path("fonts")), self.bars("鳥", self.path("fonts")))
        # Beside letters that another font has.
        self.assertNotEqual(self.bars("ἀεί 馬", self.path("fonts")), self.bars("ἀεί 鳥", self.path("fonts")))

    @contextlib.contextmanager
    def dots_per_inch(self, dpi):
        """Xft.dpi among the display's resources, which desktops set for a fine display."""
        x = ctypes.CDLL("libX11.so.6")
        x.XOpenDisplay.restype, x.XDefaultRootWindow.restype = ctypes.c_void_p, ctypes.c_ulong
        display = ctypes.c_void_p(x.XOpenDisplay(DISPLAY.encode()))
        root, resources, string = ctypes.c_ulong(x.XDefaultRootWindow(display)), ctypes.c_ulong(23), ctypes.c_ulong(31)
        text = f"Xft.dpi:\t{dpi}\n".encode()
        x.XChangeProperty(display, root, resources, string, 8, 0, text, len(text))
        x.XSync(display, 0)
        try:
            yield
        finally:
            x.XDeleteProperty(display, root, resources)
            x.XCloseDisplay(display)

    def test_a_fine_display_has_larger_text_and_widgets(self):
        with self.dots_per_inch(192):
            out, _ = self.view([HORSES, "horse"], """
                wait map
                expect scale 2.00
                wait frames 4
                print canvas
                window large.png
                scale 1
                wait frames 4
                expect scale 1.00
                print canvas
                window small.png
                scale 2
                wait frames 4
                window again.png
                quit""")
            large, small = (list(map(int, line.split(": ")[1].split())) for line in out.splitlines() if ": " in line)
            self.assertGreater(large[1], 1.6 * small[1])  # the bars above the picture
            self.assertEqual(png.apart(self.path("large.png"), self.path("again.png")), (0, 0))
            self.assertNotEqual(png.read(self.path("large.png")), png.read(self.path("small.png")))
            # A window that is remembered is as large the next time, not larger by the scale.
            with open(self.path("config/clip-surgeon/viewer.json")) as file:
                settings = json.load(file)
            with open(self.path("config/clip-surgeon/viewer.json"), "w") as file:
                json.dump({**settings, "window_w": 500, "window_h": 400}, file)
            self.view([HORSES, "horse"], "wait map\nwindow remembered.png\nquit", window=None)
            self.assertEqual(png.read(self.path("remembered.png"))[:2], (1000, 800))
            with open(self.path("config/clip-surgeon/viewer.json")) as file:
                settings = json.load(file)
            self.assertEqual((settings["window_w"], settings["window_h"]), (500, 400))

    def test_everything_switches_in_place(self):
        self.view([HORSES, "horse", "person", "--size", "128"], """
            wait map
            expect grid 8x8
            method raw
            wait map
            expect method raw
            expect mode off
            method surgery
            set labels demo
            wait map
            expect mode set
            set redundant empty
            wait map
            expect mode empty
            size 224
            wait map
            expect grid 14x14
            set fit aspect
            wait map
            expect grid 21x14
            key F
            key R
            wait map
            expect mode set
            key P
            wait map
            expect precision f16
            key P
            key P
            key P
            wait map
            expect precision f32
            key (
            wait map
            set layout grid
            wait map
            screenshot grid.png
            set layout colours
            wait map
            screenshot colours.png
            set layout side
            wait map
            screenshot side.png
            set colormap jet
            set use_quantile 1
            set quantile 0.9
            set contours 3
            screenshot contours.png
            set smoothing 0.5
            set lock 1
            set lock 0
            set smoothing 0
            set points 1
            wait map
            expect banner
            action help
            action stats
            window window.png
            quit""")
        self.assertEqual(png.read(self.path("side.png"))[:2], (773 * 2 + 6, 512))

    def test_methods_that_the_model_cannot_do_are_passed_over(self):
        self.view([HORSES, "dog", "--model", os.path.join(LAYOUTS, "openai-resnet"), "--templates", "none", "--method", "clearclip"], """
            wait map
            expect method clearclip
            key m
            expect toast ~method: naclip
            wait map
            set method maskclip
            set layout wipe
            set other naclip
            key M
            expect toast ~none for this model: gem, gradcam
            wait map
            expect banner
            set layout one
            model """ + os.path.abspath(os.path.join(ASSETS, "demo-model")) + """
            wait map
            set method naclip
            key m
            expect toast ~method: gem
            wait map
            expect method gem
            expect banner
            quit""")

    def test_sizes_that_no_model_takes_are_told(self):
        self.view([HORSES, "horse"], """
            wait map
            size 100
            await banner ~100
            size 128
            wait map
            expect grid 8x8
            quit""")

    def test_opencl_and_reference_agree(self):
        out, _ = self.view([PERSON, "person", "--labels", "voc20", "--templates", "none"], """
            wait map
            set other reference
            set layout difference
            wait map
            print difference
            expect legend ~difference 0
            quit""")
        difference = float(out.split(":")[1])
        print(f"OpenCL and the reference differ by at most {difference}")
        self.assertLess(difference, 1e-2)

    def test_patches_tell_their_texts(self):
        self.view([HORSES, "horse", "--labels", "demo"], """
            wait map
            click 0.5 0.05
            await patch_texts 8
            expect patch ~6 0
            key escape
            expect patch_texts 0
            shift-click 0.6 0.6
            wait frames 5
            expect patch_texts 8
            expect legend ~similarity
            expect legend ~1.000
            expect read_out ~similarity 1
            key escape
            expect legend ~similarity
            set legend 0
            wait frames 2
            expect legend
            hover 0.5 0.5
            wait frames 5
            expect patch_texts 0
            expect read_out ~similarity
            set layout colours
            prompt sky
            wait map
            hover 0.5 0.05
            wait frames 2
            expect read_out ~sky
            prompt horse+sky
            set layout one
            set legend 1
            wait map
            expect legend ~mean of maps
            quit""")

    # ------------------------------------------------------------------ sources

    def test_video_plays_pauses_steps_and_ends(self):
        self.view(["lavfi:testsrc=size=160x120:rate=10:duration=1.5", "car"], """
            action loop
            wait map
            key space
            await paused 1
            note position
            key .
            await position !
            note position
            key .
            await position !
            expect paused 1
            key space
            await ended 1
            expect banner
            quit""")

    def test_a_film_has_its_name_when_it_is_whole(self):
        """SIGKILL at random moments of a recording, and then one that ends."""
        generator, films = random.Random(3), lambda: sorted(n for n in os.listdir(self.folder) if ".mp4" in n)
        begin = "wait map\naction record\nprint maps\n"
        for _ in range(4):
            process = self.start(["lavfi:testsrc=size=160x120:rate=30", "horse"], begin + "await toast ~never\nquit")
            self.told(process, "maps")
            time.sleep(generator.random())
            process.kill()
            process.communicate()
            self.assertEqual([name for name in films() if name.endswith(".mp4")], [])
            self.assertEqual(len(films()), 1)
        self.view(["lavfi:testsrc=size=160x120:rate=30", "horse"], begin + "wait ms 400\naction record\nawait toast ~Recorded\nquit")
        film, = films()
        self.assertTrue(film.endswith(".mp4"))
        self.view([film, "horse"], "wait map\nquit")

    def test_what_is_recorded_plays_and_is_wound(self):
        self.view(["lavfi:testsrc=size=160x120:rate=20", "horse"], """
            wait map
            action record
            wait ms 600
            action record
            await toast ~Recorded
            quit""")
        made = [name for name in os.listdir(self.folder) if name.endswith(".mp4")]
        self.assertEqual(len(made), 1)
        step = """
            await position !
            print position
            note position"""
        out, _ = self.view([self.path(made[0]), "horse"], f"""
            wait map
            expect banner
            key space
            await paused 1
            wait ms 200
            action back
            await position 0.000
            note position
            key .{step}
            key .{step}
            key ,{step}
            key space
            action loop
            action loop
            await position !
            expect banner
            quit""")
        one, two, back = (float(line.split(":")[1]) for line in out.split("\n") if line.startswith("position"))
        self.assertLess(0, one)
        self.assertLess(one, two)
        self.assertEqual(back, one)

    def test_cameras(self):
        """By the function that opens lavfi: an end is an unplugged camera, and formats can be refused."""
        none = not os.path.exists("/dev/video0")
        self.view(["camera:lavfi:nosuchfilter", "horse"], f"""
            await banner ~camera cannot be opened
            open camera:lavfi:testsrc=size=nonsense
            await banner ~camera cannot be opened
            open camera:v4l2:/nosuchdevice,size=640x480,rate=30,format=mjpeg
            await banner ~/nosuchdevice
            open camera:v4l2:/nosuchdevice,zoom=3
            await banner ~size, rate and format
            {"open camera" if none else ""}
            {"await banner ~no camera" if none else ""}
            open camera:lavfi:testsrc=size=160x120:rate=10:duration=1
            wait map
            await banner ~unplugged
            await banner
            wait map
            quit""")
        if none:
            listed = subprocess.run([PROGRAM, "view", "--cameras"], env=self.env, capture_output=True, text=True)
            self.assertEqual((listed.returncode, listed.stdout), (0, ""))

    def test_what_cannot_be_read_is_told_and_the_rest_goes_on(self):
        for name, content in ("broken.png", b"\x89PNG\r\n\x1a\nnothing"), ("broken.mp4", b"\0" * 4000), ("empty.mkv", b""):
            with open(self.path(name), "wb") as file:
                file.write(content)
        os.mkdir(self.path("nothing"))
        self.view([HORSES, "horse"], f"""
            wait map
            drop {self.path("broken.png")}
            await banner ~broken.png
            expect picture horses.jpg
            drop {self.path("broken.mp4")}
            await banner ~broken.mp4
            drop {self.path("empty.mkv")}
            await banner ~empty.mkv
            drop {self.path("nothing")}
            await banner ~no picture in this folder
            drop {self.path("missing.jpg")}
            await banner ~no such file
            drop {PERSON}
            await picture person.jpg
            wait map
            expect banner
            quit""")

    def test_folder(self):
        os.mkdir(self.path("pictures"))
        shutil.copy(HORSES, self.path("pictures/a.jpg"))
        shutil.copy(PERSON, self.path("pictures/c.jpg"))
        with open(self.path("pictures/b.jpg"), "wb") as file:
            file.write(b"no picture")
        self.view([self.path("pictures"), "horse"], """
            wait map
            expect picture a.jpg
            key .
            await banner ~b.jpg
            key .
            await picture c.jpg
            wait map
            expect banner
            key .
            await picture a.jpg
            key ,
            await picture c.jpg
            quit""")

    def test_label_file_dropped(self):
        with open(self.path("labels.txt"), "w") as file:
            file.write("horse\nsky\nroad\n")
        self.view([HORSES, "horse"], f"wait map\nexpect mode empty\ndrop {self.path('labels.txt')}\nwait map\nexpect mode set\nquit")

    # ------------------------------------------------------------------ keeping

    def test_export_is_that_of_the_command_line_and_overwrites_nothing(self):
        self.view([HORSES, "horse", "--labels", "demo", "--size", "192"], """
            wait map
            action export
            await toast ~Exported
            action export
            await toast ~-2
            action screenshot
            action screenshot
            wait frames 3
            quit""")
        self.map([HORSES, "horse", "--labels", "demo", "--size", "192", "-o", "map.png", "--npy", "map.npy"])
        self.assertEqual(png.apart(self.path("horses_map.png"), self.path("map.png")), (0, 0))
        with open(self.path("horses_map.npy"), "rb") as a, open(self.path("map.npy"), "rb") as b:
            self.assertEqual(a.read(), b.read())
        with open(self.path("horses_map.json")) as file:
            self.assertEqual(json.load(file)["texts"][0]["text"], "horse")
        points = subprocess.run([PROGRAM, "points", "-q", HORSES, "horse", "--labels", "demo", "--size", "192"],
                                env=self.env, capture_output=True, text=True, check=True).stdout
        with open(self.path("horses_points.json")) as file:
            self.assertEqual(json.load(file), json.loads(points))
        for name in "horses-2_map.png", "horses-2_map.npy", "horses_view.png", "horses-2_view.png":
            self.assertTrue(os.path.exists(self.path(name)), name)

    def test_settings_are_remembered_and_damage_is_survived(self):
        self.view([HORSES, "horse"], "wait map\nset colormap turbo\nset opacity 0.25\nmethod arch\nwait map\nquit")
        self.view([HORSES, "horse"], "wait map\nexpect method arch\nscreenshot a.png\nquit")
        self.map([HORSES, "horse", "--method", "arch", "--colormap", "turbo", "--opacity", "0.25", "--no-legend", "-o", "b.png"])
        self.assertLessEqual(png.apart(self.path("a.png"), self.path("b.png"))[0], 2)
        for damage in "{", '{"opacity": "much", "layout": 99, "method": "nosuch", "window_w": -5}', "[]", "\0\xff":
            with open(self.path("config/clip-surgeon/viewer.json"), "w") as file:
                file.write(damage)
            self.view([HORSES, "horse"], "wait map\nexpect method surgery\nquit")

    # ------------------------------------------------------------------ trouble

    def test_device_trouble(self):
        self.view([HORSES, "horse", "--device", "nosuchdevice"], "wait map\nexpect banner ~work goes on with\nexpect texts 1\nquit")
        self.view([HORSES, "horse"], "wait map\nexpect device reference\nexpect banner ~pocl-opencl-icd\nwindow window.png\nquit",
                  env={"OCL_ICD_VENDORS": self.path("none"), "CSG_DEVICE": ""})
        self.view([HORSES, "horse"], """
            wait map
            device reference
            wait map
            expect device reference
            device nosuchdevice
            await banner ~work goes on with
            wait map
            quit""")

    @unittest.skipUnless(FAILING, "skipped: no CSG_FAILING_BINARY")
    def test_a_device_that_breaks_while_it_works(self):
        """The next device takes over, in this build the reference; the banner and the title say so."""
        # The calls are what a map of one text takes; another size wants another encoding, another text its own.
        for broken, calls, title in ("CSG_TEST_FAIL_PICTURES", 1, "reference"), ("CSG_TEST_FAIL_TEXTS", 2, "texts"):
            shutil.rmtree(os.path.join(self.env["XDG_CACHE_HOME"], "clip-surgeon", "texts"), True)  # else nothing is computed
            self.view([HORSES, "horse", "--size", "64", "--templates", "none"], """
                wait map
                expect banner
                expect title horses.jpg - clip-surgeon
                set size_px 80
                prompt person
                await banner ~CL_OUT_OF_RESOURCES; the work goes on with: reference
                wait map
                await texts 2
                expect title ~ - device trouble: %s
                quit""" % title, program=FAILING, env={broken: str(calls), "CSG_DEVICE": "pthread"})
        self.view([HORSES, "horse", "--fallback", "none"], "await banner ~CL_OUT_OF_RESOURCES\nquit", program=FAILING,
                  env={"CSG_TEST_FAIL_PICTURES": "0", "CSG_DEVICE": "pthread"})

    def test_a_model_that_is_not_there_leaves_the_one_that_works(self):
        self.view([HORSES, "horse"], """
            wait map
            model /nosuchmodel
            await banner ~nosuchmodel
            prompt person
            wait map
            expect texts 2
            quit""")
        self.view([HORSES, "horse", "--model", "/nosuchmodel"], "await banner ~nosuchmodel\nquit")

    def test_a_model_has_its_own_size_and_first_block(self):
        other = os.path.join(LAYOUTS, "openai-resnet")
        self.view([HORSES, "horse", "--templates", "none", "--size", "224", "--first-block", "3"], f"""
            wait map
            expect grid 14x14
            model {other}
            wait map
            expect banner
            expect size_px 0
            expect first_block 0
            set first_block 1
            quit""")
        self.view([HORSES, "horse", "--templates", "none", "--model", other], "wait map\nexpect first_block 1\nquit")
        self.view([HORSES, "horse", "--templates", "none"], "wait map\nexpect first_block 0\nexpect grid 12x12\nexpect banner\nquit")

    def test_usage(self):
        for arguments in (["--method", "nosuch"], ["--window", "large"], ["--colormap", "nosuch"], ["--opacity", "2"],
                          ["--script", "/nosuchscript"]):
            done = subprocess.run([PROGRAM, "view", HORSES, "horse", *arguments], env=self.env, capture_output=True, text=True)
            self.assertEqual(done.returncode, 2, (arguments, done.stderr))
        self.view([HORSES, "horse"], "frobnicate", code=2)
        without = {**self.env, "DISPLAY": ":987"}
        done = subprocess.run([PROGRAM, "view", HORSES], env=without, capture_output=True, text=True)
        self.assertEqual(done.returncode, 1, done.stderr)

    # ------------------------------------------------------------------ real events

    def xdotool(self, *arguments):
        subprocess.run(["xdotool", *arguments], env=self.env, check=True, stdout=subprocess.DEVNULL)

    def window_of(self, process):
        for _ in range(100):
            found = subprocess.run(["xdotool", "search", "--pid", str(process.pid), "--class", "clip-surgeon"], env=self.env,
                                   capture_output=True, text=True).stdout.split()
            # It can be found before it can have the keyboard.
            if found and not subprocess.run(["xdotool", "windowfocus", found[-1]], env=self.env, capture_output=True).returncode:
                return found[-1]
            time.sleep(0.1)
        self.fail("no window came up")

    def drive(self, arguments, steps):
        """Steps are (xdotool's words or a function of what was told, lines of script that then come true); q ends it."""
        script = "wait map\nprint keys\n" + "".join(f"{lines}\nwait frames 3\nprint keys\n" for _, lines in steps)
        process = self.start(arguments, script)
        self.xdotool("windowfocus", "--sync", self.window_of(process))
        self.told(process, "keys")
        told = {}
        for words, lines in steps:
            self.xdotool(*(words(told) if callable(words) else words.split()))
            for fact in re.findall(r"^print (.*)$", lines, re.M):
                told[fact] = self.told(process, fact)
            self.told(process, "keys")
        self.xdotool("key", "q")
        self.finish(process)

    @unittest.skipUnless(shutil.which("xdotool"), "skipped: xdotool is missing")
    def test_keyboard_and_mouse(self):
        def wipe_to_a_quarter(told):
            left, _, width, _ = map(int, told["pane"].split())
            return ["mousedown", "1", "mousemove", "400", "400", "mousemove", str(left + round(0.25 * width)), "400", "mouseup", "1"]
        self.drive([HORSES, "horse", "--labels", "demo"], [
            ("key slash", "await typing 1"),
            ("type --delay 20 person", "await text person\nexpect chips 1\nwait map"),
            ("key ctrl+a", "await keys 9"),
            ("key ctrl+x", "await text horse"),
            ("key ctrl+v", "await text person"),
            ("key ctrl+v", "await text personperson"),
            ("key ctrl+z", "await text person"),
            ("key Return", "await chips 2\nexpect text person"),
            ("key Escape", "await typing 0"),
            ("key m m", "await method raw"),
            ("key w o", "await layout wipe\nawait panel 0\nwait frames 4\nprint pane"),
            ("mousemove 500 400", "await mouse 500 400"),
            (wipe_to_a_quarter, "await wipe 0.25"),
            ("click 4", "await opacity 0.65"),
            ("key Tab", "await text horse"),
            ("key s", "await toast ~Saved\nwindow window.png"),
            ("key space", "await paused 1")])

    @unittest.skipUnless(shutil.which("xdotool"), "skipped: xdotool is missing")
    def test_menus_and_panels_by_keyboard_alone(self):
        os.makedirs(self.path("state/clip-surgeon"))
        with open(self.path("state/clip-surgeon/prompts.json"), "w") as file:
            json.dump(["sky", "person"], file)
        keys, steps = 0, []
        for key, lines in [("F10", "await popup 1"), ("Right", ""), ("Right", ""), ("Right", ""), ("Down", ""), ("Return", "await method arch"),
                           ("F6", "await panel 1"), ("Down", ""), ("Return", "await popup 1"), ("Up", ""), ("Return", "await method surgery"),
                           ("Down", ""), ("Return", "await popup 1"), ("Escape", "await popup 0"), ("Escape", "await toast ~picture"),
                           ("H", "await popup 1"), ("Down", ""), ("Return", "await chips 2\nexpect text person"),
                           ("F10", "await popup 1"), ("Escape", "await popup 0"), ("Escape", ""),
                           ("question", "await help 1"), ("Escape", "await help 0"), ("v", "await overlay 0")]:
            keys += 1 + (key in ("H", "question"))  # with Shift
            steps.append(("key " + key, f"await keys {keys}\n{lines}"))
        self.drive([HORSES, "horse", "--labels", "demo"], steps)

    # ------------------------------------------------------------------ running on

    def memory_kib(self, process):
        with open(f"/proc/{process.pid}/status") as file:
            return int(next(line for line in file if line.startswith("VmRSS")).split()[1])

    @unittest.skipUnless(os.path.exists("/proc/self/status"), "skipped: no /proc")
    def test_memory_does_not_grow(self):
        """While a video plays in a loop and everything is switched again and again, on one device."""
        changes = ["set layout wipe", "type zebra", "set layout grid", "method raw", "set size_px 128", "set smoothing 0.5", "type", "set lock 1",
                   "set layout difference", "set lock 0", "set smoothing 0", "method surgery", "set size_px 0", "set layout colours", "set points 1",
                   "set layout one", "set points 0"]
        self.view(["lavfi:testsrc=size=320x240:rate=10", "horse"], "wait map\naction record\nwait ms 900\naction record\nawait toast ~Recorded\nquit")
        film = next(name for name in os.listdir(self.folder) if name.endswith(".mp4"))
        # Who runs for an hour leaves the processors to others.
        pause_ms = 40 if SOAK_S < 60 else 500
        cycle = "".join(f"{change}\nwait ms {pause_ms}\n" for change in changes) + "wait map\nexpect banner\nprint device\nprint counts\n"
        process = self.start([film, "horse", "person"], "wait map\n" + cycle * int(2 + SOAK_S * 1e3 / pause_ms / 10) + "quit")
        samples, begun, device = [], None, None
        while not begun or time.monotonic() - begun < SOAK_S:
            device, before = self.told(process, "device"), device
            self.assertIn(before, (None, device))
            counts = self.told(process, "counts")
            samples.append(self.memory_kib(process))
            begun = begun or time.monotonic() # with the first cycle everything was there once
        process.kill()
        process.communicate()
        print(f"memory over {SOAK_S:.0f} s, {len(samples) - 1} cycles of changes, {counts} on {device}: {samples[::max(1, len(samples) // 10)]} KiB",
              flush=True)
        # A sanitizer keeps what was freed for a while.
        self.assertLess(samples[-1] - samples[0], 300000 if SANITIZER else 4096)

    @unittest.skipUnless(os.path.exists("/proc/self/stat"), "skipped: no /proc")
    def test_a_still_picture_costs_nothing(self):
        process = self.start([HORSES, "horse"], "wait map\nprint maps")
        self.told(process, "maps")
        ticks = []
        for wait_s in 0.5, 1:  # at first for the last frames of what was asked
            time.sleep(wait_s)
            with open(f"/proc/{process.pid}/stat") as file:
                ticks.append(sum(map(int, file.read().rsplit(")", 1)[1].split()[11:13])))
        process.kill()
        process.communicate()
        self.assertLessEqual(ticks[1] - ticks[0], 0.02 * os.sysconf("SC_CLK_TCK"))


if __name__ == "__main__":
    if not PROGRAM:
        sys.exit(__doc__)
    if not shutil.which("Xvfb"):
        print("skipped: Xvfb is missing (Debian: xvfb)")
        sys.exit(77)
    server, DISPLAY = start_display()
    try:
        unittest.main(argv=[sys.argv[0], *sys.argv[2:]], verbosity=2)
    finally:
        server.terminate()
        server.wait()
