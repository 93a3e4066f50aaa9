-- SPDX-License-Identifier: BSD-3-Clause
-- Wireshark's view of CPChain's element (include/uapi/cpchain_element.h): behind the payload of
-- GeoNetworking and WSMP frames, or alone in a frame of EtherType 0x88B5.
--
--   wireshark -X lua_script:tools/wireshark/cpchain.lua FILE     filter: cpchain, cpchain.cell == 1
--
-- An element is found from the end of the frame, as a receiver does; in front of the sender's own
-- one there may be others', sent again. How many members the cell has is not in it but a preference,
-- cpchain.members; 4 if you do not say.

local cpchain = Proto("cpchain", "CPChain element")

local KINDS = { [0] = "ordinary", [1] = "conditional, by quorum", [2] = "conditional, by all" }
local ITEMS = { [1] = "lane entry", [2] = "cut", [3] = "claim" }
local VERDICTS = { [0] = "no", [1] = "yes" }

local f = {
	version = ProtoField.uint8("cpchain.version", "Version"),
	sender = ProtoField.uint8("cpchain.sender", "Sender (member index)"),
	cell = ProtoField.uint16("cpchain.cell", "Cell"),
	epoch = ProtoField.uint16("cpchain.epoch", "Epoch"),
	flags = ProtoField.uint16("cpchain.flags", "Flags", base.HEX),
	slots = ProtoField.uint16("cpchain.slots", "Slot records", base.DEC, nil, 0x0007),
	have = ProtoField.bool("cpchain.have", "Have-bitmap", 16, nil, 0x0008),
	answers = ProtoField.bool("cpchain.answers", "Answers", 16, nil, 0x0010),
	says_heard = ProtoField.bool("cpchain.says_heard", "Says whom it hears", 16, nil, 0x0020),
	heard = ProtoField.bytes("cpchain.heard", "Members it hears itself, by bit"),
	relayed = ProtoField.bool("cpchain.relayed", "Sent again by another member"),
	counter = ProtoField.uint32("cpchain.counter", "Counter"),
	decided = ProtoField.uint32("cpchain.decided", "Decided slot"),
	log_hash = ProtoField.bytes("cpchain.log_hash", "Log hash (first 8 bytes)"),
	rest = ProtoField.bytes("cpchain.sections", "Sections and tags"),
	length = ProtoField.uint16("cpchain.length", "Element length"),
	magic = ProtoField.uint16("cpchain.magic", "Magic", base.HEX),
	slot = ProtoField.uint32("cpchain.slot", "Slot"),
	view = ProtoField.uint8("cpchain.view", "View"),
	votes = ProtoField.uint8("cpchain.votes", "Votes", base.HEX),
	value = ProtoField.bytes("cpchain.value", "Value"),
	frozen = ProtoField.bytes("cpchain.frozen", "Earlier votes"),
	answer = ProtoField.bytes("cpchain.answer", "Answer"),
	verdict = ProtoField.uint8("cpchain.verdict", "Verdict", base.DEC, VERDICTS, 0x01),
	why = ProtoField.uint8("cpchain.why", "Why", base.DEC, nil, 0xfe),
	item = ProtoField.uint8("cpchain.item", "Item", base.DEC, ITEMS),
	kind = ProtoField.uint8("cpchain.entry.kind", "Entry kind", base.DEC, KINDS),
	author = ProtoField.uint8("cpchain.entry.author", "Entry author"),
	seq = ProtoField.uint32("cpchain.entry.seq", "Entry sequence"),
	data = ProtoField.bytes("cpchain.entry.data", "Entry data"),
}
for _, field in pairs(f) do
	table.insert(cpchain.fields, field)
end
local contradiction = ProtoExpert.new("cpchain.malformed", "Element contradicts itself",
	expert.group.MALFORMED, expert.severity.ERROR)
cpchain.experts = { contradiction }

local HEADER, FOOTER, SMALLEST, LARGEST, MAGIC, RELAYS = 24, 4, 52, 1400, 0x4350, 8

-- One bit of a number, counted from 0.
local function bit_of(number, n)
	return math.floor(number / 2 ^ n) % 2
end

-- A slot record at `at`; returns where it ends, or nil when it does not fit before `stop`.
local function dissect_slot(tvb, at, stop, decided, tree)
	if at + 3 > stop then
		return nil
	end
	local start, shape = at, tvb(at, 1):uint()
	local values = math.floor(shape / 8) % 16
	local sub = tree:add(cpchain, tvb(at), "Slot " .. decided + shape % 8 - 3)
	sub:add(f.slot, tvb(at, 1), decided + shape % 8 - 3)
	sub:add(f.view, tvb(at + 1, 1))
	local votes = tvb(at + 2, 1):uint()
	local phases = {}
	for phase = 1, 4 do
		if bit_of(votes, phase - 1) == 1 then
			table.insert(phases, phase)
		end
	end
	sub:add(f.votes, tvb(at + 2, 1)):append_text(" (phases " .. table.concat(phases, ", ") .. ")")
	at = at + 3
	if at + 16 * values > stop then
		return nil
	end
	for _ = 1, values do
		sub:add(f.value, tvb(at, 16))
		at = at + 16
	end
	if shape >= 128 then
		local frozen = at
		local mask = at < stop and tvb(at, 1):uint() or 0
		at = at + 1
		for n = 0, 5 do
			if bit_of(mask, n) == 1 then
				if at >= stop then
					return nil
				end
				-- A distance of 31 says that the view follows in a byte of its own.
				at = at + (math.floor(tvb(at, 1):uint() / 8) == 31 and 2 or 1)
			end
		end
		if at > stop then
			return nil
		end
		sub:add(f.frozen, tvb(frozen, at - frozen))
	end
	sub:set_len(at - start)
	return at
end

local function dissect_answers(tvb, at, stop, tree)
	if at >= stop then
		return nil
	end
	local count = tvb(at, 1):uint()
	at = at + 1
	if at + 22 * count > stop then
		return nil
	end
	for _ = 1, count do
		local sub = tree:add(f.answer, tvb(at, 22))
		sub:append_text(" on lane " .. tvb(at, 1):uint())
		sub:add(f.verdict, tvb(at + 1, 1))
		sub:add(f.why, tvb(at + 1, 1))
		sub:add_le(f.seq, tvb(at + 2, 4))
		at = at + 22
	end
	return at
end

-- Items as long as they look like items; what is left are the tags. A tag that looks like an item
-- is possible but rare, and costs nothing but a wrong line.
local function dissect_items(tvb, at, stop, tree)
	while at + 3 <= stop do
		local kind, len = tvb(at, 1):uint(), tvb(at + 1, 2):le_uint()
		if not ITEMS[kind] or at + 3 + len > stop or (stop - at - 3 - len) < 24 then
			break
		end
		local sub = tree:add(f.item, tvb(at, 1))
		sub:set_len(3 + len)
		if kind == 1 and len >= 25 then
			sub:add(f.kind, tvb(at + 3, 1))
			sub:add(f.author, tvb(at + 4, 1))
			sub:add_le(f.seq, tvb(at + 5, 4))
			local refs = tvb(at + 25, 1):uint()
			local data = at + 26 + 13 * refs
			if data + 2 < at + 3 + len then
				sub:add(f.data, tvb(data + 2, at + 3 + len - data - 2))
			end
		end
		at = at + 3 + len
	end
	return at
end

-- The have-bitmap takes ceil(n/2) bytes and the tags 8 (n-1), n being the preference below.
local function dissect_sections(tvb, at, stop, flags, decided, tree)
	local function try(n, into)
		local here, last = at, stop - 8 * (n - 1)
		if bit_of(flags, 3) == 1 then
			here = here + math.floor((n + 1) / 2)
		end
		if here > last then
			return nil
		end
		for _ = 1, flags % 8 do
			here = dissect_slot(tvb, here, last, decided, into)
			if not here then
				return nil
			end
		end
		if bit_of(flags, 4) == 1 then
			here = dissect_answers(tvb, here, last, into)
		end
		if here and bit_of(flags, 5) == 1 then
			local bytes = math.floor((n + 7) / 8)
			if here + bytes > last then
				return nil
			end
			into:add(f.heard, tvb(here, bytes))
			here = here + bytes
		end
		return here
	end
	local here = try(cpchain.prefs.members, tree)
	if here then
		here = dissect_items(tvb, here, stop, tree)
	end
	here = here or at
	if here < stop then
		tree:add(f.rest, tvb(here, stop - here))
	end
end

cpchain.prefs.members = Pref.uint("Members of the cell", 4,
	"How many members a cell has, 4 to 64: it is not in the element")

-- The element at the end of `tvb`, or nil.
local function find(tvb)
	local len = tvb:reported_length_remaining()
	if tvb:captured_len() < len or len < SMALLEST then
		return nil
	end
	if tvb(len - 2, 2):le_uint() ~= MAGIC then
		return nil
	end
	local size = tvb(len - 4, 2):le_uint()
	if size < SMALLEST or size > LARGEST or size > len then
		return nil
	end
	return len - size, size
end

local function dissect_one(tvb, tree, relayed)
	local at, size = find(tvb)
	if not at or tvb(at, 1):uint() ~= 1 then
		return 0
	end
	local sub = tree:add(cpchain, tvb(at, size))
	local flags, decided = tvb(at + 6, 2):le_uint(), tvb(at + 12, 4):le_uint()
	sub:append_text(string.format(": cell %d, member %d, counter %d, decided %d",
		tvb(at + 2, 2):le_uint(), tvb(at + 1, 1):uint(), tvb(at + 8, 4):le_uint(), decided))
	if relayed then
		sub:append_text(", sent again")
		sub:add(f.relayed, true):set_generated()
	end
	sub:add(f.version, tvb(at, 1))
	sub:add(f.sender, tvb(at + 1, 1))
	sub:add_le(f.cell, tvb(at + 2, 2))
	sub:add_le(f.epoch, tvb(at + 4, 2))
	local shown = sub:add_le(f.flags, tvb(at + 6, 2))
	shown:add_le(f.slots, tvb(at + 6, 2))
	shown:add_le(f.have, tvb(at + 6, 2))
	shown:add_le(f.answers, tvb(at + 6, 2))
	shown:add_le(f.says_heard, tvb(at + 6, 2))
	sub:add_le(f.counter, tvb(at + 8, 4))
	sub:add_le(f.decided, tvb(at + 12, 4))
	sub:add(f.log_hash, tvb(at + 16, 8))
	if flags >= 64 then
		sub:add_proto_expert_info(contradiction, "Unknown flags")
	end
	dissect_sections(tvb, at + HEADER, at + size - FOOTER, flags, decided, sub)
	sub:add_le(f.length, tvb(at + size - 4, 2))
	sub:add_le(f.magic, tvb(at + size - 2, 2))
	return size
end

-- The sender's own element at the end, and those in front of it.
local function dissect(tvb, pinfo, tree)
	local own = dissect_one(tvb, tree, false)
	local left, taken = tvb:reported_length_remaining() - own, own
	for _ = 1, RELAYS do
		local more = taken > 0 and left > 0 and dissect_one(tvb(0, left):tvb(), tree, true) or 0
		if more == 0 then
			break
		end
		left, taken = left - more, taken + more
	end
	return taken
end

-- Alone in a frame: by EtherType. Behind a carrier: after its own dissectors, from the whole frame.
function cpchain.dissector(tvb, pinfo, tree)
	local taken = dissect(tvb, pinfo, tree)
	if taken > 0 then
		pinfo.cols.protocol = "CPChain"
		pinfo.cols.info = "Element"
	end
	return taken
end
DissectorTable.get("ethertype"):add(0x88b5, cpchain)

local carried = Proto("cpchain_carried", "CPChain element behind a carrier")
local ethertype = Field.new("eth.type")
function carried.dissector(tvb, pinfo, tree)
	local kind = ethertype()
	if kind and (kind.value == 0x8947 or kind.value == 0x88dc) then
		dissect(tvb, pinfo, tree)
	end
end
register_postdissector(carried)
