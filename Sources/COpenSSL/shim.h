// SPDX-License-Identifier: Apache-2.0
//
// What Swift cannot import from libssl and libcrypto 3.0: function-like macros and the type-safe
// stacks; and three calls of glibc that Swift's Glibc module does not show. Each is one static
// inline function without logic of its own.

#pragma once

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

static inline int godwit_ctx_set_min_version(SSL_CTX *context, int version) {
    return (int)SSL_CTX_set_min_proto_version(context, version);
}

static inline int godwit_ctx_set_max_version(SSL_CTX *context, int version) {
    return (int)SSL_CTX_set_max_proto_version(context, version);
}

static inline void godwit_ctx_set_read_ahead(SSL_CTX *context, int on) {
    SSL_CTX_set_read_ahead(context, on);
}

static inline void godwit_ctx_disable_session_cache(SSL_CTX *context) {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
}

static inline void godwit_ctx_disable_tickets(SSL_CTX *context) {
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
}

static inline int godwit_ctx_add_chain_certificate(SSL_CTX *context, X509 *certificate) {
    return (int)SSL_CTX_add1_chain_cert(context, certificate);
}

// A PEM bundle ends with this code; every other one is damage.
static inline int godwit_error_is_end_of_pem(unsigned long code) {
    return ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
}

static inline int godwit_error_is_from_ssl(unsigned long code) {
    return ERR_GET_LIB(code) == ERR_LIB_SSL;
}

static inline int godwit_error_reason(unsigned long code) {
    return ERR_GET_REASON(code);
}

static inline int godwit_general_name_count(const GENERAL_NAMES *names) {
    return sk_GENERAL_NAME_num(names);
}

// The bytes of a URI name, which the list keeps; NULL for a name of another kind.
static inline const unsigned char *godwit_general_name_uri(
    const GENERAL_NAMES *names, int index, int *length) {
    const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, index);
    if (name == NULL || name->type != GEN_URI) {
        return NULL;
    }
    *length = ASN1_STRING_length(name->d.uniformResourceIdentifier);
    return ASN1_STRING_get0_data(name->d.uniformResourceIdentifier);
}

static inline int godwit_eventfd(void) {
    return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

// Declared in the headers only with _GNU_SOURCE, which a module cannot set.
extern int accept4(int listener, struct sockaddr *address, socklen_t *length, int flags);
extern int pthread_setname_np(pthread_t thread, const char *name);

// Not inherited by child processes from the first moment on, unlike accept and fcntl.
static inline int godwit_accept(int listener) {
    return accept4(listener, NULL, NULL, SOCK_CLOEXEC);
}

static inline void godwit_name_this_thread(const char *name) {
    (void)pthread_setname_np(pthread_self(), name);
}
