#!/bin/sh
# Shows what the packages of `./do package` do on a machine that has nothing of this one: a folder of Debian 12 that debootstrap makes, with
# tools/check_package.sh in it.
#   tools/bare_package.sh [FOLDER-WITH-DEBS]          as root; build-package where none is named
# The folder is made once in $BARE (default: clip-surgeon-bare in the temporary folder); each run has a fresh copy of it, which is removed.
set -eu
debs=${1:-build-package}
case $debs in -*) sed -n '2,/^set/s/^# //p' "$0"; exit 0 ;; esac
cd "$(dirname "$0")/.."
bare=${BARE:-${TMPDIR:-/tmp}/clip-surgeon-bare}
skip() { echo "skipped: $*" >&2; exit 77; }
[ "$(id -u)" -eq 0 ] || skip "a folder becomes a machine for root alone"
command -v debootstrap >/dev/null || skip "debootstrap is not installed"
ls "$debs"/*.deb >/dev/null || { echo "there are no packages in $debs; ./do package makes them" >&2; exit 1; }

if [ ! -e "$bare/.done" ]; then
    # Where this machine has its packages from.
    mirror=$(cat /etc/apt/sources.list.d/*.sources /etc/apt/sources.list 2>/dev/null |
        sed -nE 's/^(URIs:|deb) +(\[[^]]*\] +)?([^ ]*\/debian\/?)( .*)?$/\3/p' | head -n 1)
    rm -rf --one-file-system "$bare"
    debootstrap --variant=minbase bookworm "$bare" ${mirror:+"$mirror"} >/dev/null
    cp /etc/apt/apt.conf.d/99* "$bare/etc/apt/apt.conf.d/" 2>/dev/null || true # proxies and the like
    touch "$bare/.done"
fi
run=$(mktemp -d "$bare-run.XXXXXX")
leave() {
    for m in dev sys proc; do umount -l "$run/$m" 2>/dev/null || true; done
    rm -rf --one-file-system "$run"
}
trap leave EXIT INT TERM
cp -a "$bare/." "$run"
cp /etc/resolv.conf /etc/hosts "$run/etc/"
for m in proc sys dev; do mount --bind "/$m" "$run/$m"; done
mkdir "$run/root/project" "$run/root/debs"
cp "$debs"/*.deb "$run/root/debs/"
git archive HEAD | tar -x -C "$run/root/project"
chroot "$run" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
    /root/project/tools/check_package.sh /root/debs
