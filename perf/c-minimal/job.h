// SPDX-License-Identifier: Apache-2.0

// What the command line asks for, and the four things that this program can do.

#pragma once

#include "policy.h"
#include "wire.h"

typedef struct {
    int port;
    SSL_CTX *context;
    /// Connections, each with a thread at either end.
    unsigned streams;
    /// The volume or its copy.
    const char *path;
    codec_choice codec;
    /// What `transport-send` sends, all streams together.
    uint64_t bytes;
} job;

/// Sends a volume; returns when the other side has made it durable.
void copy_send(const job *work);

/// Takes one volume and makes it durable.
void copy_receive(const job *work);

/// Sends random bytes from memory; prints the seconds from the last handshake to the last answer.
void transport_send(const job *work);

/// Takes bytes and forgets them; prints how many they were.
void transport_receive(const job *work);

/// Runs `body` on a thread for each stream and waits for all.
void on_each_stream(const job *work, void *(*body)(void *), void *argument);
