/* SPDX-License-Identifier: MIT */
/* document_priv.h — XML that comes in bodies, and the texts of stanzas, as documents. */
#pragma once

#include <xfed/xml/document.h>

#define XF_INTERWORK_DOCUMENT_MAX_BYTES (64u << 10)
#define XF_INTERWORK_DEPTH_MAX          16
#define XF_INTERWORK_ELEMENTS_MAX       2000
#define XF_INTERWORK_ATTRIBUTES_MAX     64

/* xf_document_parse with these limits. */
XF_MUST_USE enum xf_err xf_interwork_parse(struct xf_span text, struct xf_document **out_document);

/* The value of an attribute in a namespace; absent if there is none. */
struct xf_span xf_interwork_attr(const struct xf_elem *elem, const char *ns, const char *name);

/* The language that the element's own xml:lang names; absent if it names none. */
struct xf_span xf_interwork_lang(const struct xf_elem *elem);
