// SPDX-License-Identifier: Apache-2.0

// Writes of one thread through io_uring with direct I/O; buffered writes where either is refused.

#pragma once

#include <CLinuxStorage.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Chunks that a thread has under way: enough for the disk, few enough for the cache.
enum { ring_depth = 4 };

typedef struct {
    /// The file: with direct I/O if `is_direct`, else through the page cache.
    int file;
    bool is_direct;
    gw_ring *queue;
    /// The length of the write under way in each slot; 0 where the slot is free.
    size_t under_way[ring_depth];
} ring;

/// Opens the file, which exists, for this thread alone.
void ring_open(ring *writes, const char *path);

/// A slot whose buffer may be filled; waits for the oldest writes where none is free.
unsigned ring_slot(ring *writes);

/// Begins to write the slot's buffer; the bytes must stay until the slot is free again.
///
/// Address, length and place are multiples of 4,096.
void ring_write(ring *writes, unsigned slot, const void *bytes, size_t count, uint64_t place);

/// Waits until every write has ended.
void ring_drain(ring *writes);
