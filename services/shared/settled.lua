-- Before the scripts that settle entries of a group: how they keep the place behind them, for a group that is made again.

local function parts_of(id)
  local stamp, sequence = string.match(id, '^(%d+)-(%d+)$')
  return tonumber(stamp), tonumber(sequence)
end

local function is_later(id, other)
  local stamp, sequence = parts_of(id)
  local other_stamp, other_sequence = parts_of(other)
  return stamp > other_stamp or (stamp == other_stamp and sequence > other_sequence)
end

-- An entry that was left behind by a consumer of another name may be settled after later ones.
local function keep_settled(key, id)
  local held = redis.call('GET', key)
  if not held or is_later(id, held) then
    redis.call('SET', key, id)
  end
end

