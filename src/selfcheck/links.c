/* SPDX-License-Identifier: MIT */
/*
 * links.c — is each link up, and does the local server hand foreign domains to us?
 *
 * For each domain of a link that is up, the server is asked:
 *   - its time and its software, from the component's own name. Any answer shows that it answers;
 *   - from a domain that does not exist, by a ping (XEP-0199) and by a presence probe. An answer
 *     that is routed comes to us only by the module of the server, or by the default route of a
 *     router. Prosody does not route answers to an iq (question.h), so there only presence counts;
 *   - the same from users who do not exist: a module that shares the users among several gateways
 *     may give one answer to another gateway, but hardly all of them.
 *
 * With names = per-peer the server knows each peer's name itself, and nothing is asked.
 */
#include "selfcheck_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <xfed/base/alloc.h>
#include <xfed/link/question.h>
#include <xfed/link/view.h>
#include <xfed/selfcheck/skew.h>
#include <xfed/xmpp/ns.h>

#define WAIT_MS     5000
#define DOMAINS_MAX 64 /* that are asked; each costs the server some questions */
#define FAR_COUNT   6  /* from far, of each kind: one to the domain, the others to users */
#define LEGS_MAX    64
#define PING        "<ping xmlns='" XF_NS_PING "'/>"
#define VERSION     "<query xmlns='jabber:iq:version'/>" /* XEP-0092 */

struct asked { /* of one domain */
    struct xf_selfcheck *check;
    struct xf_link *link;
    const char *domain;
    bool is_router;
    struct xf_link_question time, version, pings[FAR_COUNT], probes[FAR_COUNT];
    int64_t asked_ms; /* wall clock */
    bool has_time, is_answered;
    enum software { UNKNOWN, ROUTES_IQ, PROSODY } software;
    bool ping_is_back, probe_is_back;
    int64_t skew_s;
};

/* Did something come back that was routed for certain? */
static bool is_back(const struct asked *asked)
{
    bool routes_iq = asked->is_router || asked->software == ROUTES_IQ;
    return asked->probe_is_back || (asked->ping_is_back && routes_iq);
}

/* Is nothing more to be learned? */
static bool is_settled(const struct asked *asked)
{
    return asked->is_answered && is_back(asked) && !xf_list_is_linked(&asked->time.node);
}

struct xf_link_check {
    struct xf_timer timer;
    struct asked *asked[DOMAINS_MAX];
    size_t count;
};

/* ------------------------------------------------------------------ what came of it */

static void say_module(struct asked *asked)
{
    struct xf_spot spot = {"module", asked->domain};
    if (is_back(asked))
        xf_selfcheck_ok(asked->check, spot,
                        "the local server hands foreign domains to us (link %s)",
                        xf_link_name(asked->link));
    else if (asked->ping_is_back && asked->software == UNKNOWN)
        xf_selfcheck_warn(asked->check, spot, XF_HELP_MODULE_MISSING,
                          "the local server does not tell its software (XEP-0092), so it is not "
                          "known whether its answer took the way through its module");
    else if (asked->is_answered)
        xf_selfcheck_wrong(asked->check, spot, XF_HELP_MODULE_MISSING,
                           "module missing: the local server answered to the name of the link, "
                           "%s, but what it had for a foreign domain did not come here: "
                           "mod_route_gateway is not loaded for %s, or names another component",
                           xf_link_name(asked->link), asked->domain);
    else
        xf_selfcheck_wrong(asked->check, spot, XF_HELP_LINK_NO_PONG,
                           "the local server answered nothing within %d s, neither to %s nor to a "
                           "foreign domain: does it have %s?",
                           WAIT_MS / 1000, xf_link_name(asked->link), asked->domain);
}

static void say_time(struct asked *asked)
{
    struct xf_spot spot = {"clock", asked->domain};
    int64_t off_s = asked->skew_s < 0 ? -asked->skew_s : asked->skew_s;
    const char *way = asked->skew_s < 0 ? "ahead of" : "behind";
    if (!asked->has_time)
        xf_selfcheck_ok(asked->check, spot, "the local server does not tell its time (XEP-0202)");
    else if (off_s >= XF_SKEW_WRONG_S)
        xf_selfcheck_wrong(asked->check, spot, XF_HELP_CLOCK_SKEWED,
                           "our clock is %" PRId64 " s %s the local server's", off_s, way);
    else if (off_s >= XF_SKEW_WARN_S)
        xf_selfcheck_warn(asked->check, spot, XF_HELP_CLOCK_SKEWED,
                          "our clock is %" PRId64 " s %s the local server's", off_s, way);
    else
        xf_selfcheck_ok(asked->check, spot, "the local server's clock agrees with ours");
}

static void forget(struct asked *asked)
{
    xf_link_forget(&asked->time);
    xf_link_forget(&asked->version);
    for (size_t i = 0; i < FAR_COUNT; i++) {
        xf_link_forget(&asked->pings[i]);
        xf_link_forget(&asked->probes[i]);
    }
}

static void finish(struct xf_selfcheck *check)
{
    struct xf_link_check *links = check->links;
    xf_timer_stop(&links->timer);
    for (size_t i = 0; i < links->count; i++) {
        forget(links->asked[i]);
        say_module(links->asked[i]);
        say_time(links->asked[i]);
    }
    xf_selfcheck_release(check);
}

static void on_late(void *owner)
{
    finish(owner);
}

/* From the timer, since an answer must not end what asks. */
static void look_whether_over(struct xf_selfcheck *check)
{
    for (size_t i = 0; i < check->links->count; i++)
        if (!is_settled(check->links->asked[i]))
            return;
    xf_timer_start(check->parts.timers, &check->links->timer, 0);
}

/* ------------------------------------------------------------------ questions */

static void on_time(void *owner, const struct xf_stanza *answer)
{
    struct asked *asked = owner;
    asked->is_answered = true;
    asked->has_time = xf_selfcheck_read_skew(answer, asked->asked_ms, xf_unix_ms(), &asked->skew_s);
    look_whether_over(asked->check);
}

static void on_version(void *owner, const struct xf_stanza *answer)
{
    static const char prosody[] = ">Prosody<";
    struct asked *asked = owner;
    struct xf_span payload = answer->payload;
    asked->is_answered = true;
    if (xf_span_is(answer->type, "result") && payload.ptr)
        asked->software =
            memmem(payload.ptr, payload.len, prosody, sizeof(prosody) - 1) ? PROSODY : ROUTES_IQ;
    look_whether_over(asked->check);
}

static void on_ping(void *owner, const struct xf_stanza *answer)
{
    struct asked *asked = owner;
    (void)answer;
    asked->ping_is_back = true;
    look_whether_over(asked->check);
}

static void on_probe(void *owner, const struct xf_stanza *answer)
{
    struct asked *asked = owner;
    (void)answer;
    asked->probe_is_back = true;
    look_whether_over(asked->check);
}

static void ask(struct asked *asked, struct xf_link_question *question, bool is_from_far,
                const char *to, const char *payload)
{
    size_t domain_len = strlen(asked->domain);
    question->owner = asked;
    const struct xf_link_asking asking = {
        .is_from_far = is_from_far,
        .to = to,
        .domain = {to + strlen(to) - domain_len, domain_len},
        .payload = payload,
    };
    (void)!xf_link_ask(asked->link, question, &asking); /* the link went: nothing will come */
}

static void ask_all(struct asked *asked)
{
    char to[XF_DOMAIN_MAX + 32];
    asked->asked_ms = xf_unix_ms();
    asked->time.answered = on_time;
    asked->version.answered = on_version;
    ask(asked, &asked->time, false, asked->domain, XF_SKEW_QUESTION);
    ask(asked, &asked->version, false, asked->domain, VERSION);
    for (size_t i = 0; i < FAR_COUNT; i++) {
        if (i == 0)
            snprintf(to, sizeof(to), "%s", asked->domain);
        else
            snprintf(to, sizeof(to), "xfedd-question-%zu@%s", i, asked->domain);
        asked->pings[i].answered = on_ping;
        asked->probes[i].answered = on_probe;
        ask(asked, &asked->pings[i], true, to, PING);
        ask(asked, &asked->probes[i], true, to, NULL);
    }
}

static void add(struct xf_selfcheck *check, struct xf_link *link, const struct xf_link_view *view,
                const char *domain)
{
    struct xf_link_check *links = check->links;
    if (links->count == DOMAINS_MAX)
        return;
    struct asked *asked = xf_new(struct asked);
    *asked = (struct asked){
        .check = check, .link = link, .domain = domain, .is_router = view->driver[0] == 'r'};
    links->asked[links->count++] = asked;
    ask_all(asked);
}

static void ask_link(struct xf_selfcheck *check, struct xf_link *link,
                     const struct xf_link_view *view)
{
    const struct xf_conf *conf = check->parts.conf;
    for (size_t i = 0; i < conf->served_count; i++) {
        const struct xf_served_settings *served = &conf->served[i].settings;
        if (!served->mail_only && strcmp(served->link, view->title) == 0)
            add(check, link, view, served->domain);
    }
}

/* ------------------------------------------------------------------ legs */

struct shown {
    struct xf_selfcheck *check;
    bool is_per_peer;
};

/* With names = per-peer a stream that is down concerns one peer, which may be a stranger. */
static void show_leg(void *owner, const struct xf_leg_view *leg)
{
    const struct shown *shown = owner;
    struct xf_selfcheck *check = shown->check;
    struct xf_spot spot = {"link", leg->node};
    if (leg->is_up)
        xf_selfcheck_ok(check, spot, "%s is up for %" PRIu64 " s%s", leg->name,
                        leg->since_ms / 1000, leg->is_congested ? ", but slow" : "");
    else
        (shown->is_per_peer ? xf_selfcheck_warn : xf_selfcheck_wrong)(
            check, spot, leg->help ? leg->help : XF_HELP_LINK_DOWN, "%s is down (%s)%s%s",
            leg->name, leg->state, leg->failure ? ", last time: " : "",
            leg->failure ? leg->failure : "");
}

void xf_selfcheck_links(struct xf_selfcheck *check)
{
    struct xf_link_view view;
    check->links = xf_new(struct xf_link_check);
    xf_timer_init(&check->links->timer, on_late, check);
    for (size_t i = 0; i < check->parts.link_count; i++) {
        struct xf_link *link = check->parts.links[i];
        xf_link_view(link, &view);
        xf_link_view_legs(link, LEGS_MAX, show_leg, &(struct shown){check, view.is_per_peer});
        if (view.is_per_peer)
            xf_selfcheck_ok(check, (struct xf_spot){"module", view.title},
                            "is not asked: with names = per-peer the server knows each peer");
        else if (view.is_up)
            ask_link(check, link, &view);
    }
    if (check->links->count == 0)
        return;
    xf_selfcheck_hold(check);
    xf_timer_start(check->parts.timers, &check->links->timer, WAIT_MS);
}

void xf_selfcheck_links_end(struct xf_selfcheck *check)
{
    if (!check->links)
        return;
    xf_timer_stop(&check->links->timer);
    for (size_t i = 0; i < check->links->count; i++) {
        forget(check->links->asked[i]);
        xf_free(check->links->asked[i]);
    }
    xf_free(check->links);
    check->links = NULL;
}
