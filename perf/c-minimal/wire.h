// SPDX-License-Identifier: Apache-2.0

// One authenticated TLS 1.3 connection with a large buffer each way under it, as the product has.
//
// Nothing here returns an error: this program measures, so whatever fails ends it with a message.

#pragma once

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// PEM files: the own certificate and key, and the authority that signed both ends.
typedef struct {
    const char *certificate;
    const char *key;
    const char *authority;
} credentials;

typedef struct {
    SSL *ssl;
    int socket;
    uint8_t *input;
    size_t input_start, input_end;
    uint8_t *output;
    size_t output_count;
    /// Nanoseconds in send(2): what the stream waits for the link and for its peer.
    uint64_t blocked;
} channel;

/// Prints what failed, with the reason of the system or of libssl, and ends the program.
_Noreturn void fail(const char *what);

/// Memory that direct I/O can use; never null.
uint8_t *aligned_memory(size_t count);

/// Nanoseconds of the monotonic clock.
uint64_t now(void);

SSL_CTX *tls_context(bool is_server, const credentials *own);

/// A socket that listens on the loopback interface; says on which port, where 0 was asked for.
int listen_on(int port);

/// The handshake on a socket that `accept` has returned.
channel *channel_accept(int socket, SSL_CTX *context);

/// A connection to a port of this machine.
channel *channel_connect(int port, SSL_CTX *context);

void channel_write(channel *wire, const void *bytes, size_t count);
void channel_flush(channel *wire);
void channel_read(channel *wire, void *bytes, size_t count);
void channel_close(channel *wire);
