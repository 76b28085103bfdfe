/* SPDX-License-Identifier: MIT */
/*
 * fuzz.h — what each target defines. Built with -Dfuzz=true (scripts/fuzz) libFuzzer calls it;
 * otherwise main() of replay.c does, for each file of the corpus.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);
