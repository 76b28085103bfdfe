/* SPDX-License-Identifier: MIT */
/* attempts.c — keeps the last streams with each peer; see attempts.h. */
#include <xfed/attempts/attempts.h>

#include <string.h>

#include <xfed/base/alloc.h>
#include <xfed/base/err.h>
#include <xfed/base/map.h>
#include <xfed/base/utf8.h>

#define PAIRS_BYTES 400 /* of one step, cut beyond that */
#define KVS_MAX     24

enum direction { OUT, IN, VERIFY, DIRECTIONS };
static const char *const direction_words[] = {"out", "in", "verify"};

/*
 * Whose attempts take memory from whom. Anybody can make attempts of others by the thousand, in the
 * name of any domain.
 */
enum group {
    OURS_NAMED, /* we connected to a peer with a section */
    OURS,       /* ... to another one */
    OTHERS,     /* others connected to us, or made us ask about a key */
    GROUPS
};
static const unsigned eighths[GROUPS] = {[OURS_NAMED] = 4, [OURS] = 2, [OTHERS] = 2};

struct attempt {
    struct xf_node node; /* in log.of[dir], the newest last */
    struct xf_attempt view;
    struct xf_attempt_step steps[XF_ATTEMPT_STEPS];
    uint64_t began_ms;
    size_t bytes; /* of this and of all its texts */
};

struct peer_log {
    struct xf_node node; /* in heard[group], the one heard of last is the last */
    struct xf_node of[DIRECTIONS];
    size_t count[DIRECTIONS];
    size_t bytes;
    uint64_t heard_ms;
    enum group group;
    bool was_up;         /* one of the attempts authenticated the pair */
    struct xf_span peer; /* behind the struct */
};

struct xf_attempts {
    struct xf_log_watcher watcher;
    struct xf_attempts_opts opts;
    struct xf_map *logs[GROUPS]; /* peer -> struct peer_log */
    struct xf_node heard[GROUPS];
    size_t bytes[GROUPS];
};

static struct attempt *attempt_of(struct xf_node *node)
{
    return XF_CONTAINER(node, struct attempt, node);
}

/* ------------------------------------------------------------------ memory */

static void count(struct xf_attempts *attempts, struct peer_log *log, struct attempt *attempt,
                  size_t bytes)
{
    attempt->bytes += bytes;
    log->bytes += bytes;
    attempts->bytes[log->group] += bytes;
}

static void uncount(struct xf_attempts *attempts, struct peer_log *log, struct attempt *attempt,
                    size_t bytes)
{
    attempt->bytes -= bytes;
    log->bytes -= bytes;
    attempts->bytes[log->group] -= bytes;
}

static char *keep(struct xf_attempts *attempts, struct peer_log *log, struct attempt *attempt,
                  struct xf_span text)
{
    count(attempts, log, attempt, text.len + 1);
    return xf_strndup(text.ptr, text.len);
}

static void free_text(const char *text)
{
    xf_free((char *)(uintptr_t)text);
}

static void free_attempt(struct xf_attempts *attempts, struct peer_log *log,
                         struct attempt *attempt)
{
    struct xf_attempt *view = &attempt->view;
    xf_list_remove(&attempt->node);
    uncount(attempts, log, attempt, attempt->bytes);
    const char *const texts[] = {view->local,  view->auth,   view->cert, view->reason,
                                 view->detail, view->advice, view->help, view->addr};
    for (size_t i = 0; i < XF_ARRAY_LEN(texts); i++)
        if (texts[i] && *texts[i])
            free_text(texts[i]);
    for (size_t i = 0; i < view->step_count; i++)
        free_text(attempt->steps[i].pairs);
    xf_free(attempt);
}

static void free_log(struct xf_attempts *attempts, struct peer_log *log)
{
    for (size_t dir = 0; dir < DIRECTIONS; dir++)
        XF_LIST_EACH_SAFE (node, &log->of[dir])
            free_attempt(attempts, log, attempt_of(node));
    attempts->bytes[log->group] -= log->bytes;
    xf_list_remove(&log->node);
    (void)xf_map_remove(attempts->logs[log->group], log->peer);
    xf_free(log);
}

/* `log` was heard of just now, and is the last to go. */
static void make_room(struct xf_attempts *attempts, const struct peer_log *log)
{
    struct xf_node *heard = &attempts->heard[log->group];
    while (attempts->bytes[log->group] > attempts->opts.max_bytes / 8 * eighths[log->group] &&
           heard->next != &log->node)
        free_log(attempts, XF_CONTAINER(heard->next, struct peer_log, node));
}

static struct peer_log *new_log(struct xf_attempts *attempts, struct xf_span peer, enum group group)
{
    struct peer_log *log = xf_alloc(sizeof(*log) + peer.len);
    memcpy(log + 1, peer.ptr, peer.len);
    *log = (struct peer_log){
        .peer = {(char *)(log + 1), peer.len},
        .bytes = sizeof(*log) + peer.len,
        .group = group,
    };
    for (size_t dir = 0; dir < DIRECTIONS; dir++)
        xf_list_init(&log->of[dir]);
    attempts->bytes[log->group] += log->bytes;
    (void)xf_map_set(attempts->logs[group], log->peer, log);
    return log;
}

static struct peer_log *log_of(struct xf_attempts *attempts, struct xf_span peer, enum group group)
{
    struct peer_log *log = xf_map_find(attempts->logs[group], peer);
    if (!log)
        log = new_log(attempts, peer, group);
    xf_list_remove(&log->node);
    xf_list_push(&attempts->heard[log->group], &log->node);
    log->heard_ms = attempts->opts.clock->now_ms;
    return log;
}

/* ------------------------------------------------------------------ attempts */

static struct attempt *find_attempt(struct peer_log *log, uint64_t stream)
{
    for (size_t dir = 0; dir < DIRECTIONS; dir++)
        for (struct xf_node *node = log->of[dir].prev; node != &log->of[dir]; node = node->prev)
            if (attempt_of(node)->view.stream == stream)
                return attempt_of(node);
    return NULL;
}

/* Lines about our own streams say `for` or `dir`, or belong to them by their name. */
static enum direction direction_of(const struct xf_log_event *event)
{
    struct xf_span word = xf_log_text(event, "dir");
    if (!word.ptr)
        word = xf_log_text(event, "for");
    if (xf_span_is(word, "verify"))
        return VERIFY;
    bool is_ours = xf_span_is(word, "out") || xf_span_is(word, "delivery") ||
                   xf_span_is(word, "check") || xf_span_is(word, "look");
    return is_ours ? OUT : IN;
}

static struct attempt *new_attempt(struct xf_attempts *attempts, struct peer_log *log,
                                   const struct xf_log_event *event, uint64_t stream)
{
    enum direction dir = direction_of(event);
    struct attempt *attempt = xf_new(struct attempt);
    struct xf_span local = xf_log_text(event, "local");
    attempt->began_ms = attempts->opts.clock->now_ms;
    attempt->view = (struct xf_attempt){.stream = stream,
                                        .dir = direction_words[dir],
                                        .began_s = xf_unix_s(),
                                        .auth = "",
                                        .cert = "",
                                        .reason = "",
                                        .detail = "",
                                        .advice = "",
                                        .help = "",
                                        .addr = "",
                                        .steps = attempt->steps};
    count(attempts, log, attempt, sizeof(*attempt));
    attempt->view.local = local.ptr ? keep(attempts, log, attempt, local) : NULL;
    xf_list_push(&log->of[dir], &attempt->node);
    log->count[dir]++;
    if (log->count[dir] > XF_ATTEMPTS_EACH) {
        free_attempt(attempts, log, attempt_of(log->of[dir].next));
        log->count[dir]--;
    }
    return attempt;
}

/* ------------------------------------------------------------------ steps */

static bool is_told_elsewhere(const char *key)
{
    return strcmp(key, "local") == 0 || strcmp(key, "peer") == 0 || strcmp(key, "stream") == 0;
}

static char *print_pairs(const struct xf_log_event *event)
{
    struct xf_kv kvs[KVS_MAX];
    char line[XF_LOG_LINE_BYTES];
    struct xf_log_event rest = {event->level, event->name, kvs, 0};
    for (size_t i = 0; i < event->count && rest.count < KVS_MAX; i++)
        if (!is_told_elsewhere(event->kvs[i].key))
            kvs[rest.count++] = event->kvs[i];
    xf_log_print(&rest, line);
    size_t head = strlen(xf_log_level_name(event->level)) + 1 + strlen(event->name);
    size_t len = strlen(line) - head;
    const char *pairs = line + head + (len > 0); /* a space is in front */
    struct xf_span cut = {pairs, strnlen(pairs, PAIRS_BYTES)};
    return xf_span_dup(xf_utf8_whole(cut));
}

static void add_step(struct xf_attempts *attempts, struct peer_log *log, struct attempt *attempt,
                     const struct xf_log_event *event)
{
    struct xf_attempt *view = &attempt->view;
    if (view->step_count == XF_ATTEMPT_STEPS) { /* the last one is always the newest */
        struct xf_attempt_step *last = &attempt->steps[--view->step_count];
        uncount(attempts, log, attempt, strlen(last->pairs) + 1);
        free_text(last->pairs);
        view->steps_left_out++;
    }
    struct xf_attempt_step *step = &attempt->steps[view->step_count++];
    step->ms = attempts->opts.clock->now_ms - attempt->began_ms;
    step->event = event->name;
    step->pairs = print_pairs(event);
    count(attempts, log, attempt, strlen(step->pairs) + 1);
}

static void renew(struct xf_attempts *attempts, struct peer_log *log, struct attempt *attempt,
                  const struct xf_log_event *event, const char *key, const char **field)
{
    struct xf_span text = xf_log_text(event, key);
    if (**field) {
        uncount(attempts, log, attempt, strlen(*field) + 1);
        free_text(*field);
        *field = "";
    }
    if (text.len > 0)
        *field = keep(attempts, log, attempt, text);
}

static void note_end(struct xf_attempts *attempts, struct peer_log *log, struct attempt *attempt,
                     const struct xf_log_event *event)
{
    struct xf_attempt *view = &attempt->view;
    view->outcome = view->outcome == XF_ATTEMPT_UP ? XF_ATTEMPT_ENDED : XF_ATTEMPT_FAILED;
    renew(attempts, log, attempt, event, "reason", &view->reason);
    renew(attempts, log, attempt, event, "detail", &view->detail);
    renew(attempts, log, attempt, event, "advice", &view->advice);
    renew(attempts, log, attempt, event, "help", &view->help);
    renew(attempts, log, attempt, event, "addr", &view->addr);
}

static void note_up(struct xf_attempts *attempts, struct peer_log *log, struct attempt *attempt,
                    const struct xf_log_event *event)
{
    attempt->view.outcome = XF_ATTEMPT_UP;
    log->was_up = true;
    renew(attempts, log, attempt, event, "auth", &attempt->view.auth);
    renew(attempts, log, attempt, event, "cert", &attempt->view.cert);
}

static enum group group_of(const struct xf_attempts *attempts, enum direction dir,
                           struct xf_span peer)
{
    if (dir != OUT)
        return OTHERS;
    return attempts->opts.is_named && attempts->opts.is_named(attempts->opts.owner, peer)
               ? OURS_NAMED
               : OURS;
}

/* Not every line says which way its stream goes. */
static enum group known_group(const struct xf_attempts *attempts, const struct xf_log_event *event,
                              struct xf_span peer, uint64_t stream)
{
    for (size_t group = 0; group < GROUPS; group++) {
        struct peer_log *log = xf_map_find(attempts->logs[group], peer);
        if (log && find_attempt(log, stream))
            return (enum group)group;
    }
    return group_of(attempts, direction_of(event), peer);
}

static void on_event(struct xf_log_watcher *watcher, const struct xf_log_event *event)
{
    struct xf_attempts *attempts = XF_CONTAINER(watcher, struct xf_attempts, watcher);
    struct xf_span peer = xf_log_text(event, "peer");
    const struct xf_kv *stream = xf_log_find(event, "stream");
    if (peer.len == 0 || !stream)
        return;
    uint64_t number = (uint64_t)stream->number;
    struct peer_log *log = log_of(attempts, peer, known_group(attempts, event, peer, number));
    struct attempt *attempt = find_attempt(log, number);
    if (!attempt)
        attempt = new_attempt(attempts, log, event, number);
    add_step(attempts, log, attempt, event);
    if (strcmp(event->name, "s2s.stream.up") == 0) {
        note_up(attempts, log, attempt, event);
    } else if (strcmp(event->name, "s2s.stream.down") == 0) {
        note_end(attempts, log, attempt, event);
    }
    make_room(attempts, log);
}

/* ------------------------------------------------------------------ for the owner */

struct xf_attempts *xf_attempts_new(const struct xf_attempts_opts *opts)
{
    struct xf_attempts *attempts = xf_new(struct xf_attempts);
    attempts->opts = *opts;
    for (size_t group = 0; group < GROUPS; group++) {
        attempts->logs[group] = xf_map_new();
        xf_list_init(&attempts->heard[group]);
    }
    attempts->watcher.see = on_event;
    if (opts->max_bytes > 0)
        xf_log_watch(&attempts->watcher);
    return attempts;
}

void xf_attempts_free(struct xf_attempts **attempts)
{
    struct xf_attempts *s = *attempts;
    if (!s)
        return;
    *attempts = NULL;
    xf_log_unwatch(&s->watcher);
    for (size_t group = 0; group < GROUPS; group++) {
        XF_LIST_EACH_SAFE (node, &s->heard[group])
            free_log(s, XF_CONTAINER(node, struct peer_log, node));
        xf_map_free(&s->logs[group]);
    }
    xf_free(s);
}

/* Where the attempts of each direction stand, from the newest on. */
struct places {
    struct xf_node *at[DIRECTIONS], *end[DIRECTIONS];
};

static void find_places(const struct xf_attempts *attempts, struct xf_span peer, struct places *out)
{
    *out = (struct places){0};
    for (size_t group = 0; group < GROUPS; group++) {
        struct peer_log *log = xf_map_find(attempts->logs[group], peer);
        for (size_t dir = 0; log && dir < DIRECTIONS; dir++) {
            if (xf_list_is_empty(&log->of[dir]))
                continue;
            out->at[dir] = log->of[dir].prev;
            out->end[dir] = &log->of[dir];
        }
    }
}

/* Of the directions in turn, always the newest that was not shown yet. */
void xf_attempts_show(const struct xf_attempts *attempts, struct xf_span peer, xf_attempt_fn show,
                      void *owner)
{
    struct places places;
    find_places(attempts, peer, &places);
    for (;;) {
        size_t newest = DIRECTIONS;
        for (size_t dir = 0; dir < DIRECTIONS; dir++)
            if (places.at[dir] != places.end[dir] &&
                (newest == DIRECTIONS || attempt_of(places.at[dir])->view.stream >
                                             attempt_of(places.at[newest])->view.stream))
                newest = dir;
        if (newest == DIRECTIONS)
            return;
        show(owner, &attempt_of(places.at[newest])->view);
        places.at[newest] = places.at[newest]->prev;
    }
}

void xf_attempts_each_peer(const struct xf_attempts *attempts, xf_attempts_peer_fn show,
                           void *owner)
{
    for (size_t group = 0; group < GROUPS; group++)
        XF_LIST_EACH (node, &attempts->heard[group]) {
            const struct peer_log *log = XF_CONTAINER(node, struct peer_log, node);
            if (group != OTHERS || log->was_up)
                show(owner, log->peer, log->heard_ms);
        }
}
