/* SPDX-License-Identifier: MIT */
/*
 * list.c — which peers are shown, in which order: chosen here and not in the browser, so that
 * thousands of them are no burden for it. Test: tests/unit/page/test_list.c.
 */
#include <stdlib.h>
#include <string.h>

#include "page_priv.h"

#define NO_CERTIFICATE "no-certificate"

static const char *const state_words[XF_PEER_STATES] = {
    [XF_PEER_FAILING] = "failing",
    [XF_PEER_FAILED] = "failed",
    [XF_PEER_CONNECTING] = "connecting",
    [XF_PEER_OFF] = "switched-off",
    [XF_PEER_SIP_OFF] = "sip-off",
    [XF_PEER_UP] = "up",
    [XF_PEER_IDLE] = "idle",
};

static const char *const order_words[XF_PAGE_LIST_ORDERS] = {
    [XF_ORDER_STATE] = "state",   [XF_ORDER_NAME] = "name",     [XF_ORDER_HEARD] = "heard",
    [XF_ORDER_QUEUED] = "queued", [XF_ORDER_EXPIRY] = "expiry", [XF_ORDER_TRAFFIC] = "traffic",
};

const char *xf_peer_state_word(enum xf_peer_state state)
{
    return state_words[state];
}

const char *xf_page_list_order_word(enum xf_page_list_order order)
{
    return order_words[order];
}

/* ------------------------------------------------------------------ the query string */

static const char *show_of(const char *word)
{
    for (size_t i = 0; i < XF_PEER_STATES; i++)
        if (strcmp(word, state_words[i]) == 0)
            return state_words[i];
    return strcmp(word, NO_CERTIFICATE) == 0 ? NO_CERTIFICATE : "";
}

static enum xf_page_list_order order_of(const char *word)
{
    for (size_t i = 0; i < XF_PAGE_LIST_ORDERS; i++)
        if (strcmp(word, order_words[i]) == 0)
            return (enum xf_page_list_order)i;
    return XF_ORDER_STATE;
}

void xf_page_list_query_parse(struct xf_span query, struct xf_page_list_query *out)
{
    char word[32];
    uint64_t page = 0;
    (void)xf_query_get(query, "show", word, sizeof(word));
    out->show = show_of(word);
    (void)xf_query_get(query, "sort", word, sizeof(word));
    out->order = order_of(word);
    (void)xf_query_get(query, "page", word, sizeof(word));
    (void)xf_span_number(xf_span_of(word), XF_SNAPSHOT_PEERS_MAX, &page);
    out->page = page > 0 ? (size_t)page - 1 : 0;
    (void)xf_query_get(query, "q", out->text, sizeof(out->text));
}

void xf_page_list_link(struct xf_draft *out, const struct xf_page_list_query *query)
{
    xf_html(out, "/?show=%s&amp;sort=%s&amp;q=", query->show, order_words[query->order]);
    xf_html_value(out, query->text);
    if (query->page > 0)
        xf_html(out, "&amp;page=%zu", query->page + 1);
    xf_draft_str(out, "#peers");
}

/* ------------------------------------------------------------------ order */

static int by_name(const struct xf_page_peer *a, const struct xf_page_peer *b)
{
    return strcmp(a->name, b->name);
}

static int by_state(const struct xf_page_peer *a, const struct xf_page_peer *b)
{
    return (int)a->state - (int)b->state;
}

static int descending(uint64_t a, uint64_t b)
{
    return a == b ? 0 : a > b ? -1 : 1;
}

static int by_queued(const struct xf_page_peer *a, const struct xf_page_peer *b)
{
    return descending(a->queued, b->queued);
}

static int by_traffic(const struct xf_page_peer *a, const struct xf_page_peer *b)
{
    return descending(a->stanzas, b->stanzas);
}

static int by_heard(const struct xf_page_peer *a, const struct xf_page_peer *b)
{
    if (a->was_heard != b->was_heard)
        return a->was_heard ? -1 : 1;
    return descending(b->heard_ms, a->heard_ms);
}

static int by_expiry(const struct xf_page_peer *a, const struct xf_page_peer *b)
{
    uint64_t first = a->cert_until_s > 0 ? (uint64_t)a->cert_until_s : UINT64_MAX;
    uint64_t second = b->cert_until_s > 0 ? (uint64_t)b->cert_until_s : UINT64_MAX;
    return descending(second, first);
}

typedef int (*compare_fn)(const struct xf_page_peer *a, const struct xf_page_peer *b);
static const compare_fn compares[XF_PAGE_LIST_ORDERS] = {
    [XF_ORDER_STATE] = by_state,   [XF_ORDER_NAME] = by_name,     [XF_ORDER_HEARD] = by_heard,
    [XF_ORDER_QUEUED] = by_queued, [XF_ORDER_EXPIRY] = by_expiry, [XF_ORDER_TRAFFIC] = by_traffic,
};

static int compare(const void *a, const void *b, void *order)
{
    const struct xf_page_peer *first = *(const struct xf_page_peer *const *)a,
                              *second = *(const struct xf_page_peer *const *)b;
    int result = compares[*(enum xf_page_list_order *)order](first, second);
    return result ? result : by_name(first, second);
}

/* ------------------------------------------------------------------ choice */

bool xf_page_list_shows(const char *show, const struct xf_page_peer *peer)
{
    return !*show || strcmp(show, state_words[peer->state]) == 0 ||
           (strcmp(show, NO_CERTIFICATE) == 0 && peer->lacks_certificate);
}

size_t xf_page_list_choose(const struct xf_page_peer *peers, size_t count,
                           struct xf_page_list_query *query, const struct xf_page_peer **out)
{
    size_t chosen = 0;
    for (size_t i = 0; i < count; i++)
        if (xf_page_list_shows(query->show, &peers[i]) &&
            (!*query->text || strcasestr(peers[i].name, query->text)))
            out[chosen++] = &peers[i];
    qsort_r(out, chosen, sizeof(struct xf_page_peer *), compare, &query->order);
    size_t last = chosen > 0 ? (chosen - 1) / XF_PAGE_LIST_ROWS : 0;
    if (query->page > last)
        query->page = last;
    return chosen;
}
