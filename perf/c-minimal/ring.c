// SPDX-License-Identifier: Apache-2.0

#include "ring.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "wire.h"

void ring_open(ring *writes, const char *path) {
    memset(writes, 0, sizeof *writes);
    writes->file = open(path, O_WRONLY | O_CLOEXEC | O_DIRECT);
    writes->queue = writes->file < 0 ? NULL : gw_ring_open(ring_depth);
    writes->is_direct = writes->queue != NULL;
    if (writes->is_direct) return;
    if (writes->file >= 0) close(writes->file);
    writes->file = open(path, O_WRONLY | O_CLOEXEC);
    if (writes->file < 0) fail("open the destination");
}

/// Takes what has ended.
static void reap(ring *writes) {
    uint64_t slot;
    int32_t result;
    while (gw_ring_take(writes->queue, &slot, &result)) {
        if (result < 0 || (size_t)result != writes->under_way[slot]) {
            errno = result < 0 ? -result : ENOSPC;
            fail("write");
        }
        writes->under_way[slot] = 0;
    }
}

static void wait_for_one(ring *writes) {
    const int result = gw_ring_wait(writes->queue);
    if (result < 0) {
        errno = -result;
        fail("io_uring_enter");
    }
    reap(writes);
}

unsigned ring_slot(ring *writes) {
    for (;;) {
        for (unsigned slot = 0; slot < ring_depth; slot++) {
            if (writes->under_way[slot] == 0) return slot;
        }
        wait_for_one(writes);
    }
}

static void write_buffered(const ring *writes, const uint8_t *bytes, size_t count, uint64_t place) {
    for (size_t done = 0; done < count;) {
        const ssize_t written =
            pwrite(writes->file, bytes + done, count - done, (off_t)(place + done));
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) fail("write");
        done += (size_t)written;
    }
    // Begins to write them back, so that little is left for the fsync.
    sync_file_range(writes->file, (off_t)place, (off_t)count, SYNC_FILE_RANGE_WRITE);
}

void ring_write(ring *writes, unsigned slot, const void *bytes, size_t count, uint64_t place) {
    if (!writes->is_direct) return write_buffered(writes, bytes, count, place);
    const int result =
        gw_ring_write(writes->queue, writes->file, bytes, (uint32_t)count, place, slot);
    if (result < 0) {
        errno = -result;
        fail("io_uring_enter");
    }
    writes->under_way[slot] = count;
    reap(writes);
}

void ring_drain(ring *writes) {
    for (unsigned slot = 0; slot < ring_depth; slot++) {
        while (writes->under_way[slot] != 0) wait_for_one(writes);
    }
}
