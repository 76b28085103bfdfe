/* SPDX-License-Identifier: MIT */
/*
 * space.c — the white space that a long stanza needs behind it, so that its reader does not lie in wait for more.
 *
 * expat with deferral (since CVE-2023-52425; on by default, and few servers switch it off) looks at a tag that came in pieces again only when
 * twice as much lies there as when it looked last. A tag of `len` bytes was looked at with fewer than `len` of them there, so that 2 * `len`
 * bytes from its start on are always enough, whatever the pieces were; less may leave the stanza, and everybody's behind it, until somebody
 * writes again (Prosody 0.12 and ejabberd, with tags above 8 KB). White space between stanzas is what RFC 6120 §4.6.1 keeps streams alive with.
 */
#include <xfed/xml/writer.h>

#include <string.h>

size_t xf_xml_space_behind(struct xf_span written)
{
    const char *end = written.ptr + written.len, *tag = written.ptr;
    size_t most = 0;
    while ((size_t)(end - tag) > XF_XML_LONG_TAG_BYTES && (tag = memchr(tag, '<', (size_t)(end - tag)))) {
        const char *behind = memchr(tag, '>', (size_t)(end - tag)); /* the writer escapes it everywhere else */
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
