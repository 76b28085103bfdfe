/* SPDX-License-Identifier: MIT */
/* conf.c — xfed.conf made of the answers: short, and with a comment where a person will look. */
#include "setup_priv.h"

#include <string.h>

#include <xfed/base/alloc.h>
#include <xfed/base/draft.h>

char *xf_setup_component(const struct xf_init_answers *answers)
{
    return xf_init_answer_is(answers, XF_INIT_SERVER, "jabberd2")
               ? xf_strdup("xfedd")
               : xf_asprintf("xfedd.%s", xf_init_answer(answers, XF_INIT_DOMAIN));
}

/* {"a", "b"} */
static void put_list(struct xf_draft *draft, const struct xf_texts *texts)
{
    xf_draft_str(draft, "{");
    for (size_t i = 0; i < texts->count; i++)
        xf_draft_printf(draft, "%s\"%s\"", i ? ", " : "", texts->item[i]);
    xf_draft_str(draft, "}");
}

static void put_link(const struct xf_init_answers *answers, struct xf_draft *draft)
{
    const char *server = xf_init_answer(answers, XF_INIT_SERVER);
    char *name = xf_setup_component(answers);
    xf_draft_printf(draft,
                    "# The local server, %s, with the secret that its configuration has (%s).\n"
                    "link \"cluster\" {\n"
                    "    driver      = %s\n"
                    "    nodes       = {\"%s\"}\n"
                    "    name        = \"%s\"\n"
                    "    secret-file = \"link.secret\"\n"
                    "}\n",
                    server, xf_setup_server_file(answers),
                    strcmp(server, "jabberd2") == 0 ? "router" : "component",
                    xf_init_answer(answers, XF_INIT_SERVER_ADDRESS), name);
    xf_free(name);
}

/* A certificate by name; a folder like certbot's is named once for all (trust). */
static void put_certificate(const struct xf_init_answers *answers, struct xf_draft *draft)
{
    const char *certificate = xf_init_answer(answers, XF_INIT_CERTIFICATE);
    if (strcmp(certificate, "request") == 0) {
        const char *name = xf_init_answer(answers, XF_INIT_DOMAIN);
        xf_draft_printf(draft,
                        "    certificate = \"%s.pem\"    # signed by itself until an authority "
                        "signs %s.csr\n"
                        "    key         = \"%s.key\"\n",
                        name, name, name);
    } else if (answers->of[XF_INIT_KEY].count > 0) {
        xf_draft_printf(draft, "    certificate = \"%s\"\n    key         = \"%s\"\n", certificate,
                        xf_init_answer(answers, XF_INIT_KEY));
    }
}

/* The first domain has the other names: one of its users' rooms may be in each. */
static void put_served(const struct xf_init_answers *answers, struct xf_draft *draft)
{
    const struct xf_texts *domains = &answers->of[XF_INIT_DOMAIN];
    const struct xf_texts *rooms = &answers->of[XF_INIT_ROOMS];
    for (size_t i = 0; i < domains->count; i++) {
        xf_draft_printf(draft, "\n%sserved \"%s\" {\n    link        = cluster\n",
                        i ? "" : "# What it serves, with the names of chat rooms beside users.\n",
                        domains->item[i]);
        put_certificate(answers, draft);
        if (i == 0 && rooms->count > 0) {
            xf_draft_str(draft, "    aliases     = ");
            put_list(draft, rooms);
            xf_draft_str(draft, "\n");
        }
        xf_draft_str(draft, "}\n");
    }
}

static void put_trust(const struct xf_init_answers *answers, struct xf_draft *draft)
{
    const char *certificate = xf_init_answer(answers, XF_INIT_CERTIFICATE);
    if (strcmp(certificate, "request") != 0 && answers->of[XF_INIT_KEY].count == 0)
        xf_draft_printf(draft,
                        "\n# Where certificates are, as certbot makes them: "
                        "NAME/fullchain.pem, NAME/privkey.pem.\n"
                        "trust { cert-dir = \"%s\" }\n",
                        certificate);
}

static void put_policy(const struct xf_init_answers *answers, struct xf_draft *draft)
{
    const struct xf_texts *partners = &answers->of[XF_INIT_PARTNER];
    if (xf_init_answer_is(answers, XF_INIT_FEDERATION, "open")) {
        xf_draft_str(draft,
                     "\n# Open federation: everybody, over TLS. deny: only who has a section "
                     "peer \"...\" { }.\n"
                     "policy { default = allow }\n");
        return;
    }
    xf_draft_str(draft, "\n# Closed federation: only partners with a section of their own.\n"
                        "policy { default = deny }\n");
    for (size_t i = 0; i < partners->count; i++)
        xf_draft_printf(draft, "include(\"%s.conf\")\n", partners->item[i]);
}

static void put_node(const struct xf_init_answers *answers, struct xf_draft *draft)
{
    xf_draft_printf(draft,
                    "\n# How other servers reach this one: for xfedd --dns-records and "
                    "--firewall.\n"
                    "node \"xmpp1\" {\n"
                    "    host      = \"%s\"\n"
                    "    addresses = ",
                    xf_init_answer(answers, XF_INIT_HOST));
    put_list(draft, &answers->of[XF_INIT_ADDRESS]);
    xf_draft_str(draft, "\n}\n");
}

enum xf_err xf_setup_conf(const struct xf_init_answers *answers, struct xf_buf *out)
{
    struct xf_draft draft = xf_draft_begin(out);
    xf_draft_str(&draft,
                 "# The configuration of xfedd, made by xfedctl init and yours from now on. "
                 "xfed.conf(5) has every setting,\n"
                 "# xfedd -t checks it, systemctl reload xfedd puts it in force.\n\n");
    put_link(answers, &draft);
    put_served(answers, &draft);
    xf_draft_str(&draft, "\ndialback { secret-file = \"dialback.secret\" }\n");
    put_trust(answers, &draft);
    put_policy(answers, &draft);
    xf_draft_str(&draft, "\n# Where xfedctl asks the running xfedd; root may.\n"
                         "listen { control = \"/run/xfedd/control.sock\" }\n");
    put_node(answers, &draft);
    return xf_draft_end(&draft);
}
