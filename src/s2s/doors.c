/* SPDX-License-Identifier: MIT */
/*
 * doors.c — how many of our questions stand before one domain or one address, and which did not open lately.
 *
 * With db:result a stranger names a domain, and that domain's DNS names addresses; each question is a connect of ours to somebody whom
 * strangers chose. So for each name only so many may be under way, and one that did not answer is left alone for a while, whoever asks.
 * The addresses at which streams failed are such doors too; those are still tried, but last (dial.c).
 * Failures are remembered for FAILED_MAX names; the oldest is forgotten first.
 */
#include "doors_priv.h"

#include <stdio.h>

#include <xfed/base/alloc.h>

#define FAILED_MAX 4096
#define FORGET_MS 120000 /* after so long a door's failures in a row begin anew */

struct xf_door {
    struct xf_node node; /* in `failed`, while nobody stands there */
    char *name;
    unsigned before; /* how many stand there */
    unsigned failures;
    uint64_t shut_until_ms;
    int note;
    char text[120];
};

void xf_doors_init(struct xf_doors *doors, const struct xf_clock *clock, uint64_t shut_min_ms, uint64_t shut_max_ms)
{
    *doors = (struct xf_doors){.clock = clock, .shut_min_ms = shut_min_ms, .shut_max_ms = shut_max_ms, .by_name = xf_map_new()};
    xf_list_init(&doors->failed);
}

static void forget(struct xf_doors *doors, struct xf_door *door)
{
    if (xf_list_is_linked(&door->node)) {
        xf_list_remove(&door->node);
        doors->failed_count--;
    }
    xf_map_remove(doors->by_name, xf_span_of(door->name));
    xf_free(door->name);
    xf_free(door);
}

static struct xf_door *oldest_failed(struct xf_doors *doors)
{
    return XF_CONTAINER(doors->failed.next, struct xf_door, node);
}

void xf_doors_fini(struct xf_doors *doors)
{
    while (!xf_list_is_empty(&doors->failed))
        forget(doors, oldest_failed(doors));
    xf_require(xf_map_count(doors->by_name) == 0);
    xf_map_free(&doors->by_name);
}

static struct xf_door *find(const struct xf_doors *doors, const char *name)
{
    return xf_map_find(doors->by_name, xf_span_of(name));
}

static struct xf_door *get(struct xf_doors *doors, const char *name)
{
    struct xf_door *door = find(doors, name);
    if (!door) {
        door = xf_new(struct xf_door);
        door->name = xf_strdup(name);
        xf_map_set(doors->by_name, xf_span_of(name), door);
    }
    if (xf_list_is_linked(&door->node)) {
        xf_list_remove(&door->node);
        doors->failed_count--;
    }
    return door;
}

/* Where it belongs when nobody stands before it. */
static void put_away(struct xf_doors *doors, struct xf_door *door)
{
    if (door->before > 0)
        return;
    if (door->failures == 0) {
        forget(doors, door);
        return;
    }
    if (doors->failed_count >= FAILED_MAX)
        forget(doors, oldest_failed(doors));
    xf_list_push(&doors->failed, &door->node);
    doors->failed_count++;
}

unsigned xf_door_count(const struct xf_doors *doors, const char *name)
{
    const struct xf_door *door = find(doors, name);
    return door ? door->before : 0;
}

bool xf_door_enter(struct xf_doors *doors, const char *name, unsigned max)
{
    if (xf_door_count(doors, name) >= max)
        return false;
    get(doors, name)->before++;
    return true;
}

void xf_door_leave(struct xf_doors *doors, const char *name)
{
    struct xf_door *door = get(doors, name);
    xf_require(door->before > 0);
    door->before--;
    put_away(doors, door);
}

void xf_door_failed(struct xf_doors *doors, const char *name, int note, const char *text)
{
    struct xf_door *door = get(doors, name);
    uint64_t now_ms = doors->clock->now_ms, shut_ms = doors->shut_min_ms;
    if (door->shut_until_ms + FORGET_MS < now_ms)
        door->failures = 0;
    for (unsigned i = 0; i < door->failures && shut_ms < doors->shut_max_ms; i++)
        shut_ms *= 2;
    door->failures++;
    door->shut_until_ms = now_ms + (shut_ms < doors->shut_max_ms ? shut_ms : doors->shut_max_ms);
    door->note = note;
    snprintf(door->text, sizeof(door->text), "%s", text);
    put_away(doors, door);
}

void xf_door_opened(struct xf_doors *doors, const char *name)
{
    struct xf_door *door = find(doors, name);
    if (!door || door->failures == 0)
        return;
    door->failures = 0;
    door->shut_until_ms = 0;
    if (door->before == 0)
        forget(doors, door);
}

bool xf_door_is_shut(const struct xf_doors *doors, const char *name, int *out_note, const char **out_text)
{
    const struct xf_door *door = find(doors, name);
    if (!door || door->failures == 0 || doors->clock->now_ms >= door->shut_until_ms)
        return false;
    if (out_note)
        *out_note = door->note;
    if (out_text)
        *out_text = door->text;
    return true;
}
