// SPDX-License-Identifier: Apache-2.0

#include "CPages.h"

#include <pthread.h>
#include <string.h>

#if __has_feature(address_sanitizer)

// It watches the edges of what comes from malloc, and not those of a mapping.
#include <stdlib.h>

static const size_t most_kept = 0;

void *godwit_pages_new(size_t size) {
    void *memory = NULL;
    if (posix_memalign(&memory, 4096, size) != 0) return NULL;
    return memset(memory, 0, size);
}

void godwit_pages_free(void *memory, size_t size) {
    (void)size;
    free(memory);
}

#else

#include <sys/mman.h>

static const size_t most_kept = 64;

void *godwit_pages_new(size_t size) {
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

void godwit_pages_free(void *memory, size_t size) { munmap(memory, size); }

#endif

struct pages {
    void *memory;
    size_t size;
    size_t used;
};

// Sixteen of the largest chunks.
static const size_t most_used = 16 << 20;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct pages kept[64];
static size_t count;
static size_t used_in_all;

/// The kept pages at a place, which the last ones take.
static struct pages taken(size_t place) {
    struct pages one = kept[place];
    kept[place] = kept[--count];
    used_in_all -= one.used;
    return one;
}

void *godwit_pages_take(size_t size) {
    struct pages one = {NULL, 0, 0};
    pthread_mutex_lock(&lock);
    // The last ones first: they are the likeliest to be in a cache.
    for (size_t place = count; place-- > 0 && one.memory == NULL;)
        if (kept[place].size == size) one = taken(place);
    pthread_mutex_unlock(&lock);
    if (one.memory == NULL) return godwit_pages_new(size);
    return memset(one.memory, 0, one.used);
}

void godwit_pages_keep(void *memory, size_t size, size_t used) {
    pthread_mutex_lock(&lock);
    int has_room = count < most_kept && used <= most_used - used_in_all;
    if (has_room) {
        kept[count++] = (struct pages){memory, size, used};
        used_in_all += used;
    }
    pthread_mutex_unlock(&lock);
    if (!has_room) godwit_pages_free(memory, size);
}

void godwit_pages_trim(void) {
    for (;;) {
        struct pages one = {NULL, 0, 0};
        pthread_mutex_lock(&lock);
        if (count > 0) one = taken(count - 1);
        pthread_mutex_unlock(&lock);
        if (one.memory == NULL) return;
        godwit_pages_free(one.memory, one.size);
    }
}

size_t godwit_pages_kept(void) {
    pthread_mutex_lock(&lock);
    size_t result = used_in_all;
    pthread_mutex_unlock(&lock);
    return result;
}
