/* SPDX-License-Identifier: MIT */
/*
 * notifier_resources.c — what is known of a user's presence: one entry for each resource that is
 * online. When the last one goes, its entry stays, as offline. No entry: nothing is known.
 *
 * Where there is no room for texts, resources are kept without them, and no second one.
 */
#include "notifier_priv.h"

#include <xfed/base/alloc.h>

#define NOTE_HEAD 4 /* lengths of its language and text, two bytes each */

/* Behind it: the name, then each note as two lengths, language and text. */
struct xf_notifier_resource {
    struct xf_notifier_resource *next;
    signed char priority;
    unsigned char show, note_count;
    bool is_open, is_in_doubt;
    uint16_t name_len; /* 0: the bare JID */
    uint16_t text_len; /* of all that is behind it */
};

static char *text_of(const struct xf_notifier_resource *resource)
{
    return (char *)(uintptr_t)(resource + 1);
}

/* ------------------------------------------------------------------ packing */

/* Notes that fit; the first ones count. */
static size_t notes_len(const struct xf_availability *availability, unsigned *out_count)
{
    size_t len = 0, sum = 0;
    unsigned count = 0;
    for (; count < availability->note_count; count++) {
        const struct xf_availability_note *note = &availability->notes[count];
        sum += note->text.len;
        if (sum > XF_NOTIFIER_NOTES_MAX || note->lang.len > XF_NOTIFIER_NOTES_MAX)
            break;
        len += NOTE_HEAD + note->lang.len + note->text.len;
    }
    *out_count = count;
    return len;
}

static char *put(char *at, struct xf_span text)
{
    if (text.len)
        memcpy(at, text.ptr, text.len);
    return at + text.len;
}

static char *put_len(char *at, size_t len)
{
    *at++ = (char)(len >> 8);
    *at++ = (char)len;
    return at;
}

static struct xf_notifier_resource *pack(struct xf_span name,
                                         const struct xf_availability *availability)
{
    unsigned count;
    size_t len = name.len + notes_len(availability, &count);
    struct xf_notifier_resource *resource = xf_alloc(sizeof(*resource) + len);
    char *at = put(text_of(resource), name);
    *resource = (struct xf_notifier_resource){.priority = (signed char)availability->priority,
                                              .show = (unsigned char)availability->show,
                                              .note_count = (unsigned char)count,
                                              .is_open = availability->is_open,
                                              .name_len = (uint16_t)name.len,
                                              .text_len = (uint16_t)len};
    for (unsigned i = 0; i < count; i++) {
        const struct xf_availability_note *note = &availability->notes[i];
        at = put_len(put_len(at, note->lang.len), note->text.len);
        at = put(put(at, note->lang), note->text);
    }
    return resource;
}

static struct xf_span take(char **at, size_t len)
{
    struct xf_span text = {*at, len};
    *at += len;
    return len ? text : XF_SPAN_NONE;
}

static size_t take_len(char **at)
{
    const unsigned char *bytes = (const unsigned char *)*at;
    *at += 2;
    return (size_t)bytes[0] << 8 | bytes[1];
}

static void unpack(const struct xf_notifier_resource *resource, struct xf_pidf_resource *out)
{
    char *at = text_of(resource);
    *out = (struct xf_pidf_resource){.name = take(&at, resource->name_len),
                                     .availability = {.is_open = resource->is_open,
                                                      .show = (enum xf_show)resource->show,
                                                      .priority = resource->priority,
                                                      .note_count = resource->note_count}};
    for (unsigned i = 0; i < resource->note_count; i++) {
        size_t lang_len = take_len(&at), text_len = take_len(&at);
        out->availability.notes[i].lang = take(&at, lang_len);
        out->availability.notes[i].text = take(&at, text_len);
    }
}

/* ------------------------------------------------------------------ the table */

static bool is_of(const struct xf_notifier_resource *resource, struct xf_span name)
{
    return resource->name_len == name.len &&
           (name.len == 0 || memcmp(text_of(resource), name.ptr, name.len) == 0);
}

static bool is_same(const struct xf_notifier_resource *a, const struct xf_notifier_resource *b)
{
    return a && a->is_open == b->is_open && a->show == b->show && a->priority == b->priority &&
           a->name_len == b->name_len && a->text_len == b->text_len &&
           memcmp(text_of(a), text_of(b), a->text_len) == 0;
}

static struct xf_notifier_resource **place_of(struct xf_notifier_watch *watch, struct xf_span name)
{
    struct xf_notifier_resource **at = &watch->resources;
    while (*at && !is_of(*at, name))
        at = &(*at)->next;
    return at;
}

static size_t bytes_of(const struct xf_notifier_resource *resource)
{
    return sizeof(*resource) + resource->text_len;
}

static void remove_at(struct xf_notifier_watch *watch, struct xf_notifier_resource **at)
{
    struct xf_notifier_resource *resource = *at;
    *at = resource->next;
    watch->resource_count--;
    xf_notifier_limits_weigh(watch, 0, bytes_of(resource));
    xf_free(resource);
}

static void add(struct xf_notifier_watch *watch, struct xf_notifier_resource *resource)
{
    resource->next = watch->resources;
    watch->resources = resource;
    watch->resource_count++;
    xf_notifier_limits_weigh(watch, bytes_of(resource), 0);
}

void xf_notifier_resources_clear(struct xf_notifier_watch *watch)
{
    while (watch->resources)
        remove_at(watch, &watch->resources);
}

static bool may_add(const struct xf_notifier_watch *watch, const struct xf_notifier_resource *fresh)
{
    return !watch->resources || (watch->resource_count < XF_NOTIFIER_RESOURCES_MAX &&
                                 xf_notifier_limits_takes(watch, bytes_of(fresh)));
}

/* Online. The entry that says offline is the only one, if it is there. */
static bool take_open(struct xf_notifier_watch *watch, struct xf_span name,
                      struct xf_notifier_resource *fresh)
{
    struct xf_notifier_resource **at = place_of(watch, name);
    if (*at)
        (*at)->is_in_doubt = false;
    if (is_same(*at, fresh) || (!*at && !may_add(watch, fresh))) {
        xf_free(fresh);
        return false;
    }
    if (*at)
        remove_at(watch, at);
    if (!xf_notifier_resources_are_open(watch))
        xf_notifier_resources_clear(watch);
    add(watch, fresh);
    return true;
}

bool xf_notifier_resources_are_open(const struct xf_notifier_watch *watch)
{
    return watch->resources && watch->resources->is_open;
}

void xf_notifier_resources_close(struct xf_notifier_watch *watch)
{
    static const struct xf_availability closed = {.is_open = false};
    struct xf_span name = XF_SPAN_NONE;
    if (watch->resources)
        name = (struct xf_span){text_of(watch->resources), watch->resources->name_len};
    struct xf_notifier_resource *last = pack(name, &closed);
    xf_notifier_resources_clear(watch);
    add(watch, last);
}

/*
 * Offline; without a resource: the whole user (RFC 6121 section 4.3.2). It counts for those who
 * were online; all others are found to be offline in time (XF_NOTIFIER_ABSENT_MS).
 */
static bool take_closed(struct xf_notifier_watch *watch, struct xf_span name,
                        struct xf_notifier_resource *fresh)
{
    struct xf_notifier_resource **at = place_of(watch, name);
    bool is_open = xf_notifier_resources_are_open(watch), was_there = is_open && *at;
    bool others_stay = is_open && name.ptr && watch->resource_count > (was_there ? 1 : 0);
    if (others_stay && was_there)
        remove_at(watch, at);
    if (others_stay || !is_open) {
        xf_free(fresh);
        return others_stay && was_there;
    }
    xf_notifier_resources_clear(watch);
    add(watch, fresh);
    return true;
}

bool xf_notifier_resources_take(struct xf_notifier_watch *watch, const struct xf_stanza *stanza)
{
    char texts[XF_AVAILABILITY_TEXT_BYTES];
    struct xf_availability availability;
    struct xf_span name = stanza->from.resource;
    if (xf_availability_read(stanza, texts, &availability) != XF_ERR_OK)
        return false;
    struct xf_notifier_resource *fresh = pack(name, &availability);
    if (!xf_notifier_limits_takes(watch, bytes_of(fresh))) {
        xf_free(fresh);
        availability.note_count = 0;
        fresh = pack(name, &availability);
    }
    return availability.is_open ? take_open(watch, name, fresh) : take_closed(watch, name, fresh);
}

void xf_notifier_resources_doubt(struct xf_notifier_watch *watch)
{
    for (struct xf_notifier_resource *at = watch->resources; at; at = at->next)
        at->is_in_doubt = at->is_open;
}

bool xf_notifier_resources_conclude(struct xf_notifier_watch *watch)
{
    unsigned doubted = 0;
    for (const struct xf_notifier_resource *at = watch->resources; at; at = at->next)
        doubted += at->is_in_doubt;
    if (doubted == watch->resource_count) {
        xf_notifier_resources_close(watch);
        return true;
    }
    for (struct xf_notifier_resource **at = &watch->resources; *at;)
        if ((*at)->is_in_doubt)
            remove_at(watch, at);
        else
            at = &(*at)->next;
    return doubted > 0;
}

/* ------------------------------------------------------------------ for a document */

static int rank_of(const struct xf_pidf_resource *resource)
{
    static const int ranks[] = {[XF_SHOW_CHAT] = 4,
                                [XF_SHOW_NONE] = 3,
                                [XF_SHOW_AWAY] = 2,
                                [XF_SHOW_XA] = 1,
                                [XF_SHOW_DND] = 0};
    return ranks[resource->availability.show] * 256 + resource->availability.priority;
}

size_t xf_notifier_resources_list(const struct xf_notifier_watch *watch,
                                  struct xf_pidf_resource out[XF_NOTIFIER_RESOURCES_MAX])
{
    size_t count = 0;
    for (const struct xf_notifier_resource *at = watch->resources; at; at = at->next) {
        struct xf_pidf_resource fresh;
        size_t i = count++;
        unpack(at, &fresh);
        for (; i > 0 && rank_of(&out[i - 1]) < rank_of(&fresh); i--)
            out[i] = out[i - 1];
        out[i] = fresh;
    }
    return count;
}
