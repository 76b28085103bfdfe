#!/bin/bash
# SPDX-License-Identifier: MIT
# xfedd.service of the package in a real systemd, in a container that nspawn starts: what becomes of a start, a reload, a crash and an upgrade, with a
# configuration that is accepted, and with one that is refused. Root.
#
# usage: unit.sh FOLDER    what scripts/package has made
set -eu
. "$(dirname "$0")/lab/overlay.sh"
command -v systemd-nspawn >/dev/null || { echo "left out: systemd-nspawn is not installed (Debian: apt-get install systemd-container)"; exit 0; }

inside dpkg -i /tmp/xfedd.deb /tmp/xfed-notify.deb >/dev/null 2>&1
configure
inside sh -c 'cd /etc/xfedd && cp /usr/share/doc/xfed-notify/examples/xfed-notify.conf . && umask 077 && echo secret >xfed-notify.password && chmod 600 xfed-notify.conf'
cp "$root/tmp/xfedd.deb" "$root/root/"
sed -i 's|control = "/run/xfedd/control.sock"|& control-readers = {"adm", "xfed-notify"}|' "$root/etc/xfedd/xfed.conf"
good=$(cat "$root/etc/xfedd/xfed.conf")
inside useradd --groups adm reader
inside useradd stranger
for path in /run /tmp /proc /dev /sys; do umount -l "$root$path"; done

# Nothing of this machine's own runs in it.
systemd-nspawn -D "$root" --boot --register=no --keep-unit --private-network --console=pipe --settings=no \
    --system-call-filter='landlock_create_ruleset landlock_add_rule landlock_restrict_self' systemd.unit=basic.target systemd.mask=systemd-networkd.socket \
    >"$root/root/nspawn.log" 2>&1 </dev/null &
nspawn=$!
trap 'kill $nspawn; wait $nspawn || true' EXIT
for _ in $(seq 60); do
    init=$(pgrep -P $nspawn | head -n 1) || true
    [ -n "$init" ] && nsenter -t "$init" -a systemctl is-active --quiet basic.target 2>/dev/null && break
    sleep 0.5
done
in_unit() { nsenter -t "$init" -a "$@"; }
in_unit systemctl is-active --quiet basic.target || { echo "left out: no systemd starts here: $(tail -n 1 "$root/root/nspawn.log")"; exit 0; }

put() { printf '%s\n' "$@" >"$root/etc/xfedd/xfed.conf"; }
is() {          # "PROPERTY=value"
    local got
    got=$(in_unit systemctl show xfedd.service -p "${1%%=*}")
    [ "$got" = "$1" ] || { echo "$got"; return 1; }
}
pid() { in_unit systemctl show xfedd.service -p MainPID --value; }
journal() { in_unit journalctl -u xfedd.service --no-pager -o cat | grep -q -- "$1" || { in_unit journalctl -u xfedd.service --no-pager -o cat | tail -n 5; return 1; }; }
fails() { ! "$@"; }
soon() { for _ in $(seq 100); do "$@" >/dev/null 2>&1 && return 0; sleep 0.1; done; "$@"; }

check "a start" in_unit systemctl start xfedd
check "it is up" is ActiveState=active
check "its own sandbox" journal 'process.sandbox.on calls=yes files=yes'
check "xfedctl gets an answer" in_unit xfedctl status
check "a member of the group too" in_unit runuser -u reader xfedctl status
check "but may not act" fails in_unit runuser -u reader xfedctl drain
check "nobody else gets one" fails in_unit runuser -u stranger xfedctl status
check "xfed-notify starts, with files that only root can read" in_unit systemctl start xfed-notify
check "it may follow the alarms" soon in_unit sh -c 'journalctl -u xfed-notify --no-pager -o cat | grep notify.gateway.followed'
check "it stays" in_unit systemctl is-active xfed-notify
check "a reload" in_unit systemctl reload xfedd
check "it is read" soon journal config.reload.done
put "$good" 'nonsense = 1'
before=$(pid)
check "a refused reload fails" fails in_unit systemctl reload xfedd
check "the reason" journal 'unknown key "nonsense"'
check "xfedd goes on" is "MainPID=$before"
check "a refused upgrade" in_unit dpkg -i /root/xfedd.deb
check "the old process goes on" is "MainPID=$before"
check "a refused start fails" fails in_unit systemctl restart xfedd
sleep 5
check "and is not repeated" is NRestarts=0
check "its exit status" is ExecMainStatus=78
put "$good"
check "a mended configuration" in_unit systemctl restart xfedd
before=$(pid)
check "an upgrade" in_unit dpkg -i /root/xfedd.deb
check "it is up again" soon is ActiveState=active
check "with the new program" fails is "MainPID=$before"
in_unit systemctl kill -s SEGV xfedd
check "a crash is followed by a start" soon is NRestarts=1
check "it is up after it" soon is SubState=running
in_unit chmod 644 /etc/xfedd/link.secret
check "a reload with a secret that others can read fails" fails in_unit systemctl reload xfedd
in_unit chmod 640 /etc/xfedd/link.secret
in_unit systemctl stop xfedd
check "the socket" in_unit systemctl start xfedd.socket
check "a start with the socket" in_unit systemctl start xfedd
check "it takes it over" journal process.socket.inherited
check "remove" in_unit dpkg -r xfedd
check "it is not running" is ActiveState=inactive
summary
