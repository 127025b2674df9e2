#!/usr/bin/env python3
"""Manual page and completion list every command and every option of the help, and the shells take them."""
import os, re, shutil, subprocess, tempfile, unittest

from support import BINARY

SHELLS = ("bash", "zsh", "fish")


def said(*words, code=0):
    done = subprocess.run([BINARY, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert done.returncode == code, done.stderr
    return done.stdout


COMMANDS = re.findall(r"^  clip-surgeon (\S+)", said("--help"), re.M)
HELP = {c: said(c, "--help") for c in COMMANDS}
OPTIONS = {c: re.findall(r"^  (?:-\w, |    )--(\S+)", HELP[c], re.M) for c in COMMANDS}  # the help and nothing behind it
LETTERS = {c: re.findall(r"^  -(\w), --", HELP[c], re.M) for c in COMMANDS}


class Completion(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.text = {k: said("completion", k) for k in (*SHELLS, "man")}
        for kind, text in cls.text.items():
            with open(os.path.join(cls.folder.name, kind), "w") as f:
                f.write(text)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def shell(self, name, script):
        if not shutil.which(name):
            self.skipTest(name + " is not installed")
        done = subprocess.run([name, "-c", script], cwd=self.folder.name, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              env={**os.environ, "HOME": self.folder.name})
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout.split("\n")

    def test_the_help_is_read_rightly(self):
        self.assertIn("map", COMMANDS)
        self.assertIn("first-block", OPTIONS["map"])
        self.assertIn("o", LETTERS["map"])
        self.assertTrue(all("help" in o for o in OPTIONS.values()))

    def test_manual_page(self):
        sections = dict(re.findall(r"^\.SS (\S+)\n(.*?)(?=^\.S[SH])", self.text["man"], re.M | re.S))
        self.assertEqual([s.replace("\\-", "-") for s in sections], COMMANDS)
        for command, text in sections.items():
            self.assertEqual([o.replace("\\-", "-") for o in re.findall(r"^\.TP\n.*\\fB\\-\\-(\S+?)\\fR", text, re.M)], OPTIONS[command])
            self.assertEqual(len(re.findall(r"\[CSG_\w+\]", text)), len(re.findall(r"\[CSG_\w+\]$", HELP[command], re.M)), command)
        for code in ("130 interrupted", "8 self"):
            self.assertIn(code, self.text["man"])
        if not shutil.which("groff"):
            self.skipTest("groff is not installed")
        done = subprocess.run(["groff", "-man", "-ww", "-z", os.path.join(self.folder.name, "man")], stderr=subprocess.PIPE, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def bash(self, *words):
        quoted = " ".join(f"'{w}'" for w in words)
        return self.shell("bash", f"source ./bash; COMP_WORDS=(clip-surgeon {quoted}); COMP_CWORD={len(words)}; _clip_surgeon; "
                          "printf '%s\\n' \"${COMPREPLY[@]}\"")[:-1]

    def test_bash(self):
        self.assertEqual(self.bash(""), COMMANDS)
        for command in COMMANDS:
            wanted = [f"--{o}" for o in OPTIONS[command]] + [f"-{l}" for l in LETTERS[command]]
            self.assertEqual(sorted(self.bash(command, "-")), sorted(wanted))
        self.assertIn("viridis", self.bash("map", "a.jpg", "--colormap", ""))
        self.assertEqual(self.bash("model", "pu"), ["pull"])
        self.assertEqual(self.bash("map", "zs"), ["zsh"])  # a file of the folder

    def test_fish(self):
        def ask(line):
            return [w.split("\t")[0] for w in self.shell("fish", f"source ./fish; complete -C 'clip-surgeon {line}'") if w]
        self.assertEqual(sorted(ask("")), sorted(COMMANDS))
        for command in COMMANDS:
            self.assertEqual(sorted(ask(command + " --")), sorted(f"--{o}" for o in OPTIONS[command]))
        self.assertIn("viridis", ask("map --colormap "))

    def test_zsh(self):
        parts = dict(re.findall(r"^    (\S+)\)\n(.*?)^        ;;", self.text["zsh"], re.M | re.S))
        self.assertEqual(list(parts), COMMANDS)
        for command, text in parts.items():
            self.assertEqual(re.findall(r"^ +'(?:\(.*?\)'\{-\w,)?--([\w-]+)", text, re.M), OPTIONS[command])
        # The specifications of a command as zsh itself makes words of them, for _arguments to read.
        words = self.shell("zsh", "_arguments() { print -rl -- $@ }; _describe() { print -rl -- $commands }; words=(clip-surgeon map '');"
                           "CURRENT=3; source ./zsh")
        for option in OPTIONS["map"]:
            self.assertTrue([w for w in words if re.match(rf"(\(.*\))?--{option}\[.+\]", w)], option)

    def test_words_of_values_stand_in_the_help(self):
        for option, words in set(re.findall(r":--(\S+)\) words='(.*)' ;;", self.text["bash"])):
            told = "\n".join(t for h in HELP.values() for t in re.findall(rf"^  .*--{option} .*$", h, re.M))
            methods = HELP["map"].split("Methods:")[1]
            for word in words.split():
                self.assertRegex(told + methods, rf"\b{word}\b")

    def test_other_words(self):
        self.assertEqual(said("completion", "csh", code=2), "")
        self.assertEqual(said("completion", code=2), "")


if __name__ == "__main__":
    unittest.main()
