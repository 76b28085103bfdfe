#!/bin/sh
# SPDX-License-Identifier: MIT
# `meson install` into an empty folder: every file is in its place and nothing else, the unit names what is there, and the program
# runs from there.
#
# usage: check-install.sh BUILD SOURCE_ROOT CONF_FILE SBINDIR DATADIR DOCDIR MANDIR UNITDIR SYSUSERSDIR TMPFILESDIR BINDIR, absolute paths
set -eu
build=$1 source=$2 conf_file=$3 sbin=$4 share=$5/xfedd doc=$6 man=$7 units=$8 sysusers=$9 tmpfiles=${10} bin=${11}
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
failed=0

fail() {
    echo "FAIL $1" >&2
    failed=1
}

meson install -C "$build" --no-rebuild --destdir "$root/fs" >"$root/log" || { cat "$root/log"; exit 1; }

# What should be there: the folders of conf/ and doc/, except what goes elsewhere or nowhere, and the rest by name.
{
    printf '%s\n' "$sbin/xfedd" "$share/xfed.conf" "$units/xfedd.service" "$units/xfedd.socket" "$sysusers/xfedd.conf" "$tmpfiles/xfedd.conf" \
        "$bin/xfedctl" "${share%/xfedd}/bash-completion/completions/xfedctl" "${share%/xfedd}/zsh/site-functions/_xfedctl" \
        "$man/man1/xfedctl.1" "$man/man8/xfedd.8" "$man/man5/xfed.conf.5"
    [ ! -e "$build/src/notify/xfed-notify" ] || printf '%s\n' "$sbin/xfed-notify" "$units/xfed-notify.service" "$sysusers/xfed-notify.conf" "$man/man8/xfed-notify.8"
    for name in CHANGELOG.md CONTRIBUTING.md LICENSE README.md; do echo "$doc/$name"; done
    (cd "$source/conf" && find ./*/ -type f) | grep -vE '^./(apparmor|completion|docker|systemd)/' | sed "s|^\.|$share|"
    (cd "$source" && find doc -type f) | sed "s|^|$doc/|"
} | sort >"$root/want"
(cd "$root/fs" && find . ! -type d) | sed 's|^\.||' | sort >"$root/got"
diff "$root/want" "$root/got" || fail "missing (<) or not expected (>)"
[ "$(wc -l <"$root/got")" -ge 30 ] || fail "only $(wc -l <"$root/got") files"

# Everybody may read it, and only root change it.
find "$root/fs" -type d ! -perm 755 -o -type f -perm /022 -o -type f ! -perm -444 | grep . && fail "wrong modes"
[ -x "$root/fs$sbin/xfedd" ] || fail "$sbin/xfedd is not executable"

# The unit.
grep -rn '@[a-z_]*@' "$root/fs$units" "$root/fs$tmpfiles" && fail "not filled in"
grep -q "^ExecStart=$sbin/xfedd -c $conf_file\$" "$root/fs$units/xfedd.service" || fail "ExecStart: $(grep ExecStart "$root/fs$units/xfedd.service")"
grep -q "^d ${conf_file%/*} 0750 root xfedd -\$" "$root/fs$tmpfiles/xfedd.conf" || fail "tmpfiles: $(grep '^d' "$root/fs$tmpfiles/xfedd.conf")"
"$root/fs$sbin/xfedd" --help | grep -qF " $conf_file " || fail "--help does not name $conf_file"

# The manual pages: every option, section and setting; and no complaint, except that the pages are not installed that they name.
plain() { sed 's/\\-/-/g' "$root/fs$man/$1"; }
for option in $("$root/fs$sbin/xfedd" --help | sed -n 's/^.* xfedd \(.*\)  .*/\1/p' | grep -oE -- '--?[a-z][a-z-]*' | sort -u); do
    plain man8/xfedd.8 | grep -qE -- "Fl ${option#-}( |\$)" || fail "xfedd.8 does not have $option"
done
for verb in $("$root/fs$bin/xfedctl" --verbs); do
    plain man1/xfedctl.1 | grep -qE -- "^\.It Cm $verb( |\$)" || fail "xfedctl.1 does not have $verb"
done
"$root/fs$sbin/xfedd" --sample | sed -n 's/^ *#\{0,1\}\([a-z0-9][a-z0-9-]*\) *=.*/\1/p' | sort -u >"$root/keys"
[ "$(wc -l <"$root/keys")" -ge 100 ] || fail "the sample has only $(wc -l <"$root/keys") settings"
while read -r key; do
    plain man5/xfed.conf.5 | grep -qxF ".It Ic $key" || fail "xfed.conf.5 does not have $key"
done <"$root/keys"
grep -n '@[a-z_]*@' "$root/fs$man"/man*/* && fail "not filled in"
if command -v mandoc >/dev/null; then
    mandoc -Tlint "$root/fs$man"/man*/* 2>&1 | grep -v 'referenced manual not found\|outdated mandoc.db' && fail "mandoc complains"
else
    echo "left out: mandoc is not installed (Debian: apt-get install mandoc)"
fi

# The program, with the smallest example and the files that it names.
etc=$root/fs${conf_file%/*}
mkdir -p "$etc"
cp "$root/fs$share/examples/minimal.conf" "$etc/xfed.conf"
echo 'trust { ca-file = "example.org.pem" }' >>"$etc/xfed.conf"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 90 -subj /CN=example.org \
    -addext subjectAltName=DNS:example.org -keyout "$etc/example.org.key" -out "$etc/example.org.pem" 2>/dev/null
(umask 077; for secret in link dialback; do openssl rand -hex 32 >"$etc/$secret.secret"; done)
"$root/fs$sbin/xfedd" -c "$etc/xfed.conf" -t >"$root/out" 2>&1 || fail "-t refuses the smallest example: $(cat "$root/out")"
[ "$(cat "$root/out")" = "$etc/xfed.conf: ok" ] || fail "-t says of the smallest example: $(cat "$root/out")"

[ "$failed" = 0 ] && echo "$(wc -l <"$root/got") files are installed, and xfedd runs there"
exit "$failed"
