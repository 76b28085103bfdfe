/* SPDX-License-Identifier: MIT */
/*
 * space.c — the white space that must follow a long stanza, so that its reader does not wait for
 * more.
 *
 * expat with reparse deferral (since CVE-2023-52425; on by default, and few servers switch it off)
 * parses a tag that came in pieces again only when it has twice as many bytes as at the last try. A
 * try at a tag of `len` bytes that failed had fewer than `len` of them, so 2 * `len` bytes from its
 * start are always enough, whatever the pieces were. With fewer, the stanza and all that follows it
 * for other users may wait until somebody writes again (Prosody 0.12 and ejabberd, with tags above
 * 8 KB). White space between stanzas is what RFC 6120 §4.6.1 keeps streams alive with.
 */
#include <xfed/xml/writer.h>

#include <string.h>

size_t xf_xml_space_behind(struct xf_span written)
{
    const char *end = written.ptr + written.len, *tag = written.ptr;
    size_t most = 0;
    while ((size_t)(end - tag) > XF_XML_LONG_TAG_BYTES &&
           (tag = memchr(tag, '<', (size_t)(end - tag)))) {
        /* the writer escapes it everywhere else */
        const char *behind = memchr(tag, '>', (size_t)(end - tag));
        if (!behind)
            break;
        behind++;
        size_t len = (size_t)(behind - tag), rest = (size_t)(end - behind);
        if (len > XF_XML_LONG_TAG_BYTES && len > rest && len - rest > most)
            most = len - rest;
        tag = behind;
    }
    return most;
}
