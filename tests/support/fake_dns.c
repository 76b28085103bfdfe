/* SPDX-License-Identifier: MIT */
/*
 * fake_dns.c — an xf_dns that answers from a table, when the test says so.
 *
 * The table is a list of rows (records and statuses), searched from one end to the other: tests are
 * small. Questions wait in a list, the oldest first. Each gets a number when it is asked, so that a
 * step knows which were there when it began.
 */
#include "fake_dns.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include <xfed/base/alloc.h>
#include <xfed/base/list.h>

struct row {
    struct xf_node node;
    char name[XF_DNS_NAME_MAX + 1];
    unsigned type; /* 0: a status, or "secure", for all types */
    enum { ROW_RECORD, ROW_STATUS, ROW_SECURE } kind;
    enum fake_dns_status status;
    bool is_secure;
    struct xf_dns_record record;
    uint8_t data[]; /* bytes of a TLSA record */
};

struct asked {
    struct xf_node node;
    char name[XF_DNS_NAME_MAX + 1];
    unsigned type;
};

struct xf_dns_query {
    struct xf_node node;
    uint64_t number, asked_ms;
    bool is_later;
    char name[XF_DNS_NAME_MAX + 1];
    enum xf_dns_type type;
    xf_dns_answered_fn answered;
    void *owner;
};

struct fake_dns {
    struct xf_dns seam;
    const struct xf_clock *clock;
    unsigned timeout_ms;
    struct xf_node rows, queries, asked;
    uint64_t last_number;
};

static void write_name(const char *name, char out[XF_DNS_NAME_MAX + 1])
{
    size_t len = strlen(name);

    if (len > 0 && name[len - 1] == '.')
        len--;
    xf_require(len <= XF_DNS_NAME_MAX);
    for (size_t i = 0; i < len; i++)
        out[i] = name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] - 'A' + 'a') : name[i];
    out[len] = '\0';
}

static struct row *add_row_with(struct fake_dns *fake, const char *name, unsigned type,
                                size_t data_bytes)
{
    struct row *row = xf_alloc(sizeof(*row) + data_bytes);

    write_name(name, row->name);
    row->type = type;
    xf_list_push(&fake->rows, &row->node);
    return row;
}

static struct row *add_row(struct fake_dns *fake, const char *name, unsigned type)
{
    return add_row_with(fake, name, type, 0);
}

static void free_list(struct xf_node *head)
{
    XF_LIST_EACH_SAFE (node, head) {
        xf_list_remove(node);
        xf_free(node); /* the node comes first in everything that these lists hold */
    }
}

/* ---- the seam ---- */

static struct xf_dns_query *push_query(struct fake_dns *fake, xf_dns_answered_fn answered,
                                       void *owner)
{
    struct xf_dns_query *query = xf_new(struct xf_dns_query);

    query->number = ++fake->last_number;
    query->asked_ms = fake->clock ? fake->clock->now_ms : 0;
    query->answered = answered;
    query->owner = owner;
    xf_list_push(&fake->queries, &query->node);
    return query;
}

static struct xf_dns_query *ask(struct xf_dns *dns, const char *name, enum xf_dns_type type,
                                xf_dns_answered_fn answered, void *owner)
{
    struct fake_dns *fake = (struct fake_dns *)(void *)dns;
    struct xf_dns_query *query = push_query(fake, answered, owner);
    struct asked *asked = xf_new(struct asked);

    write_name(name, query->name);
    xf_require(strcmp(query->name, name) == 0); /* the contract: lower case, no dot at the end */
    query->type = type;
    memcpy(asked->name, query->name, sizeof(asked->name));
    asked->type = (unsigned)type;
    xf_list_push(&fake->asked, &asked->node);
    return query;
}

static struct xf_dns_query *later(struct xf_dns *dns, xf_dns_answered_fn answered, void *owner)
{
    struct xf_dns_query *query = push_query((struct fake_dns *)(void *)dns, answered, owner);

    query->is_later = true;
    return query;
}

static void cancel(struct xf_dns *dns, struct xf_dns_query *query)
{
    (void)dns;
    xf_list_remove(&query->node);
    xf_free(query);
}

static const struct xf_dns_ops ops = {.ask = ask, .later = later, .cancel = cancel};

struct fake_dns *fake_dns_new(const struct xf_clock *clock, unsigned timeout_ms)
{
    struct fake_dns *fake = xf_new(struct fake_dns);

    *fake = (struct fake_dns){.seam = {.ops = &ops}, .clock = clock, .timeout_ms = timeout_ms};
    xf_list_init(&fake->rows);
    xf_list_init(&fake->queries);
    xf_list_init(&fake->asked);
    return fake;
}

void fake_dns_free(struct fake_dns **fake)
{
    if (!*fake)
        return;
    xf_require(xf_list_is_empty(&(*fake)->queries)); /* a question would have waited for ever */
    free_list(&(*fake)->rows);
    free_list(&(*fake)->asked);
    xf_free(*fake);
    *fake = NULL;
}

struct xf_dns *fake_dns_seam(struct fake_dns *fake)
{
    return &fake->seam;
}

/* ---- the table ---- */

void fake_dns_add_srv(struct fake_dns *fake, const char *name, uint16_t priority, uint16_t weight,
                      uint16_t port, const char *target)
{
    struct row *row = add_row(fake, name, XF_DNS_SRV);

    row->record.priority = priority;
    row->record.weight = weight;
    row->record.port = port;
    write_name(target, row->record.target);
}

void fake_dns_add_naptr(struct fake_dns *fake, const char *name, uint16_t order,
                        uint16_t preference, const char *service, const char *replacement)
{
    struct row *row = add_row(fake, name, XF_DNS_NAPTR);

    xf_require(*service && strlen(service) <= XF_NAPTR_SERVICE_MAX);
    row->record.priority = order;
    row->record.weight = preference;
    snprintf(row->record.service, sizeof(row->record.service), "%s", service);
    write_name(replacement, row->record.target);
}

void fake_dns_add_address(struct fake_dns *fake, const char *name, const char *address)
{
    bool is_v6 = strchr(address, ':') != NULL;
    struct row *row = add_row(fake, name, is_v6 ? XF_DNS_AAAA : XF_DNS_A);

    xf_require(inet_pton(is_v6 ? AF_INET6 : AF_INET, address, row->record.address) == 1);
}

void fake_dns_set_status(struct fake_dns *fake, const char *name, unsigned type,
                         enum fake_dns_status status)
{
    struct row *row = add_row(fake, name, type);

    row->kind = ROW_STATUS;
    row->status = status;
}

void fake_dns_add_tlsa(struct fake_dns *fake, const char *name, const struct xf_tlsa *tlsa)
{
    struct row *row = add_row_with(fake, name, XF_DNS_TLSA, tlsa->data_bytes);

    xf_require(tlsa->data_bytes > 0 && tlsa->data_bytes <= XF_TLSA_DATA_MAX);
    memcpy(row->data, tlsa->data, tlsa->data_bytes);
    row->record.tlsa = *tlsa;
    row->record.tlsa.data = row->data;
}

void fake_dns_set_secure(struct fake_dns *fake, const char *name, unsigned type, bool is_secure)
{
    struct row *row = add_row(fake, name, type);

    row->kind = ROW_SECURE;
    row->is_secure = is_secure;
    fake->seam.may_be_secure |= is_secure;
}

void fake_dns_remove(struct fake_dns *fake, const char *name)
{
    char wanted[XF_DNS_NAME_MAX + 1];

    write_name(name, wanted);
    XF_LIST_EACH_SAFE (node, &fake->rows) {
        if (strcmp(XF_CONTAINER(node, struct row, node)->name, wanted) != 0)
            continue;
        xf_list_remove(node);
        xf_free(node);
    }
}

static unsigned type_of_word(const char *word)
{
    if (strcasecmp(word, "SRV") == 0)
        return XF_DNS_SRV;
    if (strcasecmp(word, "NAPTR") == 0)
        return XF_DNS_NAPTR;
    if (strcasecmp(word, "A") == 0)
        return XF_DNS_A;
    if (strcasecmp(word, "TLSA") == 0)
        return XF_DNS_TLSA;
    return strcasecmp(word, "AAAA") == 0 ? XF_DNS_AAAA : 0;
}

static bool set_status_by_word(struct fake_dns *fake, const char *name, unsigned type,
                               const char *word)
{
    static const struct {
        const char *word;
        enum fake_dns_status status;
    } words[] = {{"records", FAKE_DNS_RECORDS},     {"nxdomain", FAKE_DNS_NXDOMAIN},
                 {"nodata", FAKE_DNS_NO_DATA},      {"servfail", FAKE_DNS_SERVFAIL},
                 {"bogus", FAKE_DNS_BOGUS},         {"refused", FAKE_DNS_REFUSED},
                 {"malformed", FAKE_DNS_MALFORMED}, {"silence", FAKE_DNS_SILENCE}};

    for (size_t i = 0; i < XF_ARRAY_LEN(words); i++) {
        if (strcasecmp(words[i].word, word) == 0) {
            fake_dns_set_status(fake, name, type, words[i].status);
            return true;
        }
    }
    return false;
}

static bool u16_of_word(const char *word, uint16_t *out)
{
    char *end;
    unsigned long value = strtoul(word, &end, 10);

    *out = (uint16_t)value;
    return end != word && *end == '\0' && value <= UINT16_MAX;
}

/* "secure" or the word of a status. */
static bool set_by_word(struct fake_dns *fake, const char *name, unsigned type, const char *word)
{
    if (strcasecmp(word, "secure") != 0)
        return set_status_by_word(fake, name, type, word);
    fake_dns_set_secure(fake, name, type, true);
    return true;
}

static bool u8_of_word(const char *word, uint8_t *out)
{
    uint16_t value;

    if (!u16_of_word(word, &value) || value > UINT8_MAX)
        return false;
    *out = (uint8_t)value;
    return true;
}

/* How many bytes; 0: not hex, or too long. */
static size_t bytes_of_hex(const char *hex, uint8_t out[XF_TLSA_DATA_MAX])
{
    size_t len = strlen(hex);

    if (len % 2 != 0 || len / 2 > XF_TLSA_DATA_MAX || strspn(hex, "0123456789abcdefABCDEF") != len)
        return 0;
    for (size_t i = 0; i < len / 2; i++)
        out[i] = (uint8_t)strtoul((const char[]){hex[2 * i], hex[2 * i + 1], '\0'}, NULL, 16);
    return len / 2;
}

static bool add_tlsa_words(struct fake_dns *fake, char **word)
{
    uint8_t data[XF_TLSA_DATA_MAX];
    struct xf_tlsa tlsa = {.data = data, .data_bytes = bytes_of_hex(word[5], data)};

    if (!u8_of_word(word[2], &tlsa.usage) || !u8_of_word(word[3], &tlsa.selector) ||
        !u8_of_word(word[4], &tlsa.matching) || tlsa.data_bytes == 0)
        return false;
    fake_dns_add_tlsa(fake, word[0], &tlsa);
    return true;
}

static bool add_words(struct fake_dns *fake, char **word, size_t count)
{
    unsigned type = count >= 2 ? type_of_word(word[1]) : 0;
    uint16_t priority, weight, port;
    uint8_t bytes[16];

    if (count == 2)
        return set_by_word(fake, word[0], 0, word[1]);
    if (type == XF_DNS_SRV && count == 6) {
        if (!u16_of_word(word[2], &priority) || !u16_of_word(word[3], &weight) ||
            !u16_of_word(word[4], &port))
            return false;
        fake_dns_add_srv(fake, word[0], priority, weight, port, word[5]);
        return true;
    }
    if (type == XF_DNS_NAPTR && count == 6) {
        if (!u16_of_word(word[2], &priority) || !u16_of_word(word[3], &weight))
            return false;
        fake_dns_add_naptr(fake, word[0], priority, weight, word[4], word[5]);
        return true;
    }
    if (type == XF_DNS_TLSA && count == 6)
        return add_tlsa_words(fake, word);
    if (type == 0 || count != 3)
        return false;
    if (set_by_word(fake, word[0], type, word[2]))
        return true;
    if ((type != XF_DNS_A && type != XF_DNS_AAAA) ||
        inet_pton(type == XF_DNS_A ? AF_INET : AF_INET6, word[2], bytes) != 1)
        return false;
    fake_dns_add_address(fake, word[0], word[2]);
    return true;
}

bool fake_dns_add_line(struct fake_dns *fake, const char *line)
{
    char *copy = xf_strdup(line), *rest = copy, *word[7], *next;
    size_t count = 0;

    while (count < XF_ARRAY_LEN(word) && (next = strsep(&rest, " \t\r\n")))
        if (*next)
            word[count++] = next;
    bool is_good = count < XF_ARRAY_LEN(word) && add_words(fake, word, count);
    xf_free(copy);
    return is_good;
}

/* ---- answers ---- */

struct lookup {
    enum fake_dns_status status;
    bool is_secure, name_exists;
    size_t count;
    struct xf_dns_record records[XF_DNS_RECORDS_MAX];
};

static void look_up(const struct fake_dns *fake, const struct xf_dns_query *query,
                    struct lookup *lookup)
{
    bool is_narrow = false, is_secure_narrow = false;

    memset(lookup, 0, sizeof(*lookup));
    XF_LIST_EACH (node, &fake->rows) {
        const struct row *row = XF_CONTAINER(node, struct row, node);

        if (strcmp(row->name, query->name) != 0)
            continue;
        if (row->kind == ROW_SECURE) {
            if (row->type == (unsigned)query->type || (row->type == 0 && !is_secure_narrow)) {
                lookup->is_secure = row->is_secure;
                is_secure_narrow = row->type != 0;
            }
        } else if (row->kind == ROW_STATUS) {
            if (row->type == (unsigned)query->type || (row->type == 0 && !is_narrow)) {
                lookup->status = row->status;
                is_narrow = row->type != 0;
            }
        } else {
            lookup->name_exists = true;
            if (row->type == (unsigned)query->type) {
                xf_require(lookup->count < XF_DNS_RECORDS_MAX);
                lookup->records[lookup->count++] = row->record;
            }
        }
    }
}

static struct xf_dns_answer answer_of(const struct lookup *lookup)
{
    bool has_failed = lookup->status >= FAKE_DNS_SERVFAIL;
    struct xf_dns_answer answer = {.status = XF_DNS_FAILED,
                                   .is_secure = lookup->is_secure && !has_failed};

    switch (lookup->status) {
    case FAKE_DNS_SILENCE:
        answer.detail = "no answer in time";
        answer.help = XF_HELP_DNS_SILENT;
        break;
    case FAKE_DNS_BOGUS:
        answer.detail = "SERVFAIL from 192.0.2.53:53 (DNSSEC Bogus)";
        answer.help = XF_HELP_DNS_BOGUS;
        break;
    case FAKE_DNS_REFUSED:
        answer.detail = "REFUSED from 192.0.2.53:53";
        answer.help = XF_HELP_DNS_REFUSED;
        break;
    case FAKE_DNS_MALFORMED:
        answer.detail = "malformed answer from 192.0.2.53:53";
        answer.help = XF_HELP_DNS_MALFORMED;
        break;
    case FAKE_DNS_SERVFAIL:
        answer.detail = "SERVFAIL from 192.0.2.53:53";
        answer.help = XF_HELP_DNS_SERVFAIL;
        break;
    case FAKE_DNS_NXDOMAIN:
        answer.status = XF_DNS_NXDOMAIN;
        answer.detail = "NXDOMAIN";
        break;
    case FAKE_DNS_NO_DATA:
        answer.status = XF_DNS_NO_DATA;
        answer.detail = "no such record";
        break;
    case FAKE_DNS_RECORDS:
        answer.status = lookup->count         ? XF_DNS_FOUND
                        : lookup->name_exists ? XF_DNS_NO_DATA
                                              : XF_DNS_NXDOMAIN;
        answer.records = lookup->records;
        answer.count = lookup->count;
        answer.detail = lookup->count ? "found" : "not in the table";
        break;
    }
    return answer;
}

static void deliver(struct xf_dns_query *query, const struct xf_dns_answer *answer)
{
    xf_dns_answered_fn answered = query->answered;
    void *owner = query->owner;

    xf_list_remove(&query->node);
    xf_free(query);
    answered(owner, answer);
}

/*
 * The oldest question with a number up to `last` that can be answered now; *lookup is its answer.
 */
static struct xf_dns_query *next_due(struct fake_dns *fake, uint64_t last, bool only_silent,
                                     struct lookup *lookup)
{
    XF_LIST_EACH (node, &fake->queries) {
        struct xf_dns_query *query = XF_CONTAINER(node, struct xf_dns_query, node);

        if (query->number > last)
            break;
        if (query->is_later) {
            memset(lookup, 0, sizeof(*lookup));
            lookup->status = FAKE_DNS_NO_DATA;
        } else {
            look_up(fake, query, lookup);
        }
        bool is_silent = lookup->status == FAKE_DNS_SILENCE;
        bool is_over = fake->clock && fake->clock->now_ms - query->asked_ms >= fake->timeout_ms;
        if (only_silent ? is_silent : (!is_silent || is_over))
            return query;
    }
    return NULL;
}

static size_t deliver_due(struct fake_dns *fake, bool only_silent)
{
    uint64_t last = fake->last_number;
    struct lookup *lookup = xf_new(struct lookup);
    struct xf_dns_query *query;
    size_t count = 0;

    while ((query = next_due(fake, last, only_silent, lookup))) {
        struct xf_dns_answer answer = answer_of(lookup);

        deliver(query, &answer);
        count++;
    }
    xf_free(lookup);
    return count;
}

size_t fake_dns_step(struct fake_dns *fake)
{
    return deliver_due(fake, false);
}

void fake_dns_settle(struct fake_dns *fake)
{
    while (fake_dns_step(fake) > 0)
        ;
}

size_t fake_dns_time_out(struct fake_dns *fake)
{
    return deliver_due(fake, true);
}

/* ---- what happened ---- */

size_t fake_dns_waiting(const struct fake_dns *fake)
{
    size_t count = 0;

    XF_LIST_EACH (node, &fake->queries)
        count++;
    return count;
}

size_t fake_dns_asked(const struct fake_dns *fake, const char *name, unsigned type)
{
    char wanted[XF_DNS_NAME_MAX + 1] = "";
    size_t count = 0;

    if (name)
        write_name(name, wanted);
    XF_LIST_EACH (node, &fake->asked) {
        const struct asked *asked = XF_CONTAINER(node, struct asked, node);

        if ((!name || strcmp(asked->name, wanted) == 0) && (type == 0 || asked->type == type))
            count++;
    }
    return count;
}

void fake_dns_forget_asked(struct fake_dns *fake)
{
    free_list(&fake->asked);
}
