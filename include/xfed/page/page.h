/* SPDX-License-Identifier: MIT */
/*
 * page.h — the status page on listen { http }: the federation at a glance, every peer, one peer's
 * attempts, and a form that checks a peer.
 *
 * What it shows are the answers of control's verbs (control.h), written as HTML. It works without
 * JavaScript; its script fetches the same page again and takes over what has changed. Nothing is
 * loaded from anywhere else. Looking needs nothing but the port; a check needs the token that
 * `xfedctl page` prints. doc/operators/STATUS-PAGE.md says more.
 *
 * Answers are shared: however many clients ask, each question is asked once in two seconds.
 */
#pragma once

#include <stdint.h>

struct xf_control;
struct xf_http;
struct xf_loop;
struct xf_page;

struct xf_page_opts {
    struct xf_loop *loop; /* all are borrowed */
    struct xf_http *http;
    struct xf_control *control;
    /* Stanzas that passed since the start, from peers and to peers: called every few seconds. */
    void (*traffic)(void *owner, uint64_t *out_in, uint64_t *out_out);
    void *owner;
};

/* Serves its paths from now on. */
struct xf_page *xf_page_new(const struct xf_page_opts *opts);
/* Behind xf_http_close, and before the control is stopped. NULL is allowed. */
void xf_page_free(struct xf_page **page);
