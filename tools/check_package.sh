#!/bin/sh
# Installs the packages that `./do package` made on a Debian machine that can be thrown away, as root: the published code's figures must come
# out of the tool and of the Python module, a program must build against the library, and removal must leave nothing.
#   tools/check_package.sh FOLDER-WITH-DEBS
set -eu
debs=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."
packages="clip-surgeon clip-surgeon-data libclip-surgeon0.1 libclip-surgeon-dev python3-clip-surgeon"
files=
for name in $packages; do files="$files $(echo "$debs/${name}"_*.deb)"; done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

apt-get update -q >/dev/null
# shellcheck disable=SC2086  # the names are words
apt-get install -y -q --no-install-recommends $files pocl-opencl-icd gcc libc6-dev pkg-config >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }

export HOME="$work" CSG_GOLDEN_MODEL="$work/models/mini-seed-1"
cd "$work"
source=$OLDPWD
python3 "$source/tests/golden/prepare.py" models "$source/tests/golden" mini-112 -- /bin/true
clip-surgeon map "$source/tests/golden/bench.png" dog bench person -m "$CSG_GOLDEN_MODEL" --npy map.npy -o map.png
python3 - "$source/tests/golden/mini-112/surgery_similarity.npy" <<'CHECK'
import sys, numpy as np
got, want = np.load("map.npy"), np.load(sys.argv[1])[1:].T
error = np.abs(got.reshape(want.shape) - want).max(axis=1) / (want.max(axis=1) - want.min(axis=1))
print("map of the installed tool: worst error %.1e of the map's range" % error.max())
sys.exit(0 if error.max() < 1e-3 else 1)
CHECK
CSG_PYTHON_CHILD=1 python3 "$source/tests/install/test_python.py"
sed -n '/^```c one-map.c$/,/^```$/p' "$source/docs/library.md" | grep -v '^```' >one-map.c
# shellcheck disable=SC2046
cc -std=c11 -Wall -Werror one-map.c -o one-map $(pkg-config --cflags --libs clip-surgeon)
./one-map /usr/share/clip-surgeon/pictures/dog.jpg dog one.png
clip-surgeon selftest
man -w clip-surgeon >/dev/null 2>&1 || ls /usr/share/man/man1/clip-surgeon.1.gz >/dev/null 2>&1 || echo "no manual page here: this machine leaves manuals out"

# shellcheck disable=SC2086
apt-get purge -y -q $packages >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
left=$(find / -xdev \( -path /proc -o -path "$work" -o -path "$source" -o -path "$debs" \) -prune -o \( -name '*clip-surgeon*' -o -name '*clip_surgeon*' \) -print)
known=$(dpkg -l $packages 2>/dev/null | grep -v '^un' | grep clip-surgeon || true)
if [ -n "$left$known" ]; then
    printf 'What removal left:\n%s\n%s\n' "$left" "$known"
    exit 1
fi
echo "installed, right, and removed without a trace"
