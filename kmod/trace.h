/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * trace.h - tracepoints (cpchain:*): what a cell sends, takes, refuses and decides.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM cpchain

#if !defined(CPC_KMOD_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define CPC_KMOD_TRACE_H

#include <linux/tracepoint.h>

#include "cell.h"

TRACE_EVENT(cpchain_sent,
	TP_PROTO(const struct cpc_cell *cell, unsigned int len, bool standalone),
	TP_ARGS(cell, len, standalone),
	TP_STRUCT__entry(
		__field(u16, cell)
		__field(u32, counter)
		__field(u16, len)
		__field(u8, open)
		__field(bool, payload)
		__field(bool, standalone)
	),
	TP_fast_assign(
		__entry->cell = cell->id;
		__entry->counter = cell->core->counter;
		__entry->len = len;
		__entry->open = cell->effects.element_open;
		__entry->payload = cell->effects.element_payload;
		__entry->standalone = standalone;
	),
	TP_printk("cell=%u counter=%u len=%u open=%u payload=%d standalone=%d", __entry->cell,
		  __entry->counter, __entry->len, __entry->open, __entry->payload,
		  __entry->standalone)
);

TRACE_EVENT(cpchain_received,
	TP_PROTO(const struct cpc_cell *cell, u8 sender, u32 counter, unsigned int len),
	TP_ARGS(cell, sender, counter, len),
	TP_STRUCT__entry(
		__field(u16, cell)
		__field(u8, sender)
		__field(u32, counter)
		__field(u16, len)
	),
	TP_fast_assign(
		__entry->cell = cell->id;
		__entry->sender = sender;
		__entry->counter = counter;
		__entry->len = len;
	),
	TP_printk("cell=%u sender=%u counter=%u len=%u", __entry->cell, __entry->sender,
		  __entry->counter, __entry->len)
);

TRACE_EVENT(cpchain_dropped,
	TP_PROTO(const struct cpc_cell *cell, u8 sender, u32 counter, unsigned int reason),
	TP_ARGS(cell, sender, counter, reason),
	TP_STRUCT__entry(
		__field(u16, cell)
		__field(u8, sender)
		__field(u32, counter)
		__field(u8, reason)
	),
	TP_fast_assign(
		__entry->cell = cell->id;
		__entry->sender = sender;
		__entry->counter = counter;
		__entry->reason = reason;
	),
	TP_printk("cell=%u sender=%u counter=%u reason=%s", __entry->cell, __entry->sender,
		  __entry->counter,
		  __print_symbolic(__entry->reason,
				   { CPC_N_DROP_TRUNCATED, "truncated" },
				   { CPC_N_DROP_OVERSIZED, "oversized" },
				   { CPC_N_DROP_VERSION, "version" },
				   { CPC_N_DROP_CELL, "cell" },
				   { CPC_N_DROP_EPOCH, "epoch" },
				   { CPC_N_DROP_SENDER, "sender" },
				   { CPC_N_DROP_NO_KEY, "no-key" },
				   { CPC_N_DROP_MAC, "mac" },
				   { CPC_N_DROP_REPLAY, "replay" },
				   { CPC_N_DROP_MALFORMED, "malformed" }))
);

TRACE_EVENT(cpchain_decided,
	TP_PROTO(const struct cpc_cell *cell, const struct cpc_decision *decision),
	TP_ARGS(cell, decision),
	TP_STRUCT__entry(
		__field(u16, cell)
		__field(u32, slot)
		__field(u8, lanes)
		__field(bool, is_void)
		__array(u8, log_hash, 8)
	),
	TP_fast_assign(
		__entry->cell = cell->id;
		__entry->slot = decision->slot;
		__entry->lanes = decision->lanes;
		__entry->is_void = decision->is_void;
		memcpy(__entry->log_hash, decision->log_hash.b, 8);
	),
	TP_printk("cell=%u slot=%u lanes=%u void=%d log_hash=%*phN", __entry->cell, __entry->slot,
		  __entry->lanes, __entry->is_void, 8, __entry->log_hash)
);

TRACE_EVENT(cpchain_view,
	TP_PROTO(const struct cpc_cell *cell, u32 slot, u8 view),
	TP_ARGS(cell, slot, view),
	TP_STRUCT__entry(
		__field(u16, cell)
		__field(u32, slot)
		__field(u8, view)
	),
	TP_fast_assign(
		__entry->cell = cell->id;
		__entry->slot = slot;
		__entry->view = view;
	),
	TP_printk("cell=%u slot=%u view=%u", __entry->cell, __entry->slot, __entry->view)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
