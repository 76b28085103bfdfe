/* SPDX-License-Identifier: MIT */
/* assets.h — page.css, page.js and icon.svg, as embed.py puts them into the program. */
#pragma once

#include <stddef.h>

extern const unsigned char xf_page_style[], xf_page_script[], xf_page_icon[];
extern const size_t xf_page_style_bytes, xf_page_script_bytes, xf_page_icon_bytes;
