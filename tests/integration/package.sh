#!/bin/bash
# SPDX-License-Identifier: MIT
# The Debian packages, installed with dpkg into a copy of this machine that is thrown away (an overlay in a mount namespace of our own): what is
# where with which mode, that nothing starts, that the configuration stays, and what a purge leaves behind. Root.
#
# usage: package.sh FOLDER    what scripts/package has made
set -eu
. "$(dirname "$0")/lab/overlay.sh"

has_mode() {    # path, "MODE USER:GROUP"
    local got
    got=$(inside stat -c '%a %U:%G' "$1") && [ "$got" = "$2" ] || { echo "$got, expected $2"; return 1; }
}
fails_with() { local want=$1 code=0; shift; "$@" >/dev/null 2>&1 || code=$?; [ "$code" = "$want" ] || { echo "exit $code"; return 1; }; }
gone() { [ ! -e "$root$1" ] && [ ! -L "$root$1" ] || { ls -ld "$root$1"; return 1; }; }
lint() { ! { inside zcat "$1" | mandoc -Tlint 2>&1 | grep -v 'referenced manual not found\|outdated mandoc.db'; }; }
has_package() { [ "$(inside dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# ---- installed
check "install" inside dpkg -i /tmp/xfedd.deb
check "its state" has_package xfedd
check "the user" inside id xfedd
# path, mode, owner
while read -r path mode owner; do
    check "$path" has_mode "$path" "$mode $owner"
done <<'LIST'
/etc/xfedd 750 root:xfedd
/etc/xfedd/xfed.conf 644 root:root
/etc/apparmor.d/xfedd 644 root:root
/usr/sbin/xfedd 755 root:root
/usr/bin/xfedctl 755 root:root
/usr/share/bash-completion/completions/xfedctl 644 root:root
/usr/share/zsh/vendor-completions/_xfedctl 644 root:root
/lib/systemd/system/xfedd.service 644 root:root
/lib/systemd/system/xfedd.socket 644 root:root
/usr/lib/sysusers.d/xfedd.conf 644 root:root
/usr/lib/tmpfiles.d/xfedd.conf 644 root:root
/usr/share/man/man8/xfedd.8.gz 644 root:root
/usr/share/man/man5/xfed.conf.5.gz 644 root:root
/usr/share/doc/xfedd/README.md 644 root:root
/usr/share/doc/xfedd/CHANGELOG.md 644 root:root
/usr/share/doc/xfedd/copyright 644 root:root
/usr/share/doc/xfedd/conf/examples/minimal.conf 644 root:root
/usr/share/xfedd/xfed.conf 644 root:root
/usr/share/xfedd/prosody/mod_route_gateway.lua 644 root:root
/usr/share/xfedd/ejabberd/mod_route_gateway.erl 644 root:root
LIST
check "a way to write" sh -c "! dpkg-deb -c '$folder'/xfedd_*.deb | grep -E '^[^l](....w|.......w)'"
check "not enabled" gone /etc/systemd/system/multi-user.target.wants/xfedd.service
check "the socket is not enabled" gone /etc/systemd/system/sockets.target.wants/xfedd.socket
check "xfedctl.1" lint /usr/share/man/man1/xfedctl.1.gz
check "xfedd.8" lint /usr/share/man/man8/xfedd.8.gz
check "xfed.conf.5" lint /usr/share/man/man5/xfed.conf.5.gz
# shellcheck disable=SC2016
check "Build-Depends has what scripts/setup --compile installs" sh -c 'cd "$1"
    for name in $(sed -n "/^BUILD=/,/\"\$/p" scripts/setup | grep -oE "z?lib[a-z0-9-]*-dev" | grep -v libc6-dev); do
        grep -qE "^ $name( .*)?,\$" debian/control || { echo "$name is missing in debian/control"; exit 1; }
    done' sh "$top"
check "hardened" sh -c "grep -q FORTIFY_SOURCE=3 '$folder/build.log' && ! grep 'FORTIFY_SOURCE=[0-2]' '$folder/build.log'"
check "AppArmor profile" inside sh -c '! command -v apparmor_parser >/dev/null || apparmor_parser -Q -T /etc/apparmor.d/xfedd'
check "unit" inside systemd-analyze verify --man=no /lib/systemd/system/xfedd.service /lib/systemd/system/xfedd.socket

# ---- the configuration
check "what is installed is refused" fails_with 78 inside xfedd -t
check "by a start too" fails_with 78 inside timeout 10 xfedd
configure
check "without its #, it is accepted by the user of the unit" inside runuser -u xfedd -- xfedd -t
echo '# kept' >>"$root/etc/xfedd/xfed.conf"
check "upgrade" inside dpkg -i /tmp/xfedd.deb
check "it keeps the configuration" grep -q '^# kept' "$root/etc/xfedd/xfed.conf"
check "and its mode" has_mode /etc/xfedd/link.secret "640 root:xfedd"

# ---- the modules, where their servers are
if has_package prosody; then
    check "Prosody's module" inside dpkg -i /tmp/prosody-mod-route-gateway.deb
    cat >"$root/tmp/prosody.cfg.lua" <<'CONF'
pidfile = "/tmp/prosody.pid"
data_path = "/tmp"
log = { debug = "*console" }
modules_enabled = { "route_gateway" }
modules_disabled = { "s2s" }
c2s_ports = { }
component_ports = { }
route_gateway_component = { "xfedd.example.org" }
VirtualHost "example.org"
CONF
    check "Prosody finds it" inside sh -c 'timeout 3 runuser -u prosody -- prosody -F --config /tmp/prosody.cfg.lua >/tmp/prosody.log 2>&1
        ! grep -i "error.*route_gateway" /tmp/prosody.log && grep "route_gateway" /tmp/prosody.log || { cat /tmp/prosody.log; false; }'
else
    echo "left out: prosody is not installed"
fi
if has_package ejabberd; then
    # shellcheck disable=SC2016
    loads='E=$(grep -o "^ERL_LIBS=.*" /usr/sbin/ejabberdctl | tr -d "\047"); export "$E"
        erl -noshell -eval "{module, mod_route_gateway} = code:ensure_loaded(mod_route_gateway), [{component, _}] = [{O, 1} || O <- mod_route_gateway:mod_options(1)], halt(0)."'
    check "ejabberd's module" inside dpkg -i /tmp/ejabberd-mod-route-gateway.deb
    check "ejabberd finds it" inside timeout 30 sh -c "$loads"
    inside sh -c 'rm -r /usr/lib/*/mod_route_gateway'
    check "a new ejabberd" inside dpkg-trigger --by-package=ejabberd /usr/sbin/ejabberdctl
    check "it is compiled again" inside dpkg --configure --pending
    check "ejabberd finds that" inside timeout 30 sh -c "$loads"
    check "removed" inside dpkg -r ejabberd-mod-route-gateway
    check "nothing is left of it" sh -c "! ls -d '$root'/usr/lib/*/mod_route_gateway"
else
    echo "left out: ejabberd is not installed"
fi

# ---- alarms by chat, a package of its own
check "xfedd has no libstrophe" sh -c "! dpkg-deb -f '$folder'/xfedd_*.deb Depends | grep strophe"
check "xfed-notify" inside dpkg -i /tmp/xfed-notify.deb
check "its user" inside id xfed-notify
check "xfed-notify.8" lint /usr/share/man/man8/xfed-notify.8.gz
check "its unit" inside systemd-analyze verify --man=no /lib/systemd/system/xfed-notify.service
check "it is not enabled" gone /etc/systemd/system/multi-user.target.wants/xfed-notify.service
check "without a configuration" fails_with 78 inside xfed-notify -t
inside sh -c 'cp /usr/share/doc/xfed-notify/examples/xfed-notify.conf /etc/xfedd; umask 077; echo secret >/etc/xfedd/xfed-notify.password'
check "the example" inside xfed-notify -t
check "removed too" inside dpkg -P xfed-notify

# ---- away
mkdir -p "$root/var/lib/xfedd"
touch "$root/var/lib/xfedd/peers.db"
check "remove" inside dpkg -r xfedd
check "the configuration is still there" grep -q '^# kept' "$root/etc/xfedd/xfed.conf"
check "purge" inside dpkg -P xfedd
check "no configuration" gone /etc/xfedd/xfed.conf
check "no state" gone /var/lib/xfedd
check "no program" gone /usr/sbin/xfedd
check "no profile" gone /etc/apparmor.d/xfedd
check "keys stay" test -f "$root/etc/xfedd/example.org.key"
summary
