/* SPDX-License-Identifier: MIT */
#include "stage.h"

#include <check.h>
#include <stdio.h>
#include <xfed/base/alloc.h>
#include <xfed/conf/conf.h>

#include "folder.h"

struct fake_env env;
struct fake_dns *dns;
struct xf_simple *simple;

static struct folder folder;
static struct xf_conf *conf;
static struct xf_policy *policy;
static struct xf_tls_store *store;
static struct xf_tls_identities *identities;

static void load(const char *link, const char *peers)
{
    char path[128], *messages = NULL;
    char *text =
        xf_asprintf("link l { nodes = {\"127.0.0.1:5347\"} name = gw.a.example secret-file = s }\n"
                    "link m { nodes = {\"127.0.0.2:5347\"} name = gw.a.example secret-file = s }\n"
                    "served \"a.example\" { link = %s certificate = c key = k }\n"
                    "sip { host = sip.a.example }\n%s",
                    link, peers);
    folder_put_text(&folder, "s", "a secret that is long enough");
    folder_put_text(&folder, "conf", text);
    snprintf(path, sizeof(path), "%s/conf", folder.path);
    ck_assert_msg(xf_conf_load(path, &conf, &messages) == XF_ERR_OK, "%s", messages);
    conf->ua.tcp_port = xf_conf_sip_tcp_port(conf);
    xf_free(messages);
    xf_free(text);
}

void stage_begin(const char *peers, const struct xf_simple_events *events,
                 struct xf_stanza_sum *waiting)
{
    struct xf_error err;
    folder_make(&folder);
    load("l", peers);
    policy = xf_policy_new(&(struct xf_policy_opts){.conf = conf});
    ck_assert_int_eq(xf_tls_store_load("", &store, &err), XF_ERR_OK);
    identities = xf_tls_identities_new(store);
    fake_env_init(&env);
    dns = fake_dns_new(&env.clock, 5000);
    env.env.dns = fake_dns_seam(dns);
    simple = xf_simple_new(&(struct xf_simple_opts){.env = &env.env,
                                                    .policy = policy,
                                                    .settings = &conf->ua,
                                                    .own = &conf->simple,
                                                    .identities = identities,
                                                    .waiting = waiting,
                                                    .events = events});
}

void stage_reload(const char *link, const char *peers)
{
    struct xf_conf *old_conf = conf;
    struct xf_policy *old_policy = policy;
    load(link, peers);
    policy = xf_policy_new(&(struct xf_policy_opts){.conf = conf});
    xf_simple_reload(simple, policy, &conf->ua, &conf->simple, identities);
    xf_policy_free(&old_policy);
    xf_conf_free(&old_conf);
}

void stage_end(void)
{
    xf_simple_finish(simple);
    xf_simple_drain(simple);
    xf_simple_cut(simple);
    fake_env_run(&env);
    ck_assert(xf_simple_is_over(simple));
    xf_simple_free(&simple);
    xf_tls_identities_unref(&identities);
    xf_tls_store_unref(&store);
    fake_env_fini(&env);
    fake_dns_free(&dns);
    xf_policy_free(&policy);
    xf_conf_free(&conf);
    folder_remove(&folder);
}
