/* SPDX-License-Identifier: MIT */
/*
 * prefix_priv.h — which namespace each prefix stands for at the element that is being read
 * (Namespaces in XML 1.0).
 *
 * expat parses without namespace processing, which saves a table of names and a copy of the
 * namespace for each element. Instead, each declaration of the open elements is kept here once,
 * with its text; names of elements and attributes refer to that text.
 */
#pragma once

#include <stdint.h>
#include <xfed/base/buf.h>
#include <xfed/base/siphash.h>

struct xf_slice {
    uint32_t off, len;
};

#define XF_SLICE_NONE ((struct xf_slice){UINT32_MAX, 0})

#define XF_PREFIX_BUCKETS 32

struct xf_binding;

/* A name as its namespace and local part. */
struct xf_qname {
    const char *local; /* NUL-terminated; part of expat's name */
    size_t local_len;
    struct xf_slice ns; /* in xf_prefixes.text while the element is open; empty: no namespace */
    bool is_xml;        /* in the namespace of `xml:`, whatever `ns` is */
};

struct xf_prefixes {
    struct xf_buf text;          /* prefixes and namespaces of the bindings */
    struct xf_binding *bindings; /* the innermost last */
    unsigned count, cap;
    unsigned depth;                     /* open elements, the root included */
    uint32_t newest[XF_PREFIX_BUCKETS]; /* 1 + index of the innermost binding in each bucket */
    /*
     * The names of the prefixed attributes of the element that was entered last, each looked up
     * once: the attribute at attrs[at] has names[at / 2]. `local` is NULL for other attributes.
     */
    struct xf_qname *names;
    unsigned names_cap;
    struct xf_siphash_key key; /* so that a peer cannot choose prefixes that collide */
};

void xf_prefixes_init(struct xf_prefixes *prefixes, size_t max_bytes);
void xf_prefixes_set_max(struct xf_prefixes *prefixes, size_t max_bytes);

/* Forget all open elements and free all memory. */
void xf_prefixes_release(struct xf_prefixes *prefixes);

/*
 * Begin an element: bring its declarations into force and check all its names. `name` and `attrs`
 * are as expat gives them without namespace processing. XF_ERR_BAD_XML: not namespace-well-formed.
 * XF_ERR_LIMIT: no more room for the texts of declarations.
 */
XF_MUST_USE enum xf_err xf_prefixes_enter(struct xf_prefixes *prefixes, const char *name,
                                          const char **attrs, struct xf_qname *out_name);

/* End the innermost open element. */
void xf_prefixes_leave(struct xf_prefixes *prefixes);

/*
 * The name of attrs[at], an attribute other than a declaration, of the element that was entered
 * last. `attrs` are those that xf_prefixes_enter got.
 */
struct xf_qname xf_prefixes_attr(const struct xf_prefixes *prefixes, const char **attrs,
                                 unsigned at);

/* Does the innermost open element itself bind a prefix to this namespace? */
bool xf_prefixes_has_prefix_for(const struct xf_prefixes *prefixes, struct xf_span ns);
/* The default namespace in force; empty: none. */
struct xf_slice xf_prefixes_default(const struct xf_prefixes *prefixes);

/* `xmlns` or `xmlns:...` */
static inline bool xf_prefix_is_declaration(const char *name)
{
    return name[0] == 'x' && name[1] == 'm' && name[2] == 'l' && name[3] == 'n' && name[4] == 's' &&
           (name[5] == '\0' || name[5] == ':');
}

static inline struct xf_span xf_prefixes_text(const struct xf_prefixes *prefixes,
                                              struct xf_slice slice)
{
    return (struct xf_span){prefixes->text.data + slice.off, slice.len};
}

/* Are these texts equal? Both slices are in xf_prefixes.text. */
static inline bool xf_prefixes_same(const struct xf_prefixes *prefixes, struct xf_slice a,
                                    struct xf_slice b)
{
    const char *text = prefixes->text.data;

    return a.len == b.len && (a.off == b.off || memcmp(text + a.off, text + b.off, a.len) == 0);
}

/* The namespace of a name; absent if it has none. */
struct xf_span xf_prefixes_ns(const struct xf_prefixes *prefixes, const struct xf_qname *name);

/* May this local part follow a prefix? expat has checked it only as the rest of a name. */
bool xf_ncname_is_valid(const char *local);
