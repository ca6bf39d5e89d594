// SPDX-License-Identifier: Apache-2.0

#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/// A chunk of 1 MiB with its records' overhead leaves in one system call (docs/decisions/0008).
enum { wire_buffer = 1088 << 10, socket_buffer = 4 << 20 };

_Noreturn void fail(const char *what) {
    const int number = errno;
    const unsigned long code = ERR_peek_last_error();
    char reason[256] = "";
    if (code != 0) ERR_error_string_n(code, reason, sizeof reason);
    fprintf(stderr, "c-minimal: %s: %s\n", what, code != 0 ? reason : strerror(number));
    // Other threads may be at work: nothing of theirs is flushed or freed.
    _exit(1);
}

uint8_t *aligned_memory(size_t count) {
    uint8_t *memory = aligned_alloc(4096, (count + 4095) / 4096 * 4096);
    if (memory == NULL) fail("no memory");
    return memory;
}

uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

// MARK: The socket

static void prepare(int socket) {
    const int on = 1, size = socket_buffer;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    // These three are about speed on loopback only; the system may refuse them.
    setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    setsockopt(socket, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5);
}

static struct sockaddr_in loopback(int port) {
    return (struct sockaddr_in){
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)port),
        .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)},
    };
}

int listen_on(int port) {
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = loopback(port);
    socklen_t length = sizeof address;
    const int on = 1;
    if (listener < 0) fail("socket");
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (const struct sockaddr *)&address, length) != 0) fail("bind");
    if (listen(listener, 64) != 0) fail("listen");
    if (getsockname(listener, (struct sockaddr *)&address, &length) != 0) fail("getsockname");
    fprintf(stderr, "c-minimal: listening on %d\n", ntohs(address.sin_port));
    return listener;
}

// MARK: The BIO under libssl

static bool send_output(channel *wire) {
    const uint64_t start = now();
    size_t done = 0;
    while (done < wire->output_count) {
        const ssize_t count =
            send(wire->socket, wire->output + done, wire->output_count - done, MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return false;
        done += (size_t)count;
    }
    wire->output_count = 0;
    wire->blocked += now() - start;
    return true;
}

static int bio_write(BIO *bio, const char *bytes, int count) {
    channel *wire = BIO_get_data(bio);
    int done = 0;
    while (done < count) {
        if (wire->output_count == wire_buffer && !send_output(wire)) return -1;
        const size_t room = wire_buffer - wire->output_count;
        const size_t taken = (size_t)(count - done) < room ? (size_t)(count - done) : room;
        memcpy(wire->output + wire->output_count, bytes + done, taken);
        wire->output_count += taken;
        done += (int)taken;
    }
    return count;
}

static int bio_read(BIO *bio, char *bytes, int count) {
    channel *wire = BIO_get_data(bio);
    if (wire->input_start == wire->input_end) {
        // The peer may be waiting for what lies here.
        if (wire->output_count > 0 && !send_output(wire)) return -1;
        ssize_t received;
        do {
            received = recv(wire->socket, wire->input, wire_buffer, 0);
        } while (received < 0 && errno == EINTR);
        if (received <= 0) return -1;
        wire->input_start = 0;
        wire->input_end = (size_t)received;
    }
    const size_t there = wire->input_end - wire->input_start;
    const size_t taken = (size_t)count < there ? (size_t)count : there;
    memcpy(bytes, wire->input + wire->input_start, taken);
    wire->input_start += taken;
    return (int)taken;
}

static long bio_control(BIO *bio, int command, long number, void *pointer) {
    (void)number;
    (void)pointer;
    channel *wire = BIO_get_data(bio);
    if (command == BIO_CTRL_FLUSH) return send_output(wire) ? 1 : -1;
    return command == BIO_CTRL_DUP ? 1 : 0;
}

/// Made once, with the context, before there is a second thread.
static BIO_METHOD *buffered;

static void make_method(void) {
    buffered = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "buffered socket");
    if (buffered == NULL) fail("BIO_meth_new");
    BIO_meth_set_write(buffered, bio_write);
    BIO_meth_set_read(buffered, bio_read);
    BIO_meth_set_ctrl(buffered, bio_control);
}

// MARK: TLS

SSL_CTX *tls_context(bool is_server, const credentials *own) {
    make_method();
    SSL_CTX *context = SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method());
    if (context == NULL) fail("SSL_CTX_new");
    SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
    SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256");
    SSL_CTX_set_num_tickets(context, 0);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    if (SSL_CTX_load_verify_locations(context, own->authority, NULL) != 1
        || SSL_CTX_use_certificate_file(context, own->certificate, SSL_FILETYPE_PEM) != 1
        || SSL_CTX_use_PrivateKey_file(context, own->key, SSL_FILETYPE_PEM) != 1
        || SSL_CTX_check_private_key(context) != 1) {
        fail("certificates");
    }
    // A server is known by its address; of a client the authority's word is enough.
    if (!is_server
        && X509_VERIFY_PARAM_set1_ip_asc(SSL_CTX_get0_param(context), "127.0.0.1") != 1) {
        fail("the server's address");
    }
    return context;
}

static channel *channel_on(int socket, SSL_CTX *context) {
    channel *wire = calloc(1, sizeof *wire);
    if (wire == NULL) fail("no memory");
    wire->socket = socket;
    wire->input = aligned_memory(wire_buffer);
    wire->output = aligned_memory(wire_buffer);
    wire->ssl = SSL_new(context);
    BIO *bio = BIO_new(buffered);
    if (wire->ssl == NULL || bio == NULL) fail("SSL_new");
    BIO_set_data(bio, wire);
    BIO_set_init(bio, 1);
    SSL_set_bio(wire->ssl, bio, bio);
    return wire;
}

channel *channel_accept(int socket, SSL_CTX *context) {
    prepare(socket);
    channel *wire = channel_on(socket, context);
    if (SSL_accept(wire->ssl) != 1) fail("SSL_accept");
    return wire;
}

channel *channel_connect(int port, SSL_CTX *context) {
    const int end = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const struct sockaddr_in address = loopback(port);
    if (end < 0) fail("socket");
    prepare(end);
    if (connect(end, (const struct sockaddr *)&address, sizeof address) != 0) fail("connect");
    channel *wire = channel_on(end, context);
    if (SSL_connect(wire->ssl) != 1) fail("SSL_connect");
    return wire;
}

void channel_write(channel *wire, const void *bytes, size_t count) {
    size_t written;
    if (SSL_write_ex(wire->ssl, bytes, count, &written) != 1) fail("SSL_write");
}

void channel_flush(channel *wire) {
    if (!send_output(wire)) fail("send");
}

void channel_read(channel *wire, void *bytes, size_t count) {
    uint8_t *target = bytes;
    while (count > 0) {
        size_t taken;
        if (SSL_read_ex(wire->ssl, target, count, &taken) != 1) fail("SSL_read");
        target += taken;
        count -= taken;
    }
}

void channel_close(channel *wire) {
    SSL_shutdown(wire->ssl);
    send_output(wire);
    close(wire->socket);
    SSL_free(wire->ssl);
    free(wire->input);
    free(wire->output);
    free(wire);
}
