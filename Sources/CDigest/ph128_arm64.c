// SPDX-License-Identifier: Apache-2.0

// ph128 with PMULL, of the cryptography extension of Armv8.

#if defined(__aarch64__)

#include <arm_neon.h>

#include "ph128.h"

#define TARGET_PMULL __attribute__((target("aes")))

TARGET_PMULL static inline uint64x2_t multiply(uint64_t left, uint64_t right) {
    return vreinterpretq_u64_p128(vmull_p64((poly64_t)left, (poly64_t)right));
}

/// Adds value · 2^(64·place) to the sum.
static inline void add(wide_product *sum, uint64x2_t value, size_t place) {
    sum->words[place] ^= vgetq_lane_u64(value, 0);
    sum->words[place + 1] ^= vgetq_lane_u64(value, 1);
}

TARGET_PMULL void ph128_granule_pmull(
    const godwit_ph128 *keys, size_t slot, const uint8_t *granule, wide_product *sum) {
    // One pass for both keys: the granule is loaded once.
    uint64x2_t inner[2] = {vdupq_n_u64(0), vdupq_n_u64(0)};
    for (size_t place = 0; place < words_per_granule; place += 2) {
        const uint64x2_t pair = vreinterpretq_u64_u8(vld1q_u8(granule + 8 * place));
        for (int which = 0; which < 2; which++) {
            const uint64x2_t mixed = veorq_u64(pair, vld1q_u64(keys->inner[which] + place));
            inner[which] = veorq_u64(
                inner[which], multiply(vgetq_lane_u64(mixed, 0), vgetq_lane_u64(mixed, 1)));
        }
    }
    for (int which = 0; which < 2; which++) {
        const uint64_t *outer = keys->outer[slot][which];
        const uint64_t low = vgetq_lane_u64(inner[which], 0);
        const uint64_t high = vgetq_lane_u64(inner[which], 1);
        add(sum, multiply(low, outer[0]), 0);
        add(sum, veorq_u64(multiply(low, outer[1]), multiply(high, outer[0])), 1);
        add(sum, multiply(high, outer[1]), 2);
    }
}

#endif
