/* SPDX-License-Identifier: MIT */
/*
 * activity.c — what the user is doing, in two forms:
 *
 *     <activities><busy/></activities>                         RFC 4480
 *     <activities><activity>busy</activity></activities>       its drafts until 2004
 *
 * The namespace was another one in each draft; all of them begin alike.
 */
#include "activity_priv.h"

#include <xfed/base/err.h>
#include <xfed/xmpp/ns.h>

#include "document_priv.h"
#include "text_priv.h"

#define NS_START XF_NS_PIDF ":"

static const struct {
    const char *name;
    enum xf_activity activity;
} activities[] = {
    {"busy", XF_ACTIVITY_BUSY},
    {"on-the-phone", XF_ACTIVITY_BUSY},
    {"meeting", XF_ACTIVITY_BUSY},
    {"appointment", XF_ACTIVITY_BUSY},
    {"presentation", XF_ACTIVITY_BUSY},
    {"away", XF_ACTIVITY_AWAY},
    {"breakfast", XF_ACTIVITY_AWAY},
    {"lunch", XF_ACTIVITY_AWAY},
    {"dinner", XF_ACTIVITY_AWAY},
    {"meal", XF_ACTIVITY_AWAY},
    {"travel", XF_ACTIVITY_AWAY},
    {"in-transit", XF_ACTIVITY_AWAY},
    {"vacation", XF_ACTIVITY_AWAY},
    {"holiday", XF_ACTIVITY_AWAY},
    {"permanent-absence", XF_ACTIVITY_XA},
    {"sleeping", XF_ACTIVITY_XA},
};

static bool is_of_pidf(const struct xf_elem *elem)
{
    size_t len = sizeof(NS_START) - 1;

    return elem->ns.len > len && memcmp(elem->ns.ptr, NS_START, len) == 0;
}

static enum xf_activity find(struct xf_span name)
{
    for (size_t i = 0; i < XF_ARRAY_LEN(activities); i++) {
        if (xf_span_eq_nocase(name, xf_span_of(activities[i].name)))
            return activities[i].activity;
    }
    return XF_ACTIVITY_NONE;
}

static enum xf_activity read_one(const struct xf_elem *elem)
{
    struct xf_span text = xf_span_trim(elem->text);

    if (!xf_span_is(elem->name, "activity"))
        return find(elem->name);
    if (text.len == 0 && elem->first_child)
        return find(elem->first_child->name);
    return find(text);
}

/* Without it the rest must not be understood either (RFC 3863 section 4.2.3). */
static bool must_understand(const struct xf_elem *elem)
{
    struct xf_span value = xf_span_trim(xf_interwork_attr(elem, XF_NS_PIDF, "mustUnderstand"));

    return xf_span_is(value, "1") || xf_span_is(value, "true");
}

enum xf_activity xf_activity_read(const struct xf_elem *elem)
{
    enum xf_activity found = XF_ACTIVITY_NONE;

    if (!is_of_pidf(elem) || !xf_span_is(elem->name, "activities"))
        return XF_ACTIVITY_NONE;
    for (const struct xf_elem *child = elem->first_child; child; child = child->next) {
        if (!is_of_pidf(child) && must_understand(child))
            return XF_ACTIVITY_NONE;
        if (is_of_pidf(child) && found == XF_ACTIVITY_NONE)
            found = read_one(child);
    }
    return found;
}
