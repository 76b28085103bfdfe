/* SPDX-License-Identifier: MIT */
/* answers.c — what init has to know, as a table, and what it takes where nobody says. */
#include "setup_priv.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <string.h>
#include <sys/stat.h>

#include <xfed/base/alloc.h>

#define CERTBOT "/etc/letsencrypt/live"

bool xf_setup_there_is(const char *path, bool is_folder)
{
    struct stat is;
    return stat(path, &is) == 0 && (is_folder ? S_ISDIR(is.st_mode) : S_ISREG(is.st_mode));
}

/* ------------------------------------------------------------------ what Enter stands for */

static char *usual_rooms(const struct xf_init_answers *answers)
{
    return xf_asprintf("conference.%s", xf_init_answer(answers, XF_INIT_DOMAIN));
}

static char *usual_server(const struct xf_init_answers *answers)
{
    (void)answers;
    return xf_strdup(xf_setup_there_is("/etc/ejabberd", true)   ? "ejabberd"
                     : xf_setup_there_is("/etc/jabberd2", true) ? "jabberd2"
                                                                : "prosody");
}

static char *usual_server_address(const struct xf_init_answers *answers)
{
    (void)answers;
    return xf_strdup("127.0.0.1:5347");
}

static char *usual_host(const struct xf_init_answers *answers)
{
    return xf_asprintf("xmpp.%s", xf_init_answer(answers, XF_INIT_DOMAIN));
}

/* An address that leaves this machine. */
static bool is_usual(const struct ifaddrs *one)
{
    int family = one->ifa_addr ? one->ifa_addr->sa_family : AF_UNSPEC;
    if (!(one->ifa_flags & IFF_UP) || (one->ifa_flags & IFF_LOOPBACK))
        return false;
    return family == AF_INET ||
           (family == AF_INET6 &&
            !IN6_IS_ADDR_LINKLOCAL(&((struct sockaddr_in6 *)(void *)one->ifa_addr)->sin6_addr));
}

static void add_address(struct xf_texts *texts, const struct sockaddr *addr)
{
    char text[INET6_ADDRSTRLEN];
    const void *bytes =
        addr->sa_family == AF_INET
            ? (const void *)&((const struct sockaddr_in *)(const void *)addr)->sin_addr
            : (const void *)&((const struct sockaddr_in6 *)(const void *)addr)->sin6_addr;
    if (inet_ntop(addr->sa_family, bytes, text, sizeof(text)))
        xf_texts_add_new(texts, text);
}

static char *joined(const struct xf_texts *texts)
{
    char *line = NULL;
    for (size_t i = 0; i < texts->count; i++) {
        char *longer = xf_asprintf("%s%s%s", line ? line : "", line ? " " : "", texts->item[i]);
        xf_free(line);
        line = longer;
    }
    return line;
}

static char *usual_address(const struct xf_init_answers *answers)
{
    struct ifaddrs *all = NULL;
    struct xf_texts texts = {0};
    (void)answers;
    if (getifaddrs(&all) != 0)
        return NULL;
    for (const struct ifaddrs *one = all; one; one = one->ifa_next)
        if (is_usual(one))
            add_address(&texts, one->ifa_addr);
    freeifaddrs(all);
    char *line = joined(&texts);
    xf_texts_release(&texts);
    return line;
}

static char *usual_certificate(const struct xf_init_answers *answers)
{
    char *path = xf_asprintf(CERTBOT "/%s/fullchain.pem", xf_init_answer(answers, XF_INIT_DOMAIN));
    bool has_one = xf_setup_there_is(path, false);
    xf_free(path);
    return xf_strdup(has_one ? CERTBOT : "request");
}

/* privkey.pem beside fullchain.pem, x.key beside x.pem. */
static char *usual_key(const struct xf_init_answers *answers)
{
    const char *path = xf_init_answer(answers, XF_INIT_CERTIFICATE);
    const char *slash = strrchr(path, '/'), *dot = strrchr(path, '.');
    char *key = slash && strcmp(slash, "/fullchain.pem") == 0
                    ? xf_asprintf("%.*s/privkey.pem", (int)(slash - path), path)
                : dot ? xf_asprintf("%.*s.key", (int)(dot - path), path)
                      : NULL;
    if (key && xf_setup_there_is(key, false))
        return key;
    xf_free(key);
    return NULL;
}

static char *usual_federation(const struct xf_init_answers *answers)
{
    (void)answers;
    return xf_strdup("open");
}

static char *usual_partner(const struct xf_init_answers *answers)
{
    (void)answers;
    return xf_strdup("none");
}

/* ------------------------------------------------------------------ what is needed */

static bool has_file(const struct xf_init_answers *answers)
{
    const char *certificate = xf_init_answer(answers, XF_INIT_CERTIFICATE);
    return strcmp(certificate, "request") != 0 && !xf_setup_there_is(certificate, true);
}

static bool is_closed(const struct xf_init_answers *answers)
{
    return xf_init_answer_is(answers, XF_INIT_FEDERATION, "partners");
}

/* clang-format off */
const struct xf_init_question xf_init_questions[XF_INIT_COUNT] = {
    [XF_INIT_DOMAIN] = {"domain", "NAME", "The domains of your users, which stand behind the @ of their addresses",
                          true, false, xf_init_take_domain, NULL, NULL},
    [XF_INIT_ROOMS] = {"rooms", "NAME", "Other names of your server that the world should reach, such as chat rooms; none for none",
                         true, true, xf_init_take_domain, usual_rooms, NULL},
    [XF_INIT_SERVER] = {"server", "KIND", "Your server: prosody, ejabberd or jabberd2",
                          false, false, xf_init_take_server, usual_server, NULL},
    [XF_INIT_SERVER_ADDRESS] = {"server-address", "IP:PORT", "Where it listens for xfedd: 127.0.0.1 if it is on this machine",
                                  false, false, xf_init_take_host_port, usual_server_address, NULL},
    [XF_INIT_HOST] = {"host", "NAME", "The name of this machine on the Internet, to which DNS will point",
                        false, false, xf_init_take_domain, usual_host, NULL},
    [XF_INIT_ADDRESS] = {"address", "IP", "Its addresses on the Internet", true, false, xf_init_take_address, usual_address, NULL},
    [XF_INIT_CERTIFICATE] = {"certificate", "request|FILE|FOLDER",
                               "Certificate: a file, a folder as certbot makes it (/etc/letsencrypt/live),\n"
                             "or request for a new key and a request to be signed",
                               false, false, xf_init_take_certificate, usual_certificate, NULL},
    [XF_INIT_KEY] = {"key", "FILE", "The key of that certificate", false, false, xf_init_take_key, usual_key, has_file},
    [XF_INIT_FEDERATION] = {"federation", "open|partners", "Federation: open for everybody, or partners for those alone that you name",
                              false, false, xf_init_take_federation, usual_federation, NULL},
    [XF_INIT_PARTNER] = {"partner", "NAME", "The domains of your partners; none for none yet",
                           true, true, xf_init_take_domain, usual_partner, is_closed},
};
/* clang-format on */

/* ------------------------------------------------------------------ answers */

const char *xf_init_answer(const struct xf_init_answers *answers, enum xf_init_answer which)
{
    return answers->of[which].count ? answers->of[which].item[0] : "";
}

bool xf_init_answer_is(const struct xf_init_answers *answers, enum xf_init_answer which,
                       const char *word)
{
    return strcmp(xf_init_answer(answers, which), word) == 0;
}

/* A name is either served or a partner's, and is there once. */
static bool is_free(const struct xf_init_answers *answers, enum xf_init_answer which,
                    const char *word)
{
    static const enum xf_init_answer names[] = {XF_INIT_DOMAIN, XF_INIT_ROOMS, XF_INIT_PARTNER};
    if (which != XF_INIT_DOMAIN && which != XF_INIT_ROOMS && which != XF_INIT_PARTNER)
        return true;
    for (size_t i = 0; i < XF_ARRAY_LEN(names); i++)
        if (names[i] != which && xf_texts_has(&answers->of[names[i]], word))
            return false;
    return true;
}

static enum xf_err take_word(const struct xf_init_answers *answers, enum xf_init_answer which,
                             struct xf_span span, struct xf_texts *out, struct xf_error *err)
{
    char *word = xf_span_dup(span);
    char *taken = xf_init_questions[which].take(word, err);
    enum xf_err result = taken ? XF_ERR_OK : XF_ERR_BAD_VALUE;
    if (taken && !is_free(answers, which, taken))
        result = xf_fail(err, XF_ERR_BAD_VALUE, "%.80s is named twice: expected once", taken);
    if (result == XF_ERR_OK)
        xf_texts_add_new(out, taken);
    xf_free(taken);
    xf_free(word);
    return result;
}

enum xf_err xf_init_answer_set(struct xf_init_answers *answers, enum xf_init_answer which,
                               const char *text, struct xf_error *err)
{
    const struct xf_init_question *question = &xf_init_questions[which];
    struct xf_texts words = {0};
    enum xf_err result = XF_ERR_OK;
    if (!question->may_be_none || strcmp(text, "none") != 0) {
        for (const char *at = text + strspn(text, " ,"); *at && result == XF_ERR_OK;) {
            size_t len = question->is_list ? strcspn(at, " ,") : strlen(at);
            result = take_word(answers, which, (struct xf_span){at, len}, &words, err);
            at += len + strspn(at + len, " ,");
        }
        if (result == XF_ERR_OK && words.count == 0)
            result = xf_fail(err, XF_ERR_BAD_VALUE, "expected %s", question->value);
    }
    if (result == XF_ERR_OK) {
        xf_texts_release(&answers->of[which]);
        answers->of[which] = words;
        answers->is_given[which] = true;
    } else {
        xf_texts_release(&words);
    }
    return result;
}

void xf_init_answers_release(struct xf_init_answers *answers)
{
    for (size_t i = 0; i < XF_INIT_COUNT; i++)
        xf_texts_release(&answers->of[i]);
}
