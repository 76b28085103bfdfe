/* SPDX-License-Identifier: MIT */
/*
 * server.c — what the local server's configuration needs, for one gateway: the files of
 * conf/prosody, conf/ejabberd and conf/jabberd2 with the names and the secret filled in.
 */
#include "setup_priv.h"

#include <string.h>

#include <xfed/base/alloc.h>
#include <xfed/base/draft.h>

/* What a template needs: the address without its port, for a server that divides them. */
struct blanks {
    const char *name, *secret, *ip, *port;
};

static void put_prosody(const struct blanks *blanks, struct xf_draft *draft)
{
    xf_draft_printf(
        draft,
        "-- Prosody with xfedd as its way out, made by xfedctl init. In prosody.cfg.lua, before "
        "this file:\n"
        "--   \"route_gateway\" is in modules_enabled, and \"s2s\" in modules_disabled.\n"
        "route_gateway_component = { \"%s\" }\n"
        "component_ports = { %s }\n"
        "component_interfaces = { \"%s\" }\n"
        "component_stanza_size_limit = 512 * 1024\n"
        "\n"
        "Component \"%s\"\n"
        "\tcomponent_secret = \"%s\"\n"
        "\tvalidate_from_addresses = false\n"
        "\tcomponent_conflict_resolve = \"kick_old\"\n",
        blanks->name, blanks->port, blanks->ip, blanks->name, blanks->secret);
}

static void put_ejabberd(const struct blanks *blanks, struct xf_draft *draft)
{
    xf_draft_printf(draft,
                    "# ejabberd with xfedd as its way out, made by xfedctl init. In ejabberd.yml: "
                    "no listener with ejabberd_s2s_in.\n"
                    "s2s_access: none\n"
                    "\n"
                    "listen:\n"
                    "  -\n"
                    "    port: %s\n"
                    "    ip: \"%s\"\n"
                    "    module: ejabberd_service\n"
                    "    check_from: false\n"
                    "    shaper_rule: fast\n"
                    "    hosts:\n"
                    "      \"%s\":\n"
                    "        password: \"%s\"\n"
                    "\n"
                    "modules:\n"
                    "  mod_route_gateway:\n"
                    "    component: \"%s\"\n",
                    blanks->port, blanks->ip, blanks->name, blanks->secret, blanks->name);
}

static void put_jabberd2(const struct blanks *blanks, struct xf_draft *draft)
{
    xf_draft_printf(
        draft,
        "<!-- jabberd2 with xfedd as its way out, made by xfedctl init: merge these into the files "
        "of its router, and do not start jabberd2-s2s. -->\n"
        "\n<!-- router-users.xml -->\n"
        "<users>\n  <user>\n    <name>%s</name>\n    <secret>%s</secret>\n  </user>\n</users>\n"
        "\n<!-- router.xml -->\n"
        "<aci>\n"
        "  <acl type='bind'>\n    <user>%s</user>\n  </acl>\n"
        "  <acl type='default-route'>\n    <user>%s</user>\n  </acl>\n"
        "</aci>\n"
        "<check>\n  <interval>10</interval>\n  <keepalive>30</keepalive>\n</check>\n",
        blanks->name, blanks->secret, blanks->name, blanks->name);
}

static const struct server {
    const char *kind, *file;
    void (*put)(const struct blanks *blanks, struct xf_draft *draft);
} servers[] = {
    {"prosody", "prosody-gateway.cfg.lua", put_prosody},
    {"ejabberd", "ejabberd-gateway.yml", put_ejabberd},
    {"jabberd2", "jabberd2-gateway.xml", put_jabberd2},
};

static const struct server *find(const struct xf_init_answers *answers)
{
    size_t i = 0;
    while (!xf_init_answer_is(answers, XF_INIT_SERVER, servers[i].kind))
        xf_require(++i < XF_ARRAY_LEN(servers)); /* the word was checked */
    return &servers[i];
}

const char *xf_setup_server_file(const struct xf_init_answers *answers)
{
    return find(answers)->file;
}

enum xf_err xf_setup_server(const struct xf_init_answers *answers, const char *secret,
                            struct xf_buf *out)
{
    struct xf_draft draft = xf_draft_begin(out);
    const char *address = xf_init_answer(answers, XF_INIT_SERVER_ADDRESS);
    const char *colon = strrchr(address, ':');
    bool is_v6 = address[0] == '[';
    char *name = xf_setup_component(answers);
    char *ip = xf_strndup(address + is_v6, (size_t)(colon - address) - 2 * is_v6);
    find(answers)->put(&(struct blanks){name, secret, ip, colon + 1}, &draft);
    xf_free(name);
    xf_free(ip);
    return xf_draft_end(&draft);
}
