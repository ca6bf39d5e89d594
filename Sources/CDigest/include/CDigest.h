// SPDX-License-Identifier: Apache-2.0

// ph128, the digest of leaves (docs/decisions/0002), and SHA-256 and HMAC-SHA-256 over libcrypto.
//
// No OpenSSL header appears here: what imports this module must not see a second copy of OpenSSL's
// declarations next to those of COpenSSL.

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GODWIT_GRANULE_BYTES 4096
#define GODWIT_GRANULES_PER_LEAF 16
#define GODWIT_LINEAGE_KEY_BYTES 32
#define GODWIT_SHA256_BYTES 32

/// How carry-less products are computed; all give the same digests.
typedef enum {
    godwit_ph128_portable = 0,
    godwit_ph128_pclmul = 1,
    godwit_ph128_vpclmul = 2,
    godwit_ph128_pmull = 3,
} godwit_ph128_variant;

/// A 128-bit digest; `low` holds the coefficients of x^0 to x^63.
typedef struct {
    uint64_t low;
    uint64_t high;
} godwit_digest;

/// The keys expanded from one lineage key. Never changes after it was made: threads may share it.
typedef struct godwit_ph128 godwit_ph128;

/// Whether this processor can compute the variant.
bool godwit_ph128_is_supported(godwit_ph128_variant variant);

/// The fastest variant of this processor.
godwit_ph128_variant godwit_ph128_best(void);

/// Expands a lineage key; null when the variant is not supported, or memory or libcrypto failed.
godwit_ph128 *godwit_ph128_create(
    const uint8_t key[GODWIT_LINEAGE_KEY_BYTES], godwit_ph128_variant variant);

/// Wipes and frees the keys.
void godwit_ph128_destroy(godwit_ph128 *keys);

/// The share of the 4096 bytes at `granule` in slot 0 to 15 of a leaf.
godwit_digest godwit_ph128_share(const godwit_ph128 *keys, size_t slot, const void *granule);

/// The digest of a leaf of 1 to 16 granules; missing granules count as zeros.
godwit_digest godwit_ph128_leaf(const godwit_ph128 *keys, const void *leaf, size_t granules);

/// SHA-256; false when libcrypto failed.
bool godwit_sha256(const void *bytes, size_t count, uint8_t digest[GODWIT_SHA256_BYTES]);

/// HMAC-SHA-256; false when libcrypto failed.
bool godwit_hmac_sha256(
    const void *key, size_t key_count, const void *bytes, size_t count,
    uint8_t digest[GODWIT_SHA256_BYTES]);
