/* SPDX-License-Identifier: MIT */
/*
 * settings.h — listen { }, trust { }, process { }, and of sip { } the certificate: what the program
 * itself does.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <xfed/base/log.h>
#include <xfed/base/texts.h>

struct xf_listen_settings {
    struct xf_texts s2s, s2s_direct;
    struct xf_texts sip, sip_tcp;                    /* SIP over TLS, and in clear */
    char *control, *http;                            /* "" is off */
    struct xf_texts control_readers, control_admins; /* groups of this machine */
    bool http_anywhere; /* `http` may be an address that others can reach */
    struct xf_texts http_hosts;
    bool http_page; /* the status page, beside the metrics */
};

struct xf_trust_settings {
    char *ca_file;
    struct xf_texts crl_files; /* PEM */
    char *crl_dir;             /* every *.pem and *.crl in it; "" for none */
    /*
     * Folder with DOMAIN/fullchain.pem and privkey.pem of served domains without `certificate`; ""
     * for none.
     */
    char *cert_dir;
    /* Warn about our certificates that expire within this time. */
    uint64_t warn_ms;
};

struct xf_sip_settings {
    struct xf_texts certificate, key; /* files, a key for each certificate */
    char *ca_file; /* anchors for peers without their own; "" to use trust { ca-file } */
};

struct xf_process_settings {
    enum xf_log_level level;
    char *user;              /* the user to run as when started as root; "" stays root */
    uint64_t drain_ms;       /* after SIGTERM: how long to empty the queues */
    uint64_t alarm_after_ms; /* how long most causes of alarms must last */
    /* Give up the system calls that a running gateway does not need. */
    bool sandbox;
};
