// SPDX-License-Identifier: Apache-2.0

// The Linux calls that Swift cannot import: variadic ones, computed ioctl numbers, flags behind
// _GNU_SOURCE. One function for each call, no logic. Each returns what the call returns, or the
// negated errno, so that nothing can overwrite errno on the way to Swift.

#pragma once

#include <linux/fiemap.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ring.h"

// What fstat(2) says, in plain numbers.
struct gw_file_state {
    uint64_t device;
    uint64_t inode;
    uint64_t size;
    uint64_t allocated;
    int64_t modified_seconds;
    int64_t modified_nanoseconds;
    int64_t changed_seconds;
    int64_t changed_nanoseconds;
    bool is_regular;
    bool is_block_device;
};

// Opening and closing. All descriptors are close-on-exec and none becomes a controlling terminal.
int gw_open(const char *path, bool writable, bool direct, bool exclusive);
int gw_create(const char *path, uint32_t mode);
int gw_create_or_truncate(const char *path, uint32_t mode);
int gw_open_or_create(const char *path, uint32_t mode);
int gw_open_directory(const char *path);
int gw_close(int file);

// Bytes.
int64_t gw_pread(int file, void *bytes, size_t count, int64_t offset);
int64_t gw_pwrite(int file, const void *bytes, size_t count, int64_t offset);
int gw_ftruncate(int file, int64_t size);
int gw_fsync(int file);
int gw_fdatasync(int file);
int gw_sync_file_range_write(int file, int64_t offset, int64_t count);
int gw_advise_will_need(int file, int64_t offset, int64_t count);

// Space.
int gw_punch_hole(int file, int64_t offset, int64_t count);
int gw_allocate_keeping_size(int file, int64_t offset, int64_t count);
int64_t gw_seek_data(int file, int64_t offset);
int64_t gw_seek_hole(int file, int64_t offset);
int gw_ficlone(int target, int source);
int gw_fiemap(int file, struct fiemap *request);
struct fiemap_extent gw_fiemap_extent(const struct fiemap *request, uint32_t index);
int gw_fstat(int file, struct gw_file_state *state);
int64_t gw_file_system_type(int file);

// Block devices.
int gw_block_size(int file, uint64_t *bytes);
int gw_block_sector(int file, int *bytes);
int gw_block_zero_out(int file, uint64_t offset, uint64_t count);

// Names.
int gw_rename(const char *from, const char *to);
int gw_exchange(const char *one, const char *other);
int gw_link(const char *from, const char *to);
int gw_unlink(const char *path);
int gw_mkdir(const char *path, uint32_t mode);

// Locks: flock(2), never waiting.
int gw_lock_exclusive(int file);

// Gives the lock back, also for copies of the descriptor.
int gw_unlock(int file);

// The text and the name ("ENOSPC") of an errno; static storage or the buffer.
const char *gw_error_text(int error, char *buffer, size_t count);
const char *gw_error_name(int error);
