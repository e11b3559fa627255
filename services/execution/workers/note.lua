-- Writes down why a signal gets no order, and acknowledges it, in one step; does nothing if it is not pending any more.
--
-- KEYS: the signals, the stream of notes, the last id that is settled. ARGV: group, consumer, id of the signal's entry, about how many notes are
-- kept, then names and values.

local signals, notes, settled = unpack(KEYS)
local group, consumer, entry = unpack(ARGV)
if #redis.call('XPENDING', signals, group, entry, entry, 1, consumer) == 0 then
  return 'stale'
end
redis.call('XADD', notes, 'MAXLEN', '~', ARGV[4], '*', unpack(ARGV, 5))
keep_settled(settled, entry)
redis.call('XACK', signals, group, entry)
return 'noted'
