#!/bin/sh
# install.sh install|uninstall PROGRAM...: below $DESTDIR$PREFIX the header, partaware.pc, a CMake
# package, and the built examples as partaware-NAME, with the man page and the bash completion that
# each one prints of itself. -DPAW_NO_... in CPPFLAGS go to those who build against it.
# RUN runs programs of another machine (RUN=qemu-aarch64).
set -eu
cd "$(dirname "$0")/.."
prefix=${PREFIX:-/usr/local}
case $prefix in
    /*) ;;
    *) echo "install: PREFIX '$prefix' is not an absolute path" >&2; exit 2 ;;
esac
to=${DESTDIR:-}$prefix
share=$to/share
what=$1
shift

pages() # name: where the pages of a program go
{
    man=$share/man/man1/$1.1
    completion=$share/bash-completion/completions/$1
}

if [ "$what" = uninstall ]; then
    for program in "$@"; do
        name=partaware-${program##*/}
        pages "$name"
        rm -f "$to/bin/$name" "$man" "$completion"
    done
    rm -f "$to/include/partaware.h" "$share/pkgconfig/partaware.pc" \
        "$share/cmake/partaware/partaware-config.cmake" \
        "$share/cmake/partaware/partaware-config-version.cmake"
    [ ! -d "$share/cmake/partaware" ] || rmdir "$share/cmake/partaware" 2>/dev/null || true
    exit 0
fi

version=$(sed -n '1s/.* - v\([0-9.]*\) - .*/\1/p' partaware.h)
macros=
for word in ${CPPFLAGS:-}; do
    case $word in -DPAW_NO_*) macros="$macros $word" ;; esac
done
# SLEEF by its own .pc where it has one.
requires='' sleef=' -lsleef'
case "$macros " in
    *-DPAW_NO_SLEEF[\ =]*) sleef= ;;
    *) if pkg-config --exists sleef 2>/dev/null; then requires=sleef sleef=; fi ;;
esac
threads=' -lpthread'
case "$macros " in *-DPAW_NO_THREADS[\ =]*) threads= ;; esac

mkdir -p "$to/include" "$share/pkgconfig" "$share/cmake/partaware"
install -m 644 partaware.h "$to/include/partaware.h"
fill() # template file
{
    sed -e "s|@PREFIX@|$prefix|" -e "s|@VERSION@|$version|" -e "s|@REQUIRES@|$requires|" \
        -e "s|@SLEEF@|$sleef|" -e "s|@THREADS@|$threads|" -e "s|@MACROS@|$macros|" \
        -e 's/[ ]*$//' "tools/$1.in" >"$2"
    chmod 644 "$2"
}
fill partaware.pc "$share/pkgconfig/partaware.pc"
fill partaware-config.cmake "$share/cmake/partaware/partaware-config.cmake"
fill partaware-config-version.cmake "$share/cmake/partaware/partaware-config-version.cmake"

[ $# -eq 0 ] || mkdir -p "$to/bin" "$share/man/man1" "$share/bash-completion/completions"
for program in "$@"; do
    name=partaware-${program##*/}
    pages "$name"
    install -m 755 "$program" "$to/bin/$name"
    ${RUN:-} "$to/bin/$name" --man >"$man"
    ${RUN:-} "$to/bin/$name" --completion >"$completion"
    chmod 644 "$man" "$completion"
done
