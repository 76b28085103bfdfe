/* SPDX-License-Identifier: MIT */
/*
 * setup.h — verbs of xfedctl that work on files and need no running xfedd: a first configuration,
 * and what partners' operators tell each other.
 *
 * What only xfedd knows, it is asked: whether a configuration is good (-t), DNS records, names of a
 * certificate, the page for a partner. So both programs never disagree.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include <xfed/base/buf.h>
#include <xfed/base/err.h>

/* Exit codes, those of xfedctl. */
enum xf_setup_exit { XF_SETUP_OK = 0, XF_SETUP_FAILED = 1, XF_SETUP_USAGE = 64 };

/*
 * Ask for what the options do not say, on the terminal, and write a folder with a configuration
 * that `xfedd -t` accepts. argv[0] is the word behind `init`; argv ends with NULL. Says on standard
 * output what was written and what comes next, and on standard error what is wrong.
 */
enum xf_setup_exit xf_setup_init(int argc, char **argv);

/* `partner NAME`: print the page for a partner's operator, or read theirs into a peer section. */
enum xf_setup_exit xf_setup_partner(int argc, char **argv);

/*
 * The peer sections for `name` (prepared), and for the domains below it that the page names, made
 * of the page that its operator sent (what xfedd --partner prints): its keys as pins, and with
 * `with_route` its servers as a route, for where DNS does not know them. The page is a stranger's:
 * it has at most XF_PAGE_MAX_BYTES, and only what we prepared or checked ourselves goes from it
 * into `out`: domains, hex digits, addresses and ports. What it says about domains that are neither
 * `name` nor below it is left out: nobody vouches for others.
 *
 * XF_ERR_NOT_FOUND: it does not name the domain. XF_ERR_BAD_VALUE: it is not such a page, or has a
 * row that does not belong there, with the line in `err`. XF_ERR_LIMIT: it is too large, or names
 * too much. Nothing is appended to `out` then. Test: tests/unit/setup/test_page.c.
 */
#define XF_PAGE_MAX_BYTES   (64u << 10)
#define XF_PAGE_MAX_DOMAINS 32
#define XF_PAGE_MAX_KEYS    64
#define XF_PAGE_MAX_ROUTES  16
XF_MUST_USE enum xf_err xf_setup_read_page(FILE *page, const char *name, bool with_route,
                                           struct xf_buf *out, struct xf_error *err);
