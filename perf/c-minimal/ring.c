// SPDX-License-Identifier: Apache-2.0

#include "ring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "wire.h"

// Without liburing: these are its two system calls and a queue each way.

static int enter(const ring *writes, unsigned submitted, unsigned awaited) {
    int result;
    do {
        result = (int)syscall(
            __NR_io_uring_enter, writes->ring, submitted, awaited, IORING_ENTER_GETEVENTS, NULL, 0);
    } while (result < 0 && errno == EINTR);
    return result;
}

/// Asks for a ring that only this thread uses; kernels before 6.1 have plain ones.
static int set_up(struct io_uring_params *parameters) {
    *parameters = (struct io_uring_params){
        .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN};
    int result = (int)syscall(__NR_io_uring_setup, ring_depth, parameters);
    if (result < 0 && errno == EINVAL) {
        *parameters = (struct io_uring_params){0};
        result = (int)syscall(__NR_io_uring_setup, ring_depth, parameters);
    }
    return result;
}

static uint8_t *map(const ring *writes, size_t count, off_t what) {
    void *memory =
        mmap(NULL, count, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, writes->ring, what);
    if (memory == MAP_FAILED) fail("mmap of a ring");
    return memory;
}

static bool open_queues(ring *writes) {
    struct io_uring_params parameters;
    writes->ring = set_up(&parameters);
    if (writes->ring < 0) return false;
    const struct io_sqring_offsets *in = &parameters.sq_off;
    const struct io_cqring_offsets *out = &parameters.cq_off;
    uint8_t *queue =
        map(writes, in->array + parameters.sq_entries * sizeof(unsigned), IORING_OFF_SQ_RING);
    uint8_t *results = map(
        writes, out->cqes + parameters.cq_entries * sizeof(struct io_uring_cqe),
        IORING_OFF_CQ_RING);
    writes->entries = (struct io_uring_sqe *)map(
        writes, parameters.sq_entries * sizeof(struct io_uring_sqe), IORING_OFF_SQES);
    writes->tail = (unsigned *)(queue + in->tail);
    writes->mask = (unsigned *)(queue + in->ring_mask);
    writes->array = (unsigned *)(queue + in->array);
    writes->done_head = (unsigned *)(results + out->head);
    writes->done_tail = (unsigned *)(results + out->tail);
    writes->done_mask = (unsigned *)(results + out->ring_mask);
    writes->done = (struct io_uring_cqe *)(results + out->cqes);
    return true;
}

void ring_open(ring *writes, const char *path) {
    memset(writes, 0, sizeof *writes);
    writes->file = open(path, O_WRONLY | O_CLOEXEC | O_DIRECT);
    writes->is_direct = writes->file >= 0 && open_queues(writes);
    if (writes->is_direct) return;
    if (writes->file >= 0) close(writes->file);
    writes->file = open(path, O_WRONLY | O_CLOEXEC);
    if (writes->file < 0) fail("open the destination");
}

/// Takes what has ended.
static void reap(ring *writes) {
    unsigned head = *writes->done_head;
    const unsigned tail = atomic_load_explicit(
        (_Atomic unsigned *)writes->done_tail, memory_order_acquire);
    for (; head != tail; head++) {
        const struct io_uring_cqe *result = &writes->done[head & *writes->done_mask];
        if (result->res < 0 || (size_t)result->res != writes->under_way[result->user_data]) {
            errno = result->res < 0 ? -result->res : ENOSPC;
            fail("write");
        }
        writes->under_way[result->user_data] = 0;
    }
    atomic_store_explicit((_Atomic unsigned *)writes->done_head, head, memory_order_release);
}

unsigned ring_slot(ring *writes) {
    for (;;) {
        for (unsigned slot = 0; slot < ring_depth; slot++) {
            if (writes->under_way[slot] == 0) return slot;
        }
        if (enter(writes, 0, 1) < 0) fail("io_uring_enter");
        reap(writes);
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
    const unsigned tail = *writes->tail;
    const unsigned index = tail & *writes->mask;
    writes->entries[index] = (struct io_uring_sqe){
        .opcode = IORING_OP_WRITE,
        .fd = writes->file,
        .off = place,
        .addr = (uint64_t)(uintptr_t)bytes,
        .len = (uint32_t)count,
        .user_data = slot,
    };
    writes->array[index] = index;
    atomic_store_explicit((_Atomic unsigned *)writes->tail, tail + 1, memory_order_release);
    writes->under_way[slot] = count;
    if (enter(writes, 1, 0) != 1) fail("io_uring_enter");
    reap(writes);
}

void ring_drain(ring *writes) {
    for (unsigned slot = 0; slot < ring_depth; slot++) {
        while (writes->under_way[slot] != 0) {
            if (enter(writes, 0, 1) < 0) fail("io_uring_enter");
            reap(writes);
        }
    }
}
