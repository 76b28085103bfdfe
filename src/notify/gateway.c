/* SPDX-License-Identifier: MIT */
/*
 * gateway.c — follows the alarms of xfedd over the control socket. When xfedd is restarted the
 * connection is made again; only when that takes long, operators are told.
 */
#include "notify_priv.h"

#include <stdio.h>

#include <xfed/base/alloc.h>
#include <xfed/base/log.h>

#define WAIT_MIN_MS 500
#define WAIT_MAX_MS 10000
#define LOST_MS     5000  /* a restart takes less */
#define SILENT_MS   45000 /* xfedd says every 15 s that it is alive */

void xf_gateway_init(struct xf_gateway *gateway, const char *path, struct xf_book *book)
{
    *gateway = (struct xf_gateway){
        .path = path, .book = book, .ask = {.fd = -1}, .wait_ms = WAIT_MIN_MS, .lost_ms = 0};
}

void xf_gateway_release(struct xf_gateway *gateway)
{
    xf_ask_close(&gateway->ask);
}

static void lose(struct xf_gateway *gateway, const char *why, uint64_t now_ms)
{
    xf_ask_close(&gateway->ask);
    if (why != gateway->why)
        snprintf(gateway->why, sizeof(gateway->why), "%s", why);
    if (gateway->lost_ms == 0) {
        gateway->lost_ms = now_ms;
        xf_log(XF_LOG_WARN, "notify.gateway.lost", XF_STR("detail", gateway->why));
    }
    gateway->retry_ms = now_ms + gateway->wait_ms;
    gateway->wait_ms =
        2 * gateway->wait_ms < WAIT_MAX_MS ? 2 * gateway->wait_ms : (uint64_t)WAIT_MAX_MS;
}

static void connect_now(struct xf_gateway *gateway, uint64_t now_ms)
{
    if (!xf_ask_connect(&gateway->ask, gateway->path, gateway->why)) {
        lose(gateway, gateway->why, now_ms);
        return;
    }
    json_t *request = json_pack("{s:s,s:b}", "verb", "alarms", "follow", 1);
    xf_ask_send(&gateway->ask, request);
    json_decref(request);
    gateway->heard_ms = now_ms;
    xf_book_begin_list(gateway->book);
}

static void be_found(struct xf_gateway *gateway)
{
    if (gateway->is_lost_told)
        xf_book_say(gateway->book, "over: xfedd answers again");
    xf_log(XF_LOG_INFO, "notify.gateway.followed", XF_STR("file", gateway->path));
    gateway->lost_ms = 0;
    gateway->is_lost_told = false;
    gateway->wait_ms = WAIT_MIN_MS;
}

/* False: it is not a row. A client that has lost rows asks for all of them again. */
static bool take_line(struct xf_gateway *gateway, const json_t *line, uint64_t now_ms)
{
    const json_t *row = json_object_get(line, "row");
    const char *message = xf_json_text(line, "message");
    if (!row || json_object_get(line, "lost")) {
        lose(gateway, *message ? message : "xfedd ended the answer", now_ms);
        return false;
    }
    if (strcmp(xf_json_text(row, "change"), "following") == 0)
        be_found(gateway);
    xf_book_take(gateway->book, row);
    return true;
}

static void read_now(struct xf_gateway *gateway, uint64_t now_ms)
{
    bool is_open = xf_ask_read(&gateway->ask), goes_on = true;
    ptrdiff_t len;
    gateway->heard_ms = now_ms;
    while (goes_on && (len = xf_ask_line(&gateway->ask)) >= 0) {
        json_t *line = json_loadb(gateway->ask.in, (size_t)len, 0, NULL);
        xf_ask_drop(&gateway->ask, (size_t)len);
        goes_on = take_line(gateway, line, now_ms);
        json_decref(line);
    }
    if (goes_on && !is_open)
        lose(gateway, "xfedd closed the connection", now_ms);
}

static void tell_lost(struct xf_gateway *gateway)
{
    char line[XF_ASK_WHY_BYTES + 64];
    snprintf(line, sizeof(line), "ALARM xfedd does not answer: %s", gateway->why);
    xf_book_say(gateway->book, line);
    gateway->is_lost_told = true;
}

uint64_t xf_gateway_turn(struct xf_gateway *gateway, bool is_readable, uint64_t now_ms)
{
    if (gateway->ask.fd >= 0 && is_readable)
        read_now(gateway, now_ms);
    if (gateway->ask.fd >= 0 && now_ms - gateway->heard_ms >= SILENT_MS)
        lose(gateway, "it has been silent for 45 s: does it hang?", now_ms);
    if (gateway->ask.fd < 0 && now_ms >= gateway->retry_ms)
        connect_now(gateway, now_ms);
    if (gateway->lost_ms && !gateway->is_lost_told && now_ms - gateway->lost_ms >= LOST_MS)
        tell_lost(gateway);
    uint64_t next_ms = gateway->ask.fd < 0 ? gateway->retry_ms : gateway->heard_ms + SILENT_MS;
    if (gateway->lost_ms && !gateway->is_lost_told && gateway->lost_ms + LOST_MS < next_ms)
        next_ms = gateway->lost_ms + LOST_MS;
    return next_ms;
}
