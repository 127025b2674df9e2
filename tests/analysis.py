#!/usr/bin/env python3
"""What compilers and checkers find without a test: gcc's analyzer and cppcheck over the sources of the library and the command line, clang-tidy over
those of the viewer and the unit tests as well, and valgrind over runs on the reference. Run by `./do test --long`, or alone:

    analysis.py BUILD [gcc|clang-tidy|cppcheck|valgrind ...]

A finding is a failure. What is left out is a row of the tables below, with its reason.
"""
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

SOURCE = os.path.abspath(os.path.join(os.path.dirname(__file__), ".."))

GCC = {
    "malloc-leak": "what a struct keeps for its owner looks lost; every allocation fails once under a count of what is left (tests/faults)",
    "file-leak": "the same",
    "fd-leak": "the same",
    "use-of-uninitialized-value": "members that an initialiser leaves out, which gcc 12 does not take for 0; valgrind looks for the others",
    "possible-null-dereference": "of what calloc gave, where a status that is looked at says so",
    "possible-null-argument": "the same",
}
# Single findings of both analyzers that are none: file, words, why.
NONE = [("host/model/model.c", "double-", "csg_path_join gives memory of its own, which the analyzer does not know"),
        ("host/ocl/devices.c", "null pointer", "the count is 0 where there are none"),
        ("host/ocl/choose.c", "NULL ‘ways’", "what is asked for has its row"),
        ("host/base/files.c", "garbage value", "the status that a caller gives is a failure's"),
        ("host/ocl/ocl.h", "Division by zero", "tiles and groups are at least 1"),
        ("host/base/output.c", "ull pointer", "what is named has its name"),
        ("host/image/sheet.c", "Division by zero", "a sheet of cells has a column"),
        ("host/check/test_", "Division by zero", "rows of tables that are not 0"),
        ("viewer/actions.c", "Division by zero", "there are colour maps"),
        ("host/model/tokenizer.c", "null pointer", "where there are symbols there are nodes"),
        ("host/task/map.c", "null pointer", "texts are NULL where there are none alone"),
        ("host/check/run.c", "ull pointer", "what was run left its elements"),
        ("host/cli/eval_ranks.c", "null pointer", "names are listed where all ranks are well"),
        ("viewer/source_av.c", "null pointer", "what memory is short for has its status"),
        ("host/ref/backend.c", "uninitialized value", "all of the weight was filled by its parts"),
        ("viewer/maps.c", "allocation size of 0 bytes", "maps have cells, and NULL is looked at"),
        ("tests/unit/", "ull pointer", "fail_msg does not return"),
        ("tests/unit/model/test_damage.c", "MallocSizeof", "bytes of a text")]
# What an analyzer does not see in other files: that a failure is never 0.
KNOWN = {
    "library": """#include "base/status.h"
#define csg_fail(err, status, ...) (csg_fail(err, status, __VA_ARGS__), (int)(status))
#define csg_fail_memory(err) (csg_fail_memory(err), (int)CSG_ERROR)
""",
    "cli": """#include "cli.h"
#define cli_fail(err, status, ...) (cli_fail(err, status, __VA_ARGS__), (int)(status))
""",
}
CLANG_TIDY = {
    "clang-analyzer-*": "the analyzer",
    "bugprone-*": "what looks like a mistake",
    "-clang-analyzer-optin.performance.Padding": "rows read better in the order of their columns",
    "-clang-analyzer-security.insecureAPI.DeprecatedOrUnsafeBufferHandling": "wants Annex K's memcpy_s, which glibc does not have",
    "-bugprone-easily-swappable-parameters": "an opinion about every function of two numbers",
    "-bugprone-macro-parentheses": "of types and names that stand alone in tables",
    "-bugprone-narrowing-conversions": "-Wconversion, which the build has, says the same of what is not meant",
    "-bugprone-implicit-widening-of-multiplication-result": "sizes are checked before they are multiplied (csg_mul)",
    "-bugprone-reserved-identifier": "_POSIX_C_SOURCE and its like are reserved for being defined",
    "-bugprone-branch-clone": "rows that happen to be equal",
    "-bugprone-assignment-in-if-condition": "how `while (status == CSG_OK && (row = at(i)))` is written here",
    "-bugprone-sizeof-expression": "sizeof of a pointer is meant where pointers are kept",
    "-bugprone-suspicious-include": "op_list.h is included several times on purpose, font tables are .c",
    "-bugprone-multi-level-implicit-pointer-conversion": "char ** to const char *const * is written with a cast already",
    "-bugprone-signal-handler": "the handler calls csg_engine_interrupt, which is a store, and leaves",
    "-bugprone-not-null-terminated-result": "digests and keys of records have no NUL, and are compared with memcmp",
    "-bugprone-suspicious-string-compare": "strcmp in order functions",
    "-bugprone-integer-division": "rows, columns and middles are whole numbers before they are told as others",
    "-bugprone-suspicious-memory-comparison": "the viewer's states are copied as a whole; a byte between members that differs costs a drawing",
    "-clang-analyzer-valist.Uninitialized": "LLVM 14 overlooks va_start in some files",
}
CPPCHECK = {
    "missingInclude": "the system's headers are not read",
    "missingIncludeSystem": "the same",
    "unmatchedSuppression": "versions differ in what they find",
    "toomanyconfigs": "one of them, the usual one, is looked at",
    "normalCheckLevelMaxBranches": "says how long it looked",
    "sizeofFunctionCall": "a macro's destination, which sizeof does not evaluate",
    "unknownMacro": "tables that are made of macros",
    "preprocessorErrorDirective": "a header that is not read",
}


def commands(build, others=None):
    """{path: (folder, arguments)} of the library and the command line, and of what `others` matches below the source folder."""
    with open(os.path.join(build, "compile_commands.json")) as f:
        rows = json.load(f)
    found = {}
    for row in rows:
        path = os.path.normpath(os.path.join(row["directory"], row["file"]))
        own = re.match(re.escape(SOURCE) + r"/host/.*\.c$", path) and re.search(r"libclip-surgeon\.a\.p|/?clip-surgeon\.p", row["output"])
        if own or (others and re.match(re.escape(SOURCE) + "/" + others, path)):
            found.setdefault(path, (row["directory"], shlex.split(row["command"])))
    return found


def each(work, found):
    """The findings of every file, some at a time."""
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return [line for lines in pool.map(work, sorted(found)) for line in lines]


def lines_of(command, folder, pattern):
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    return [l for l in done.stdout.splitlines() if re.search(pattern, l) and not any(name in l and says in l for name, says, _ in NONE)]


def write_known(place):
    for name, text in KNOWN.items():
        with open(os.path.join(place, f"known-{name}.h"), "w") as f:
            f.write(text)


def known(place, path):
    """Options that tell it."""
    if "/host/" not in path:
        return []
    with open(path) as f:
        if re.search(r"^int (csg|cli)_fail\(", f.read(), re.M):
            return []
    return ["-D_GNU_SOURCE=", "-I" + os.path.join(SOURCE, "host", "cli"), "-include", os.path.join(place, "known-cli.h" if "/cli/" in path else "known-library.h")]


def gcc(build):
    found = commands(build)
    with tempfile.TemporaryDirectory() as place:
        write_known(place)

        def work(path):
            folder, words = found[path]
            words = ["gcc"] + [w for w in words[1:] if not re.match(r"-O|-M|-flto|-g|-W|-pedantic", w) and not w.endswith(".d")]
            words[words.index("-o") + 1] = "/dev/null"
            words += ["-O0", "-fanalyzer", "-fdiagnostics-color=never", "-fdiagnostics-plain-output"] + [f"-Wno-analyzer-{name}" for name in GCC]
            return lines_of(words + known(place, path), folder, r"-Wanalyzer| error: ")
        return len(found), each(work, found)


def clang_tidy(build):
    found = commands(build, r"(viewer|tests/unit)/.*\.(c|cpp)$")
    with tempfile.TemporaryDirectory() as place:
        write_known(place)

        def work(path):
            extra = [f"--extra-arg={word}" for word in known(place, path)]
            return lines_of(["clang-tidy", "--quiet", "-p", build, "--checks=-*," + ",".join(CLANG_TIDY), *extra, path], build, r"(warning|error): ")
        return len(found), sorted(set(each(work, found)))


def cppcheck(build):
    found = commands(build)
    command = ["cppcheck", "--enable=warning,portability", "--std=c11", "--quiet", "--inline-suppr", "--max-configs=1", "-j", str(os.cpu_count() or 1),
               "-I", os.path.join(SOURCE, "host"), "-I", os.path.join(SOURCE, "include"), "--template={file}:{line}: {id}: {message}"]
    return len(found), lines_of(command + [f"--suppress={name}" for name in CPPCHECK] + sorted(found), SOURCE, r": \w+: ")


def valgrind(build):
    model = os.path.join(SOURCE, "tests", "golden", "layouts", "openai")
    runs = [["map", "p.ppm", "cat", "dog+a bench", "-o", "x.png", "--npy", "x.npy"], ["points", "p.ppm", "cat"], ["segment", "p.ppm", "cat", "dog", "-o", "s.png"],
            ["classify", "p.ppm", "cat", "dog"], ["embed", "--text", "cat", "--npy", "t.npy"], ["tokens", "p.ppm", "a cat", "-o", "t.png"]]
    findings = []
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(os.path.join(SOURCE, "tests/golden/layouts/picture-48.ppm"), os.path.join(folder, "p.ppm"))
        for words in runs:
            done = subprocess.run(["valgrind", "--quiet", "--error-exitcode=99", "--leak-check=full", "--errors-for-leak-kinds=definite,indirect",
                                   os.path.join(build, "clip-surgeon"), *words, "-m", model, "--templates", "none", "--device", "reference"],
                                  cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                                  env={**os.environ, "HOME": folder, "XDG_CACHE_HOME": folder, "OMP_NUM_THREADS": "2"})
            if done.returncode:
                findings.append(f"{words[0]}: exit {done.returncode}\n{done.stdout[-4000:]}")
    return len(runs), findings


TOOLS = {"gcc": gcc, "clang-tidy": clang_tidy, "cppcheck": cppcheck, "valgrind": valgrind}


def run(build, names=tuple(TOOLS)):
    """(passed, failed, skipped): a tool is a case."""
    total = [0, 0, 0]
    print("\nanalysis")
    for name in names:
        if not shutil.which(name):
            total[2] += 1
            print(f"  {name}: skipped: it is not installed", flush=True)
            continue
        count, findings = TOOLS[name](os.path.abspath(build))
        good = count > 0 and not findings
        total[0 if good else 1] += 1
        print(f"  {name}: {count} {'runs' if name == 'valgrind' else 'files'}, " + ("nothing found" if good else f"{len(findings)} findings"), flush=True)
        for line in findings[:200]:
            print("    " + line)
    return tuple(total)


if __name__ == "__main__":
    passed, failed, skipped = run(sys.argv[1], sys.argv[2:] or tuple(TOOLS))
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    sys.exit(failed != 0)
