/* SPDX-License-Identifier: MIT */
/* activity_priv.h — activities of RPID (RFC 4480 section 3.2), by what they are shown as. */
#pragma once

#include <xfed/xml/reader.h>

enum xf_activity {
    XF_ACTIVITY_NONE, /* none, or one that says nothing about being there */
    XF_ACTIVITY_BUSY,
    XF_ACTIVITY_AWAY,
    XF_ACTIVITY_XA,
};

/*
 * The activity that an <activities/> element names, as an element or as text; the first one that is
 * not NONE. NONE for any other element.
 */
enum xf_activity xf_activity_read(const struct xf_elem *elem);
