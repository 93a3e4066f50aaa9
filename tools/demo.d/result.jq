# SPDX-License-Identifier: BSD-3-Clause
# The result of a scene as JSON. Input: per vehicle that lived to the end {stats, cell, cams}, as an
# array; what is known of the scene comes in variables. See tools/demo.d/scene.

# How many entries vehicle $j has submitted that vehicle $i has not decided, over all pairs.
def missing($all):
  [$all[] as $i | $all[] | .stats.self as $lane |
    .stats.entries_submitted - ($i.cell.members[] | select(.index == $lane) | .decided_seq) |
    fabs] | add;

# No two claims about one slot differ.
def one_history: group_by(.[0]) | all(map(.[1][0:16]) | unique | length == 1);

. as $all
| ($n - 1) as $others
| missing($all) as $missing
| ($all | map(.stats.entries_submitted) | add) as $submitted
| ($all | map([.stats.slot, .stats.log_hash]) | unique | length == 1) as $same_end
| ($common.hashes | length == 1) as $same_common
| {
    scene: {
      n: $n,
      f: ($others / 3 | floor),
      duration_s: $duration,
      drive: $drive,
      dbc: $dbc,
      overlay: (if $overlay == "" then null else $overlay end),
      pacing: (if $urgent == 1 then "urgent" else "carrier" end),
      carrier_hz: $cam_hz,
      carrier_bytes: $cam_bytes,
      loss_percent: $loss,
      loss_measured_percent: $loss_measured,
      byzantine: (if $liar > 0 then "v\($liar)" else null end),
      killed: (if $killed > 0 then $victim[0] + {name: "v\($killed)", same_log: $victim_agrees}
               else null end),
      kernel: $kernel,
      cpu_percent: $cpu,
      carriers_skipped: ($all | map(.cams.skipped_ticks + .cams.not_sent) | add),
      settled: $settled,
      common_slot: $common.slot,
      common_log_hash: (if $same_common then $common.hashes[0] else null end),
      same_log_at_common_slot: $same_common,
      same_log_at_end: $same_end,
      one_history_throughout: ($claims | one_history),
      entries_missing: $missing,
      entries_in_log: ($all | map(.stats.entries_decided) | min),
      evidence: ($all | map(.stats.module.evidence) | add),
      view_changes: ($all | map(.stats.module.view_changes) | max),
      element_bytes: {
        open: ($all | map(.stats.module.element_open_max) | max),
        mean: (($all | map(.stats.module.element_bytes) | add) /
               ([1, ($all | map(.stats.module | .carriers_used + .extra_frames) | add)] | max) |
               round),
        idle_limit: (32 + 8 * $others),
        open_limit: (56 + 8 * $others)
      },
      read_back: $read_back
    },
    vehicles: ($all | map({
      name: .stats.name,
      can_frames: (.stats.gateway.frames // 0),
      signals: (.stats.gateway.signals_seen // 0),
      entries_submitted: .stats.entries_submitted,
      entries_decided: .stats.own_entries_decided,
      decided_slots: .stats.decided_slots,
      log_hash: .stats.log_hash,
      latency_ms: {p50: .stats.latency_ms.p50, p99: .stats.latency_ms.p99},
      carriers: .stats.module.carriers_used,
      extra_frames: .stats.module.extra_frames,
      element_bytes: {idle: .stats.module.element_idle_max, max: .stats.module.element_max},
      dropped: (.stats.module | with_entries(select(.key | startswith("drop_")) |
        .key |= ltrimstr("drop_"))),
      filter: ((.stats.bpf // {}) | {
        mode: (.mode // "off"),
        why_off: (.why // null),
        passed: (.filter.passed.frames // 0),
        dropped: (.dropped // 0),
        mean_ns: ((.programs // []) | map(select(.name | startswith("filter")) | .mean_ns) |
          first // 0 | round)
      })
    })),
    agree: ($settled and $same_end and $same_common and ($claims | one_history) and
      $missing == 0 and $submitted > 0 and ($killed == 0 or $victim_agrees == true))
  }
