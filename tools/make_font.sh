#!/bin/sh
# Writes assets/fonts/DejaVuSans-subset.ttf. Needs fonttools (pyftsubset) and Debian's fonts-dejavu-core, or the path of DejaVuSans.ttf.
set -eu
font=${1:-/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf}
# Latin, Latin-1, Extended-A and -B, Greek, Cyrillic, punctuation, currency, arrows, some signs, full blocks, and the replacement sign.
pyftsubset "$font" --output-file="$(dirname "$0")/../assets/fonts/DejaVuSans-subset.ttf" \
    --unicodes=U+0020-007E,U+00A0-024F,U+0370-03FF,U+0400-04FF,U+1E80-1E85,U+1E9E,U+1EF2-1EF3,U+2010-2027,U+202F-203A,U+2044,U+2070-2094,U+20A0-20B5,U+2116,U+2122,U+2126,U+2190-2199,U+21D2,U+21D4,U+2200-2212,U+221A,U+221E,U+2248,U+2260-2265,U+25A0-25A1,U+25CF,U+2605-2606,U+2713,U+2717,U+FFFD \
    --layout-features='' --legacy-kern --no-hinting --name-IDs='*' --notdef-outline \
    --drop-tables+=FFTM,GDEF,GPOS,GSUB,MATH,gasp
