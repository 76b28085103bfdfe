/* SPDX-License-Identifier: MIT */
/*
 * snapshot.c — status and peers, gathered when somebody looks, and shared by all who look within
 * XF_PAGE_FRESH_MS. control makes the answer in parts, a turn of the loop each; meanwhile requests
 * wait. Of each peer the little is kept that the list needs.
 */
#include <string.h>

#include <xfed/base/alloc.h>
#include <xfed/base/utf8.h>

#include "page_priv.h"

#define TEXT_BYTES 240 /* of an error, cut beyond that */

static char *keep(const char *text)
{
    struct xf_span cut = {text, strnlen(text, TEXT_BYTES)};
    return xf_span_dup(xf_utf8_whole(cut));
}

static enum xf_peer_state state_of(const json_t *row)
{
    const char *word = xf_json_text(row, "state");
    if (strcmp(word, "idle") == 0 && json_is_false(json_object_get(row, "reached")))
        return XF_PEER_FAILED;
    for (int state = 0; state < XF_PEER_STATES; state++)
        if (strcmp(word, xf_peer_state_word((enum xf_peer_state)state)) == 0)
            return (enum xf_peer_state)state;
    return XF_PEER_IDLE;
}

void xf_page_peer_init(struct xf_page_peer *peer, const json_t *row)
{
    const char *text = xf_json_text(row, "text"),
               *detail = xf_json_text(row, "last_failure.detail");
    *peer = (struct xf_page_peer){
        .name = keep(xf_json_text(row, "peer")),
        .error = keep(*detail ? detail : text),
        .advice = keep(xf_json_text(row, "last_failure.advice")),
        .help = keep(xf_json_text(row, "last_failure.help")),
        .auth = keep(xf_json_text(row, "auth")),
        .cert = keep(xf_json_text(row, "cert")),
        .state = state_of(row),
        .lacks_certificate = xf_json_is(row, "lacks_certificate"),
        .was_heard = json_object_get(row, "heard_ms") != NULL,
        .heard_ms = xf_json_number(row, "heard_ms"),
        .in = xf_json_number(row, "in"),
        .out = xf_json_number(row, "out"),
        .queued = xf_json_number(row, "queued.stanzas"),
        .retry_ms = xf_json_number(row, "retry_ms"),
        .stanzas = xf_json_number(row, "stanzas_in") + xf_json_number(row, "stanzas_out"),
        .cert_until_s = (int64_t)xf_json_number(row, "cert_until_s"),
    };
}

void xf_page_peer_fini(struct xf_page_peer *peer)
{
    char *const texts[] = {peer->name, peer->error, peer->advice,
                           peer->help, peer->auth,  peer->cert};
    for (size_t i = 0; i < XF_ARRAY_LEN(texts); i++)
        xf_free(texts[i]);
}

static void release(struct xf_snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->count; i++)
        xf_page_peer_fini(&snapshot->peers[i]);
    xf_free(snapshot->peers);
    json_decref(snapshot->status);
    *snapshot = (struct xf_snapshot){0};
}

/* ------------------------------------------------------------------ gathering */

static void make_room(struct xf_snapshot *snapshot)
{
    if (snapshot->count < snapshot->room)
        return;
    snapshot->room = snapshot->room ? 2 * snapshot->room : 64;
    snapshot->peers = xf_realloc(snapshot->peers, snapshot->room * sizeof(*snapshot->peers));
}

size_t xf_snapshot_failing(const struct xf_snapshot *snapshot)
{
    return snapshot->by_state[XF_PEER_FAILING] + snapshot->by_state[XF_PEER_FAILED];
}

static void add_peer(struct xf_snapshot *snapshot, const json_t *row)
{
    snapshot->by_state[state_of(row)]++;
    snapshot->lacking += xf_json_is(row, "lacks_certificate");
    if (snapshot->count == XF_SNAPSHOT_PEERS_MAX) {
        snapshot->left_out++;
        return;
    }
    make_room(snapshot);
    xf_page_peer_init(&snapshot->peers[snapshot->count++], row);
}

static void finish(struct xf_snapshots *snapshots)
{
    struct xf_page *page = snapshots->page;
    snapshots->question = NULL;
    release(&snapshots->now);
    snapshots->now = snapshots->next;
    snapshots->next = (struct xf_snapshot){0};
    snapshots->now.made_ms = page->clock->now_ms;
    snapshots->now.took_ms = page->clock->now_ms - snapshots->began_ms;
    snapshots->now.made_s = xf_unix_s();
    snapshots->is_made = true;
    xf_http_again(page->opts.http);
}

static void hear_peers(void *owner, const json_t *line)
{
    struct xf_snapshots *snapshots = owner;
    const json_t *row = json_object_get(line, "row");
    if (row)
        add_peer(&snapshots->next, row);
    else
        finish(snapshots);
}

static struct xf_own_question *ask(struct xf_snapshots *snapshots, const char *verb,
                                   xf_control_line_fn hear)
{
    json_t *request = json_object();
    xf_json_put(request, "verb", verb);
    return xf_control_ask(snapshots->page->opts.control, request, NULL, hear, snapshots);
}

static void hear_status(void *owner, const json_t *line)
{
    struct xf_snapshots *snapshots = owner;
    snapshots->next.status = json_incref(json_object_get(line, "result"));
    snapshots->question = ask(snapshots, "peers", hear_peers);
}

/* Whoever looks all the time makes us gather for a tenth of the time at most. */
static bool is_fresh(const struct xf_snapshots *snapshots, uint64_t now_ms)
{
    uint64_t rest_ms = 10 * snapshots->now.took_ms;
    return snapshots->is_made && now_ms - snapshots->now.made_ms <
                                     (rest_ms > XF_PAGE_FRESH_MS ? rest_ms : XF_PAGE_FRESH_MS);
}

const struct xf_snapshot *xf_snapshots_get(struct xf_snapshots *snapshots)
{
    uint64_t now_ms = snapshots->page->clock->now_ms;
    if (is_fresh(snapshots, now_ms))
        return &snapshots->now;
    if (!snapshots->question) {
        snapshots->began_ms = now_ms;
        snapshots->question = ask(snapshots, "status", hear_status);
    }
    return NULL;
}

void xf_snapshots_tidy(struct xf_snapshots *snapshots)
{
    uint64_t now_ms = snapshots->page->clock->now_ms;
    if (!snapshots->is_made || now_ms - snapshots->now.made_ms < XF_SNAPSHOT_KEEP_MS)
        return;
    release(&snapshots->now);
    snapshots->is_made = false;
}

void xf_snapshots_fini(struct xf_snapshots *snapshots)
{
    if (snapshots->question)
        xf_control_unask(snapshots->question);
    release(&snapshots->now);
    release(&snapshots->next);
}
