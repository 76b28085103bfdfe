/* SPDX-License-Identifier: MIT */
/*
 * standing.c — a watcher of the log that keeps what was said to be broken until it is said to be
 * well. The table says which event begins a fault, which ones end it, and by which key several
 * faults of a kind are told apart. Test: tests/unit/selfcheck/test_standing.c.
 */
#include <xfed/selfcheck/standing.h>

#include <string.h>

#include <xfed/base/alloc.h>
#include <xfed/base/draft.h>

#define FAULTS_MAX 64 /* nodes and files; further ones are only in the log */
#define TEXT_BYTES 512

/* clang-format off */
static const struct kind {
    const char *begins, *ends[2];
    const char *key; /* NULL: there is one only */
    const char *part;
} kinds[] = {
    {"memory.file.refused",        {NULL},                                                    "file",   "file"},
    {"memory.write.failed",        {"memory.write.recovered"},                                "file",   "file"},
    {"journal.file.refused",       {NULL},                                                    "file",   "file"},
    {"journal.write.failed",       {"journal.write.recovered"},                               "file",   "file"},
    {"audit.write.failed",         {"audit.write.recovered"},                                 "file",   "file"},
    {"identity.file.refused",      {"identity.file.loaded"},                                  NULL,     "file"},
    {"identity.directory.lost",    {"identity.directory.found", "identity.directory.removed"}, NULL,    "directory"},
    {"identity.directory.refused", {"identity.directory.loaded", "identity.directory.removed"}, NULL,   "directory"},
    {"memory.store.lost",          {"memory.store.found"},                                    "store",  "node"},
    {"node.lost",                  {"node.returned", "node.left"},                            "node",   "node"},
    {"process.listeners.failed",   {"process.listeners.opened", "process.listeners.closed"},  NULL,     "process"},
    {"link.answers.missing",       {"link.answers.seen"},                                     "link",   "module"},
};
/* clang-format on */

struct fault {
    struct xf_node node;
    const struct kind *kind;
    char *where, *text;
    enum xf_help help;
    uint64_t since_ms;
};

struct xf_standing {
    struct xf_log_watcher watcher;
    const struct xf_clock *clock;
    struct xf_node faults;
    size_t count;
};

static struct xf_span place_of(const struct kind *kind, const struct xf_log_event *event)
{
    return kind->key ? xf_log_text(event, kind->key) : XF_SPAN_NONE;
}

static struct fault *find(struct xf_standing *standing, const struct kind *kind,
                          struct xf_span where)
{
    XF_LIST_EACH (node, &standing->faults) {
        struct fault *fault = XF_CONTAINER(node, struct fault, node);
        if (fault->kind == kind && xf_span_is(where, fault->where))
            return fault;
    }
    return NULL;
}

static void drop(struct xf_standing *standing, struct fault *fault)
{
    standing->count--;
    xf_list_remove(&fault->node);
    xf_free(fault->where);
    xf_free(fault->text);
    xf_free(fault);
}

/* The values of the event, but for those that are shown elsewhere. */
static char *text_of(const struct kind *kind, const struct xf_log_event *event)
{
    struct xf_buf text;
    struct xf_span detail = xf_log_text(event, "detail");
    xf_buf_init(&text, TEXT_BYTES);
    struct xf_draft draft = xf_draft_begin(&text);
    xf_draft_printf(&draft, "%s", event->name);
    if (detail.ptr)
        xf_draft_printf(&draft, ": %.*s", XF_SPAN_ARGS(detail));
    for (size_t i = 0; i < event->count; i++) {
        const struct xf_kv *kv = &event->kvs[i];
        bool is_shown = strcmp(kv->key, "detail") == 0 || strcmp(kv->key, "help") == 0 ||
                        strcmp(kv->key, "advice") == 0 ||
                        (kind->key && strcmp(kv->key, kind->key) == 0);
        if (is_shown || (kv->kind != XF_KV_NUMBER && !kv->text.ptr))
            continue;
        if (kv->kind == XF_KV_NUMBER)
            xf_draft_printf(&draft, " %s=%lld", kv->key, (long long)kv->number);
        else
            xf_draft_printf(&draft, " %s=%.*s", kv->key, XF_SPAN_ARGS(kv->text));
    }
    bool is_whole = xf_draft_end(&draft) == XF_ERR_OK;
    char *copy = is_whole ? xf_span_dup(xf_buf_span(&text)) : xf_strdup(event->name);
    xf_buf_release(&text);
    return copy;
}

static void begin(struct xf_standing *standing, const struct kind *kind,
                  const struct xf_log_event *event)
{
    struct xf_span where = place_of(kind, event);
    struct fault *known = find(standing, kind, where);
    uint64_t since_ms = known ? known->since_ms : standing->clock->now_ms;
    if (known)
        drop(standing, known);
    if (standing->count >= FAULTS_MAX)
        return;
    struct fault *fault = xf_new(struct fault);
    *fault = (struct fault){.kind = kind,
                            .where = xf_span_dup(where.ptr ? where : XF_SPAN("")),
                            .text = text_of(kind, event),
                            .help = xf_help_of_code(xf_log_text(event, "help")),
                            .since_ms = since_ms};
    xf_list_push(&standing->faults, &fault->node);
    standing->count++;
}

static void end(struct xf_standing *standing, const struct kind *kind,
                const struct xf_log_event *event)
{
    struct fault *fault = find(standing, kind, place_of(kind, event));
    if (fault)
        drop(standing, fault);
}

static bool ends(const struct kind *kind, const char *name)
{
    for (size_t i = 0; i < XF_ARRAY_LEN(kind->ends); i++)
        if (kind->ends[i] && strcmp(kind->ends[i], name) == 0)
            return true;
    return false;
}

static void see(struct xf_log_watcher *watcher, const struct xf_log_event *event)
{
    struct xf_standing *standing = XF_CONTAINER(watcher, struct xf_standing, watcher);
    for (size_t i = 0; i < XF_ARRAY_LEN(kinds); i++) {
        if (strcmp(kinds[i].begins, event->name) == 0)
            begin(standing, &kinds[i], event);
        else if (ends(&kinds[i], event->name))
            end(standing, &kinds[i], event);
    }
}

struct xf_standing *xf_standing_new(const struct xf_clock *clock)
{
    struct xf_standing *standing = xf_new(struct xf_standing);
    standing->clock = clock;
    xf_list_init(&standing->faults);
    standing->watcher.see = see;
    xf_log_watch(&standing->watcher);
    return standing;
}

void xf_standing_free(struct xf_standing **standing)
{
    if (!*standing)
        return;
    xf_log_unwatch(&(*standing)->watcher);
    XF_LIST_EACH_SAFE (node, &(*standing)->faults)
        drop(*standing, XF_CONTAINER(node, struct fault, node));
    xf_free(*standing);
    *standing = NULL;
}

void xf_standing_show(const struct xf_standing *standing, const char *part, xf_standing_fn show,
                      void *owner)
{
    XF_LIST_EACH (node, &standing->faults) {
        const struct fault *fault = XF_CONTAINER(node, struct fault, node);
        if (part && strcmp(part, fault->kind->part) != 0)
            continue;
        show(owner, &(struct xf_standing_fault){.event = fault->kind->begins,
                                                .part = fault->kind->part,
                                                .where = fault->where,
                                                .text = fault->text,
                                                .help = fault->help,
                                                .since_ms = fault->since_ms});
    }
}
