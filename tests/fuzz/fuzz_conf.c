/* SPDX-License-Identifier: MIT */
/*
 * fuzz_conf.c — any bytes as a configuration file. What must hold: it loads or says why not; what
 * loads can be dumped, the dump loads, and dumps the same again; every peer of it can be asked for.
 */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xfed/base/alloc.h>
#include <xfed/conf/conf.h>

/* NULL: refused, with words. */
static struct xf_conf *load(const void *bytes, size_t len)
{
    int fd = memfd_create("conf", MFD_CLOEXEC);
    xf_require(fd >= 0 && write(fd, bytes, len) == (ssize_t)len);
    char path[64], *messages = NULL;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    struct xf_conf *conf = NULL;
    enum xf_err err = xf_conf_load(path, &conf, &messages);
    close(fd);
    xf_require((err == XF_ERR_OK) == (conf != NULL));
    xf_require(conf || (messages && strstr(messages, ": ")));
    xf_free(messages);
    return conf;
}

static char *dump(const struct xf_conf *conf, size_t *out_len)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, out_len);
    xf_require(out != NULL);
    xf_conf_dump(conf, XF_DUMP_ALL, out);
    fclose(out);
    return text;
}

static void ask_for_peers(const struct xf_conf *conf)
{
    for (size_t i = 0; i < conf->peer_count; i++) {
        struct xf_peer_settings settings;
        xf_conf_peer_settings(conf, xf_span_of(conf->peers[i].pattern), &settings);
        const struct xf_peer_set *own = &conf->peers[i].settings.set;
        for (size_t k = 0; k < XF_ARRAY_LEN(own->word); k++)
            xf_require((settings.set.word[k] & own->word[k]) == own->word[k] ||
                       conf->peers[i].pattern[0] == '*');
        xf_require(settings.ciphers != NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct xf_conf *conf = load(bytes, len);
    if (!conf)
        return 0;
    ask_for_peers(conf);
    size_t first_len, second_len;
    char *first = dump(conf, &first_len);
    struct xf_conf *again = load(first, first_len);
    xf_require(again != NULL);
    char *second = dump(again, &second_len);
    xf_require(first_len == second_len && memcmp(first, second, first_len) == 0);
    free(first);
    free(second);
    xf_conf_free(&conf);
    xf_conf_free(&again);
    return 0;
}
