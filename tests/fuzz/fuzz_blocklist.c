/* SPDX-License-Identifier: MIT */
/*
 * fuzz_blocklist.c — any bytes as a blocklist, as feeds from elsewhere are. What must hold: it
 * loads, or says FILE:LINE: why not; every name and suffix that a good line begins with is found,
 * and what is below a suffix; at the end of time only what holds for ever is.
 */
#include "fuzz.h"

#include <stdio.h>
#include <string.h>

#include <xfed/base/alloc.h>
#include <xfed/policy/policy.h>
#include <xfed/xmpp/jid.h>

#define END_OF_TIME_S INT64_MAX

static void look_for(const struct xf_blocklist *list, struct xf_span word)
{
    char name[XF_DOMAIN_MAX + 3] = "x.";
    struct xf_blocked blocked;
    bool is_suffix = word.len > 2 && memcmp(word.ptr, "*.", 2) == 0;
    if (is_suffix)
        word = (struct xf_span){word.ptr + 2, word.len - 2};
    xf_require(xf_domain_prepare(word, name + 2) == XF_ERR_OK);
    bool is_found = xf_blocklist_find(list, xf_span_of(name + 2), INT64_MIN, &blocked);
    xf_require(is_found && blocked.line > 0 && blocked.reason && strcmp(blocked.file, "list") == 0);
    if (is_suffix)
        xf_require(xf_blocklist_find(list, xf_span_of(name), INT64_MIN, &blocked));
    if (xf_blocklist_find(list, xf_span_of(name + 2), END_OF_TIME_S, &blocked))
        xf_require(blocked.until_s == 0);
}

static void look_for_all(const struct xf_blocklist *list, const char *text, size_t len)
{
    for (const char *end = text + len; text < end;) {
        const char *newline = memchr(text, '\n', (size_t)(end - text)),
                   *stop = newline ? newline : end;
        while (text < stop && strchr(" \t\r", *text) && *text)
            text++;
        const char *word = text;
        while (text < stop && *text != '#' && !(*text && strchr(" \t\r", *text)))
            text++;
        if (text > word)
            look_for(list, (struct xf_span){word, (size_t)(text - word)});
        text = newline ? newline + 1 : end;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    const char *text = (const char *)bytes;
    struct xf_blocklist *list = xf_blocklist_new();
    struct xf_error err = {0};
    if (xf_blocklist_add(list, "list", (struct xf_span){text, len}, &err) == XF_ERR_OK)
        look_for_all(list, text, len);
    else
        xf_require(strncmp(err.detail, "list:", 5) == 0);
    xf_blocklist_free(&list);
    return 0;
}
