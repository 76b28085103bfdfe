/* SPDX-License-Identifier: MIT */
/* element.c — questions about a control element. */
#include <xfed/xml/reader.h>

struct xf_span xf_elem_attr(const struct xf_elem *elem, const char *name)
{
    for (unsigned i = 0; i < elem->attr_count; i++) {
        const struct xf_attr *attr = &elem->attrs[i];

        if (!attr->ns.ptr && xf_span_is(attr->name, name))
            return attr->value;
    }
    return XF_SPAN_NONE;
}

struct xf_span xf_elem_token(const struct xf_elem *elem, const char *name)
{
    return xf_span_trim(xf_elem_attr(elem, name));
}

bool xf_elem_is(const struct xf_elem *elem, const char *ns, const char *name)
{
    return xf_span_is(elem->name, name) && xf_span_is(elem->ns, ns);
}

const struct xf_elem *xf_elem_child(const struct xf_elem *elem, const char *ns, const char *name)
{
    for (const struct xf_elem *child = elem->first_child; child; child = child->next) {
        if (xf_elem_is(child, ns, name))
            return child;
    }
    return NULL;
}
