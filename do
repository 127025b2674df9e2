#!/bin/sh
# Everything a newcomer needs, as verbs; each does what it needs before. `./do help` lists them.
set -eu
cd "$(dirname "$0")"

BUILD=build
OUTPUT=demo-output

# name of the Debian package : how to see that it is there : what it is for
packages() {
    cat <<'LIST'
gcc:cmd cc:the C compiler
meson:cmd meson:the build system
ninja-build:cmd ninja:runs the build
pkg-config:cmd pkg-config:finds the libraries
python3:cmd python3:embeds kernels and runs tests
ocl-icd-opencl-dev:pc OpenCL:the OpenCL loader
opencl-headers:file /usr/include/CL/cl.h:OpenCL's headers
libclblast-dev:file /usr/include/clblast_c.h:matrix multiplication on GPUs
pocl-opencl-icd:icd pocl:an OpenCL device where there is no GPU
libstb-dev:file /usr/include/stb/stb_image.h:reads pictures
libpng-dev:pc libpng:writes pictures
libjpeg62-turbo-dev:pc libjpeg:reads JPEG as Pillow does
libjansson-dev:pc jansson:JSON
libutf8proc-dev:pc libutf8proc:Unicode
libssl-dev:pc libcrypto:SHA-256
libzip-dev:pc libzip:OpenAI's archives
libcurl4-openssl-dev:pc libcurl:fetches models
LIST
}
viewer_packages() {
    cat <<'LIST'
g++:cmd c++:the one C++ file of the viewer
libglfw3-dev:pc glfw3:the viewer's window
libepoxy-dev:pc epoxy:OpenGL
libimgui-dev:pc imgui:the viewer's widgets
libavdevice-dev:pc libavdevice:cameras
libavformat-dev:pc libavformat:video files
libavcodec-dev:pc libavcodec:video
libswscale-dev:pc libswscale:pictures of videos
libfontconfig-dev:pc fontconfig:finds fonts
LIST
}
test_packages() {
    cat <<'LIST'
libcmocka-dev:pc cmocka:the unit tests
python3-numpy:py numpy:the golden and command-line tests
xvfb:cmd Xvfb:a display for the tests of the viewer
xdotool:cmd xdotool:keys and mouse for the tests of the viewer
libgl1-mesa-dri:dri swrast:OpenGL without a GPU
desktop-file-utils:cmd desktop-file-validate:judges the viewer's menu entry
appstream:cmd appstreamcli:judges its description
groff-base:cmd groff:judges the manual page
python3-cffi:py cffi:the Python module
python3-pip:py pip:installs it
python3-setuptools:py setuptools:builds it
python3-wheel:py wheel:packs it
LIST
}
# Further OpenCL implementations, so that every kernel runs on several (docs/conformance.md), MPI, libFuzzer, and what ./do test --long takes.
device_packages() {
    cat <<'LIST'
mesa-opencl-icd:icd rusticl:Mesa's OpenCL, on the CPU through llvmpipe
oclgrind:cmd oclgrind:finds reads and writes out of bounds, and data races
python3-pip:py pip:fetches Intel's OpenCL runtime for CPUs
ca-certificates:file /etc/ssl/certs/ca-certificates.crt:fetches it safely
libopenmpi-dev:cmd mpicc:eval on several machines
openmpi-bin:cmd mpirun:starts it there
clang:cmd clang:builds the fuzzers
libclang-rt-14-dev:rt fuzzer:fuzzes
cppcheck:cmd cppcheck:analysis of ./do test --long
clang-tidy:cmd clang-tidy:the same
valgrind:cmd valgrind:the same
LIST
}
# Builds Debian packages and judges them.
package_packages() {
    cat <<'LIST'
git:cmd git:lists the files of the source tree
dpkg-dev:cmd dpkg-buildpackage:builds packages
debhelper:cmd dh:builds packages
dh-python:cmd dh_python3:builds the Python module's
python3-cffi:py cffi:reads the header for it
python3-setuptools:py setuptools:builds it
fakeroot:cmd fakeroot:lets the packages' files belong to root
lintian:cmd lintian:judges packages
LIST
}

# PyTorch, ONNX Runtime and OpenVINO come with pip into an environment of their own.
bench_packages() {
    cat <<'LIST'
python3-venv:py ensurepip:an environment for the peers
python3-pip:py pip:fetches the peers
LIST
}
PEERS="torch onnx onnxscript onnxruntime openvino numpy pillow matplotlib packaging"

have() { # how to see that something is there
    case $1 in
    "cmd "*) command -v "${1#cmd }" >/dev/null 2>&1 ;;
    "pc "*) pkg-config --exists "${1#pc }" 2>/dev/null ;;
    "file "*) [ -e "${1#file }" ] ;;
    "icd "*) ls /etc/OpenCL/vendors/*"${1#icd }"* >/dev/null 2>&1 ;;
    "dri "*) ls /usr/lib/*/dri/"${1#dri }"_dri.so >/dev/null 2>&1 ;;
    "rt "*) ls /usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt."${1#rt }"-* >/dev/null 2>&1 ;;
    "py "*) /usr/bin/python3 -c "import ${1#py }" >/dev/null 2>&1 ;;
    esac
}

missing() { # the lines of a list that are not there
    while IFS=: read -r name how why; do
        have "$how" || printf '%s:%s\n' "$name" "$why"
    done
}

install_missing() { # list on stdin
    lines=$(missing)
    [ -n "$lines" ] || return 0
    names=$(printf '%s\n' "$lines" | cut -d: -f1 | tr '\n' ' ')
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "This is not a Debian system. Please install what these Debian packages hold, then run the same command again:"
        printf '%s\n' "$lines" | sed 's/^\([^:]*\):\(.*\)/  \1  (\2)/'
        echo "(macOS with Homebrew: meson ninja pkg-config clblast jansson utf8proc libpng jpeg-turbo openssl libzip curl cmocka numpy"
        echo " glfw libepoxy ffmpeg fontconfig;"
        echo " OpenCL and a device come with the system)"
        echo "Going on with what is there."
        return 0
    fi
    echo "Installing what is missing:"
    printf '%s\n' "$lines" | sed 's/^\([^:]*\):\(.*\)/  \1  (\2)/'
    sudo=
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null 2>&1 || { echo "Neither root nor sudo: please run as root: apt-get install $names" >&2; exit 1; }
        sudo=sudo
    fi
    log=$(mktemp)
    # shellcheck disable=SC2086  # the names are words
    if ! { $sudo apt-get update -q && $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $names; } >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        rm -f "$log"
        echo "The packages could not be installed: $names" >&2
        exit 1
    fi
    rm -f "$log"
}

setup() { { packages; viewer_packages; } | install_missing; }
setup_tests() { { packages; viewer_packages; test_packages; } | install_missing; }
setup_devices() {
    { packages; viewer_packages; test_packages; device_packages; } | install_missing
    if [ -n "$(device_packages | missing)" ]; then
        echo "Not every OpenCL implementation could be installed here; ./do test says which ones it found."
        return 0
    fi
    /usr/bin/python3 tools/intel_runtime.py
}

quietly() { # a command whose output is of interest only where it fails
    log=$(mktemp)
    if ! "$@" >"$log" 2>&1; then
        cat "$log" >&2
        rm -f "$log"
        exit 1
    fi
    rm -f "$log"
}

configure() { # build folder, further meson options
    folder=$1
    shift
    if [ -e "$folder/build.ninja" ]; then
        [ $# -eq 0 ] || quietly meson configure "$folder" "$@"
    else
        quietly meson setup "$folder" "$@"
    fi
}

build() {
    setup
    configure $BUILD
    quietly ninja -C $BUILD clip-surgeon
}

demo() {
    build
    mkdir -p $OUTPUT
    for pair in dog:"dog car" person:person horses:horse; do
        # shellcheck disable=SC2086  # several texts
        $BUILD/clip-surgeon map "assets/pictures/${pair%%:*}.jpg" ${pair#*:} --labels demo --size 240 --first-block 2 --compare raw \
            -y -o "$OUTPUT/${pair%%:*}.png"
    done
}

bench_kernels() {
    setup_tests
    configure $BUILD -Dtests=enabled
    quietly ninja -C $BUILD tests/conformance
    exec $BUILD/tests/conformance --bench "$@"
}

bench() {
    build
    bench_packages | install_missing
    venv=$BUILD/bench-venv
    if [ ! -e $venv/complete ]; then
        echo "Fetching PyTorch, ONNX Runtime and OpenVINO into $venv (once; several GB)"
        quietly /usr/bin/python3 -m venv $venv
        # shellcheck disable=SC2086  # the names are words
        quietly $venv/bin/pip install -q $PEERS
        touch $venv/complete
    fi
    exec $venv/bin/python tools/bench.py --binary $BUILD/clip-surgeon "$@"
}

package() {
    command -v dpkg >/dev/null 2>&1 || { echo "./do package makes Debian packages, which takes Debian or its kin" >&2; exit 1; }
    { packages; viewer_packages; package_packages; } | install_missing
    version=$(sed -n "s/^  version: '\([^']*\)'.*/\1/p" meson.build)
    # The date of the last commit, so that the same tree makes the same packages.
    date=$(git log -1 --format=%cD)
    place=$BUILD-package
    tree=$place/clip-surgeon-$version
    rm -rf $place
    mkdir -p "$tree"
    git ls-files -z --cached --others --exclude-standard | xargs -0 cp -P --parents -t "$tree"
    mv "$tree/tools/debian" "$tree/debian"
    sed -i "s/@VERSION@/$version/; s/@DATE@/$date/" "$tree/debian/changelog"
    (cd "$tree" && quietly dpkg-buildpackage -us -uc -b)
    quietly lintian --fail-on error --allow-root $place/*.changes
    ls $place/*.deb
}

tests() {
    setup_tests
    configure $BUILD -Dtests=enabled
    quietly ninja -C $BUILD
    configure $BUILD-asan -Dtests=enabled -Db_sanitize=address,undefined -Dbuildtype=debugoptimized
    python3 tests/run.py "$@" $BUILD $BUILD-asan
}

case ${1:-help} in
setup)
    case ${2:-} in
    '') setup ;;
    --all-devices) setup_devices ;;
    *) echo "./do setup knows only --all-devices" >&2; exit 2 ;;
    esac ;;
build) build ;;
demo) demo ;;
test) shift; tests "$@" ;;
bench)
    shift
    case ${1:-} in
    --kernels) shift; bench_kernels "$@" ;;
    *) bench "$@" ;;
    esac ;;
package) package ;;
view) shift; build; exec $BUILD/clip-surgeon view "$@" ;;
clean) rm -rf $BUILD $BUILD-asan $BUILD-fuzz $BUILD-tsan $BUILD-package $OUTPUT ;;
help | -h | --help)
    cat <<'HELP'
./do setup   install what is missing (Debian and its kin; elsewhere it says what to install)
             setup --all-devices: also the OpenCL implementations that tests can run on, Intel's from the Python package index
./do build   build/clip-surgeon
./do demo    find words in the demo pictures, and print where the picture of it is
./do test    every test, on each OpenCL implementation that is there; CSG_REQUIRE_DEVICES=pocl,intel,rusticl: or fail
             test --long: those that take long as well, Oclgrind and fuzzers among them
./do bench   the speed beside PyTorch, ONNX Runtime and OpenVINO, and docs/benchmarks.md; --quick: to see that it works
             bench --kernels: of every kernel beside the device's measured peaks; options as build/tests/conformance has them
./do package Debian packages in build-package/, with lintian's blessing
./do view    the live viewer: ./do view [SOURCE] [TEXT...]
./do clean   remove what was built
./do help    this text
HELP
    ;;
*) echo "./do has no verb '$1'; ./do help lists them" >&2; exit 2 ;;
esac
