/* SPDX-License-Identifier: MIT */
/*
 * digest.c — one digest of all that the nodes of a deployment should have in common, so that a node
 * notices when another one has another configuration.
 *
 * What may differ is left out: names of files, since the same may stand elsewhere on each machine,
 * and what belongs to a machine (`local` below). The dialback secret is the key of the digest, so
 * that another secret makes another digest, and the digest does not tell anything about the secret.
 * The order of sections makes no difference.
 */
#include "conf_priv.h"

#include <stdlib.h>
#include <string.h>
#include <xfed/base/alloc.h>
#include <xfed/base/crypto.h>

static const struct {
    enum xf_section section;
    const char *key; /* NULL: all keys */
} local[] = {
    {XF_SECTION_LISTEN, NULL},         {XF_SECTION_DNS, "servers"},
    {XF_SECTION_MEMORY, NULL},         {XF_SECTION_JOURNAL, NULL},
    {XF_SECTION_AUDIT, NULL},          {XF_SECTION_PROCESS, NULL},
    {XF_SECTION_LINK, "nodes"},        {XF_SECTION_LINK, "name"},
    {XF_SECTION_PUBLISH, NULL},        {XF_SECTION_PEER, "source"},
    {XF_SECTION_PEER, "source-ports"}, {XF_SECTION_PEER, "dns-servers"},
    {XF_SECTION_METRICS, NULL},        {XF_SECTION_SIP, "host"},
    {XF_SECTION_SIP, "port"},          {XF_SECTION_PEER, "sip-from"},
};

static bool is_local(const struct xf_option *option)
{
    bool is = option->form == XF_FORM_PATH;
    for (size_t i = 0; i < XF_ARRAY_LEN(local) && !is; i++)
        is = local[i].section == option->section &&
             (!local[i].key || strcmp(local[i].key, option->key) == 0);
    return is;
}

/*
 * Adds the digest of a section. `mask`: of a peer's section, the settings that it has.
 */
static void add_section(struct xf_texts *digests, enum xf_section section, const char *title,
                        const void *target, const struct xf_peer_set *mask)
{
    size_t count;
    const struct xf_option *options = xf_conf_options_of(section, &count);
    char digest[XF_SHA256_HEX_BYTES + 1];
    struct xf_buf text;
    xf_buf_init(&text, XF_VALUE_TEXT_MAX);
    xf_value_quote(title, &text);
    for (size_t i = 0; i < count; i++) {
        if (is_local(&options[i]) ||
            (section == XF_SECTION_PEER && !xf_option_is_in(mask, &options[i])))
            continue;
        xf_value_quote(options[i].key, &text);
        xf_value_write(&options[i], target, &text);
    }
    struct xf_span parts[] = {xf_span_of(xf_section_facts(section)->word), xf_buf_span(&text)};
    xf_sha256_hex(parts, XF_ARRAY_LEN(parts), digest);
    xf_texts_add(digests, xf_strdup(digest));
    xf_buf_release(&text);
}

static void add_titled(struct xf_texts *digests, const struct xf_conf *conf)
{
    for (size_t i = 0; i < conf->link_count; i++)
        add_section(digests, XF_SECTION_LINK, conf->links[i].settings.title,
                    &conf->links[i].settings, NULL);
    for (size_t i = 0; i < conf->served_count; i++)
        add_section(digests, XF_SECTION_SERVED, conf->served[i].settings.domain,
                    &conf->served[i].settings, NULL);
    for (size_t i = 0; i < conf->node_count; i++)
        add_section(digests, XF_SECTION_NODE, conf->nodes[i].settings.title,
                    &conf->nodes[i].settings, NULL);
    for (size_t i = 0; i < conf->peer_count; i++)
        add_section(digests, XF_SECTION_PEER, conf->peers[i].pattern, &conf->peers[i].settings,
                    &conf->peers[i].settings.set);
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void xf_conf_digest(const struct xf_conf *conf, char out[XF_SHA256_HEX_BYTES + 1])
{
    struct xf_texts digests = {0};
    struct xf_buf all;
    for (unsigned s = 0; s < XF_SECTION_COUNT; s++)
        if (!xf_section_facts(s)->title)
            add_section(&digests, s, "",
                        s == XF_SECTION_DEFAULTS ? (const void *)&conf->defaults
                                                 : (const void *)conf,
                        NULL);
    add_titled(&digests, conf);
    qsort(digests.item, digests.count, sizeof(digests.item[0]), compare_texts);
    xf_buf_init(&all, (digests.count + 1) * XF_SHA256_HEX_BYTES);
    for (size_t i = 0; i < digests.count; i++)
        xf_buf_append(&all, digests.item[i], XF_SHA256_HEX_BYTES);
    const char *secret = conf->dialback.secret ? conf->dialback.secret : "";
    xf_hmac_sha256_hex(xf_span_of(secret), xf_buf_span(&all), out);
    xf_buf_release(&all);
    xf_texts_release(&digests);
}
