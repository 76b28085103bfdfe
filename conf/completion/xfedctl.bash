# SPDX-License-Identifier: MIT
# Completion of xfedctl for bash: verbs, and names of peers that the running gateway knows.
_xfedctl_peers()
{
    xfedctl "${socket[@]}" --json peers 2>/dev/null | sed -n 's/^{"row":{"peer":"\([^"\\]*\)".*/\1/p'
}

# Options of a verb that works on files, as its --help has them; behind one that takes a value, files.
_xfedctl_options()
{
    case ${COMP_WORDS[COMP_CWORD - 1]} in
    --folder | --read | --xfedd | --key | --certificate) mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
    --server) mapfile -t COMPREPLY < <(compgen -W "prosody ejabberd jabberd2" -- "$word") ;;
    --federation) mapfile -t COMPREPLY < <(compgen -W "open partners" -- "$word") ;;
    *) mapfile -t COMPREPLY < <(compgen -W "$(xfedctl "$1" --help 2>/dev/null | sed -n 's/^  \(--[a-z-]*\).*/\1/p')" -- "$word") ;;
    esac
}

_xfedctl()
{
    local word=${COMP_WORDS[COMP_CWORD]} verb= place=0 i
    local socket=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        -s) socket=(-s "${COMP_WORDS[++i]}") ;;
        -*) ;;
        *) if [[ $verb ]]; then ((++place)); else verb=${COMP_WORDS[i]}; fi ;;
        esac
    done
    if [[ ${COMP_WORDS[COMP_CWORD - 1]} == -s ]]; then
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return
    fi
    local words=
    case $verb/$place in
    /0) words="$(xfedctl --verbs 2>/dev/null) -s --json --help --version" ;;
    peer/0 | streams/0 | close/0 | retry/0 | flush/0 | forget/0 | trace/0 | federation/1) words=$(_xfedctl_peers) ;;
    check/0) words="$(_xfedctl_peers) --self --inbound" ;;
    alarms/0) words="--follow" ;;
    queue/0) words="$(_xfedctl_peers) --all" ;;
    federation/0) words="on off" ;;
    log/0) words="error warn info debug" ;;
    init/* | partner/*) _xfedctl_options "$verb"; return ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -F _xfedctl xfedctl
