// SPDX-License-Identifier: Apache-2.0

#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64

#include "ring.h"

#include <errno.h>
#include <linux/io_uring.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

// Without liburing: these are its two system calls and a queue each way (io_uring_setup(2),
// io_uring_enter(2)).

struct gw_ring {
    int file;
    void *queue, *results, *entries_memory;
    size_t queue_size, results_size, entries_size;
    unsigned *tail, *mask, *array;
    struct io_uring_sqe *entries;
    unsigned *done_head, *done_tail, *done_mask;
    struct io_uring_cqe *done;
};

static int enter(const gw_ring *ring, unsigned submitted, unsigned awaited) {
    int result;
    do {
        result = (int)syscall(
            __NR_io_uring_enter, ring->file, submitted, awaited, IORING_ENTER_GETEVENTS, NULL, 0);
    } while (result < 0 && errno == EINTR);
    return result < 0 ? -errno : result;
}

// A ring that only this thread uses; kernels before 6.1 have plain ones only.
static int set_up(unsigned depth, struct io_uring_params *parameters) {
    *parameters = (struct io_uring_params){
        .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN};
    int file = (int)syscall(__NR_io_uring_setup, depth, parameters);
    if (file < 0 && errno == EINVAL) {
        *parameters = (struct io_uring_params){0};
        file = (int)syscall(__NR_io_uring_setup, depth, parameters);
    }
    return file;
}

static void *map(const gw_ring *ring, size_t size, off_t what) {
    const int flags = MAP_SHARED | MAP_POPULATE;
    return mmap(NULL, size, PROT_READ | PROT_WRITE, flags, ring->file, what);
}

static bool map_queues(gw_ring *ring, const struct io_uring_params *parameters) {
    const struct io_sqring_offsets *in = &parameters->sq_off;
    const struct io_cqring_offsets *out = &parameters->cq_off;
    ring->queue_size = in->array + parameters->sq_entries * sizeof(unsigned);
    ring->results_size = out->cqes + parameters->cq_entries * sizeof(struct io_uring_cqe);
    ring->entries_size = parameters->sq_entries * sizeof(struct io_uring_sqe);
    ring->queue = map(ring, ring->queue_size, IORING_OFF_SQ_RING);
    ring->results = map(ring, ring->results_size, IORING_OFF_CQ_RING);
    ring->entries_memory = map(ring, ring->entries_size, IORING_OFF_SQES);
    if (ring->queue == MAP_FAILED || ring->results == MAP_FAILED
        || ring->entries_memory == MAP_FAILED)
        return false;
    char *queue = ring->queue, *results = ring->results;
    ring->entries = ring->entries_memory;
    ring->tail = (unsigned *)(queue + in->tail);
    ring->mask = (unsigned *)(queue + in->ring_mask);
    ring->array = (unsigned *)(queue + in->array);
    ring->done_head = (unsigned *)(results + out->head);
    ring->done_tail = (unsigned *)(results + out->tail);
    ring->done_mask = (unsigned *)(results + out->ring_mask);
    ring->done = (struct io_uring_cqe *)(results + out->cqes);
    return true;
}

gw_ring *gw_ring_open(unsigned depth) {
    gw_ring *ring = calloc(1, sizeof *ring);
    if (ring == NULL) return NULL;
    ring->queue = ring->results = ring->entries_memory = MAP_FAILED;
    struct io_uring_params parameters;
    ring->file = set_up(depth, &parameters);
    if (ring->file >= 0 && map_queues(ring, &parameters)) return ring;
    gw_ring_close(ring);
    return NULL;
}

void gw_ring_close(gw_ring *ring) {
    if (ring->queue != MAP_FAILED) munmap(ring->queue, ring->queue_size);
    if (ring->results != MAP_FAILED) munmap(ring->results, ring->results_size);
    if (ring->entries_memory != MAP_FAILED) munmap(ring->entries_memory, ring->entries_size);
    if (ring->file >= 0) close(ring->file);
    free(ring);
}

int gw_ring_write(
    gw_ring *ring, int file, const void *bytes, uint32_t count, uint64_t place, uint64_t token) {
    const unsigned tail = *ring->tail;
    const unsigned index = tail & *ring->mask;
    ring->entries[index] = (struct io_uring_sqe){
        .opcode = IORING_OP_WRITE,
        .fd = file,
        .off = place,
        .addr = (uint64_t)(uintptr_t)bytes,
        .len = count,
        .user_data = token,
    };
    ring->array[index] = index;
    atomic_store_explicit((_Atomic unsigned *)ring->tail, tail + 1, memory_order_release);
    const int result = enter(ring, 1, 0);
    if (result == 1) return 0;
    // The kernel has not looked at it: it is taken back.
    atomic_store_explicit((_Atomic unsigned *)ring->tail, tail, memory_order_release);
    return result < 0 ? result : -EAGAIN;
}

int gw_ring_wait(gw_ring *ring) {
    const int result = enter(ring, 0, 1);
    return result < 0 ? result : 0;
}

bool gw_ring_take(gw_ring *ring, uint64_t *token, int32_t *result) {
    const unsigned head = *ring->done_head;
    const unsigned tail =
        atomic_load_explicit((_Atomic unsigned *)ring->done_tail, memory_order_acquire);
    if (head == tail) return false;
    const struct io_uring_cqe *done = &ring->done[head & *ring->done_mask];
    *token = done->user_data;
    *result = done->res;
    atomic_store_explicit((_Atomic unsigned *)ring->done_head, head + 1, memory_order_release);
    return true;
}
