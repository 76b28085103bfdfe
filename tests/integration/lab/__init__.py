# SPDX-License-Identifier: MIT
"""The laboratory of the integration tests: a federated world on one machine.

    net      a network namespace of our own, so that port 53 and 5269 are free and nothing leaves the machine
    engine   Docker: the engine at hand or one of our own, the base image, compose
    pki      private authorities and certificates
    dns      dnsmasq with the SRV records of the world
    servers  Prosody and ejabberd, as a cluster behind the gateway or as a peer
    jabberd2, component   jabberd2 as a peer; a component, which stands for its users
    jabberd2_local   jabberd2 as the local server: router, session manager, c2s
    gateway  xfedd: configuration, process, log lines
    client   an XMPP client (slixmpp) that keeps what it receives
    xmlstream, cluster, peer   scripted opposite sides, byte by byte, standard library only
    stuck        servers that lead nowhere: silent behind each pass, black holes, servers of something else
    enterprise   servers of enterprises with their ways: Webex, Sametime, IM and Presence, before 1.0
    world    all of them put together
    ways     numbered messages in one direction, of which none may be lost
    report   what was checked, and the last line
    stage    how a program begins and ends: a report, a laboratory, and all that is started there taken down

Addresses: 127.77.0.1 DNS, .2 the local server, .3 xfedd, .4 the peer's server; .10 and up belong to single tests.
"""
