/* SPDX-License-Identifier: MIT */
/*
 * space.c — the white space that must follow a long stanza, so that its reader does not wait for
 * more.
 *
 * expat with reparse deferral (since CVE-2023-52425; on by default, and few servers switch it off)
 * parses a tag that arrived in pieces again only when it has twice as many bytes as at the last
 * try. A try at a tag of `len` bytes fails only with fewer than `len` of them, so 2 * `len` bytes
 * from the start of the tag are always enough, however it was cut. With fewer, the stanza and all
 * that follows it for other users may wait until somebody writes again (Prosody 0.12 and ejabberd,
 * with tags above 8 KB). White space between stanzas is legal: it is the keep-alive of RFC 6120
 * §4.6.1.
 */
#include <xfed/xml/writer.h>

#include <string.h>

size_t xf_xml_space_behind(struct xf_span written)
{
    const char *end = written.ptr + written.len, *tag = written.ptr;
    size_t most = 0;
    while ((size_t)(end - tag) > XF_XML_LONG_TAG_BYTES &&
           (tag = memchr(tag, '<', (size_t)(end - tag)))) {
        /* The writer escapes '>' everywhere else. */
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
