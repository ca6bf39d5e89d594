// SPDX-License-Identifier: Apache-2.0

// Keys, dispatch and the field GF(2^128) = GF(2)[x] / (x^128 + x^7 + x^2 + x + 1).

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>

#include "ph128.h"

#if defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

static granule_kernel kernel_of(godwit_ph128_variant variant) {
    switch (variant) {
    case godwit_ph128_portable:
        return ph128_granule_portable;
#if defined(__x86_64__)
    case godwit_ph128_pclmul:
        __builtin_cpu_init();
        return __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1")
            ? ph128_granule_pclmul
            : NULL;
    case godwit_ph128_vpclmul:
        // "avx2" also says that the operating system saves the wide registers.
        __builtin_cpu_init();
        return __builtin_cpu_supports("vpclmulqdq") && __builtin_cpu_supports("pclmul")
                && __builtin_cpu_supports("avx2")
            ? ph128_granule_vpclmul
            : NULL;
#elif defined(__aarch64__)
    case godwit_ph128_pmull:
        return (getauxval(AT_HWCAP) & HWCAP_PMULL) != 0 ? ph128_granule_pmull : NULL;
#endif
    default:
        return NULL;
    }
}

bool godwit_ph128_is_supported(godwit_ph128_variant variant) {
    return kernel_of(variant) != NULL;
}

godwit_ph128_variant godwit_ph128_best(void) {
    static const godwit_ph128_variant fastest_first[] = {
        godwit_ph128_vpclmul, godwit_ph128_pmull, godwit_ph128_pclmul};
    for (size_t index = 0; index < sizeof fastest_first / sizeof *fastest_first; index++) {
        if (godwit_ph128_is_supported(fastest_first[index])) return fastest_first[index];
    }
    return godwit_ph128_portable;
}

/// x^128 = x^7 + x^2 + x + 1, first for the words above x^192, then for those above x^128.
static godwit_digest reduced(wide_product product) {
    const uint64_t top = product.words[3];
    const uint64_t upper =
        product.words[2] ^ (top >> 63) ^ (top >> 62) ^ (top >> 57);
    return (godwit_digest){
        .low = product.words[0] ^ upper ^ (upper << 1) ^ (upper << 2) ^ (upper << 7),
        .high = product.words[1] ^ top ^ (top << 1) ^ (top << 2) ^ (top << 7) ^ (upper >> 63)
            ^ (upper >> 62) ^ (upper >> 57),
    };
}

/// HMAC-SHA-256 under a key that is taken in once; NULL where libcrypto refuses.
///
/// HMAC() looks its algorithms up and takes the key in at each call, 1.5 us instead of 0.25: 272 of them
/// make the keys of each run at either end.
static EVP_MAC_CTX *keyed_hmac(const uint8_t *key, size_t count) {
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC *algorithm = EVP_MAC_fetch(NULL, "HMAC", NULL);
    if (algorithm == NULL) return NULL;
    EVP_MAC_CTX *hmac = EVP_MAC_CTX_new(algorithm);
    EVP_MAC_free(algorithm);
    if (hmac != NULL && EVP_MAC_init(hmac, key, count, parameters) != 1) {
        EVP_MAC_CTX_free(hmac);
        return NULL;
    }
    return hmac;
}

/// Fills `output` with HMAC-SHA-256(key, label || counter) for counters from `*counter` on.
static bool expand(EVP_MAC_CTX *hmac, uint8_t *output, size_t count, uint32_t *counter) {
    static const char label[] = "godwit ph128 v1";
    uint8_t message[sizeof label - 1 + sizeof *counter];
    memcpy(message, label, sizeof label - 1);
    for (size_t offset = 0; offset < count; offset += GODWIT_SHA256_BYTES, *counter += 1) {
        size_t written = 0;
        memcpy(message + sizeof label - 1, counter, sizeof *counter);
        // Without a key: under the one of before.
        if (EVP_MAC_init(hmac, NULL, 0, NULL) != 1
            || EVP_MAC_update(hmac, message, sizeof message) != 1
            || EVP_MAC_final(hmac, output + offset, &written, GODWIT_SHA256_BYTES) != 1
            || written != GODWIT_SHA256_BYTES) {
            return false;
        }
    }
    return true;
}

godwit_ph128 *godwit_ph128_create(
    const uint8_t key[GODWIT_LINEAGE_KEY_BYTES], godwit_ph128_variant variant) {
    static const uint8_t zeros[GODWIT_GRANULE_BYTES];
    const granule_kernel kernel = kernel_of(variant);
    if (kernel == NULL) return NULL;
    godwit_ph128 *keys = aligned_alloc(64, (sizeof(godwit_ph128) + 63) / 64 * 64);
    if (keys == NULL) return NULL;
    memset(keys, 0, sizeof *keys);
    keys->kernel = kernel;
    uint32_t counter = 0;
    EVP_MAC_CTX *hmac = keyed_hmac(key, GODWIT_LINEAGE_KEY_BYTES);
    const bool expanded = hmac != NULL
        && expand(hmac, (uint8_t *)keys->inner, sizeof keys->inner, &counter)
        && expand(hmac, (uint8_t *)keys->outer, sizeof keys->outer, &counter);
    EVP_MAC_CTX_free(hmac);
    if (!expanded) {
        godwit_ph128_destroy(keys);
        return NULL;
    }
    // `keys->zeros` is still zero here, so these are the shares before anything is taken away.
    for (size_t slot = 0; slot < GODWIT_GRANULES_PER_LEAF; slot++) {
        wide_product sum = {{0}};
        kernel(keys, slot, zeros, &sum);
        keys->zeros[slot] = reduced(sum);
    }
    return keys;
}

void godwit_ph128_destroy(godwit_ph128 *keys) {
    if (keys == NULL) return;
    OPENSSL_cleanse(keys, sizeof *keys);
    free(keys);
}

godwit_digest godwit_ph128_share(const godwit_ph128 *keys, size_t slot, const void *granule) {
    wide_product sum = {{0}};
    keys->kernel(keys, slot, granule, &sum);
    const godwit_digest share = reduced(sum);
    return (godwit_digest){
        .low = share.low ^ keys->zeros[slot].low,
        .high = share.high ^ keys->zeros[slot].high,
    };
}

godwit_digest godwit_ph128_leaf(const godwit_ph128 *keys, const void *leaf, size_t granules) {
    wide_product sum = {{0}};
    godwit_digest zeros = {0, 0};
    for (size_t slot = 0; slot < granules; slot++) {
        keys->kernel(
            keys, slot, (const uint8_t *)leaf + slot * GODWIT_GRANULE_BYTES, &sum);
        zeros.low ^= keys->zeros[slot].low;
        zeros.high ^= keys->zeros[slot].high;
    }
    // Reduction is linear: once for the sum is as good as once for each granule.
    const godwit_digest digest = reduced(sum);
    return (godwit_digest){.low = digest.low ^ zeros.low, .high = digest.high ^ zeros.high};
}
