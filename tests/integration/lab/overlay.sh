# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# For package.sh and unit.sh: a copy of this machine that is thrown away, an overlay in a mount namespace of our own, with the packages of FOLDER ($1) in
# its /tmp; and a count of checks. Sourced; starts the program that sources it again in the namespace.
if [ "${2:-}" != inside ]; then
    exec unshare --mount --propagation private "$0" "$(realpath "$1")" inside
fi

folder=$1
top=$(cd "$(dirname "$0")/../.." && pwd)
root=/mnt
mount -t tmpfs -o mode=755 none "$root"
mkdir "$root/upper" "$root/work" "$root/fs"
mount -t overlay -o "lowerdir=/,upperdir=$root/upper,workdir=$root/work" none "$root/fs"
root=$root/fs
for path in /proc /dev /sys; do mount --rbind "$path" "$root$path"; done
for path in /run /tmp; do mount -t tmpfs none "$root$path"; done
for name in xfedd xfed-notify prosody-mod-route-gateway ejabberd-mod-route-gateway; do cp "$folder/$name"_*.deb "$root/tmp/$name.deb"; done
rm -rf "$root/etc/xfedd" "$root/var/lib/xfedd" "$root/usr/sbin/policy-rc.d"
inside() { chroot "$root" env DEBIAN_FRONTEND=noninteractive LC_ALL=C "$@"; }

# The configuration of the package without its #, and the files that it names.
configure() {
    sed -i '/^# xfedd --sample/,$ { s/^#\([^ ]\)/\1/; s/^#   /    / }' "$root/etc/xfedd/xfed.conf"
    (
        cd "$root/etc/xfedd"
        umask 027
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 90 -subj /CN=example.org \
            -addext subjectAltName=DNS:example.org -keyout example.org.key -out example.org.pem 2>/dev/null
        for secret in link dialback; do openssl rand -hex 32 >"$secret.secret"; done
        chmod 640 ./*.key ./*.secret
    )
    inside sh -c 'chgrp xfedd /etc/xfedd/*'
}

passed=0 failed=0
check() {       # label, command...
    local label=$1
    shift
    if out=$("$@" 2>&1); then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL $label: ${out:0:2000}"
    fi
}
summary() {
    echo "$passed passed, $failed failed"
    [ "$failed" = 0 ]
}
