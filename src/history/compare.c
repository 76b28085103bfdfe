/* SPDX-License-Identifier: MIT */
/*
 * compare.c — compares what is seen of a peer with what is known of it.
 *
 *   known            seen                                  is
 *   TLS              clear                                 CLEAR, whatever else
 *   some keys        another key, and nothing vouches      KEY_CHANGED
 *   EXTERNAL         dialback over TLS                     WEAKER
 *   some keys        another key, a CA, DANE or pin does   KEY_EXPLAINED
 *   no key           a key                                 SAME: it grew stronger
 *   some keys        no certificate, by dialback           SAME: dialback asks the server that DNS
 *                    names, and its key is compared there
 */
#include "history_priv.h"

const struct xf_history_key *xf_history_entry_key(const struct xf_history_entry *entry,
                                                  const uint8_t spki_sha256[XF_HISTORY_SPKI_BYTES])
{
    for (size_t i = 0; i < entry->key_count; i++)
        if (memcmp(entry->keys[i].spki_sha256, spki_sha256, XF_HISTORY_SPKI_BYTES) == 0)
            return &entry->keys[i];
    return NULL;
}

enum xf_history_change xf_history_compare(const struct xf_history_entry *known,
                                          const struct xf_history_sight *now)
{
    if (!known)
        return XF_HISTORY_NEW;
    if (now->auth == XF_HISTORY_DIALBACK_CLEAR && known->auth > XF_HISTORY_DIALBACK_CLEAR)
        return XF_HISTORY_CLEAR;
    bool is_other =
        now->has_key && known->key_count > 0 && !xf_history_entry_key(known, now->spki_sha256);
    if (is_other && now->ground == XF_HISTORY_GROUND_NONE)
        return XF_HISTORY_KEY_CHANGED;
    if (now->auth < known->auth)
        return XF_HISTORY_WEAKER;
    return is_other ? XF_HISTORY_KEY_EXPLAINED : XF_HISTORY_SAME;
}

/*
 * Make the key the first one of the entry; if there are too many, drop the one that was not seen
 * for the longest time.
 */
static bool take_key(struct xf_history_entry *entry, const struct xf_history_sight *now,
                     int64_t now_s)
{
    const struct xf_history_key *known = xf_history_entry_key(entry, now->spki_sha256);
    struct xf_history_key key = {.first_s = now_s, .ground = now->ground};
    size_t place = known                                ? (size_t)(known - entry->keys)
                   : entry->key_count < XF_HISTORY_KEYS ? entry->key_count
                                                        : XF_HISTORY_KEYS - 1;
    bool is_changed = !known || place > 0;
    if (known)
        key = *known;
    else
        memcpy(key.spki_sha256, now->spki_sha256, sizeof(key.spki_sha256));
    if (now->ground != XF_HISTORY_GROUND_NONE && now->ground != key.ground) {
        key.ground = now->ground;
        is_changed = true;
    }
    key.last_s = now_s;
    memmove(&entry->keys[1], &entry->keys[0], place * sizeof(entry->keys[0]));
    entry->keys[0] = key;
    entry->key_count += !known && entry->key_count < XF_HISTORY_KEYS;
    return is_changed;
}

bool xf_history_entry_take(struct xf_history_entry *entry, const struct xf_history_sight *now,
                           bool accepts, int64_t now_s)
{
    bool is_changed = now->has_key && take_key(entry, now, now_s);
    if (now->auth > entry->auth || (accepts && now->auth != entry->auth)) {
        if (now->auth < entry->auth)
            entry->lowered_s = now_s;
        entry->auth = now->auth;
        is_changed = true;
    }
    entry->last_s = now_s;
    return is_changed;
}
