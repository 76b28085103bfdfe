/* SPDX-License-Identifier: MIT */
/*
 * load.c — turns raw sections into a struct xf_conf by the option table, then reads secrets, then
 * makes the checks across settings.
 *
 * All that is wrong is reported in one go. In place of a bad value the default counts for the
 * checks that follow, and of a setting without default nothing is said any more. If the grammar of
 * a file is bad, the rest of it is not known: then settings are not checked against each other,
 * because messages about the consequences of a mistake help nobody.
 */
#include "conf_priv.h"

#include <string.h>
#include <unistd.h>
#include <xfed/base/alloc.h>
#include <xfed/xmpp/jid.h>

struct loading {
    struct xf_conf *conf;
    const struct xf_conf *boot, *running; /* of a reload, else NULL */
    struct xf_raw raw;
    struct xf_problems problems;
    /* The sections without title that were seen so far. */
    const struct xf_raw_section *single[XF_SECTION_COUNT];
    /* The keys outside of sections that were seen so far, in any file. */
    const struct xf_raw_setting *top[64];
    const struct xf_raw_section **links, **served, **peers; /* parallel to the arrays of conf */
};

void *xf_section_target(struct xf_conf *conf, enum xf_section section)
{
    return section == XF_SECTION_DEFAULTS ? (void *)&conf->defaults : (void *)conf;
}

static void reset_all(enum xf_section section, void *target)
{
    size_t count;
    const struct xf_option *options = xf_conf_options_of(section, &count);
    for (size_t i = 0; i < count; i++)
        xf_value_reset(&options[i], target);
}

static void release_all(enum xf_section section, void *target)
{
    size_t count;
    const struct xf_option *options = xf_conf_options_of(section, &count);
    for (size_t i = 0; i < count; i++)
        xf_value_release(&options[i], target);
}

/* ---- one section */

static void bad_value(struct loading *load, const struct xf_raw_section *section,
                      const struct xf_raw_setting *setting, const char *value)
{
    struct xf_buf expected;
    xf_buf_init(&expected, 1024);
    xf_value_expected(setting->option, &expected);
    if (value)
        xf_problem(&load->problems, section->file, setting->line, "%s = \"%.255s\": expected %.*s",
                   setting->option->key, value, XF_SPAN_ARGS(xf_buf_span(&expected)));
    else
        xf_problem(&load->problems, section->file, setting->line, "%s = {}: expected %.*s",
                   setting->option->key, XF_SPAN_ARGS(xf_buf_span(&expected)));
    xf_buf_release(&expected);
}

/* False: the value is bad, and the default stays. */
static bool apply(struct loading *load, const struct xf_raw_section *section,
                  const struct xf_raw_setting *setting, void *target)
{
    const struct xf_option *option = setting->option;
    const struct xf_texts *values = &setting->values;
    size_t bad = 0, errors = load->problems.errors;
    if (setting->is_again)
        xf_problem(&load->problems, section->file, setting->line,
                   "%s is set twice in a section: expected once", option->key);
    else if (values->count == 0 && !option->initial)
        bad_value(load, section, setting, NULL);
    else if (xf_kind_is_list(option->kind) &&
             !xf_value_parse_list(option, values, section->dir, target, &bad))
        bad_value(load, section, setting, values->item[bad]);
    else if (!xf_kind_is_list(option->kind) &&
             !xf_value_parse(option, values->item[0], section->dir, target))
        bad_value(load, section, setting, values->item[0]);
    return load->problems.errors == errors;
}

static bool section_has(const struct xf_raw_section *section, const struct xf_option *option)
{
    for (size_t i = 0; i < section->count; i++)
        if (section->settings[i].option == option)
            return true;
    return false;
}

static void demand_required(struct loading *load, const struct xf_raw_section *section)
{
    size_t count;
    const struct xf_option *options = xf_conf_options_of(section->section, &count);
    for (size_t i = 0; i < count; i++) {
        if (options[i].initial || section_has(section, &options[i]))
            continue;
        const char *list = xf_kind_is_list(options[i].kind) ? "{" : "";
        xf_problem(&load->problems, section->file, section->line,
                   "%s \"%.255s\" has no %s: expected %s = %s\"%s\"%s",
                   xf_section_facts(section->section)->word, section->title, options[i].key,
                   options[i].key, list, options[i].example, *list ? "}" : "");
    }
}

/* A text that has no default, and no good value, is empty, and the checks pass it over. */
static void fill_missing(const struct xf_raw_section *section, void *target)
{
    size_t count;
    const struct xf_option *options = xf_conf_options_of(section->section, &count);
    for (size_t i = 0; i < count; i++) {
        char *text = NULL, *empty = NULL;
        if (options[i].initial || options[i].kind != XF_KIND_TEXT)
            continue;
        memcpy(&text, xf_value_field(&options[i], target), sizeof(text));
        if (text)
            continue;
        empty = xf_strdup("");
        memcpy((char *)target + options[i].offset, &empty, sizeof(empty));
    }
}

/* Returns the settings of a peer, or of defaults, that have a good value. */
static struct xf_peer_set apply_all(struct loading *load, const struct xf_raw_section *section,
                                    void *target)
{
    bool has_set = section->section == XF_SECTION_PEER || section->section == XF_SECTION_DEFAULTS;
    struct xf_peer_set good = {0};
    for (size_t i = 0; i < section->count; i++)
        if (apply(load, section, &section->settings[i], target) && has_set)
            xf_option_put_in(&good, section->settings[i].option);
    if (section->title) {
        demand_required(load, section);
        fill_missing(section, target);
    }
    return good;
}

/* ---- sections without a title */

static void apply_top(struct loading *load, const struct xf_raw_section *section)
{
    size_t count;
    const struct xf_option *first = xf_conf_options_of(XF_SECTION_TOP, &count);
    for (size_t i = 0; i < section->count; i++) {
        const struct xf_raw_setting *setting = &section->settings[i],
                                    **seen = &load->top[setting->option - first];
        if (*seen)
            xf_problem(&load->problems, section->file, setting->line,
                       "%s is written twice: expected once", setting->option->key);
        *seen = setting;
        (void)apply(load, section, setting, load->conf);
    }
    if (section->count > 0) { /* one for each file: twice is a problem */
        xf_conf_place_release(&load->conf->top_at);
        xf_conf_place_set(&load->conf->top_at, section);
    }
}

/* Where to keep the place of a section with values that only the code that uses them can check. */
static struct xf_conf_place *place_of(struct xf_conf *conf, enum xf_section section)
{
    switch (section) {
    case XF_SECTION_TRUST:
        return &conf->trust_at;
    case XF_SECTION_MEMORY:
        return &conf->history_at;
    case XF_SECTION_AUDIT:
        return &conf->audit_at;
    case XF_SECTION_JOURNAL:
        return &conf->journal_at;
    case XF_SECTION_LISTEN:
        return &conf->listen_at;
    case XF_SECTION_PROCESS:
        return &conf->process_at;
    case XF_SECTION_DEFAULTS:
        return &conf->defaults_at;
    case XF_SECTION_POLICY:
        return &conf->policy_at;
    case XF_SECTION_MAIL:
        return &conf->mail_at;
    case XF_SECTION_DIRECTORY:
        return &conf->directory_at;
    case XF_SECTION_SIP:
        return &conf->sip_at;
    default:
        return NULL;
    }
}

/*
 * Apply the section's profile, if it names one, below what the section itself says. Returns the
 * settings that come from it.
 */
static struct xf_peer_set profile_of(struct xf_peer_settings *settings)
{
    if (!xf_option_is_in(&settings->set, xf_option_find(XF_SECTION_PEER, "profile")))
        return (struct xf_peer_set){0};
    return xf_conf_profile_apply(settings->profile, settings);
}

static void apply_single(struct loading *load, const struct xf_raw_section *section)
{
    const struct xf_raw_section **seen = &load->single[section->section];
    if (*seen) {
        xf_problem(&load->problems, section->file, section->line,
                   "section %s is written twice (first at %.255s:%d): expected once",
                   xf_section_facts(section->section)->word, (*seen)->file, (*seen)->line);
        return;
    }
    *seen = section;
    struct xf_conf_place *place = place_of(load->conf, section->section);
    if (place)
        xf_conf_place_set(place, section);
    struct xf_peer_set good =
        apply_all(load, section, xf_section_target(load->conf, section->section));
    if (section->section != XF_SECTION_DEFAULTS)
        return;
    load->conf->defaults.set = good;
    load->conf->defaults_by_profile = profile_of(&load->conf->defaults);
}

/* ---- sections with a title */

static char *prepare_title(struct loading *load, const struct xf_raw_section *section)
{
    bool is_peer = section->section == XF_SECTION_PEER;
    const char *prefix = is_peer && strncmp(section->title, "*.", 2) == 0 ? "*." : "",
               *title = section->title;
    char prepared[XF_DOMAIN_MAX + 1];
    if (*title && xf_text_is_plain(title)) {
        if (section->section == XF_SECTION_LINK)
            return xf_strdup(title);
        if (xf_domain_prepare(xf_span_of(title + strlen(prefix)), prepared) == XF_ERR_OK)
            return xf_asprintf("%s%s", prefix, prepared);
    }
    xf_problem(&load->problems, section->file, section->line, "%s \"%.255s\": expected %s",
               xf_section_facts(section->section)->word, title,
               section->section == XF_SECTION_LINK ? "a name"
               : is_peer                           ? "a domain name, or *. and a domain name"
                                                   : "a domain name");
    return xf_strdup("");
}

static void apply_link(struct loading *load, const struct xf_raw_section *section)
{
    size_t i = load->conf->link_count++;
    struct xf_conf_link *link = &load->conf->links[i];
    load->links[i] = section;
    *link = (struct xf_conf_link){.settings.title = prepare_title(load, section)};
    xf_conf_place_set(&link->at, section);
    reset_all(XF_SECTION_LINK, &link->settings);
    (void)apply_all(load, section, &link->settings);
}

static void apply_served(struct loading *load, const struct xf_raw_section *section)
{
    size_t i = load->conf->served_count++;
    struct xf_conf_served *served = &load->conf->served[i];
    load->served[i] = section;
    *served = (struct xf_conf_served){.settings.domain = prepare_title(load, section)};
    xf_conf_place_set(&served->at, section);
    reset_all(XF_SECTION_SERVED, &served->settings);
    (void)apply_all(load, section, &served->settings);
}

static void apply_node(struct loading *load, const struct xf_raw_section *section)
{
    struct xf_conf_node *node = &load->conf->nodes[load->conf->node_count++];
    *node = (struct xf_conf_node){.settings.title = prepare_title(load, section)};
    xf_conf_place_set(&node->at, section);
    reset_all(XF_SECTION_NODE, &node->settings);
    (void)apply_all(load, section, &node->settings);
}

static void apply_peer(struct loading *load, const struct xf_raw_section *section)
{
    size_t i = load->conf->peer_count++;
    struct xf_conf_peer *peer = &load->conf->peers[i];
    load->peers[i] = section;
    *peer = (struct xf_conf_peer){.pattern = prepare_title(load, section)};
    xf_conf_place_set(&peer->at, section);
    peer->settings.set = apply_all(load, section, &peer->settings);
    peer->by_profile = profile_of(&peer->settings);
    const struct xf_conf_peer *other =
        *peer->pattern ? xf_map_set(load->conf->peer_index, xf_span_of(peer->pattern), peer) : NULL;
    if (other)
        xf_problem(&load->problems, section->file, section->line,
                   "peer \"%s\" is written twice (first at %.255s:%d): expected once",
                   peer->pattern, other->at.file, other->at.line);
}

static void apply_section(struct loading *load, const struct xf_raw_section *section)
{
    switch (section->section) {
    case XF_SECTION_TOP:
        apply_top(load, section);
        break;
    case XF_SECTION_LINK:
        apply_link(load, section);
        break;
    case XF_SECTION_SERVED:
        apply_served(load, section);
        break;
    case XF_SECTION_NODE:
        apply_node(load, section);
        break;
    case XF_SECTION_PEER:
        apply_peer(load, section);
        break;
    default:
        apply_single(load, section);
    }
}

/* ---- secrets */

static char *keep_secret(struct loading *load, const struct xf_raw_section *section,
                         const char *key, const char *path, enum xf_shortness shortness,
                         const char *running_path, const char *running_secret)
{
    const char *const keys[] = {key, NULL};
    if (!*path)
        return NULL;
    bool is_running = running_secret && running_path && strcmp(path, running_path) == 0;
    const struct xf_secret_place at = {path,      section->file,  key, xf_raw_line(section, keys),
                                       shortness, &load->problems};
    return xf_conf_secret_read(&at, is_running ? running_secret : NULL);
}

static void read_dialback_secret(struct loading *load)
{
    struct xf_conf *conf = load->conf;
    if (!*conf->dialback.secret_file) {
        if (conf->defaults.dialback && !load->raw.is_partial)
            xf_warning(&load->problems, conf->file, 0,
                       "dialback has no secret-file: xfedd draws a random secret at each start, "
                       "which works for a single node only");
        return;
    }
    conf->dialback.secret = keep_secret(load, load->single[XF_SECTION_DIALBACK], "secret-file",
                                        conf->dialback.secret_file, XF_SHORT_REFUSED,
                                        load->boot ? load->boot->dialback.secret_file : NULL,
                                        load->boot ? load->boot->dialback.secret : NULL);
}

static const struct xf_link_settings *find_link(const struct xf_conf *conf, const char *title)
{
    for (size_t i = 0; conf && i < conf->link_count; i++)
        if (strcmp(conf->links[i].settings.title, title) == 0)
            return &conf->links[i].settings;
    return NULL;
}

static void read_directory_password(struct loading *load)
{
    struct xf_conf *conf = load->conf;
    if (!*conf->mailmap.directory.password_file)
        return;
    conf->mailmap.directory.password =
        keep_secret(load, load->single[XF_SECTION_DIRECTORY], "password-file",
                    conf->mailmap.directory.password_file, XF_SHORT_WARNED,
                    load->running ? load->running->mailmap.directory.password_file : NULL,
                    load->running ? load->running->mailmap.directory.password : NULL);
}

static void read_database_password(struct loading *load)
{
    struct xf_conf *conf = load->conf;
    if (!*conf->history.password_file)
        return;
    conf->history.password = keep_secret(load, load->single[XF_SECTION_MEMORY], "password-file",
                                         conf->history.password_file, XF_SHORT_WARNED,
                                         load->boot ? load->boot->history.password_file : NULL,
                                         load->boot ? load->boot->history.password : NULL);
}

static void read_secrets(struct loading *load)
{
    read_dialback_secret(load);
    read_directory_password(load);
    read_database_password(load);
    for (size_t i = 0; i < load->conf->link_count; i++) {
        struct xf_link_settings *link = &load->conf->links[i].settings;
        const struct xf_link_settings *before = find_link(load->boot, link->title);
        link->secret =
            keep_secret(load, load->links[i], "secret-file", link->secret_file, XF_SHORT_EXPOSED,
                        before ? before->secret_file : NULL, before ? before->secret : NULL);
    }
}

/* ---- all of it */

/*
 * If the operator wrote no ca-file and the machine lacks the system's bundle, that is not a mistake
 * in the file: a warning is enough.
 */
static void settle_ca_file(struct loading *load)
{
    const struct xf_option *option = xf_option_find(XF_SECTION_TRUST, "ca-file");
    const struct xf_raw_section *section = load->single[XF_SECTION_TRUST];
    if ((section && section_has(section, option)) || access(load->conf->trust.ca_file, R_OK) == 0)
        return;
    xf_warning(&load->problems, load->conf->file, 0,
               "ca-file = \"%s\" (the default) cannot be read: no certificate of a peer is trusted",
               load->conf->trust.ca_file);
    xf_require(xf_value_parse(option, "", "", load->conf));
}

/* A stanza of a peer must fit the link that it goes to. */
static void settle_links(struct loading *load)
{
    size_t *bytes = &load->conf->s2s.link_stanza_bytes;
    *bytes = SIZE_MAX;
    for (size_t i = 0; i < load->conf->link_count; i++)
        if (load->conf->links[i].settings.max_stanza_bytes < *bytes)
            *bytes = load->conf->links[i].settings.max_stanza_bytes;
}

static void settle_pins(struct loading *load)
{
    xf_pins_settle(&load->conf->defaults);
    for (size_t i = 0; i < load->conf->peer_count; i++)
        xf_pins_settle(&load->conf->peers[i].settings);
}

static size_t count_sections(const struct xf_raw *raw, enum xf_section kind)
{
    size_t count = 0;
    for (size_t i = 0; i < raw->count; i++)
        count += raw->sections[i].section == kind;
    return count;
}

/* Allocate the arrays in their final size, because maps hold pointers into them. */
static void make_room(struct loading *load)
{
    size_t links = count_sections(&load->raw, XF_SECTION_LINK),
           served = count_sections(&load->raw, XF_SECTION_SERVED),
           peers = count_sections(&load->raw, XF_SECTION_PEER);
    load->conf->links = xf_alloc((links + 1) * sizeof(*load->conf->links));
    load->conf->served = xf_alloc((served + 1) * sizeof(*load->conf->served));
    load->conf->nodes =
        xf_alloc((count_sections(&load->raw, XF_SECTION_NODE) + 1) * sizeof(*load->conf->nodes));
    load->conf->peers = xf_alloc((peers + 1) * sizeof(*load->conf->peers));
    load->links = xf_alloc((links + 1) * sizeof(*load->links));
    load->served = xf_alloc((served + 1) * sizeof(*load->served));
    load->peers = xf_alloc((peers + 1) * sizeof(*load->peers));
}

static struct xf_conf *new_conf(const char *file)
{
    struct xf_conf *conf = xf_new(struct xf_conf);
    conf->file = xf_strdup(file);
    conf->peer_index = xf_map_new();
    for (unsigned s = 0; s < XF_SECTION_COUNT; s++)
        if (!xf_section_facts(s)->title)
            reset_all(s, xf_section_target(conf, s));
    return conf;
}

static void check_all(struct loading *load)
{
    const struct xf_check check = {.conf = load->conf,
                                   .defaults = load->single[XF_SECTION_DEFAULTS],
                                   .process = load->single[XF_SECTION_PROCESS],
                                   .links = load->links,
                                   .served = load->served,
                                   .peers = load->peers,
                                   .problems = &load->problems};
    xf_conf_check(&check);
}

static void load_all(struct loading *load, const char *file)
{
    xf_problems_init(&load->problems);
    xf_raw_read(file, &load->raw, &load->problems);
    load->conf = new_conf(file);
    load->conf->files = load->raw.files;
    load->raw.files = (struct xf_texts){0};
    make_room(load);
    for (size_t i = 0; i < load->raw.count; i++)
        apply_section(load, &load->raw.sections[i]);
    settle_ca_file(load);
    settle_links(load);
    settle_pins(load);
    read_secrets(load);
    if (!load->raw.is_partial)
        check_all(load);
    xf_free(load->links);
    xf_free(load->served);
    xf_free(load->peers);
    xf_raw_release(&load->raw);
}

enum xf_err xf_conf_reload(const char *file, const struct xf_conf *boot,
                           const struct xf_conf *running, struct xf_conf **out_conf,
                           char **out_messages)
{
    struct loading load = {.boot = boot, .running = running};
    load_all(&load, file);
    size_t errors = load.problems.errors;
    char *messages = xf_problems_take(&load.problems);
    if (out_messages)
        *out_messages = messages;
    else
        xf_free(messages);
    if (errors > 0) {
        xf_conf_free(&load.conf);
        return XF_ERR_CONFIG;
    }
    load.conf->exposed = load.problems.exposed;
    *out_conf = load.conf;
    return XF_ERR_OK;
}

struct xf_conf *xf_conf_examine(const char *file, size_t *out_errors, char **out_messages)
{
    struct loading load = {.boot = NULL};
    load_all(&load, file);
    *out_errors = load.problems.errors;
    *out_messages = xf_problems_take(&load.problems);
    load.conf->exposed = load.problems.exposed;
    return load.conf;
}

enum xf_err xf_conf_load(const char *file, struct xf_conf **out_conf, char **out_messages)
{
    return xf_conf_reload(file, NULL, NULL, out_conf, out_messages);
}

static void free_link(struct xf_conf_link *link)
{
    release_all(XF_SECTION_LINK, &link->settings);
    xf_conf_secret_free(link->settings.secret);
    xf_free(link->settings.title);
    xf_conf_place_release(&link->at);
}

static void free_served(struct xf_conf_served *served)
{
    release_all(XF_SECTION_SERVED, &served->settings);
    xf_free(served->settings.domain);
    xf_conf_place_release(&served->at);
}

static void free_node(struct xf_conf_node *node)
{
    release_all(XF_SECTION_NODE, &node->settings);
    xf_free(node->settings.title);
    xf_conf_place_release(&node->at);
}

static void free_peer(struct xf_conf_peer *peer)
{
    release_all(XF_SECTION_PEER, &peer->settings);
    xf_free(peer->settings.pin_sha256);
    xf_free(peer->pattern);
    xf_conf_place_release(&peer->at);
}

void xf_conf_free(struct xf_conf **conf)
{
    struct xf_conf *c = *conf;
    if (!c)
        return;
    for (size_t i = 0; i < c->link_count; i++)
        free_link(&c->links[i]);
    for (size_t i = 0; i < c->served_count; i++)
        free_served(&c->served[i]);
    for (size_t i = 0; i < c->node_count; i++)
        free_node(&c->nodes[i]);
    for (size_t i = 0; i < c->peer_count; i++)
        free_peer(&c->peers[i]);
    for (unsigned s = 0; s < XF_SECTION_COUNT; s++)
        if (!xf_section_facts(s)->title)
            release_all(s, xf_section_target(c, s));
    xf_free(c->defaults.pin_sha256);
    xf_conf_place_release(&c->top_at);
    xf_conf_place_release(&c->trust_at);
    xf_conf_place_release(&c->history_at);
    xf_conf_place_release(&c->listen_at);
    xf_conf_place_release(&c->process_at);
    xf_conf_place_release(&c->defaults_at);
    xf_conf_place_release(&c->policy_at);
    xf_conf_place_release(&c->mail_at);
    xf_conf_place_release(&c->directory_at);
    xf_conf_place_release(&c->sip_at);
    xf_conf_place_release(&c->journal_at);
    xf_conf_place_release(&c->audit_at);
    xf_conf_secret_free(c->dialback.secret);
    xf_conf_secret_free(c->mailmap.directory.password);
    xf_conf_secret_free(c->history.password);
    xf_map_free(&c->peer_index);
    xf_free(c->links);
    xf_free(c->served);
    xf_free(c->nodes);
    xf_free(c->peers);
    xf_free(c->file);
    xf_texts_release(&c->files);
    xf_free(c);
    *conf = NULL;
}
