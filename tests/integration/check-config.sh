#!/bin/sh
# SPDX-License-Identifier: MIT
# The real xfedd and its configuration: every broken file of tests/unit/conf/broken says what its first line wants and ends
# with 78; the shipped sample is what --sample prints, and it loads; --dump can be loaded and dumps the same; exit codes.
#
# usage: check-config.sh XFEDD SOURCE_ROOT
set -eu
xfedd=$1
source=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failed=0

fail() {
    echo "FAIL $1" >&2
    failed=1
}

# expect CODE NAME COMMAND...: output goes to $scratch/out and $scratch/err
expect() {
    wanted_code=$1 what=$2
    shift 2
    code=0
    "$@" >"$scratch/out" 2>"$scratch/err" || code=$?
    [ "$code" = "$wanted_code" ] && return 0
    fail "$what: exit $code, expected $wanted_code"
    cat "$scratch/err" >&2
    return 1
}

certificate() { # NAME DOMAIN
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$2" \
        -addext "subjectAltName=DNS:$2,DNS:conference.$2" -keyout "$scratch/$1.key" -out "$scratch/$1.pem" 2>/dev/null
}

certificate example.org example.org
certificate other other.example
cp "$scratch/example.org.pem" "$scratch/ca.pem"
umask 077
echo "secret of the link" >"$scratch/link.secret"
echo "secret of dialback" >"$scratch/dialback.secret"
mkdir "$scratch/broken"
cp "$source"/tests/unit/conf/broken/*.conf "$scratch/broken"

# The first message without warnings, with the scratch folder's name taken out and the file's own name as FILE.
first_message() {
    grep -v ': warning: ' "$scratch/err" | head -1 | sed -e "s|$1|FILE|g" -e "s|$scratch/broken/\.\./||g" -e "s|$scratch/||g"
}

# One file with faults of all phases: -t names each with its line.
cp "$source/tests/unit/conf/many.conf" "$scratch/many.conf"
expect 78 many.conf "$xfedd" -c "$scratch/many.conf" -t || true
grep -n '# want: ' "$scratch/many.conf" | sed 's/^\([0-9]*\):.*# want: /\1 /' >"$scratch/wants"
while read -r line words; do
    grep "^$scratch/many.conf:$line: " "$scratch/err" | grep -qF -- "$words" || fail "many.conf: no message for line $line: $words"
done <"$scratch/wants"

broken=0
for file in "$scratch"/broken/*.conf; do
    name=$(basename "$file")
    want="FILE:$(sed -n '1s/^# want: //p' "$file")"
    broken=$((broken + 1))
    expect 78 "$name" "$xfedd" -c "$file" -t || continue
    got=$(first_message "$file")
    [ "$got" = "$want" ] || fail "$name:
    got  $got
    want $want"
    # A start refuses what -t refuses.
    expect 78 "$name, started" timeout 10 "$xfedd" -c "$file" || true
done
[ "$broken" -ge 10 ] || fail "only $broken broken configurations were found"

# Whatever the number of warnings, they leave room for the error: of the file, and of what it names.
many_warnings() { # LINE
    cat <<-END
	link "presence" { nodes = {"127.0.0.1:5347"} name = "xfedd.example.org" secret-file = "link.secret" }
	served "example.org" { link = presence certificate = "example.org.pem" key = "example.org.key" }
	$1
	END
    seq 1 1000 | sed 's/.*/peer "p&.example" { profile = imp tls = none }/'
}
for line in 'trust { ca-file = "nothing.pem" }' 'policy { blocklists = {"nothing.txt"} }'; do
    many_warnings "$line" >"$scratch/many-warnings.conf"
    expect 78 "many warnings, $line" "$xfedd" -c "$scratch/many-warnings.conf" -t || true
    grep -v ': warning: ' "$scratch/err" | grep -q "many-warnings.conf:3: .*nothing" || fail "many warnings, $line: no word of it"
done

grep -v tlss "$scratch/broken/01-unknown-key.conf" | sed 's|\.\./||g' >"$scratch/socket.conf"
echo 'listen { control = "link.secret" }' >>"$scratch/socket.conf"
expect 78 "a socket where a file is" "$xfedd" -c "$scratch/socket.conf" -t || true
grep -q 'socket.conf:[0-9]*: control = ".*link.secret": exists and is not a socket' "$scratch/err" || fail "a socket where a file is: no word of it"

"$xfedd" --sample >"$scratch/xfed.conf"
cmp "$scratch/xfed.conf" "$source/conf/xfed.conf" || fail "conf/xfed.conf is not what --sample prints"
# Self-signed, so that the check needs no CA bundle of the machine.
sed -i "s|^    #ca-file = .*|    ca-file = \"ca.pem\"|" "$scratch/xfed.conf"
expect 0 "the sample" "$xfedd" -c "$scratch/xfed.conf" -t || true
grep -q ': ok$' "$scratch/out" || fail "the sample: -t does not say ok"

expect 0 "--dump" "$xfedd" -c "$scratch/xfed.conf" --dump && cp "$scratch/out" "$scratch/first.conf"
expect 0 "--dump of a dump" "$xfedd" -c "$scratch/first.conf" --dump && cp "$scratch/out" "$scratch/second.conf"
cmp "$scratch/first.conf" "$scratch/second.conf" || fail "--dump of a dump differs"
! grep -q "secret of" "$scratch/first.conf" || fail "--dump shows a secret"

# The complete examples, with the files that they name made up: they load without a word, their dump loads and dumps the same, and
# every sheet can be made of them.
examples="$scratch/examples"
mkdir -p "$examples/certs"
cp "$source"/conf/examples/*.conf "$examples"
for secret in $(grep -ohE "(secret|password)-file *= *\"[^\"]+" "$examples"/*.conf | sed "s/.*\"//" | sort -u); do
    echo "a secret of $secret, long enough" >"$examples/$secret"
done
certificate ca authority.example
cp "$scratch/ca.pem" "$examples/partner-ca.pem"
cp "$scratch/ca.pem" "$examples/ad-ca.pem"
for domain in example.org example.net example.com im.example.org; do
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 90 -subj "/CN=$domain" \
        -addext "subjectAltName=DNS:$domain,DNS:*.$domain" -keyout "$examples/$domain.key" -out "$examples/$domain.pem" 2>/dev/null
    mkdir "$examples/certs/$domain"
    cp "$examples/$domain.pem" "$examples/certs/$domain/fullchain.pem"
    cp "$examples/$domain.key" "$examples/certs/$domain/privkey.pem"
done
# No name server is asked for the directory of an example, and nobody listens there.
sed -i 's|"ldaps://[^"]*"|"ldaps://127.0.0.1:9"|' "$examples"/*.conf
count=0
for example in "$examples"/*.conf; do
    name=conf/examples/$(basename "$example")
    count=$((count + 1))
    expect 0 "$name" "$xfedd" -c "$example" -t || continue
    # A machine without the bundle of authorities is told so, and that the directory is not there.
    ! grep -vE 'ca-certificates.crt|ldaps://127.0.0.1:9: .*contact LDAP server' "$scratch/err" || fail "$name: -t has something to say"
    [ -s "$scratch/err" ] || expect 0 "$name, --strict" "$xfedd" -c "$example" -t --strict || true
    expect 0 "$name, --dump" "$xfedd" -c "$example" --dump && cp "$scratch/out" "$examples/first"
    expect 0 "$name, the dump" "$xfedd" -c "$examples/first" --dump && cp "$scratch/out" "$examples/second"
    cmp "$examples/first" "$examples/second" || fail "$name: --dump of a dump differs"
    # The documents go on with xfedctl.
    grep -q '^ *control *= "/run/xfedd/control.sock"' "$examples/first" || fail "$name: xfedctl finds no socket"
    for sheet in --dns-records --csr-names --firewall=nftables --firewall=asa; do
        expect 0 "$name, $sheet" "$xfedd" -c "$example" "$sheet" || true
    done
done
[ "$count" -ge 7 ] || fail "only $count examples were found in conf/examples/"

default=$("$xfedd" --help | sed -n 's/.* the file is \(.*\) if none is named$/\1/p')
[ -e "$default" ] || { expect 78 "no file" "$xfedd" && grep -q "^$default: " "$scratch/err" || fail "no file: $(cat "$scratch/err")"; }
expect 64 "a file without a name" "$xfedd" -c '' || true
expect 78 "a warning, --strict" "$xfedd" -c "$scratch/xfed.conf" -t --strict && grep -q -- '--strict' "$scratch/err" || true
expect 64 "--strict, without -t" "$xfedd" -c "$scratch/xfed.conf" --strict --dump || true
expect 64 "what has changed, without --dump" "$xfedd" -c "$scratch/xfed.conf" -t --changed || true
expect 0 "what has changed" "$xfedd" -c "$scratch/xfed.conf" --dump --changed && cp "$scratch/out" "$scratch/changed.conf"
expect 0 "all of what has changed" "$xfedd" -c "$scratch/changed.conf" --dump && cp "$scratch/out" "$scratch/all-of-changed"
expect 0 "all" "$xfedd" -c "$scratch/xfed.conf" --dump && cmp "$scratch/out" "$scratch/all-of-changed" || fail "--dump --changed means something else"
[ "$(wc -l <"$scratch/changed.conf")" -lt 60 ] && ! grep -q '^    idle-timeout' "$scratch/changed.conf" || fail "--changed prints defaults: $(cat "$scratch/changed.conf")"
expect 64 "an unknown option" "$xfedd" --nonsense || true
expect 64 "two modes" "$xfedd" -c "$scratch/xfed.conf" -t --dump || true
expect 64 "a firewall of no kind" "$xfedd" -c "$scratch/xfed.conf" --firewall || true
expect 64 "a firewall of another kind" "$xfedd" -c "$scratch/xfed.conf" --firewall pf || true
expect 64 "a sheet of two kinds" "$xfedd" -c "$scratch/xfed.conf" --dns-records --csr-names || true
expect 64 "names of others" "$xfedd" -c "$scratch/xfed.conf" --csr-names elsewhere.example || true
sed '/^node /,/^}/d' "$scratch/xfed.conf" >"$scratch/no-nodes.conf"
expect 78 "records without nodes" "$xfedd" -c "$scratch/no-nodes.conf" --dns-records || true
expect 0 "records" "$xfedd" -c "$scratch/xfed.conf" --dns-records && grep -q '^_xmpp-server._tcp.example.org. ' "$scratch/out" || fail "records"
expect 0 "names" "$xfedd" -c "$scratch/xfed.conf" --csr-names EXAMPLE.org && grep -q '^DNS.1 = example.org$' "$scratch/out" || fail "names"
expect 0 "rules" "$xfedd" -c "$scratch/xfed.conf" --firewall=asa && grep -q '^object network ' "$scratch/out" || fail "rules"
expect 64 "explain: one JID" "$xfedd" -c "$scratch/xfed.conf" --explain u@example.org || true
expect 64 "explain: two of ours" "$xfedd" -c "$scratch/xfed.conf" --explain u@example.org v@example.org || true
expect 64 "explain: no JID" "$xfedd" -c "$scratch/xfed.conf" --explain u@example.org @ || true
expect 0 "explain" "$xfedd" -c "$scratch/xfed.conf" --explain u@example.org v@partner.example &&
    grep -q '^  message      ' "$scratch/out" || fail "explain: $(cat "$scratch/out")"
sed 's|^    #user = .*|    user = "no-such-user"|' "$scratch/xfed.conf" >"$scratch/user.conf"
expect 78 "a user that does not exist" "$xfedd" -c "$scratch/user.conf" -t || true
grep -q 'user.conf:[0-9]*: user = "no-such-user": there is no such user' "$scratch/err" || fail "a user that does not exist: $(cat "$scratch/err")"
sed 's|^    #s2s = .*|    s2s = {"192.0.2.99:5269"}|' "$scratch/xfed.conf" >"$scratch/address.conf"
expect 0 "an address that is elsewhere" "$xfedd" -c "$scratch/address.conf" -t || true
grep -q 'address.conf:[0-9]*: warning: s2s = "192.0.2.99:5269": this machine does not have that address' "$scratch/err" ||
    fail "an address that is elsewhere: $(cat "$scratch/err")"
sed 's|^    #http = .*|    http = "0.0.0.0:9469"|' "$scratch/xfed.conf" >"$scratch/http.conf"
expect 78 "HTTP for everybody" "$xfedd" -c "$scratch/http.conf" -t || true
grep -q 'http.conf:[0-9]*: http = "0.0.0.0:9469": other machines can reach this address' "$scratch/err" || fail "HTTP for everybody: $(cat "$scratch/err")"
expect 78 "a start with HTTP for everybody" "$xfedd" -c "$scratch/http.conf" || true
sed 's|^    #http-anywhere = .*|    http-anywhere = yes|' "$scratch/http.conf" >"$scratch/anywhere.conf"
expect 0 "HTTP for everybody, as the operator wants it" "$xfedd" -c "$scratch/anywhere.conf" -t || true
sip_file() { # FILE
    sed "s|^    #host = \"sip.*|    host = \"sip.example.org\"|; s|^    #dialogs-file = .*|    dialogs-file = \"$1\"|" "$scratch/xfed.conf" >"$scratch/sip.conf"
    grep -q '^    host = "sip' "$scratch/sip.conf" && grep -q '^    dialogs-file' "$scratch/sip.conf" || fail "the sample has no sip { host dialogs-file }"
    expect 0 "$1 for subscriptions" "$xfedd" -c "$scratch/sip.conf" -t || true
}
for file in "$scratch/no-folder/sip.db" "$scratch/broken"; do
    sip_file "$file"
    grep -q "sip.conf:[0-9]*: warning: dialogs-file = \"$file\" cannot be written" "$scratch/err" || fail "$file for subscriptions: $(cat "$scratch/err")"
done
for file in "$scratch/sip.db" "$scratch/blocked.list" ''; do
    sip_file "$file"
    ! grep -q 'dialogs-file' "$scratch/err" || fail "$file for subscriptions: $(cat "$scratch/err")"
done
sed "s|^    #blocklists = .*|    blocklists = {\"blocked.list\"}|" "$scratch/xfed.conf" >"$scratch/blocked.conf"
grep -q '^    blocklists' "$scratch/blocked.conf" || fail "the sample has no blocklists"
expect 78 "no such blocklist" "$xfedd" -c "$scratch/blocked.conf" -t || true
printf 'spam.example until=2099-01-01 the abuse desk\n*.evil.example until=soon\n' >"$scratch/blocked.list"
expect 78 "a broken blocklist" "$xfedd" -c "$scratch/blocked.conf" -t || true
grep -q "blocked.conf:[0-9]*: blocklists: $scratch/blocked.list:2: until=soon: expected one until=YYYY-MM-DD" "$scratch/err" ||
    fail "a broken blocklist: $(cat "$scratch/err")"
sed -i 2d "$scratch/blocked.list"
expect 0 "a blocklist" "$xfedd" -c "$scratch/blocked.conf" -t || true
expect 0 "explain, blocked" "$xfedd" -c "$scratch/blocked.conf" --explain v@spam.example u@example.org &&
    grep -q "^  iq           refused: rule blocklist, blocklists, $scratch/blocked.list:1 (the abuse desk)" "$scratch/out" ||
    fail "explain, blocked: $(cat "$scratch/out")"

# Secrets that others can write are refused; those that they can read or guess are too by -t, and a start only warns of them.
sed 's|^    #secret-file = "dialback|    secret-file = "dialback|' "$scratch/xfed.conf" >"$scratch/secrets.conf"
exposed() {     # mode, file, words of the message
    chmod "$1" "$scratch/$2"
    expect 78 "$2 of mode $1" "$xfedd" -c "$scratch/secrets.conf" -t && { grep -q "^$scratch/secrets.conf:[0-9]*: .*$2.*$3" "$scratch/err" ||
        fail "$2 of mode $1: $(cat "$scratch/err")"; }
    chmod 600 "$scratch/$2"
}
for secret in example.org.key link.secret dialback.secret; do
    exposed 666 "$secret" 'everybody on this machine can write it: chmod g-w,o-rwx: '
    exposed 660 "$secret" 'its group can write it: chmod g-w,o-rwx: '
    exposed 644 "$secret" 'everybody on this machine can read it: chmod o-rwx$'
    grep -q 'refused because of 1 of these warnings' "$scratch/err" || fail "$secret of mode 644: $(cat "$scratch/err")"
done
echo 'secret of dialb' >"$scratch/dialback.secret"
exposed 600 dialback.secret 'its secret is shorter than 16 bytes: expected a longer one: openssl rand -hex 32'
echo 'secret of dialback' >"$scratch/dialback.secret"
echo 'secret of link ' >"$scratch/link.secret"
exposed 600 link.secret 'its secret is shorter than 16 bytes: it can be guessed'
echo 'secret of the link' >"$scratch/link.secret"
expect 0 "secrets that are kept" "$xfedd" -c "$scratch/secrets.conf" -t || true

expect 64 "an argument too many" "$xfedd" -c "$scratch/xfed.conf" more || true
expect 78 "no such file" "$xfedd" -c "$scratch/nowhere.conf" -t || true
expect 0 "--version" "$xfedd" --version && grep -q '^xfedd [0-9]' "$scratch/out" || fail "--version: $(cat "$scratch/out")"
expect 0 "--help" "$xfedd" --help || true

# A port that is taken is a failure of the run, not of the configuration.
sed "s|^    #s2s = .*|    s2s = {\"192.0.2.1:5269\"}|" "$scratch/xfed.conf" >"$scratch/port.conf"
expect 1 "an address that is not ours" timeout 10 "$xfedd" -c "$scratch/port.conf" || true

[ "$failed" = 0 ] && echo "$broken broken configurations, $count examples, sample, dump and exit codes are right"
exit "$failed"
