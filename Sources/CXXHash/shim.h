// SPDX-License-Identifier: Apache-2.0

#pragma once

#include <stddef.h>
#include <stdint.h>
#include <xxhash.h>
#if defined(__x86_64__)
#include <xxh_x86dispatch.h>
#endif

// The plain symbol in Debian's library is the SSE2 one; only the dispatching one asks the processor
// and takes AVX2 or AVX-512. It exists on x86 alone.
static inline uint64_t godwit_xxh3_64(const void *bytes, size_t count) {
#if defined(__x86_64__)
    return XXH3_64bits_dispatch(bytes, count);
#else
    return XXH3_64bits(bytes, count);
#endif
}
