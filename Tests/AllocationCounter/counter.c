// SPDX-License-Identifier: Apache-2.0

#include "allocation_counter.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

// What glibc's own names stand for, so that nothing has to be looked up inside of an allocation.
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static struct allocation_count *_Atomic table;

// Where the code of libssl and libcrypto lies: they were there before us, and stay.
#define TLS_RANGES 8
static struct { uintptr_t start, end; } tls[TLS_RANGES];
static int tls_count;

static int note_tls(struct dl_phdr_info *library, size_t size, void *unused) {
    (void)size;
    (void)unused;
    if (!strstr(library->dlpi_name, "libssl") && !strstr(library->dlpi_name, "libcrypto")) return 0;
    for (int index = 0; index < library->dlpi_phnum && tls_count < TLS_RANGES; index++) {
        const ElfW(Phdr) *segment = &library->dlpi_phdr[index];
        if (segment->p_type != PT_LOAD || !(segment->p_flags & PF_X)) continue;
        tls[tls_count].start = library->dlpi_addr + segment->p_vaddr;
        tls[tls_count].end = tls[tls_count].start + segment->p_memsz;
        tls_count++;
    }
    return 0;
}

static int is_tls(void *caller) {
    for (int index = 0; index < tls_count; index++) {
        uintptr_t place = (uintptr_t)caller;
        if (place >= tls[index].start && place < tls[index].end) return 1;
    }
    return 0;
}

__attribute__((constructor)) static void start(void) {
    const char *path = getenv(ALLOCATION_COUNTER_FILE);
    int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (file < 0) return;
    dl_iterate_phdr(note_tls, NULL);
    size_t size = ALLOCATION_COUNTER_NAMES * sizeof(struct allocation_count);
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (memory != MAP_FAILED) atomic_store(&table, memory);
    close(file);
}

// Held only while a name is new.
static atomic_flag naming = ATOMIC_FLAG_INIT;

static struct allocation_count *record(struct allocation_count *all, const char *name) {
    for (int index = 0; index < ALLOCATION_COUNTER_NAMES; index++) {
        if (all[index].name[0] == 0) break;
        if (strncmp(all[index].name, name, sizeof all[index].name) == 0) return &all[index];
    }
    return NULL;
}

static struct allocation_count *added(struct allocation_count *all, const char *name) {
    while (atomic_flag_test_and_set(&naming)) {}
    struct allocation_count *mine = record(all, name);
    for (int index = 0; !mine && index < ALLOCATION_COUNTER_NAMES; index++) {
        if (all[index].name[0] != 0 && index < ALLOCATION_COUNTER_NAMES - 1) continue;
        mine = &all[index];
        memcpy(mine->name, name, sizeof mine->name);
    }
    atomic_flag_clear(&naming);
    return mine;
}

static void count(void *caller) {
    struct allocation_count *all = atomic_load_explicit(&table, memory_order_relaxed);
    if (!all) return;
    int number = errno;
    // Asked each time: a thread gets its name after its first allocations, and may get another one.
    char name[16] = {0};
    if (is_tls(caller)) strcpy(name, ALLOCATION_COUNTER_TLS);
    else prctl(PR_GET_NAME, name);
    struct allocation_count *mine = record(all, name);
    if (!mine) mine = added(all, name);
    atomic_fetch_add_explicit(&mine->calls, 1, memory_order_relaxed);
    errno = number;
}

void *malloc(size_t size) {
    count(__builtin_return_address(0));
    return __libc_malloc(size);
}

void *calloc(size_t items, size_t size) {
    count(__builtin_return_address(0));
    return __libc_calloc(items, size);
}

void *realloc(void *memory, size_t size) {
    count(__builtin_return_address(0));
    return __libc_realloc(memory, size);
}

void *memalign(size_t alignment, size_t size) {
    count(__builtin_return_address(0));
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    count(__builtin_return_address(0));
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size) {
    count(__builtin_return_address(0));
    void *found = __libc_memalign(alignment, size);
    if (!found) return ENOMEM;
    *memory = found;
    return 0;
}
