/* SPDX-License-Identifier: MIT */
/* refusal.c — a configuration of a test, loaded from a file. */
#include "refusal.h"

#include <check.h>
#include <xfed/base/alloc.h>
#include <xfed/conf/conf.h>

char *conf_refusal(struct folder *folder, const char *good, const char *rest)
{
    char path[128], *text = xf_asprintf("%s%s", good, rest), *messages = NULL;
    struct xf_conf *conf = NULL;
    folder_put_text(folder, "conf", text);
    snprintf(path, sizeof(path), "%s/conf", folder->path);
    enum xf_err err = xf_conf_load(path, &conf, &messages);
    xf_free(text);
    if (err == XF_ERR_OK)
        xf_free(messages); /* warnings, such as one about the machine's CA bundle */
    else
        ck_assert_msg(messages != NULL, "%s: refused without a message", rest);
    xf_conf_free(&conf);
    return err == XF_ERR_OK ? NULL : messages;
}
