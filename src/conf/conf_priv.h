/* SPDX-License-Identifier: MIT */
/*
 * conf_priv.h — what the files of conf share. A file goes through these steps, each in one .c:
 *
 *     text.c      bytes -> text that libconfuse reads correctly (comments blanked, includes found)
 *     parse.c     text -> struct xf_raw: sections, keys and values as they were written, with their
 *                 lines
 *     load.c      raw -> struct xf_conf, by the option table (options.c) and its kinds of value
 *                 (value.c)
 *     check.c     checks that concern several values: references, duplicates, settings with which
 *                 a peer can never authenticate
 *     dump.c      struct xf_conf -> text again, and the annotated sample
 */
#pragma once

#include <stdbool.h>
#include <xfed/base/buf.h>
#include <xfed/conf/conf.h>

/* ---- problems.c: messages for the operator, one a line */
struct xf_problems {
    struct xf_buf text;
    size_t errors;
    /*
     * Number of secrets that others can read or guess: the start warns about them, -t refuses them.
     */
    size_t exposed;
    bool has_more; /* warnings for which there was no room, which is said */
};

void xf_problems_init(struct xf_problems *problems);
/* `line` 0: the message is about the file as a whole. */
void xf_problem(struct xf_problems *problems, const char *file, int line, const char *fmt, ...)
    XF_PRINTF(4, 5);
void xf_warning(struct xf_problems *problems, const char *file, int line, const char *fmt, ...)
    XF_PRINTF(4, 5);
/*
 * Take all messages, without a last newline; NULL if there are none. `problems` is empty
 * afterwards.
 */
char *xf_problems_take(struct xf_problems *problems);

/* ---- spell.c */
/*
 * Edits (insert, delete, replace, swap neighbours) between two words, or some number above `limit`.
 */
unsigned xf_spell_distance(const char *a, const char *b, unsigned limit);
/* The nearest of `count` words, or NULL if none is near enough to be what was meant. */
const char *xf_spell_nearest(const char *word, const char *const *words, size_t count);

/* ---- options.c: the option table */
/* clang-format off */
#define XF_SECTION_MAP(X) /* name, word in the file, example of a title, help for the sample */                                      \
    X(TOP,             "",                NULL,                "")                                                                   \
    X(LISTEN,          "listen",          NULL,                "Addresses to listen on. A change needs a restart.")                  \
    X(DNS,             "dns",             NULL,                "How peers are looked up.")                                           \
    X(DIALBACK,        "dialback",        NULL,                "Server dialback (XEP-0220).")                                        \
    X(TRUST,           "trust",           NULL,                "Which certificates to trust, and where ours are.")                   \
    X(UNAUTHENTICATED, "unauthenticated", NULL,                "Limits for peers until they have authenticated.")                    \
    X(STRANGERS,       "strangers",       NULL,                                                                                      \
      "Limits for authenticated peers without a section of their own. The owner of a domain is the "                                 \
      "registered domain that it belongs to (example.org for xmpp.example.org); a network is an "                                    \
      "IPv4 /24 or an IPv6 /48.")                                                                                                    \
    X(MEMORY,          "memory",          NULL,                "History: what each peer authenticated with before, and its key.")    \
    X(AUDIT,           "audit",           NULL,                "Decisions about peers and acts of operators. A change needs a restart.") \
    X(JOURNAL,         "journal",         NULL,                "Messages that wait for a peer, in a file. A change needs a restart.") \
    X(METRICS,         "metrics",         NULL,                "What listen { http } says in /metrics.")                            \
    X(XML,             "xml",             NULL,                "Limits for XML from peers and from the cluster.")                    \
    X(PROCESS,         "process",         NULL,                "The program itself.")                                                \
    X(LINK,            "link",            "presence",          "A connection to the local cluster. A change needs a restart.")       \
    X(SERVED,          "served",          "example.org",       "A domain of ours. A reload reads its certificates again.")           \
    X(NODE,            "node",            "xmpp1",                                                                                   \
      "A server of this deployment as peers see it. Only xfedd --dns-records and --firewall use it.")                                \
    X(PUBLISH,         "publish",         NULL,                "Further facts for xfedd --dns-records, --csr-names and --firewall.") \
    X(SIP,             "sip",             NULL,                "SIP, for peers with protocol = sip or auto.")                        \
    X(MAIL,            "mail",            NULL,                "E-mail addresses of our users, for peers with mail = yes.")          \
    X(DIRECTORY,       "directory",       NULL,                "LDAP directory with the e-mail addresses and groups of our users.")  \
    X(POLICY,          "policy",          NULL,                "Who may federate with us.")                                          \
    X(DEFAULTS,        "defaults",        NULL,                                                                                      \
      "Settings for every peer, unless its own section or one whose pattern matches says otherwise.")                                \
    X(PEER,            "peer",            "*.partner.example",                                                                       \
      "A remote domain; \"*.x\" stands for x and all domains below it. The keys are those of "                                       \
      "defaults. When several patterns match, the longest wins; an exact name wins over all.")
/* clang-format on */

enum xf_section {
#define X(name, word, title, help) XF_SECTION_##name,
    XF_SECTION_MAP(X)
#undef X
        XF_SECTION_COUNT
};

struct xf_section_facts {
    const char *word;
    const char *title; /* an example; NULL for sections without one */
    const char *help;  /* for the sample */
};

/* Kinds of value, and the C type that holds each. */
enum xf_kind {
    XF_KIND_BOOL,     /* bool */
    XF_KIND_SWITCH,   /* bool, by words */
    XF_KIND_WORD,     /* an enum or unsigned, by words */
    XF_KIND_DURATION, /* uint64_t, milliseconds */
    XF_KIND_SIZE,     /* size_t, bytes */
    XF_KIND_COUNT,    /* unsigned */
    XF_KIND_WORDS,    /* unsigned, a set of the words' bits */
    XF_KIND_TEXT,     /* char *, in a form */
    XF_KIND_TEXTS,    /* struct xf_texts, each in a form */
};

static inline bool xf_kind_is_list(enum xf_kind kind)
{
    return kind == XF_KIND_WORDS || kind == XF_KIND_TEXTS;
}

#define XF_WORDS_MAX 500 /* bytes of a text that stanzas and stream errors carry */
/* Longest dumped value: three times the largest file, to have room for quotes and commas. */
#define XF_VALUE_TEXT_MAX (64u << 20)

enum xf_form {
    XF_FORM_ANY,
    XF_FORM_WORDS,     /* sent to others: XF_WORDS_MAX bytes at most */
    XF_FORM_PATH,      /* joined to the file's folder unless absolute */
    XF_FORM_DOMAIN,    /* prepared */
    XF_FORM_HOST,      /* a domain that is no address: SRV records name it */
    XF_FORM_LISTEN,    /* address:port */
    XF_FORM_NODE,      /* address:port, or with " weight=N" behind it */
    XF_FORM_ADDRESS,   /* address or address:port */
    XF_FORM_HOST_PORT, /* name or address, with port */
    XF_FORM_PIN,       /* "sha256:" and hex digits, or a path */
    XF_FORM_IP,        /* address without port */
    XF_FORM_PORTS,     /* "30000-35999" */
    XF_FORM_USER,      /* bare JID that may contain *; a domain without * is prepared */
    XF_FORM_HOURS,     /* see <xfed/base/forms.h> */
    XF_FORM_GROUP,     /* NAME=DN */
    XF_FORM_INTERFACE, /* name of a network interface */
};

struct xf_word {
    const char *word;
    unsigned value;
};

struct xf_option {
    enum xf_section section; /* rows of XF_SECTION_PEER serve `defaults` too */
    const char *key;
    enum xf_kind kind;
    enum xf_form form;
    size_t offset;               /* in the struct of the section, see xf_section_target */
    const struct xf_word *words; /* ends with a NULL word */
    uint64_t min, max;
    const char *initial; /* the default as it would be written; NULL: must be written */
    const char *example; /* for the sample, if the default shows nothing */
    const char *help;
};

extern const struct xf_option xf_options[];
extern const size_t xf_option_count;
const struct xf_section_facts *xf_section_facts(enum xf_section section);

/* The first row of a section and how many it has; they are adjacent. */
const struct xf_option *xf_conf_options_of(enum xf_section section, size_t *out_count);

/* Is a row of XF_SECTION_PEER in the set? Add one; add all of another set. */
bool xf_option_is_in(const struct xf_peer_set *set, const struct xf_option *option);
void xf_option_put_in(struct xf_peer_set *set, const struct xf_option *option);
void xf_option_join(struct xf_peer_set *into, const struct xf_peer_set *from);
const struct xf_option *xf_option_find(enum xf_section section, const char *key);

/* ---- value.c, value_text.c */
struct xf_unit {
    const char *suffix;
    uint64_t factor;
};

/* The units of durations or of sizes, largest first; NULL for other kinds. */
const struct xf_unit *xf_units_of(enum xf_kind kind, size_t *out_count);
size_t xf_value_bytes(enum xf_kind kind); /* of the field */

static inline const void *xf_value_field(const struct xf_option *option, const void *target)
{
    return (const char *)target + option->offset;
}

/*
 * Parse `text` into the field of `target`; paths are relative to `dir`. False: `text` is not
 * accepted, and nothing is written.
 */
XF_MUST_USE bool xf_value_parse(const struct xf_option *option, const char *text, const char *dir,
                                void *target);
/*
 * Parse several texts, for a list. False: *out_bad is the index of the first that is not accepted.
 */
XF_MUST_USE bool xf_value_parse_list(const struct xf_option *option, const struct xf_texts *texts,
                                     const char *dir, void *target, size_t *out_bad);
/* Write the default into the field. */
void xf_value_reset(const struct xf_option *option, void *target);
/* Describe what is accepted: "a duration with a unit (ms, s, m, h, d) from 1s to 10m". */
void xf_value_expected(const struct xf_option *option, struct xf_buf *out);
/* Write the value as it is written in the file. */
void xf_value_write(const struct xf_option *option, const void *target, struct xf_buf *out);
void xf_value_quote(const char *text, struct xf_buf *out);
/* Copy the field; its texts still belong to `from`. */
void xf_value_copy(const struct xf_option *option, void *into, const void *from);
void xf_value_release(const struct xf_option *option, void *target);
/* May all of it be shown (xf_utf8_shown)? An escape in a quoted string can produce any byte. */
bool xf_text_is_plain(const char *text);
/* "dir/path", or a copy of `path` when it is absolute, empty, or dir is "". */
char *xf_path_join(const char *dir, const char *path);
char *xf_path_dir(const char *file);

/* ---- text.c */
struct xf_include {
    char *path;
    int line;
};

struct xf_text {
    char *file, *dir;
    char *bytes;        /* NUL-terminated */
    int *section_lines; /* of each section, in the order in which they open */
    size_t section_count;
    struct xf_include *includes;
    size_t include_count;
};

/* For reading; -1 and errno on failure. */
int xf_conf_open(const char *file);

struct xf_text_from { /* where a file is included */
    const char *file;
    int line;
};

/*
 * False: the file cannot be read, or is not text that may be parsed; `problems` says why. `from` is
 * NULL for the main file. Release `out_text` in either case.
 */
XF_MUST_USE bool xf_text_read(const char *file, const struct xf_text_from *from,
                              struct xf_text *out_text, struct xf_problems *problems);
void xf_text_release(struct xf_text *text);

/* ---- parse.c */
struct xf_raw_setting {
    const struct xf_option *option;
    int line;
    bool is_again; /* written before in the same section */
    struct xf_texts values;
};

struct xf_raw_section {
    enum xf_section section;
    char *title; /* NULL when it has none */
    char *file, *dir;
    int line;
    struct xf_raw_setting *settings;
    size_t count;
};

struct xf_raw {
    struct xf_raw_section *sections;
    size_t count;
    bool is_partial;       /* a file could not be read to its end: there may be more sections */
    struct xf_texts files; /* all files read, the main one first */
};

/*
 * Read the file and all that it includes. Even after problems `out_raw` has what could be read;
 * release it.
 */
void xf_raw_read(const char *file, struct xf_raw *out_raw, struct xf_problems *problems);
void xf_raw_release(struct xf_raw *raw);
/*
 * The line of the first of these keys (ended by NULL) that the section has, else the line of the
 * section itself; 0 if `section` is NULL.
 */
int xf_raw_line(const struct xf_raw_section *section, const char *const *keys);

/* ---- load.c */
/* The struct that holds the settings of a section without title, of which there is only one. */
void *xf_section_target(struct xf_conf *conf, enum xf_section section);

/* ---- place.c */
void xf_conf_place_set(struct xf_conf_place *place, const struct xf_raw_section *section);
void xf_conf_place_release(struct xf_conf_place *place);

/* ---- pin.c */
/* "sha256:" and 64 hex digits, in any case. */
XF_MUST_USE bool xf_pin_parse(const char *text, uint8_t out[32]);
/* Store the digests of the pins that are written in hex in pin_sha256. */
void xf_pins_settle(struct xf_peer_settings *settings);

/* ---- secret.c */
enum xf_shortness { /* what a secret of fewer than 16 bytes leads to */
                    XF_SHORT_REFUSED,
                    XF_SHORT_EXPOSED, /* a warning; counted as exposed */
                    XF_SHORT_WARNED,  /* a warning only, since somebody else chose it */
};

struct xf_secret_place {
    const char *path;
    const char *file, *key; /* where the path is written */
    int line;
    enum xf_shortness shortness;
    struct xf_problems *problems;
};

/*
 * The first line of the file; NULL after adding a problem. In a reload, `in_force` is the secret
 * now in use from the same file: if the file cannot be used, a copy of it is returned with a
 * warning, since a process that gave up root may not be able to read the file any more.
 */
char *xf_conf_secret_read(const struct xf_secret_place *at, const char *in_force);
void xf_conf_secret_free(char *secret);

/* ---- profile.c */
/*
 * Write the settings that the profile has and the section itself (bits in settings->set) does not.
 * Returns the bits of what it wrote.
 */
struct xf_peer_set xf_conf_profile_apply(enum xf_profile profile,
                                         struct xf_peer_settings *settings);

/* ---- check.c */
struct xf_check {
    const struct xf_conf *conf;
    const struct xf_raw_section *defaults, *process;        /* NULL when not written */
    const struct xf_raw_section **links, **served, **peers; /* parallel to the arrays of conf */
    struct xf_problems *problems;
};
void xf_conf_check(const struct xf_check *check);

/* ---- check_directory.c */
void xf_check_directory(const struct xf_check *check);

/* ---- check_link.c */
void xf_check_links(const struct xf_check *check);

/* ---- check_sip.c */
/*
 * Refuse what only means XMPP in a section whose peers belong to SIP (`settings`, resolved), and
 * such peers in a build without SIP.
 */
void xf_check_sip_peer(const struct xf_check *check, const struct xf_conf_peer *section,
                       const struct xf_peer_settings *settings);
void xf_check_sip(const struct xf_check *check);

/* ---- warn_sip.c */
/*
 * Of a section (`name`: for people) or the defaults whose peers belong to SIP or may; `key` is what
 * the section says of it. All else of SIP: xf_warn_sip.
 */
void xf_warn_sip_peer(const struct xf_check *check, const struct xf_conf_place *at,
                      const char *name, const struct xf_peer_settings *settings, const char *key);
void xf_warn_sip(const struct xf_check *check);

/* ---- check_files.c */
void xf_check_files(const struct xf_check *check);

/* ---- check_listen.c */
void xf_check_listen(const struct xf_check *check);

/* check_auto.c: of a section (name: for people) or the defaults with protocol = auto. */
void xf_check_auto(const struct xf_check *check, const struct xf_conf_place *at, const char *name,
                   const struct xf_peer_settings *settings);

/* ---- check_peer.c */
void xf_check_peers(const struct xf_check *check);
