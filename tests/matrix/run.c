/* SPDX-License-Identifier: MIT */
/*
 * run.c — Openfire's matrix of S2S negotiation, every row twice: the gateway as initiator and as
 * receiver, against a scripted peer with the settings of the other side.
 *
 *     run IDENTITY.pem TABLE.csv [ROW initiator|receiver]     one row alone; FAKE_LOG=1 shows the
 *                                                             log
 *
 * Each run is a gateway of its own in the world of the transcripts (fake clock, DNS, conns; what
 * TLS finds is given). How it ended is read from s2s.stream.up and proved by a message: it must
 * arrive on the other side when the log says that the pair is authenticated, and must not when it
 * does not. A configuration that does not load ends nothing but its own row: no connection.
 *
 * A row that ends otherwise than the file says must be one of the differences of expect.c, and end
 * as the file says when the setting is changed that doc/design/MATRIX.md names for it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xfed/base/alloc.h>
#include <xfed/base/crypto.h>

#include "expect.h"
#include "peer.h"

#define LINK_STREAM_ID "linkstream"
#define PATIENCE_MS    70000 /* beyond every time limit of a negotiation */
#define FAILURES_SHOWN 6
#define LOG_SHOWN      8

struct tally {
    size_t runs, equal, unexpected;
    size_t *by_difference;
};

/* ------------------------------------------------------------------ the gateway */

static char *conf_text(const struct settings *settings, enum side_cert own)
{
    static const char *const tls_words[] = {"none", "optional", "required"};
    return xf_asprintf(
        "trust { ca-file = \"\" cert-dir = \"\" }\n"
        "defaults { tls = %s certificate = %s dialback = %s }\n"
        "served \"" OUR_DOMAIN "\" { link = presence %s }\n",
        tls_words[settings->tls], settings->is_cert_required ? "required" : "preferred",
        settings->dialback ? "yes" : "no",
        own == SIDE_CERT_MISSING ? "" : "certificate = \"identity.pem\" key = \"identity.pem\"");
}

/* The cluster's part of XEP-0114 §3. */
static struct wire *link_up(struct world *world)
{
    char digest[XF_SHA1_HEX_BYTES + 1];
    const struct xf_span parts[] = {XF_SPAN(LINK_STREAM_ID), XF_SPAN(WORLD_LINK_SECRET)};
    static const char header[] =
        "<stream:stream xmlns='jabber:component:accept' "
        "xmlns:stream='http://etherx.jabber.org/streams' from='xfedd.a.example' id='" LINK_STREAM_ID
        "'>";
    struct fake_conn *fake = fake_conn_next(&world->env, "127.0.0.1:5347");
    xf_require(fake);
    struct wire *link = world_add_wire(world, "link", fake);
    fake_conn_connected(fake);
    world_feed(world, link, header, strlen(header));
    xf_sha1_hex(parts, XF_ARRAY_LEN(parts), digest);
    xf_require(memmem(xf_buf_ptr(&link->got), link->got.len, digest, strlen(digest)));
    world_feed(world, link, "<handshake/>", strlen("<handshake/>"));
    xf_buf_clear(&link->got);
    return link;
}

static bool came(const struct wire *link, const char *text)
{
    return memmem(xf_buf_ptr(&link->got), link->got.len, text, strlen(text)) != NULL;
}

/* ------------------------------------------------------------------ one run */

/* From the log: the stream of this direction, and over what it was authenticated. */
static enum outcome outcome_of_log(const struct fake_env *env, enum role role, size_t *out_count)
{
    const char *dir = role == ROLE_INITIATOR ? " dir=out " : " dir=in ";
    enum outcome outcome = OUTCOME_NONE;
    *out_count = 0;
    for (size_t i = 0; i < env->log_count; i++) {
        const char *line = env->log[i];
        if (!strstr(line, " s2s.stream.up ") || !strstr(line, dir))
            continue;
        bool is_plain = strstr(line, " tls=none ") != NULL;
        bool is_external = strstr(line, " auth=external ") != NULL;
        outcome = is_external ? OUTCOME_TLS_EXTERNAL
                  : is_plain  ? OUTCOME_PLAIN_DIALBACK
                              : OUTCOME_TLS_DIALBACK;
        ++*out_count;
    }
    return outcome;
}

static void say_what_happened(const struct fake_env *env)
{
    size_t from = env->log_count > LOG_SHOWN ? env->log_count - LOG_SHOWN : 0;
    for (size_t i = from; i < env->log_count; i++)
        fprintf(stderr, "    %.300s\n", env->log[i]);
}

/* NULL, or how messages do not go where the log says that they may. */
static const char *find_contradiction(enum role role, const struct peer *peer,
                                      const struct wire *link, size_t up_count,
                                      enum outcome outcome)
{
    bool is_up = outcome != OUTCOME_NONE;
    if (up_count > 1)
        return "the pair was authenticated twice";
    if (peer->early_stanzas)
        return "a message came to the peer on a stream that it had not authenticated";
    if (role == ROLE_RECEIVER)
        return came(link, ">in</body>") == is_up ? NULL
                                                 : "what came on the link is not what the log says";
    if ((peer->stanzas > 0) != is_up)
        return "what came to the peer is not what the log says";
    return came(link, "<error") == !is_up ? NULL : "the sender was not told as it should be";
}

static void talk(enum role role, struct world *world, struct peer *peer, struct wire *link)
{
    static const char out[] = "<message from='u@" OUR_DOMAIN "' to='v@" PEER_DOMAIN
                              "' id='out'><body>out</body></message>";
    size_t up;
    (void)fake_dns_add_line(world->dns,
                            "_xmpp-server._tcp." PEER_DOMAIN " SRV 0 5 5269 xmpp." PEER_DOMAIN);
    (void)fake_dns_add_line(world->dns, "xmpp." PEER_DOMAIN " A 192.0.2.1");
    if (role == ROLE_INITIATOR)
        world_feed(world, link, out, strlen(out));
    else
        peer_connect(peer);
    peer_play(peer);
    if (outcome_of_log(&world->env, role, &up) == OUTCOME_NONE) {
        world_advance(world, PATIENCE_MS);
        peer_play(peer);
    }
}

struct trial {
    const struct row *row;
    enum role role;
    struct settings settings;
    const char *identity;
    enum outcome want;
};

static bool complain(const struct trial *trial, const char *conf, const char *what,
                     enum outcome got)
{
    char initiator[60], receiver[60];
    side_text(&trial->row->initiator, initiator, sizeof(initiator));
    side_text(&trial->row->receiver, receiver, sizeof(receiver));
    fprintf(stderr, "row %d as %s: %s,%s: want %s, got %s%s%s\n%s", trial->row->line,
            role_word(trial->role), initiator, receiver, outcome_word(trial->want),
            outcome_word(got), what ? ": " : "", what ? what : "", conf);
    return false;
}

/* True when it ended as wanted. */
static bool play(const struct trial *trial, bool is_shown)
{
    struct world world;
    struct peer peer;
    char *why = NULL;
    const struct side *ours = our_side(trial->role, trial->row);
    char *conf = conf_text(&trial->settings, ours->cert);
    if (!world_open(&world, conf, trial->identity, &why)) {
        bool is_good = trial->want == OUTCOME_NONE;
        if (!is_good && is_shown)
            (void)complain(trial, conf, why, OUTCOME_NONE);
        xf_free(why);
        xf_free(conf);
        return is_good;
    }
    struct wire *link = link_up(&world);
    peer_init(&peer, &world, peer_side(trial->role, trial->row), ours->cert);
    talk(trial->role, &world, &peer, link);
    size_t up_count;
    enum outcome got = outcome_of_log(&world.env, trial->role, &up_count);
    const char *wrong = find_contradiction(trial->role, &peer, link, up_count, got);
    bool is_good = got == trial->want && !wrong;
    if (!is_good && is_shown) {
        (void)complain(trial, conf, wrong, got);
        say_what_happened(&world.env);
    }
    peer_fini(&peer);
    world_close(&world);
    xf_free(conf);
    return is_good;
}

/* ------------------------------------------------------------------ all rows */

static void try_row(const struct row *row, enum role role, const char *identity,
                    struct tally *tally)
{
    const struct difference *difference = difference_of(role, row);
    struct trial trial = {
        .row = row,
        .role = role,
        .settings = settings_of(our_side(role, row)),
        .identity = identity,
        .want = difference ? difference->outcome : row->outcome,
    };
    bool is_good = play(&trial, tally->unexpected < FAILURES_SHOWN);
    if (is_good && difference) { /* the setting that MATRIX.md names gives the file's outcome */
        trial.settings = settings_like_file(role, row);
        trial.want = row->outcome;
        is_good = play(&trial, tally->unexpected < FAILURES_SHOWN);
    }
    tally->runs++;
    if (!is_good)
        tally->unexpected++;
    else if (difference)
        tally->by_difference[difference - differences]++;
    else
        tally->equal++;
}

static void report(enum role role, const struct tally *tally)
{
    printf("%s: %zu rows, %zu as in the file", role_word(role), tally->runs, tally->equal);
    for (size_t i = 0; i < difference_count; i++) {
        if (tally->by_difference[i])
            printf(", %zu %s (as in the file with %s)", tally->by_difference[i],
                   differences[i].name, differences[i].setting);
    }
    printf(", %zu unexpected\n", tally->unexpected);
}

/* `only_line` 0: all. Returns the number of unexpected outcomes. */
static size_t try_role(enum role role, const struct rows *rows, const char *identity, int only_line)
{
    struct tally tally = {.by_difference = xf_alloc(difference_count * sizeof(size_t))};
    memset(tally.by_difference, 0, difference_count * sizeof(size_t));
    for (size_t i = 0; i < rows->count; i++) {
        if (only_line == 0 || rows->items[i].line == only_line)
            try_row(&rows->items[i], role, identity, &tally);
    }
    report(role, &tally);
    xf_free(tally.by_difference);
    return tally.unexpected + (tally.runs == 0);
}

int main(int argc, char **argv)
{
    struct rows rows;
    char *why = NULL;
    if (argc != 3 && argc != 5) {
        fputs("usage: run IDENTITY.pem TABLE.csv [ROW initiator|receiver]\n", stderr);
        return 64;
    }
    if (!rows_load(argv[2], &rows, &why)) {
        fprintf(stderr, "%s\n", why);
        xf_free(why);
        rows_free(&rows);
        return 1;
    }
    int only_line = argc == 5 ? (int)strtol(argv[3], NULL, 10) : 0;
    size_t unexpected = 0;
    for (enum role role = ROLE_INITIATOR; role <= ROLE_RECEIVER; role++) {
        if (argc != 5 || strcmp(argv[4], role_word(role)) == 0)
            unexpected += try_role(role, &rows, argv[1], only_line);
    }
    rows_free(&rows);
    return unexpected ? 1 : 0;
}
