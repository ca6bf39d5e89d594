// SPDX-License-Identifier: Apache-2.0

// The transport alone: random bytes from memory over the same connections, no disk, no digest, no LZ4.

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "job.h"

/// What one call hands to libssl, as large as a chunk of the product.
enum { message_bytes = 1 << 20 };

typedef struct {
    const job *work;
    int listener;
    atomic_uint number;
    /// Every handshake is made; every answer is there.
    pthread_barrier_t together;
    uint64_t began, ended;
    atomic_ullong received;
} transport;

static uint8_t *random_message(unsigned seed) {
    uint8_t *message = aligned_memory(message_bytes);
    uint64_t state = 0x9e3779b97f4a7c15u + seed;
    for (size_t place = 0; place < message_bytes; place += sizeof state) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        memcpy(message + place, &state, sizeof state);
    }
    return message;
}

static void *send_stream(void *argument) {
    transport *all = argument;
    const unsigned number = atomic_fetch_add(&all->number, 1), streams = all->work->streams;
    const uint64_t messages = all->work->bytes / message_bytes;
    const uint64_t share = messages / streams + (number < messages % streams);
    uint8_t *message = random_message(number);
    channel *wire = channel_connect(all->work->port, all->work->context);
    if (pthread_barrier_wait(&all->together) == PTHREAD_BARRIER_SERIAL_THREAD) all->began = now();
    channel_write(wire, &share, sizeof share);
    for (uint64_t sent = 0; sent < share; sent++) channel_write(wire, message, message_bytes);
    channel_flush(wire);
    uint8_t answer;
    channel_read(wire, &answer, 1);
    if (pthread_barrier_wait(&all->together) == PTHREAD_BARRIER_SERIAL_THREAD) all->ended = now();
    channel_close(wire);
    free(message);
    return NULL;
}

static void *receive_stream(void *argument) {
    transport *all = argument;
    const int socket = accept(all->listener, NULL, NULL);
    if (socket < 0) fail("accept");
    channel *wire = channel_accept(socket, all->work->context);
    uint8_t *message = aligned_memory(message_bytes);
    uint64_t share;
    channel_read(wire, &share, sizeof share);
    for (uint64_t taken = 0; taken < share; taken++) {
        channel_read(wire, message, message_bytes);
        atomic_fetch_add(&all->received, message_bytes);
    }
    channel_write(wire, "", 1);
    channel_close(wire);
    free(message);
    return NULL;
}

void transport_send(const job *work) {
    transport all = {.work = work};
    pthread_barrier_init(&all.together, NULL, work->streams);
    on_each_stream(work, send_stream, &all);
    pthread_barrier_destroy(&all.together);
    printf("seconds %.6f\n", (double)(all.ended - all.began) / 1e9);
}

void transport_receive(const job *work) {
    transport all = {.work = work, .listener = listen_on(work->port)};
    on_each_stream(work, receive_stream, &all);
    close(all.listener);
    printf("bytes %llu\n", (unsigned long long)all.received);
}
