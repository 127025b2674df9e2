#!/usr/bin/env python3
"""Of the C library host calls what ISO C has; what a system adds is called in host/base alone. Objects are read, so that no macro hides a call.

    check_portable.py BUILD
"""
import ctypes.util, glob, os, re, subprocess, sys, unittest

BUILD = sys.argv.pop(1)

# ISO C11's functions and objects, by header.
ISO = set("""
isalnum isalpha isblank iscntrl isdigit isgraph islower isprint ispunct isspace isupper isxdigit tolower toupper
setjmp longjmp signal raise setlocale localeconv
clearerr fclose feof ferror fflush fgetc fgetpos fgets fopen fprintf fputc fputs fread freopen fscanf fseek fsetpos ftell fwrite getc getchar
perror printf putc putchar puts remove rename rewind scanf setbuf setvbuf snprintf sprintf sscanf tmpfile ungetc vfprintf vprintf vscanf
vsnprintf vsprintf vsscanf stdin stdout stderr
abort abs aligned_alloc at_quick_exit atexit atof atoi atol atoll bsearch calloc div exit _Exit free getenv labs ldiv llabs malloc qsort
quick_exit rand realloc srand strtod strtof strtol strtold strtoll strtoul strtoull system
memchr memcmp memcpy memmove memset strcat strchr strcmp strcoll strcpy strcspn strerror strlen strncat strncmp strncpy strpbrk strrchr
strspn strstr strtok strxfrm
asctime clock ctime difftime gmtime localtime mktime strftime time timespec_get
""".split())
MATH = """acos acosh asin asinh atan atan2 atanh cbrt ceil copysign cos cosh erf erfc exp exp2 expm1 fabs fdim floor fma fmax fmin fmod frexp
hypot ilogb ldexp lgamma llrint llround log log10 log1p log2 logb lrint lround modf nan nearbyint nextafter pow remainder remquo rint round
scalbln scalbn sin sinh sqrt tan tanh tgamma trunc""".split()
ISO |= {n + end for n in MATH for end in ("", "f", "l")}
# How glibc spells them where it checks, widens or inlines.
SPELT = {"__errno_location", "__ctype_b_loc", "__ctype_tolower_loc", "__ctype_toupper_loc", "__assert_fail", "__stack_chk_fail", "_setjmp",
         "__longjmp_chk", "__sysv_signal"}
# What cannot be said in ISO C and is not the library's: the command line asks whether it speaks to a terminal, and how long it took, and
# ends soon after SIGINT whatever is being computed.
CLI = {"isatty", "clock_gettime", "timer_create", "timer_settime", "write"}


def plain(name):
    name = re.sub(r"^__isoc\d\d_|64$", "", name)
    return re.sub(r"^__(\w+)_chk$", r"\1", name)


def undefined(paths):
    """{object: names that it takes from elsewhere}"""
    found = {os.path.basename(p): set() for p in paths}
    text = subprocess.run(["nm", "-A", "-u", *paths], stdout=subprocess.PIPE, text=True, check=True).stdout
    for line in text.splitlines():
        found[os.path.basename(line.split(":")[0])].add(line.split()[-1].split("@")[0])
    return found


def of_the_system():
    names = set()
    for library in ("c", "m"):
        path = ctypes.util.find_library(library)
        for folder in glob.glob("/lib/*-linux-gnu*/") + ["/lib/", "/lib64/", "/usr/lib/"]:
            if path and os.path.exists(folder + path):
                text = subprocess.run(["nm", "-D", "--defined-only", folder + path], stdout=subprocess.PIPE, text=True).stdout
                names |= {l.split()[-1].split("@")[0] for l in text.splitlines()}
    return names


SYSTEM = of_the_system()
OBJECTS = glob.glob(os.path.join(BUILD, "libclip-surgeon.a.p", "host_*.o")) + glob.glob(os.path.join(BUILD, "clip-surgeon.p", "host_cli_*.o"))


@unittest.skipUnless("getline" in SYSTEM, "the C library's names cannot be listed here")
class Portable(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        """The system's own functions that an object calls."""
        cls.calls = {o: {n for n in names & SYSTEM if n not in SPELT and plain(n) not in ISO} for o, names in undefined(OBJECTS).items()}

    def test_systems_calls_stand_in_base(self):
        self.assertGreater(len(self.calls), 100)
        allowed = {o: CLI if o.startswith("host_cli_") else set() for o in self.calls if not o.startswith("host_base_")}
        self.assertEqual({o: sorted(self.calls[o] - also) for o, also in allowed.items() if self.calls[o] - also}, {})

    def test_the_rule_bites(self):
        base = set().union(*(names for o, names in self.calls.items() if o.startswith("host_base_")))
        self.assertTrue({"mmap", "fsync"} <= {plain(n) for n in base}, base)
        for name in ("strdup", "open", "getline", "clock_gettime", "isatty", "pthread_create"):
            self.assertIn(name, SYSTEM)
            self.assertNotIn(plain(name), ISO)


if __name__ == "__main__":
    unittest.main()
