// SPDX-License-Identifier: Apache-2.0

// Which chunks of a stream are compressed: the product's rule (docs/decisions/0004, 0029), simplified.
//
// As there, a chunk travels compressed only where that saves a sixteenth; four tries in vain in a
// row give a region of 16 MiB up, of which each 16th chunk is then tried; and a window of 64 MiB
// (the first four: 8 MiB) in which compressing took more than four times what the stream was blocked
// is one for leaving it, two in a row do. Left out: Zstandard, the growing patience after a step
// that was taken back, and regions that are alike. Blocked is the time in send(2) here.

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum { codec_adaptive, codec_lz4, codec_none } codec_choice;

enum { policy_regions = 64 };

typedef struct {
    uint64_t number;
    unsigned in_vain, skipped;
} policy_region;

typedef struct {
    codec_choice choice;
    bool compresses;
    policy_region regions[policy_regions];
    /// The present window: bytes, bytes tried, nanoseconds compressing and blocked.
    uint64_t raw, tried, compressing, blocked;
    /// Windows so far.
    uint64_t windows;
    /// Windows in a row that were for a step.
    unsigned votes;
    /// Nanoseconds for 1024 bytes of LZ4, of the last window that tells it.
    uint64_t cost;
} policy;

void policy_start(policy *rule, codec_choice choice);

/// Whether the chunk at this place is to be tried.
bool policy_tries(policy *rule, uint64_t place);

/// A chunk was tried, and what came of it.
void policy_tried(
    policy *rule, uint64_t place, size_t raw, bool was_worth_it, uint64_t nanoseconds);

/// A chunk was sent, compressed or not.
void policy_sent(policy *rule, size_t raw, uint64_t blocked);
