# SPDX-License-Identifier: MIT
"""The soak: 200 peers and a cluster around one xfedd, faults every few seconds, and a ledger that says what became of each stanza.

    stanza    numbered stanzas with a check sum, and how they are recognised
    reader    XML by expat, cheap enough for a thousand stanzas a second
    conn      a TCP connection with TLS, which can be read slowly, cut in mid-stanza, reset
    sm        XEP-0198: counts of either direction, sessions that can be resumed
    ledger    what a process saw of each stanza, as binary records
    traffic   what both sides have in common: send, receive, answer iq requests and pings
    peer      a remote server in both roles, of one of the kinds in kinds
    peers     the process of all peers
    cluster   the process of the cluster: component legs, answers of its users and its router
    worker    how such a process takes orders and reports
    names     DNS with faults
    faults    the generator
    world     namespace, certificates, xfedd and its configuration, the processes
    settle    both ledgers put together: what became of each stanza, and whose fault it is
    table     the result for people
    spoiler   a proxy on a leg that drops, doubles, swaps or spoils: the soak must notice
    selftest  made-up ledgers with one anomaly each, and a run with each kind of spoiler

Two directions: `o`, out, from the cluster to a peer, and `i`, in. A stanza's id is the direction and a number, so each side can
tell what it sent from what it gets.
"""
