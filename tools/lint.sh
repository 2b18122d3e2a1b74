#!/bin/sh
# Keeps the map of partaware.h true and the budgets kept. One line per finding and status 1; silent
# and status 0 when clean. Functions over 80 lines are named as warnings only.
set -u
cd "$(dirname "$0")/.." || exit 1
h=partaware.h
out=$(mktemp)
trap 'rm -f "$out"' EXIT

files() # every text file of the project that is or would be committed
{
    if [ -e .git ] && command -v git >/dev/null 2>&1; then
        git ls-files --cached --others --exclude-standard
    else
        find . -type f -not -path './build/*' -not -path './.git/*' | sed 's,^\./,,'
    fi | sort -u | while read -r f; do [ -f "$f" ] && echo "$f"; done
}
code() { files | grep -E '\.(h|c|cc|cpp|sh)$|^Makefile$|^\.ci/'; }

# Sections stand in the order of >>contents.
awk '
    match($0, /==== >>[a-z_]+ ====/) {
        tag = substr($0, RSTART + 7, RLENGTH - 12)
        in_list = tag == "contents"
        if (!in_list) section[++sections] = tag
        if (seen[tag]++) printf "%s:%d: section >>%s starts twice\n", FILENAME, FNR, tag
        next
    }
    in_list && $1 ~ /^>>[a-z_]+$/ && $1 != ">>contents" { entry[++entries] = substr($1, 3) }
    END {
        if (!entries) printf "%s: >>contents lists no section\n", FILENAME
        n = entries > sections ? entries : sections
        for (i = 1; i <= n; ++i)
            if (entry[i] != section[i]) {
                printf "%s: section %d is >>%s but >>contents says >>%s\n", FILENAME, i,
                       section[i], entry[i]
                break
            }
    }' $h >>"$out"

# Every macro that a user may set is explained in >>config.
awk '
    match($0, /==== >>[a-z_]+ ====/) { in_config = $0 ~ />>config / }
    in_config {
        s = $0
        while (match(s, /(PAW|PARTAWARE)_[A-Z0-9_]+/)) {
            known[substr(s, RSTART, RLENGTH)] = 1
            s = substr(s, RSTART + RLENGTH)
        }
    }
    /^[ \t]*#[ \t]*(if|ifdef|ifndef|elif)/ {
        s = $0
        while (match(s, /[A-Za-z0-9_]+/)) {
            word = substr(s, RSTART, RLENGTH)
            if (word ~ /^(PAW|PARTAWARE)_[A-Z0-9]/ && !(word in line)) line[word] = FNR
            s = substr(s, RSTART + RLENGTH)
        }
    }
    END {
        for (word in line)
            if (!(word in known) && word != "PARTAWARE_H")
                printf "%s:%d: %s is not explained in >>config\n", FILENAME, line[word], word
    }' $h | sort >>"$out"

# Budgets.
awk 'END { if (NR > 16513) printf "%s: %d lines, the budget is 16513\n", FILENAME, NR }' $h >>"$out"
for f in examples/*.c examples/*.cpp; do
    [ -f "$f" ] || continue
    awk 'END { if (NR > 150) printf "%s: %d lines, an example has 150 at most\n", FILENAME, NR }' \
        "$f" >>"$out"
done

# Layout: columns, ASCII, tabs, trailing blanks, the last newline.
code | while read -r f; do
    LC_ALL=C awk -v tabs="$([ "$f" = Makefile ] && echo 1)" '
        length($0) > 100 && FILENAME != "Makefile" {
            printf "%s:%d: %d columns\n", FILENAME, FNR, length($0)
        }
        /[^ -~\t]/ { printf "%s:%d: not ASCII\n", FILENAME, FNR }
        /\t/ && !tabs { printf "%s:%d: tab\n", FILENAME, FNR }
        /[ \t]$/ { printf "%s:%d: trailing blank\n", FILENAME, FNR }' "$f"
    [ -n "$(tail -c 1 "$f")" ] && echo "$f: no newline at the end"
done >>"$out"

# Machine paths and notes to oneself stay out. The brackets keep this file clean itself.
files | while read -r f; do
    grep -nIE '(^|[^A-Za-z0-9_.$}])/(wor[k]|far[m]|tm[p]|hom[e]|roo[t]|User[s])/' "$f" |
        sed "s|^\([0-9]*\):.*|$f:\1: a path of one machine|"
    grep -nIE '(^|[^A-Za-z])(TOD[O]|FIXM[E]|XX[X]|HAC[K])([^A-Za-z]|$)' "$f" |
        sed "s|^\([0-9]*\):.*|$f:\1: a note to oneself|"
done >>"$out"

# Long functions.
awk '
    /^\{/ || /^[a-zA-Z].*\)$/ { if (/^\{/) start = FNR; else head = $0; }
    /^\}/ {
        if (start && FNR - start > 80) {
            name = head
            sub(/\(.*/, "", name)
            sub(/.*[ *]/, "", name)
            printf "%s:%d: warning: %s has %d lines\n", FILENAME, start, name, FNR - start + 1
        }
        start = 0
    }' $h

cat "$out"
[ ! -s "$out" ]
