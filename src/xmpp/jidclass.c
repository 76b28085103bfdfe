/* SPDX-License-Identifier: MIT */
/* jidclass.c — the table of bytes by which an ASCII JID is decided without a library. */
#include "jid_priv.h"

#define CTL (XF_JID_NOT_LOCAL | XF_JID_NOT_RESOURCE)

/* clang-format off */
const uint8_t xf_jid_class[256] = {
    [0x00 ... 0x1f] = CTL,
    [' ']           = XF_JID_NOT_LOCAL,
    ['"']           = XF_JID_NOT_LOCAL,
    ['&' ... '\'']  = XF_JID_NOT_LOCAL,
    ['-']           = XF_JID_LDH,
    ['/']           = XF_JID_NOT_LOCAL | XF_JID_STOP,
    ['0' ... '9']   = XF_JID_LDH,
    [':']           = XF_JID_NOT_LOCAL,
    ['<']           = XF_JID_NOT_LOCAL,
    ['>']           = XF_JID_NOT_LOCAL,
    ['@']           = XF_JID_NOT_LOCAL | XF_JID_STOP,
    ['A' ... 'Z']   = XF_JID_UPPER,
    ['a' ... 'z']   = XF_JID_LDH,
    [0x7f]          = CTL,
    [0x80 ... 0xff] = XF_JID_NON_ASCII,
};
/* clang-format on */
