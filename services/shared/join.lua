-- Makes a group, and its stream with it, unless it is there: it reads on behind what was settled, from the beginning if
-- nothing was.
--
-- KEYS: the stream, the last id that the group has settled. ARGV: the group.
-- Returns 1 if the group was made.
-- What was settled belongs to a stream that is gone if the stream's last id is an earlier one: a new stream begins anew.

local stream, settled, group = KEYS[1], KEYS[2], ARGV[1]

local function last_id()
  local about = redis.pcall('XINFO', 'STREAM', stream)
  for n = 1, #about, 2 do
    if about[n] == 'last-generated-id' then
      return about[n + 1]
    end
  end
  return '0-0'
end

local start = redis.call('GET', settled) or '0-0'
if is_later(start, last_id()) then
  redis.call('DEL', settled)
  start = '0-0'
end
local made = redis.pcall('XGROUP', 'CREATE', stream, group, start, 'MKSTREAM')
if made.err and not string.find(made.err, 'BUSYGROUP', 1, true) then
  return made
end
return made.err and 0 or 1
