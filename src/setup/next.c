/* SPDX-License-Identifier: MIT */
/* next.c — what is left to do after init, in its order. */
#include "setup_priv.h"

#include <string.h>

static void put_server(const struct xf_init_answers *answers, const char *folder, FILE *out)
{
    const char *server = xf_init_answer(answers, XF_INIT_SERVER);
    fprintf(out, "Let %s hand over what is for other domains: %s/%s", server, folder,
            xf_setup_server_file(answers));
    if (strcmp(server, "jabberd2") != 0)
        fprintf(out, ", with the module of the package %s-mod-route-gateway", server);
    fputs(". Restart it. The documents FIRST-FEDERATION-*.md have the commands.\n", out);
}

static void put_certificate(const struct xf_init_answers *answers, const char *folder, FILE *out)
{
    const char *certificate = xf_init_answer(answers, XF_INIT_CERTIFICATE);
    const char *domain = xf_init_answer(answers, XF_INIT_DOMAIN);
    if (strcmp(certificate, "request") == 0)
        fprintf(out,
                "Have %s/%s.csr signed by an authority, and put its answer, with the chain, into "
                "%s/%s.pem. Until then a certificate is there that many servers do not trust.\n",
                folder, domain, folder, domain);
    else
        fprintf(out, "Let xfedd read its certificate, also when it is renewed: %s\n",
                strncmp(certificate, "/etc/letsencrypt/", 17) == 0
                    ? "chgrp -R xfedd /etc/letsencrypt/live /etc/letsencrypt/archive && chmod -R "
                      "g+rX /etc/letsencrypt/live /etc/letsencrypt/archive"
                    : "its group is xfedd.");
}

void xf_setup_next(const struct xf_init_answers *answers, const char *folder, FILE *out)
{
    fputs("\nWhat is next:\n 1. ", out);
    put_server(answers, folder, out);
    fprintf(out, " 2. Publish what %s/dns-records.txt has.\n 3. ", folder);
    put_certificate(answers, folder, out);
    fprintf(out, " 4. Let other servers in: port 5269 (xfedd --firewall nftables prints rules).\n"
                 " 5. xfedd -t && systemctl enable --now xfedd\n"
                 " 6. xfedctl status; then, for a domain that you want to write to: xfedctl check "
                 "DOMAIN\n");
    if (xf_init_answer_is(answers, XF_INIT_FEDERATION, "partners"))
        fputs(" 7. Tell each partner what it needs: xfedctl partner NAME prints the page; --read "
              "FILE reads theirs.\n",
              out);
}
