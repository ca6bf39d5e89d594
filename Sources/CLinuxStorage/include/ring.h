// SPDX-License-Identifier: Apache-2.0

// Writes of one thread, several under way at once, through io_uring. Errors are negated errno.

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct gw_ring gw_ring;

/// A ring for at most `depth` writes under way, for the calling thread alone; NULL where the kernel,
/// or what confines this process, refuses it.
gw_ring *gw_ring_open(unsigned depth);

/// Nothing may be under way.
void gw_ring_close(gw_ring *ring);

/// Begins a write; the bytes must stay until its token was taken.
int gw_ring_write(
    gw_ring *ring, int file, const void *bytes, uint32_t count, uint64_t place, uint64_t token);

/// Waits until at least one token can be taken; only while something is under way.
int gw_ring_wait(gw_ring *ring);

/// Takes the token of a write that has ended, with the bytes that it wrote or a negated errno.
bool gw_ring_take(gw_ring *ring, uint64_t *token, int32_t *result);
