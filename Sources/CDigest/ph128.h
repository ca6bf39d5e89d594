// SPDX-License-Identifier: Apache-2.0

// Shared by the variants of ph128; not part of the module.

#pragma once

#include <string.h>

#include "CDigest.h"

#if !defined(__BYTE_ORDER__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "ph128 reads words in little-endian order, without conversion"
#endif

enum { words_per_granule = GODWIT_GRANULE_BYTES / 8 };

/// A product of two 128-bit polynomials before its reduction; word 0 holds x^0 to x^63.
typedef struct {
    uint64_t words[4];
} wide_product;

/// Adds (P_0·y[slot][0] + P_1·y[slot][1]) of one granule to `sum`, unreduced.
typedef void (*granule_kernel)(
    const godwit_ph128 *keys, size_t slot, const uint8_t *granule, wide_product *sum);

struct godwit_ph128 {
    /// K_0 and K_1, in the order of the granule's words.
    _Alignas(64) uint64_t inner[2][words_per_granule];
    /// y[slot][j], two words each.
    uint64_t outer[GODWIT_GRANULES_PER_LEAF][2][2];
    /// The share of a granule of zeros in each slot, taken away so that zeros have the digest zero.
    godwit_digest zeros[GODWIT_GRANULES_PER_LEAF];
    granule_kernel kernel;
};

void ph128_granule_portable(
    const godwit_ph128 *keys, size_t slot, const uint8_t *granule, wide_product *sum);

#if defined(__x86_64__)
void ph128_granule_pclmul(
    const godwit_ph128 *keys, size_t slot, const uint8_t *granule, wide_product *sum);
void ph128_granule_vpclmul(
    const godwit_ph128 *keys, size_t slot, const uint8_t *granule, wide_product *sum);
#elif defined(__aarch64__)
void ph128_granule_pmull(
    const godwit_ph128 *keys, size_t slot, const uint8_t *granule, wide_product *sum);
#endif
