/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * port.h - the one seam between the pure core and where it is compiled.
 *
 * The core is built for the kernel, the agent, the simulator and the fuzzers from the same path.
 * It needs fixed-width integers, mem*() and an assertion, and takes nothing else from outside: the
 * hash function comes in as a pointer (struct cpc_config), time and randomness come in events.
 */
#ifndef CPCHAIN_PORT_H
#define CPCHAIN_PORT_H

#ifdef __KERNEL__
#include <linux/bug.h>
#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/string.h>
#include <linux/types.h>
/* A broken invariant in a vehicle's kernel is reported once; it must not bring the vehicle down. */
#define cpc_assert(condition) WARN_ON_ONCE(!(condition))
#else
#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
#define cpc_assert(condition) ((condition) ? (void)0 : __builtin_trap())
#endif

#define CPC_NEVER_US (~(u64)0)

#endif
