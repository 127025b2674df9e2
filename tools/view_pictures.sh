#!/bin/sh
# The viewer's pictures in docs/, taken anew: tools/view_pictures.sh [PROGRAM]      (Xvfb with Mesa's software OpenGL)
set -eu
cd "$(dirname "$0")/.."
program=$(realpath "${1:-build/clip-surgeon}")
docs=$PWD/docs
photos=$PWD/assets/pictures
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

take() { # name, picture, texts; the script on stdin
    name=$1 picture=$2
    shift 2
    { echo "wait map"; cat; printf 'wait map\nwait frames 4\nwindow %s.png\nquit\n' "$name"; } >script
    LIBGL_ALWAYS_SOFTWARE=1 XDG_CONFIG_HOME=$work/$name XDG_STATE_HOME=$work/$name CSG_PRECISION=f32 \
        xvfb-run -a -s "-screen 0 1600x1000x24" "$program" view --window 1180x800 --labels demo --size 240 --first-block 2 \
        --script script "$photos/$picture" "$@"
    mv "$name.png" "$docs/view-$name.png"
}

take wipe horses.jpg horse <<'SCRIPT'
set layout wipe
set read_out 0
SCRIPT

take grid dog.jpg dog car "potted plant" dog+car <<'SCRIPT'
set layout grid
set points 1
set panel 0
set read_out 0
SCRIPT

take contours person.jpg person dog <<'SCRIPT'
set contours 4
set opacity 0.5
click 0.37 0.36
await patch_texts 8
SCRIPT
