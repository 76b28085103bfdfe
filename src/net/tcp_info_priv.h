/* SPDX-License-Identifier: MIT */
/* tcp_info_priv.h — what the system knows of a TCP connection. */
#pragma once

#include <stdint.h>

/* How many bytes the other side's TCP has acknowledged, a byte less at worst. */
uint64_t xf_tcp_acknowledged(int fd);
