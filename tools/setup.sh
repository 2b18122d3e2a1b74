#!/bin/sh
# Checks for what partaware.h includes and installs by apt-get what is missing (as root, else
# through sudo). Silent where nothing is missing. CC and CPPFLAGS are those of the build.
# WITH=peers: also the libraries that bench/peers.c loads.
set -u
cc=${CC:-cc}
includes() # header...: 1 where the compiler does not find one of them
{
    for header in "$@"; do printf '#include <%s>\n' "$header"; done |
        $cc ${CPPFLAGS:-} -E -x c -o /dev/null - 2>/dev/null
}

command -v "${cc%% *}" >/dev/null 2>&1 || {
    echo "setup: no C compiler '$cc': install gcc, or run make CC=..." >&2
    exit 1
}
missing=
includes errno.h || missing="$missing libc6-dev" # which apt only recommends beside gcc
includes sleef.h || missing="$missing libsleef-dev"
includes stb/stb_image.h stb/stb_image_write.h || missing="$missing libstb-dev"
if [ "${WITH:-}" = peers ]; then
    includes oneapi/dnnl/dnnl.h || missing="$missing libdnnl-dev"
    installed() { PATH=$PATH:/sbin ldconfig -p 2>/dev/null | grep -q "$1"; }
    installed libopenblas.so.0 || missing="$missing libopenblas0-pthread"
    installed libblis.so.4 || missing="$missing libblis4-openmp"
fi
[ -n "$missing" ] || exit 0
command -v pkg-config >/dev/null 2>&1 || missing="$missing pkg-config"

command -v apt-get >/dev/null 2>&1 || {
    echo "setup: missing$missing, and there is no apt-get here: install them by hand" >&2
    exit 1
}
as_root=
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null 2>&1 || {
        echo "setup: missing$missing: run as root: apt-get install$missing" >&2
        exit 1
    }
    as_root=sudo
fi
echo "setup: installing$missing"
log=$(mktemp)
if ! { $as_root apt-get update && $as_root apt-get install -y --no-install-recommends $missing; } \
    >"$log" 2>&1; then
    tail -n 5 "$log" >&2
    rm -f "$log"
    echo "setup: apt-get install$missing failed: install them by hand" >&2
    exit 1
fi
rm -f "$log"
