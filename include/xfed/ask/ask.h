/* SPDX-License-Identifier: MIT */
/*
 * ask.h — for programs that ask a running xfedd: the lines of its control socket.
 * doc/operators/CONTROL.md has the protocol, json.h takes values out of the lines.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <xfed/json/json.h>

#define XF_ASK_SOCKET    "/run/xfedd/control.sock" /* unless another one is named */
#define XF_ASK_LINE_MAX  (4u << 20)                /* a longer line ends the connection */
#define XF_ASK_WHY_BYTES 256

struct xf_ask {
    int fd;   /* -1: not connected */
    char *in; /* what came and was not dropped yet */
    size_t in_len, in_room;
};

/* False: not connected, and `out_why` says why and what to do. */
bool xf_ask_connect(struct xf_ask *ask, const char *path, char out_why[XF_ASK_WHY_BYTES]);
void xf_ask_close(struct xf_ask *ask); /* or nothing, if fd is -1 */
/* As far as it goes: when xfedd has closed the connection, it has said why. */
void xf_ask_send(struct xf_ask *ask, const json_t *request);
/* Wait for more and take it. False: there is no more, or the line is too long. */
bool xf_ask_read(struct xf_ask *ask);
/* The length of the next line in ask->in, without its newline; -1: it is not complete yet. */
ptrdiff_t xf_ask_line(const struct xf_ask *ask);
void xf_ask_drop(struct xf_ask *ask, size_t len); /* that line */
