/* SPDX-License-Identifier: Apache-2.0 */
/* Kafka's default partitioner (murmur2, as the Java client has it), so that
 * the owner of a domain is the same for every client that posts. Pure. */
#pragma once
#include "core/err.h"

uint32_t murmur2(const void *key, size_t len);
/* (murmur2(key) & 0x7fffffff) % partitions; partitions >= 1. */
int32_t murmur2_partition(const void *key, size_t len, int32_t partitions);
