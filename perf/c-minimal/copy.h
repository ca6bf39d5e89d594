// SPDX-License-Identifier: Apache-2.0

// What a volume looks like on the wire. Both ends are on one machine: its own byte order.

#pragma once

#include <CDigest.h>
#include <stdint.h>

enum {
    /// The size at which three streams on two cores were fastest: it stays in the second cache.
    chunk_bytes = 512 << 10,
    leaf_bytes = GODWIT_GRANULE_BYTES * GODWIT_GRANULES_PER_LEAF,
    leaves_per_chunk = chunk_bytes / leaf_bytes,
    /// Where a payload starts in the sender's buffers: its header lies right before it, so that one
    /// write has both.
    payload_offset = 4096,
};

/// The first bytes of every stream.
typedef struct {
    uint64_t size;
    uint8_t key[GODWIT_LINEAGE_KEY_BYTES];
} hello;

/// Before each payload; `raw` is 0 in the last one of a stream.
typedef struct {
    uint64_t place;
    /// Bytes of the volume, whole granules, and bytes that follow: fewer when they are LZ4.
    uint32_t raw, wire;
    /// The digest of each 64 KiB.
    godwit_digest digests[leaves_per_chunk];
} frame;

static inline uint64_t whole_granules(uint64_t count) {
    return (count + GODWIT_GRANULE_BYTES - 1) / GODWIT_GRANULE_BYTES * GODWIT_GRANULE_BYTES;
}

static inline void digest_leaves(
    const godwit_ph128 *keys, const uint8_t *bytes, size_t count, godwit_digest *digests) {
    for (size_t start = 0; start < count; start += leaf_bytes, digests++) {
        const size_t length = count - start < leaf_bytes ? count - start : leaf_bytes;
        *digests = godwit_ph128_leaf(keys, bytes + start, length / GODWIT_GRANULE_BYTES);
    }
}
