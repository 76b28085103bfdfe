/* SPDX-License-Identifier: MIT */
/*
 * place.c — where a section and its keys were written, kept with the configuration for the messages
 * of later checks.
 */
#include "conf_priv.h"

#include <string.h>
#include <xfed/base/alloc.h>

void xf_conf_place_set(struct xf_conf_place *place, const struct xf_raw_section *section)
{
    *place = (struct xf_conf_place){
        .file = xf_strdup(section->file), .line = section->line, .key_count = section->count};
    place->keys = xf_alloc((section->count + 1) * sizeof(*place->keys));
    for (size_t i = 0; i < section->count; i++)
        place->keys[i] =
            (struct xf_conf_key_line){section->settings[i].option->key, section->settings[i].line};
}

void xf_conf_place_release(struct xf_conf_place *place)
{
    xf_free(place->keys);
    xf_free(place->file);
    *place = (struct xf_conf_place){0};
}

int xf_conf_line(const struct xf_conf_place *place, const char *key)
{
    for (size_t i = 0; i < place->key_count; i++)
        if (strcmp(place->keys[i].key, key) == 0)
            return place->keys[i].line;
    return place->line;
}
