/* SPDX-License-Identifier: MIT */
/*
 * test_oracle.c — our parser beside two others, sofia-sip and osip2: who reads a message, and ten
 * fields of those that both read.
 *
 * The messages are those of RFC 4475, the samples and the rows of test_parse. A difference must be
 * in tests/unit/sip/oracle-differences.txt, which says for each who is right; it must not grow
 * without a thought. `test_oracle --print` prints the differences that there are.
 */
#include <xfed/sip/uri.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef XF_HAVE_SOFIA
#include <sofia-sip/msg.h>
#include <sofia-sip/sip.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_protos.h>
#include <sofia-sip/sip_util.h>
#include <sofia-sip/su.h>
#endif
#ifdef XF_HAVE_OSIP
#include <osipparser2/osip_message.h>
#include <osipparser2/osip_parser.h>
#include <osipparser2/osip_port.h>
#endif

#include <xfed/base/alloc.h>
#include <xfed/base/buf.h>
#include <xfed/sip/message.h>

#include "rows.h"
#include "samples.h"

#define FILE_MAX_BYTES  8192
#define LIST_MAX_BYTES  65536
#define FIELD_MAX_BYTES 512

/* clang-format off */
#define FIELDS(X) \
    X(START) X(HOST) X(FROM_TAG) X(TO_TAG) X(CALL_ID) X(CSEQ) X(CSEQ_METHOD) X(VIA_HOST) X(VIA_BRANCH) X(BODY_BYTES)
/* clang-format on */

enum field {
#define X(name) IN_##name,
    FIELDS(X)
#undef X
        FIELD_COUNT
};

static const char *const field_names[] = {
#define X(name) #name,
    FIELDS(X)
#undef X
};

/* What a parser says of a message. IN_START: the method or the status. "": not there. */
struct reading {
    bool is_read;
    char fields[FIELD_COUNT][FIELD_MAX_BYTES];
};

static void set(struct reading *reading, enum field field, struct xf_span value)
{
    size_t len = value.len < FIELD_MAX_BYTES - 1 ? value.len : FIELD_MAX_BYTES - 1;

    if (len > 0)
        memcpy(reading->fields[field], value.ptr, len);
    reading->fields[field][len] = '\0';
}

static void set_text(struct reading *reading, enum field field, const char *value)
{
    set(reading, field, xf_span_of(value));
}

static void set_number(struct reading *reading, enum field field, size_t value)
{
    (void)snprintf(reading->fields[field], FIELD_MAX_BYTES, "%zu", value);
}

static void read_ours(const char *bytes, size_t len, struct reading *out)
{
    static const struct xf_sip_limits limits = XF_SIP_LIMITS_DEFAULT;
    static struct xf_sip_message m;
    struct xf_sip_error error;
    struct xf_sip_uri uri = {0};
    char *copy = xf_alloc(len);

    memcpy(copy, bytes, len);
    out->is_read = xf_sip_parse(copy, len, &limits, &m, &error) == XF_ERR_OK;
    if (out->is_read) {
        if (m.is_request) {
            set(out, IN_START, m.method_name);
            xf_require(xf_sip_uri_parse(m.request_uri, &uri) == XF_ERR_OK);
            set(out, IN_HOST, uri.host);
        } else {
            set_number(out, IN_START, m.status);
        }
        set(out, IN_FROM_TAG, m.from.tag);
        set(out, IN_TO_TAG, m.to.tag);
        set(out, IN_CALL_ID, m.call_id);
        set_number(out, IN_CSEQ, m.cseq.number);
        set(out, IN_CSEQ_METHOD, m.cseq.method_name);
        set(out, IN_VIA_HOST, m.via.host);
        set(out, IN_VIA_BRANCH, m.via.branch);
        set_number(out, IN_BODY_BYTES, m.body.len);
    }
    xf_free(copy);
}

#ifdef XF_HAVE_SOFIA
static void read_sofia(const char *bytes, size_t len, struct reading *out)
{
    msg_t *msg = msg_make(sip_default_mclass(), 0, bytes, (ssize_t)len);
    sip_t *sip = msg ? sip_object(msg) : NULL;

    out->is_read = sip && !sip->sip_error && !(sip->sip_flags & MSG_FLG_ERROR) &&
                   (sip->sip_request || sip->sip_status) && sip_sanity_check(sip) == 0;
    if (out->is_read) {
        if (sip->sip_request) {
            set_text(out, IN_START, sip->sip_request->rq_method_name);
            set_text(out, IN_HOST, sip->sip_request->rq_url->url_host);
        } else {
            set_number(out, IN_START, (size_t)sip->sip_status->st_status);
        }
        set_text(out, IN_FROM_TAG, sip->sip_from->a_tag);
        set_text(out, IN_TO_TAG, sip->sip_to->a_tag);
        set_text(out, IN_CALL_ID, sip->sip_call_id->i_id);
        set_number(out, IN_CSEQ, sip->sip_cseq->cs_seq);
        set_text(out, IN_CSEQ_METHOD, sip->sip_cseq->cs_method_name);
        set_text(out, IN_VIA_HOST, sip->sip_via->v_host);
        set_text(out, IN_VIA_BRANCH, sip->sip_via->v_branch);
        set_number(out, IN_BODY_BYTES, sip->sip_payload ? sip->sip_payload->pl_len : 0);
    }
    if (msg)
        msg_destroy(msg);
}
#endif

#ifdef XF_HAVE_OSIP
static void read_osip_fields(osip_message_t *m, osip_via_t *via, struct reading *out)
{
    osip_generic_param_t *param = NULL;
    osip_body_t *body = NULL;

    if (MSG_IS_REQUEST(m)) {
        set_text(out, IN_START, m->sip_method);
        set_text(out, IN_HOST, m->req_uri->host);
    } else {
        set_number(out, IN_START, (size_t)m->status_code);
    }
    if (osip_from_param_get_byname(m->from, (char[]){"tag"}, &param) == 0)
        set_text(out, IN_FROM_TAG, param->gvalue);
    if (osip_to_param_get_byname(m->to, (char[]){"tag"}, &param) == 0)
        set_text(out, IN_TO_TAG, param->gvalue);
    (void)snprintf(out->fields[IN_CALL_ID], FIELD_MAX_BYTES, "%s%s%s", m->call_id->number,
                   m->call_id->host ? "@" : "", m->call_id->host ? m->call_id->host : "");
    set_text(out, IN_CSEQ, m->cseq->number);
    set_text(out, IN_CSEQ_METHOD, m->cseq->method);
    set_text(out, IN_VIA_HOST, via->host);
    if (osip_via_param_get_byname(via, (char[]){"branch"}, &param) == 0)
        set_text(out, IN_VIA_BRANCH, param->gvalue);
    set_number(out, IN_BODY_BYTES, osip_message_get_body(m, 0, &body) >= 0 ? body->length : 0);
}

static void read_osip(const char *bytes, size_t len, struct reading *out)
{
    osip_message_t *m = NULL;
    osip_via_t *via = NULL;

    xf_require(osip_message_init(&m) == 0);
    out->is_read = osip_message_parse(m, bytes, len) == 0 && m->from && m->to && m->call_id &&
                   m->cseq && osip_message_get_via(m, 0, &via) >= 0 &&
                   (!MSG_IS_REQUEST(m) || m->req_uri);
    if (out->is_read)
        read_osip_fields(m, via, out);
    osip_message_free(m);
}

/* osip2 would print each refusal. */
static void say_nothing(const char *file, int line, osip_trace_level_t level, const char *format,
                        va_list args)
{
    (void)file;
    (void)line;
    (void)level;
    (void)format;
    (void)args;
}
#endif

static const struct {
    const char *name;
    void (*read)(const char *bytes, size_t len, struct reading *out);
} oracles[] = {
#ifdef XF_HAVE_SOFIA
    {"sofia", read_sofia},
#endif
#ifdef XF_HAVE_OSIP
    {"osip", read_osip},
#endif
};

/* ---- Differences ---- */

static struct xf_buf known; /* lines of the list */
static bool prints;
static unsigned compared, unknown;

static bool is_known(const char *line)
{
    char *wanted = xf_asprintf("\n%s\n", line);
    bool found = memmem(xf_buf_ptr(&known), known.len, wanted, strlen(wanted));

    xf_free(wanted);
    return found;
}

static void differ(char *line) /* taken */
{
    if (prints) {
        printf("%s\n", line);
    } else if (!is_known(line)) {
        fprintf(stderr, "not in the list: %s\n", line);
        unknown++;
    }
    xf_free(line);
}

static void compare_fields(const char *oracle, const char *label, const struct reading *ours,
                           const struct reading *theirs)
{
    for (int field = 0; field < FIELD_COUNT; field++) {
        if (strcmp(ours->fields[field], theirs->fields[field]) != 0)
            differ(xf_asprintf("%s has another %s: %s", oracle, field_names[field], label));
    }
}

static void compare(const char *label, const char *bytes, size_t len)
{
    static struct reading ours, theirs;

    memset(&ours, 0, sizeof(ours));
    read_ours(bytes, len, &ours);
    for (size_t i = 0; i < XF_ARRAY_LEN(oracles); i++) {
        memset(&theirs, 0, sizeof(theirs));
        oracles[i].read(bytes, len, &theirs);
        compared++;
        if (ours.is_read != theirs.is_read)
            differ(xf_asprintf("%s %s: %s", oracles[i].name,
                               theirs.is_read ? "reads what we refuse" : "refuses what we read",
                               label));
        else if (ours.is_read)
            compare_fields(oracles[i].name, label, &ours, &theirs);
    }
}

/* ---- Messages ---- */

/* NUL-terminated, for osip2. */
static char *load(const char *path, size_t max, size_t *out_len)
{
    FILE *file = fopen(path, "re");
    char *bytes = xf_alloc(max);

    if (!file) {
        fprintf(stderr, "%s cannot be opened\n", path);
        exit(EXIT_FAILURE);
    }
    *out_len = fread(bytes, 1, max - 1, file);
    (void)fclose(file); /* read only */
    bytes[*out_len] = '\0';
    return bytes;
}

static void compare_text(const char *label, const char *text)
{
    size_t len;
    char *bytes = sip_bytes(text, &len), *copy = xf_strndup(bytes, len);

    compare(label, copy, len);
    xf_free(copy);
    xf_free(bytes);
}

static void compare_vectors(void)
{
    struct dirent **entries;
    int count = scandir(XF_RFC4475, &entries, NULL, alphasort);

    for (int i = 0; i < count; i++) {
        char *path = xf_asprintf("%s/%s", XF_RFC4475, entries[i]->d_name);

        if (entries[i]->d_name[0] != '.') {
            size_t len;
            char *bytes = load(path, FILE_MAX_BYTES, &len);
            compare(entries[i]->d_name, bytes, len);
            xf_free(bytes);
        }
        xf_free(path);
        free(entries[i]); /* scandir's own */
    }
    if (count >= 0)
        free(entries); /* scandir's own */
}

int main(int argc, char **argv)
{
    size_t len;
    char *list = load(XF_DIFFERENCES, LIST_MAX_BYTES, &len);

    xf_buf_init(&known, LIST_MAX_BYTES);
    xf_buf_append_str(&known, "\n");
    xf_buf_append(&known, list, len);
    xf_free(list);
    prints = argc > 1 && strcmp(argv[1], "--print") == 0;
#ifdef XF_HAVE_SOFIA
    su_init();
#endif
#ifdef XF_HAVE_OSIP
    parser_init();
    osip_trace_initialize_func(TRACE_LEVEL0, say_nothing);
#endif
    compare_vectors();
    for (size_t i = 0; i < sip_sample_count; i++)
        compare_text(sip_samples[i].label, sip_samples[i].text);
    for (size_t i = 0; i < sip_row_count; i++)
        compare_text(sip_rows[i].label, sip_rows[i].text);
    xf_buf_release(&known);
#ifdef XF_HAVE_SOFIA
    su_deinit();
#endif
    if (!prints)
        printf("%u readings compared, %u differences that are not in the list\n", compared,
               unknown);
    return compared > 0 && unknown == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
