// SPDX-License-Identifier: Apache-2.0

#pragma once

#include <xxhash.h>
#include <xxh_x86dispatch.h>
