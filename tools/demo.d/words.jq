# SPDX-License-Identifier: BSD-3-Clause
# What a scene has shown, in sentences. Input: the JSON of a scene.

def sum(f): map(f) | add;
def number($n; $word): "\($n) \($word)\(if $n == 1 then "" else "s" end)";
def period: 1000 / .scene.carrier_hz;
def p50: .vehicles | map(.latency_ms.p50) | max;

def agreed:
  if .agree then
    "AGREED: the \(.vehicles | length) correct vehicles decided the same log: " +
    "\(.vehicles[0].decided_slots) slots with \(.scene.entries_in_log) entries of all of them, " +
    "not one missing; the log's hash is \(.vehicles[0].log_hash[0:16])... at each."
  else
    "NOT AGREED: " + ([
      (if .vehicles | sum(.entries_submitted) == 0 then
        "nothing was submitted: does the DBC describe this recording?" else empty end),
      (if .scene.one_history_throughout | not then
        "two vehicles claimed different logs for the same slot" else empty end),
      (if .scene.same_log_at_common_slot | not then
        "the logs differ at slot \(.scene.common_slot), which all have decided" else empty end),
      (if .scene.killed.same_log == false then
        "the log of \(.scene.killed.name), when it died, is not the beginning of the others'"
        else empty end),
      (if .scene.entries_missing > 0 then
        "\(.scene.entries_missing) times a submitted entry was missing at a vehicle in the end"
        else empty end),
      (if .scene.settled | not then
        "the cell did not come to rest in time" else empty end),
      (if .scene.same_log_at_end | not then
        "in the end not all had the same last slot" else empty end)
    ] | join("; ")) + "."
  end;

def carried:
  (.vehicles | sum(.extra_frames)) as $extra |
  "Half of a vehicle's entries were decided within \(p50 | round) ms" +
  " (\(p50 / period * 10 | round / 10) CAM periods), inside " +
  "\(.vehicles | sum(.carriers)) CAMs that were sent anyway, with " +
  "\(if $extra == 0 then "not one extra frame" else number($extra; "extra frame") end) and " +
  "\(.scene.element_bytes.mean) bytes added per frame on average.";

def filtered:
  (.vehicles | map(.filter // {mode: "off"})) as $filters |
  if $filters | all(.mode != "off") then
    "In front of each module a BPF filter (\($filters | map(.mode) | unique | join(", "))) saw " +
    "\($filters | sum(.passed + .dropped)) V2X frames in all and dropped " +
    "\($filters | sum(.dropped))."
  else
    "Without a BPF filter in front of the module: " +
    ($filters | map(.why_off // "off") | unique | join("; ")) + "."
  end;

def lossy:
  if .scene.loss_percent > 0 then
    "Each receiver lost \(.scene.loss_measured_percent) % of the broadcasts, independently of " +
    "the others; unicast frames were spared, as 802.11 repeats those."
  else empty end;

def faulty:
  (if .scene.byzantine then
    "\(.scene.byzantine) lied all the time" +
    (if .scene.evidence > 0 then " and was caught \(.scene.evidence) times with two contents " +
      "under one counter" else "" end) + "; the others went on." else empty end),
  (if .scene.killed then
    "\(.scene.killed.name) died after \(.scene.killed.at_s) s, at slot \(.scene.killed.slot); " +
    "the others went on." else empty end);

def caveats:
  (if .scene.carriers_skipped > 0 then
    "\(.scene.carriers_skipped) CAMs were skipped because the virtual machine was too busy " +
    "(CPU \(.scene.cpu_percent) %); latency suffers from it." else empty end),
  (if .vehicles | any(.signals == 0) then
    "A vehicle saw no signal at all: check that DBC and recording belong together."
    else empty end);

[agreed, carried, filtered, lossy, faulty, caveats] | join("\n")
