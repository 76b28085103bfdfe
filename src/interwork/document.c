/* SPDX-License-Identifier: MIT */
/* document.c — documents of strangers within limits, and attributes in namespaces. */
#include "document_priv.h"

#include <xfed/xmpp/ns.h>

#include "text_priv.h"

enum xf_err xf_interwork_parse(struct xf_span text, struct xf_document **out_document)
{
    static const struct xf_document_limits limits = {.bytes = XF_INTERWORK_DOCUMENT_MAX_BYTES,
                                                     .depth = XF_INTERWORK_DEPTH_MAX,
                                                     .elements = XF_INTERWORK_ELEMENTS_MAX,
                                                     .attributes = XF_INTERWORK_ATTRIBUTES_MAX};

    return xf_document_parse(text, &limits, out_document);
}

struct xf_span xf_interwork_attr(const struct xf_elem *elem, const char *ns, const char *name)
{
    for (unsigned i = 0; i < elem->attr_count; i++) {
        const struct xf_attr *attr = &elem->attrs[i];

        if (xf_span_is(attr->ns, ns) && xf_span_is(attr->name, name))
            return attr->value;
    }
    return XF_SPAN_NONE;
}

struct xf_span xf_interwork_lang(const struct xf_elem *elem)
{
    struct xf_span lang = xf_interwork_attr(elem, XF_NS_XML, "lang");

    return xf_interwork_is_language(lang) ? lang : XF_SPAN_NONE;
}
