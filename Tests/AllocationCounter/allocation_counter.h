// SPDX-License-Identifier: Apache-2.0
//
// Counts the allocations of a process by the names of its threads. A test preloads the library into a
// program (LD_PRELOAD) and names a file in the environment, in which the counts stand while it runs:
// records of 24 bytes, a name of up to 16 bytes and a number of 8, until a name is empty.

#ifndef ALLOCATION_COUNTER_H
#define ALLOCATION_COUNTER_H

#include <stdatomic.h>
#include <stdint.h>

// What names the file; it must have room for the whole table.
#define ALLOCATION_COUNTER_FILE "GODWIT_ALLOCATION_COUNTS"

// Threads with different names; what comes after them is counted under the last one's.
#define ALLOCATION_COUNTER_NAMES 256

// The name under which allocations of libssl and libcrypto stand, in whatever thread.
#define ALLOCATION_COUNTER_TLS "tls library"

struct allocation_count {
    char name[16];
    _Atomic uint64_t calls;
};

#endif
