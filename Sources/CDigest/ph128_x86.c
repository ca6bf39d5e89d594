// SPDX-License-Identifier: Apache-2.0

// ph128 with PCLMULQDQ, one and two products to an instruction.

#if defined(__x86_64__)

#include <immintrin.h>

#include "ph128.h"

#define TARGET_PCLMUL __attribute__((target("pclmul,sse4.1")))
#define TARGET_VPCLMUL __attribute__((target("vpclmulqdq,pclmul,avx2")))

/// Adds inner · y to the sum, both of 128 bits.
TARGET_PCLMUL static inline void add_outer(
    wide_product *sum, __m128i inner, const uint64_t y[2]) {
    const __m128i factor = _mm_loadu_si128((const __m128i *)y);
    const __m128i low = _mm_clmulepi64_si128(inner, factor, 0x00);
    const __m128i high = _mm_clmulepi64_si128(inner, factor, 0x11);
    const __m128i middle = _mm_xor_si128(
        _mm_clmulepi64_si128(inner, factor, 0x01), _mm_clmulepi64_si128(inner, factor, 0x10));
    __m128i *halves = (__m128i *)sum->words;
    _mm_storeu_si128(
        halves,
        _mm_xor_si128(
            _mm_loadu_si128(halves), _mm_xor_si128(low, _mm_slli_si128(middle, 8))));
    _mm_storeu_si128(
        halves + 1,
        _mm_xor_si128(
            _mm_loadu_si128(halves + 1), _mm_xor_si128(high, _mm_srli_si128(middle, 8))));
}

TARGET_PCLMUL void ph128_granule_pclmul(
    const godwit_ph128 *keys, size_t slot, const uint8_t *granule, wide_product *sum) {
    const __m128i *words = (const __m128i *)granule;
    const __m128i *first = (const __m128i *)keys->inner[0];
    const __m128i *second = (const __m128i *)keys->inner[1];
    // Two accumulators for each key: one would wait for its own last addition.
    __m128i sums[2][2] = {
        {_mm_setzero_si128(), _mm_setzero_si128()}, {_mm_setzero_si128(), _mm_setzero_si128()}};
    for (size_t place = 0; place < words_per_granule / 2; place += 2) {
        for (size_t lane = 0; lane < 2; lane++) {
            const __m128i pair = _mm_loadu_si128(words + place + lane);
            const __m128i a = _mm_xor_si128(pair, _mm_load_si128(first + place + lane));
            const __m128i b = _mm_xor_si128(pair, _mm_load_si128(second + place + lane));
            sums[0][lane] = _mm_xor_si128(sums[0][lane], _mm_clmulepi64_si128(a, a, 0x10));
            sums[1][lane] = _mm_xor_si128(sums[1][lane], _mm_clmulepi64_si128(b, b, 0x10));
        }
    }
    add_outer(sum, _mm_xor_si128(sums[0][0], sums[0][1]), keys->outer[slot][0]);
    add_outer(sum, _mm_xor_si128(sums[1][0], sums[1][1]), keys->outer[slot][1]);
}

TARGET_VPCLMUL static inline __m128i folded(__m256i one, __m256i other) {
    const __m256i both = _mm256_xor_si256(one, other);
    return _mm_xor_si128(_mm256_castsi256_si128(both), _mm256_extracti128_si256(both, 1));
}

TARGET_VPCLMUL void ph128_granule_vpclmul(
    const godwit_ph128 *keys, size_t slot, const uint8_t *granule, wide_product *sum) {
    const __m256i *words = (const __m256i *)granule;
    const __m256i *first = (const __m256i *)keys->inner[0];
    const __m256i *second = (const __m256i *)keys->inner[1];
    __m256i sums[2][2] = {
        {_mm256_setzero_si256(), _mm256_setzero_si256()},
        {_mm256_setzero_si256(), _mm256_setzero_si256()}};
    for (size_t place = 0; place < words_per_granule / 4; place += 2) {
        for (size_t lane = 0; lane < 2; lane++) {
            const __m256i pair = _mm256_loadu_si256(words + place + lane);
            const __m256i a = _mm256_xor_si256(pair, _mm256_load_si256(first + place + lane));
            const __m256i b = _mm256_xor_si256(pair, _mm256_load_si256(second + place + lane));
            sums[0][lane] =
                _mm256_xor_si256(sums[0][lane], _mm256_clmulepi64_epi128(a, a, 0x10));
            sums[1][lane] =
                _mm256_xor_si256(sums[1][lane], _mm256_clmulepi64_epi128(b, b, 0x10));
        }
    }
    add_outer(sum, folded(sums[0][0], sums[0][1]), keys->outer[slot][0]);
    add_outer(sum, folded(sums[1][0], sums[1][1]), keys->outer[slot][1]);
}

#endif
