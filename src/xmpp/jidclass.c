/* SPDX-License-Identifier: MIT */
/* jidclass.c — the table of byte classes that lets us check an ASCII JID without a library. */
#include "jid_priv.h"

#define C (XF_JID_NOT_LOCAL | XF_JID_NOT_RESOURCE)
#define F XF_JID_NOT_LOCAL
#define S (XF_JID_NOT_LOCAL | XF_JID_STOP)
#define L XF_JID_LABEL
#define U XF_JID_UPPER
#define H XF_JID_NON_ASCII

/* One row is 16 bytes; 20 is the space, 40 the '@'. */
/* clang-format off */
const uint8_t xf_jid_class[256] = {
    /* 00 */ C, C, C, C, C, C, C, C, C, C, C, C, C, C, C, C,
    /* 10 */ C, C, C, C, C, C, C, C, C, C, C, C, C, C, C, C,
    /* 20 */ F, 0, F, 0, 0, 0, F, F, 0, 0, 0, 0, 0, L, 0, S,
    /* 30 */ L, L, L, L, L, L, L, L, L, L, F, 0, F, 0, F, 0,
    /* 40 */ S, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U,
    /* 50 */ U, U, U, U, U, U, U, U, U, U, U, 0, 0, 0, 0, L,
    /* 60 */ 0, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L,
    /* 70 */ L, L, L, L, L, L, L, L, L, L, L, 0, 0, 0, 0, C,
    /* 80 */ H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H,
    /* 90 */ H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H,
    /* A0 */ H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H,
    /* B0 */ H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H,
    /* C0 */ H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H,
    /* D0 */ H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H,
    /* E0 */ H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H,
    /* F0 */ H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H,
};
/* clang-format on */
