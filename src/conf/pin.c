/* SPDX-License-Identifier: MIT */
/*
 * pin.c — pinned keys of peers: the SHA-256 of a SubjectPublicKeyInfo in hex, or a file with a
 * certificate.
 *
 * A pin in hex becomes a digest when it is loaded. A file is read by src/daemon, which can read
 * certificates and adds the digest before anybody else sees the configuration.
 */
#include "conf_priv.h"

#include <string.h>
#include <xfed/base/alloc.h>

#define PREFIX "sha256:"

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool xf_conf_pin_is_file(const char *pin)
{
    return strncmp(pin, PREFIX, strlen(PREFIX)) != 0;
}

bool xf_pin_parse(const char *text, uint8_t out[32])
{
    const char *hex = text + strlen(PREFIX);
    if (xf_conf_pin_is_file(text) || strlen(hex) != 64)
        return false;
    for (size_t i = 0; i < 32; i++) {
        int high = digit(hex[2 * i]), low = digit(hex[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

void xf_conf_add_pin(struct xf_peer_settings *settings, const uint8_t spki_sha256[32])
{
    settings->pin_sha256 =
        xf_realloc(settings->pin_sha256, (settings->pin_count + 1) * sizeof(*settings->pin_sha256));
    memcpy(settings->pin_sha256[settings->pin_count++], spki_sha256, 32);
}

void xf_pins_settle(struct xf_peer_settings *settings)
{
    uint8_t digest[32];
    for (size_t i = 0; i < settings->pins.count; i++)
        if (xf_pin_parse(settings->pins.item[i], digest))
            xf_conf_add_pin(settings, digest);
}
