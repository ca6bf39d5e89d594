// SPDX-License-Identifier: Apache-2.0

// SHA-256 and HMAC-SHA-256 over libcrypto.

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include "CDigest.h"

bool godwit_sha256(const void *bytes, size_t count, uint8_t digest[GODWIT_SHA256_BYTES]) {
    return SHA256(bytes, count, digest) != NULL;
}

bool godwit_hmac_sha256(
    const void *key, size_t key_count, const void *bytes, size_t count,
    uint8_t digest[GODWIT_SHA256_BYTES]) {
    // HMAC() takes a null key for "the key of before", and an int for its length.
    static const uint8_t none[1];
    unsigned int written = 0;
    if (key_count > INT32_MAX) return false;
    return HMAC(EVP_sha256(), key_count == 0 ? none : key, (int)key_count, bytes, count, digest,
               &written)
        != NULL
        && written == GODWIT_SHA256_BYTES;
}
