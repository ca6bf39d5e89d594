// SPDX-License-Identifier: Apache-2.0

#include "policy.h"

#include <string.h>

static const uint64_t region_bytes = 16 << 20;
static const uint64_t window_bytes = 64 << 20;
/// The first windows are short, or a fast link would be done before LZ4 is left.
static const uint64_t short_window_bytes = 8 << 20;
static const unsigned short_windows = 4;
/// A chunk each so many is tried in a region that was given up.
static const unsigned retry = 16;
static const unsigned patience = 4;
static const unsigned votes_needed = 2;

void policy_start(policy *rule, codec_choice choice) {
    memset(rule, 0, sizeof *rule);
    rule->choice = choice;
    rule->compresses = choice != codec_none;
    // 2 ns a byte before anything was measured.
    rule->cost = 2 * 1024;
}

static policy_region *region_of(policy *rule, uint64_t place) {
    const uint64_t number = place / region_bytes + 1;
    policy_region *region = &rule->regions[number % policy_regions];
    if (region->number != number) *region = (policy_region){.number = number};
    return region;
}

bool policy_tries(policy *rule, uint64_t place) {
    if (!rule->compresses) return false;
    policy_region *region = region_of(rule, place);
    if (region->in_vain < patience) return true;
    region->skipped = (region->skipped + 1) % retry;
    return region->skipped == 0;
}

void policy_tried(
    policy *rule, uint64_t place, size_t raw, bool was_worth_it, uint64_t nanoseconds) {
    policy_region *region = region_of(rule, place);
    region->in_vain = was_worth_it ? 0 : region->in_vain + 1;
    rule->tried += raw;
    rule->compressing += nanoseconds;
}

/// Whether the window that ends is one for changing what the stream does.
static bool votes_for_a_step(policy *rule) {
    if (rule->compresses) {
        if (rule->tried >= rule->raw / 4) rule->cost = rule->compressing * 1024 / rule->tried;
        // Below a quarter of a nanosecond a byte nothing can be gained.
        return 4 * rule->blocked < rule->compressing && 4 * rule->compressing >= rule->raw;
    }
    return 4 * rule->blocked >= 5 * (rule->cost * (rule->raw / 1024));
}

void policy_sent(policy *rule, size_t raw, uint64_t blocked) {
    rule->raw += raw;
    rule->blocked += blocked;
    const uint64_t size = rule->windows < short_windows ? short_window_bytes : window_bytes;
    if (rule->choice != codec_adaptive || rule->raw < size) return;
    rule->windows += 1;
    rule->votes = votes_for_a_step(rule) ? rule->votes + 1 : 0;
    if (rule->votes == votes_needed) {
        rule->compresses = !rule->compresses;
        rule->votes = 0;
    }
    rule->raw = rule->tried = rule->compressing = rule->blocked = 0;
}
