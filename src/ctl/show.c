/* SPDX-License-Identifier: MIT */
/* show.c — answers that are no table, for people. */
#include "ctl_priv.h"

#include <inttypes.h>
#include <string.h>

#include <xfed/base/alloc.h>
#include <xfed/base/clock.h>
#include <xfed/base/err.h>
#include <xfed/base/timestamp.h>

/* A label, then what follows on the same line. */
static void label(const char *text)
{
    printf("%-14s", text);
}

/* "LABEL text" on a line of its own; nothing for an empty text. */
static void line(const char *name, const char *text)
{
    if (!*text)
        return;
    label(name);
    xf_ctl_print_text(text, stdout);
    putchar('\n');
}

static void print_after(const char *head, const char *text)
{
    fputs(head, stdout);
    xf_ctl_print_text(text, stdout);
}

/* ------------------------------------------------------------------ status */

static void show_leg(const json_t *leg)
{
    char since[XF_READABLE_BYTES];
    printf("%-14s  %-22s %s for %s", "", xf_json_text(leg, "node"), xf_json_text(leg, "state"),
           xf_readable_duration(xf_json_number(leg, "since_ms"), since));
    if (*xf_json_text(leg, "failure"))
        print_after(", last time: ", xf_json_text(leg, "failure"));
    if (xf_json_is(leg, "congested"))
        fputs(", slow", stdout);
    if (xf_json_is(leg, "draining"))
        fputs(", drains", stdout);
    putchar('\n');
    line("  advice", xf_json_text(leg, "advice"));
    line("  help", xf_json_text(leg, "help"));
}

static void show_link(const json_t *link)
{
    char down[XF_READABLE_BYTES];
    size_t index;
    const json_t *leg;
    label("link");
    printf("%s: %s %s, %s", xf_json_text(link, "link"), xf_json_text(link, "driver"),
           xf_json_text(link, "name"), xf_json_is(link, "up") ? "up" : "DOWN");
    if (xf_json_number(link, "down_ms"))
        printf(" for %s", xf_readable_duration(xf_json_number(link, "down_ms"), down));
    if (xf_json_number(link, "held.stanzas"))
        printf(", holds %" PRIu64 " stanzas", xf_json_number(link, "held.stanzas"));
    if (xf_json_is(link, "refuses_peers"))
        fputs(", refuses peers", stdout);
    putchar('\n');
    json_array_foreach((json_t *)(uintptr_t)xf_json_get(link, "legs"), index, leg) show_leg(leg);
}

static void show_links(const json_t *result)
{
    size_t index;
    const json_t *link;
    json_array_foreach((json_t *)(uintptr_t)xf_json_get(result, "links"), index, link)
        show_link(link);
}

static void show_certificate(const json_t *cert)
{
    char until[XF_READABLE_BYTES], left[XF_READABLE_BYTES];
    int64_t end_s = xf_json_signed(cert, "not_after_s");
    label("certificate");
    printf("%s: until %s, %s\n", xf_json_text(cert, "name"), xf_readable_local_time(end_s, until),
           xf_readable_left(end_s, xf_unix_s(), left));
}

static void show_sip(const json_t *result)
{
    if (!xf_json_get(result, "sip"))
        return;
    label("sip");
    printf("conns %" PRIu64 " (%" PRIu64 " not known), requests in %" PRIu64 " (%" PRIu64
           " refused), out %" PRIu64 " (%" PRIu64 " not answered)\n",
           xf_json_number(result, "sip.conns"), xf_json_number(result, "sip.half_open"),
           xf_json_number(result, "sip.requests_in"), xf_json_number(result, "sip.refused"),
           xf_json_number(result, "sip.requests_out"), xf_json_number(result, "sip.unanswered"));
    label("");
    printf(
        "messages in %" PRIu64 " (%" PRIu64 " refused), out %" PRIu64 " (%" PRIu64
        " returned), late errors %" PRIu64 "\n",
        xf_json_number(result, "sip.messages_in"), xf_json_number(result, "sip.messages_refused"),
        xf_json_number(result, "sip.messages_out"), xf_json_number(result, "sip.messages_bounced"),
        xf_json_number(result, "sip.errors_late"));
    label("");
    printf("subscriptions in %" PRIu64 " (%" PRIu64 " users of ours asked), out %" PRIu64 "\n",
           xf_json_number(result, "sip.subscriptions_in"), xf_json_number(result, "sip.pending_in"),
           xf_json_number(result, "sip.subscriptions_out"));
}

static void show_counts(const json_t *result)
{
    char bytes[XF_READABLE_BYTES];
    label("streams");
    printf("in %" PRIu64 " (%" PRIu64 " not authenticated), out %" PRIu64 " (%" PRIu64
           " ready), verify %" PRIu64 "\n",
           xf_json_number(result, "streams.in"), xf_json_number(result, "streams.half_open"),
           xf_json_number(result, "streams.out"), xf_json_number(result, "streams.ready"),
           xf_json_number(result, "streams.verify"));
    label("routes");
    printf("send %" PRIu64 ", queue %" PRIu64 ", failing %" PRIu64 ", idle %" PRIu64 "\n",
           xf_json_number(result, "routes.send"), xf_json_number(result, "routes.queue"),
           xf_json_number(result, "routes.bounce") + xf_json_number(result, "routes.probe"),
           xf_json_number(result, "routes.idle"));
    label("waiting");
    printf("%" PRIu64 " stanzas, %s\n", xf_json_number(result, "waiting.stanzas"),
           xf_readable_bytes(xf_json_number(result, "waiting.bytes"), bytes));
}

static void show_federation(const json_t *result)
{
    size_t index;
    const json_t *peer, *peers = xf_json_get(result, "switched_off");
    const char *word = xf_json_text(result, "federation");
    label("federation");
    fputs(strcmp(word, "off") == 0            ? "off (configuration)"
          : strcmp(word, "switched-off") == 0 ? "SWITCHED OFF (xfedctl federation on)"
                                              : "on",
          stdout);
    json_array_foreach((json_t *)(uintptr_t)peers, index, peer)
    {
        fputs(index ? ", " : "; switched off: ", stdout);
        xf_ctl_print_text(json_is_string(peer) ? json_string_value(peer) : "?", stdout);
    }
    putchar('\n');
}

void xf_ctl_show_status(const json_t *rows, const json_t *result)
{
    char text[XF_READABLE_BYTES];
    size_t index;
    const json_t *item;
    (void)rows;
    printf("xfedd %s, %s for %s, pid %" PRIu64 ", %s\n", xf_json_text(result, "version"),
           xf_json_text(result, "state"),
           xf_readable_duration(xf_json_number(result, "uptime_ms"), text),
           xf_json_number(result, "pid"), xf_json_text(result, "config"));
    show_federation(result);
    show_links(result);
    show_counts(result);
    show_sip(result);
    json_array_foreach((json_t *)(uintptr_t)xf_json_get(result, "certificates"), index, item)
        show_certificate(item);
    if (xf_json_get(result, "reload")) {
        label("reload");
        printf("%s, %s\n", xf_readable_local_time(xf_json_signed(result, "reload.unix_s"), text),
               xf_json_is(result, "reload.ok") ? "done"
                                               : "REFUSED: the old configuration is in force");
    }
    label("process");
    printf("log level %s, peak memory %s, ", xf_json_text(result, "log_level"),
           xf_readable_bytes(xf_json_number(result, "memory_peak_kib") * 1024, text));
    printf("CPU %s\n", xf_readable_duration(xf_json_number(result, "cpu_ms"), text));
}

/* ------------------------------------------------------------------ peer, explain */

static void show_route(const json_t *row)
{
    char text[XF_READABLE_BYTES];
    label("route");
    xf_ctl_print_text(xf_json_text(row, "local"), stdout);
    printf(": %s, sent %" PRIu64 ", bounced %" PRIu64, xf_json_text(row, "state"),
           xf_json_number(row, "sent"), xf_json_number(row, "bounced"));
    if (xf_json_number(row, "queued.stanzas"))
        printf(", %" PRIu64 " wait for %s", xf_json_number(row, "queued.stanzas"),
               xf_readable_duration(xf_json_number(row, "oldest_ms"), text));
    if (*xf_json_text(row, "text")) {
        fputs("; ", stdout);
        xf_ctl_print_text(xf_json_text(row, "text"), stdout);
        printf("; stanzas come back for %s",
               xf_readable_duration(xf_json_number(row, "retry_ms"), text));
    }
    putchar('\n');
}

static void show_stream(const json_t *row)
{
    char text[XF_READABLE_BYTES];
    label("stream");
    printf("%" PRIu64 " %s ", xf_json_number(row, "stream"), xf_json_text(row, "dir"));
    xf_ctl_print_text(xf_json_text(row, "local"), stdout);
    printf(" %s %s %s", xf_json_text(row, "addr"), xf_json_text(row, "state"),
           xf_json_text(row, "tls"));
    if (*xf_json_text(row, "auth"))
        printf(" %s, certificate %s", xf_json_text(row, "auth"), xf_json_text(row, "cert"));
    printf(", for %s\n", xf_readable_duration(xf_json_number(row, "age_ms"), text));
}

static void show_conn(const json_t *row)
{
    char text[XF_READABLE_BYTES];
    label("sip");
    printf("%" PRIu64 " %s %s ", xf_json_number(row, "conn"), xf_json_text(row, "dir"),
           xf_json_text(row, "addr"));
    if (*xf_json_text(row, "server"))
        print_after("", xf_json_text(row, "server"));
    printf(" %s %s, for %s; requests under way: ours %" PRIu64 ", theirs %" PRIu64 "\n",
           xf_json_text(row, "state"), xf_json_text(row, "tls"),
           xf_readable_duration(xf_json_number(row, "age_ms"), text), xf_json_number(row, "asked"),
           xf_json_number(row, "open"));
}

static void show_step(const json_t *step)
{
    printf("  %8" PRIu64 " ms  %-22s ", xf_json_number(step, "ms"), xf_json_text(step, "event"));
    xf_ctl_print_text(xf_json_text(step, "pairs"), stdout);
    putchar('\n');
}

static void show_attempt(const json_t *row)
{
    char text[XF_READABLE_BYTES];
    size_t index;
    const json_t *step;
    printf("\n%s  stream %" PRIu64 " %s ",
           xf_readable_local_time(xf_json_signed(row, "unix_s"), text),
           xf_json_number(row, "stream"), xf_json_text(row, "dir"));
    xf_ctl_print_text(xf_json_text(row, "local"), stdout);
    printf(": %s\n", xf_json_text(row, "outcome"));
    json_array_foreach((json_t *)(uintptr_t)xf_json_get(row, "steps"), index, step) show_step(step);
    if (strcmp(xf_json_text(row, "outcome"), "failed") != 0)
        return;
    line("  reason", xf_json_text(row, "reason"));
    line("  detail", xf_json_text(row, "detail"));
    line("  advice", xf_json_text(row, "advice"));
    line("  help", xf_json_text(row, "help"));
}

static void show_rows(const json_t *rows)
{
    static const struct {
        const char *kind;
        void (*show)(const json_t *row);
    } kinds[] = {{"route", show_route},
                 {"stream", show_stream},
                 {"conn", show_conn},
                 {"attempt", show_attempt}};
    for (size_t i = 0; i < XF_ARRAY_LEN(kinds); i++) {
        size_t index;
        const json_t *row;
        json_array_foreach((json_t *)(uintptr_t)rows, index,
                           row) if (strcmp(xf_json_text(row, "kind"), kinds[i].kind) == 0) kinds[i]
            .show(row);
    }
    if (json_array_size(rows) == 0)
        puts("no route, no stream, and no attempt that is remembered");
}

static void show_ruling(const json_t *ruling)
{
    fputs(xf_json_is(ruling, "passes") ? "passes" : "refused by ", stdout);
    if (xf_json_is(ruling, "passes"))
        return;
    printf("%s: ", xf_json_text(ruling, "rule"));
    xf_ctl_print_text(xf_json_text(ruling, "text"), stdout);
}

static void show_policy(const json_t *policy)
{
    size_t index;
    const json_t *pair;
    json_array_foreach((json_t *)(uintptr_t)policy, index, pair)
    {
        label(index ? "" : "policy");
        xf_ctl_print_text(xf_json_text(pair, "local"), stdout);
        fputs(": out ", stdout);
        show_ruling(xf_json_get(pair, "out"));
        fputs(", in ", stdout);
        show_ruling(xf_json_get(pair, "in"));
        putchar('\n');
    }
}

static void show_protocol(const json_t *result)
{
    char text[XF_TIMESTAMP_BYTES];
    if (!*xf_json_text(result, "protocol_why")) {
        line("protocol", xf_json_text(result, "protocol"));
        return;
    }
    label("protocol");
    xf_ctl_print_text(xf_json_text(result, "protocol"), stdout);
    print_after(" (", xf_json_text(result, "protocol_why"));
    if (xf_json_get(result, "learned_unix_s")) {
        xf_timestamp_s((int64_t)xf_json_number(result, "learned_unix_s"), text);
        print_after(", ", text);
    }
    puts(")");
}

void xf_ctl_show_peer(const json_t *rows, const json_t *result)
{
    line("peer", xf_json_text(result, "peer"));
    show_protocol(result);
    if (*xf_json_text(result, "section")) {
        label("section");
        print_after("peer ", xf_json_text(result, "section"));
        print_after(" at ", xf_json_text(result, "place"));
        putchar('\n');
    }
    show_policy(xf_json_get(result, "policy"));
    show_rows(rows);
}

/* A text of several lines; what it has from elsewhere cannot move the cursor. */
static void print_lines(const char *text)
{
    while (*text) {
        size_t len = strcspn(text, "\n");
        char *one = xf_strndup(text, len);
        xf_ctl_print_text(one, stdout);
        xf_free(one);
        putchar('\n');
        text += len + (text[len] == '\n');
    }
}

void xf_ctl_show_explain(const json_t *rows, const json_t *result)
{
    print_lines(xf_json_text(result, "policy"));
    const json_t *mail = xf_json_get(result, "mail");
    putchar('\n');
    if (mail) {
        label("mail");
        xf_ctl_print_text(xf_json_text(mail, "jid"), stdout);
        fputs(" -> ", stdout);
        xf_ctl_print_text(*xf_json_text(mail, "mail") ? xf_json_text(mail, "mail")
                                                      : xf_json_text(mail, "answer"),
                          stdout);
        putchar('\n');
    }
    line("peer", xf_json_text(result, "peer"));
    show_rows(rows);
}

/* ------------------------------------------------------------------ check */

/* clang-format off */
static const struct xf_ctl_column address_columns[] = {
    {"ADDRESS", "addr", XF_CTL_TEXT}, {"SERVER", "server", XF_CTL_TEXT}, {"DIRECT TLS", "direct", XF_CTL_YES}, {"DNSSEC", "dnssec", XF_CTL_YES},
    {"TLSA", "tlsa", XF_CTL_YES}, {"CONNECTS", "connects", XF_CTL_YES}, {"TIME", "ms", XF_CTL_DURATION}, {"WHY NOT", "detail", XF_CTL_TEXT},
};
static const struct xf_ctl_column step_columns[] = {
    {"STEP", "step", XF_CTL_TEXT}, {"STATE", "state", XF_CTL_TEXT}, {"DETAIL", "detail", XF_CTL_TEXT},
};
/* clang-format on */

static json_t *rows_of_kind(const json_t *rows, const char *kind)
{
    json_t *some = json_array(), *row;
    size_t index;
    json_array_foreach((json_t *)(uintptr_t)rows, index,
                       row) if (strcmp(xf_json_text(row, "kind"), kind) == 0)
        json_array_append(some, row);
    return some;
}

/* What is said of a peer, or of ourselves as peers see us. */
static void show_conclusion(const json_t *result)
{
    bool is_inbound = xf_json_is(result, "inbound"), is_reachable = xf_json_is(result, "reachable");
    bool is_sip = strcmp(xf_json_text(result, "protocol"), "sip") == 0;
    xf_ctl_print_text(xf_json_text(result, "peer"), stdout);
    fputs(is_reachable ? " can be reached" : " cannot be reached", stdout);
    if (is_inbound)
        fputs(" as peers would, from this host", stdout);
    else
        print_after(" from ", xf_json_text(result, "local"));
    if (!is_reachable)
        print_after(": ", *xf_json_text(result, "detail") ? xf_json_text(result, "detail")
                                                          : xf_json_text(result, "text"));
    else if (is_sip)
        printf(": its server answers %" PRIu64, xf_json_number(result, "status"));
    putchar('\n');
    show_links(result);
    if (!is_inbound && !is_sip)
        return;
    line("hint", xf_json_text(result, "hint"));
    line("advice", xf_json_text(result, "advice"));
    line("help", xf_json_text(result, "help"));
}

void xf_ctl_show_check(const json_t *rows, const json_t *result)
{
    if (xf_json_get(result, "wrong")) {
        xf_ctl_show_self(rows, result);
        return;
    }
    size_t index;
    json_t *row, *addresses = rows_of_kind(rows, "address"),
                 *attempts = rows_of_kind(rows, "attempt"), *steps = rows_of_kind(rows, "step");
    if (json_array_size(addresses) > 0)
        xf_ctl_table(address_columns, XF_ARRAY_LEN(address_columns), addresses);
    if (json_array_size(steps) > 0)
        xf_ctl_table(step_columns, XF_ARRAY_LEN(step_columns), steps);
    json_array_foreach(attempts, index, row) show_attempt(row);
    putchar('\n');
    show_conclusion(result);
    json_decref(addresses);
    json_decref(attempts);
    json_decref(steps);
}

/* ------------------------------------------------------------------ acts */

void xf_ctl_show_closed(const json_t *rows, const json_t *result)
{
    (void)rows;
    printf("%" PRIu64 " streams or connections are being closed\n",
           xf_json_number(result, "closed"));
}

void xf_ctl_show_retry(const json_t *rows, const json_t *result)
{
    uint64_t routes = xf_json_number(result, "routes");
    (void)rows;
    if (strcmp(xf_json_text(result, "protocol"), "sip") == 0)
        puts(routes ? "the peer had failed: the next message connects to it"
                    : "the peer has not failed lately: the next message connects to it");
    else if (routes)
        printf("%" PRIu64 " routes had failed; one tries now (xfedctl peer shows how it goes)\n",
               routes);
    else
        puts("no route to this peer has failed: the next stanza opens a stream");
}

void xf_ctl_show_forget(const json_t *rows, const json_t *result)
{
    const char *protocol = xf_json_text(result, "protocol");
    (void)rows;
    xf_ctl_print_text(xf_json_text(result, "peer"), stdout);
    if (xf_json_get(result, "learned_unix_s"))
        print_after(" belonged to ", strcmp(protocol, "sip") == 0 ? "SIP" : "XMPP");
    else
        fputs(" was not known to belong to a protocol", stdout);
    puts(": the next stanza looks for XMPP first, then for SIP");
}

void xf_ctl_show_flush(const json_t *rows, const json_t *result)
{
    (void)rows;
    printf("%" PRIu64 " stanzas were returned or dropped\n", xf_json_number(result, "stanzas"));
}

void xf_ctl_show_federation(const json_t *rows, const json_t *result)
{
    (void)rows;
    printf("switched %s", xf_json_text(result, "turned"));
    if (strcmp(xf_json_text(result, "turned"), "off") == 0)
        puts(", until xfedd ends: to keep it, write it into the configuration");
    else if (xf_json_is(result, "off_by_configuration"))
        puts("; but the configuration says federation = off");
    else
        puts(xf_json_is(result, "all_off") ? "; but all peers are switched off" : "");
}

void xf_ctl_show_reload(const json_t *rows, const json_t *result)
{
    size_t index;
    const json_t *row;
    json_array_foreach((json_t *)(uintptr_t)rows, index, row)
    {
        if (strcmp(xf_json_text(row, "kind"), "restart-needed") == 0)
            fputs("needs a restart: ", stdout);
        xf_ctl_print_text(xf_json_text(row, "detail"), stdout);
        putchar('\n');
    }
    if (result)
        puts("reloaded");
}

void xf_ctl_show_page(const json_t *rows, const json_t *result)
{
    char text[XF_READABLE_BYTES];
    (void)rows;
    line("page", xf_json_text(result, "url"));
    line("token", xf_json_text(result, "token"));
    printf("Paste the token into the page to check a peer. It is good for %s, and only this one.\n",
           xf_readable_duration(xf_json_number(result, "valid_ms"), text));
}

void xf_ctl_show_drain(const json_t *rows, const json_t *result)
{
    char text[XF_READABLE_BYTES];
    (void)rows;
    printf("xfedd stops: queues have %s at most\n",
           xf_readable_duration(xf_json_number(result, "drain_ms"), text));
}

void xf_ctl_show_log(const json_t *rows, const json_t *result)
{
    uint64_t minutes = xf_json_number(result, "minutes");
    (void)rows;
    printf("log level %s", xf_json_text(result, "level"));
    if (minutes)
        printf(" for %" PRIu64 " minutes\n", minutes);
    else
        puts(" until a reload");
}

bool xf_ctl_show_trace_row(void *owner, const json_t *row)
{
    char text[XF_READABLE_BYTES];
    int64_t unix_ms = xf_json_signed(row, "unix_ms");
    (void)owner;
    printf("%s.%03" PRId64 " ", xf_readable_local_time(unix_ms / 1000, text), unix_ms % 1000);
    xf_ctl_print_text(xf_json_text(row, "line"), stdout);
    putchar('\n');
    fflush(stdout);
    return true;
}
