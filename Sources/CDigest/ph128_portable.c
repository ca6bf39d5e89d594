// SPDX-License-Identifier: Apache-2.0

// ph128 with integer multiplication only, for processors without a carry-less one.
//
// No tables and no branches on data: neither the key nor the volume's bytes steer the cache.

#include "ph128.h"

typedef unsigned __int128 uint128;

/// The carry-less product of two words, by integer products of operands with holes.
///
/// With one bit in five kept, at most 13 bits meet in one place of an integer product: their sum
/// stays below 32, so carries end inside the four holes above, and the lowest bit of each place is
/// the sum modulo 2.
static uint128 multiply(uint64_t left, uint64_t right) {
    static const uint64_t every_fifth = 0x1084210842108421;
    const uint128 wide_fifth = (uint128)0x2108421084210842 << 64 | every_fifth;
    uint64_t lefts[5], rights[5];
    for (int phase = 0; phase < 5; phase++) {
        lefts[phase] = left & (every_fifth << phase);
        rights[phase] = right & (every_fifth << phase);
    }
    uint128 product = 0;
    for (int phase = 0; phase < 5; phase++) {
        uint128 sum = 0;
        for (int other = 0; other < 5; other++) {
            sum ^= (uint128)lefts[other] * rights[(phase + 5 - other) % 5];
        }
        product |= sum & (wide_fifth << phase);
    }
    return product;
}

static uint64_t word(const uint8_t *bytes) {
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

/// Adds value · 2^(64·place) to the sum.
static void add(wide_product *sum, uint128 value, size_t place) {
    sum->words[place] ^= (uint64_t)value;
    sum->words[place + 1] ^= (uint64_t)(value >> 64);
}

void ph128_granule_portable(
    const godwit_ph128 *keys, size_t slot, const uint8_t *granule, wide_product *sum) {
    for (int which = 0; which < 2; which++) {
        const uint64_t *key = keys->inner[which];
        uint128 inner = 0;
        for (size_t place = 0; place < words_per_granule; place += 2) {
            inner ^= multiply(
                word(granule + 8 * place) ^ key[place],
                word(granule + 8 * place + 8) ^ key[place + 1]);
        }
        const uint64_t *outer = keys->outer[slot][which];
        const uint64_t low = (uint64_t)inner, high = (uint64_t)(inner >> 64);
        add(sum, multiply(low, outer[0]), 0);
        add(sum, multiply(low, outer[1]) ^ multiply(high, outer[0]), 1);
        add(sum, multiply(high, outer[1]), 2);
    }
}
