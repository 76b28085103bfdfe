/* SPDX-License-Identifier: MIT */
/* secrecy.h — who else on this machine can read or replace a file that holds a secret. */
#pragma once

#include <stddef.h>

#define XF_SECRECY_WORDS_BYTES 512

enum xf_secrecy {
    /* Nobody else can read it; also if the file does not exist (reading it reports that). */
    XF_SECRECY_KEPT,
    XF_SECRECY_READABLE, /* others can read it */
    XF_SECRECY_WRITABLE, /* others can replace the secret */
};

/*
 * Judges by the mode of the file that `path` leads to (following links, as certbot uses them) and
 * by that of the folder in `path`. A group may read a file that belongs to root, as with Debian's
 * ssl-cert and systemd's credentials.
 *
 * out_words   what is wrong and what to run against it: "everybody on this machine can read it:
 * chmod o-rwx"; "" when nothing is
 */
enum xf_secrecy xf_secrecy_of(const char *path, char out_words[XF_SECRECY_WORDS_BYTES]);
