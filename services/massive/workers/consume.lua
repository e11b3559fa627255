-- Applies the changes of a batch and acknowledges its entries, in one step or not at all.
--
-- KEYS: the stream, the last id that is settled. ARGV: group, consumer, seconds that a bar stays, the batch as JSON {ids, changes}.
-- Returns 1, or 0 if the entries are not pending any more:
--   1. an incarnation sends a batch and is cancelled; 2. the next one reads the same entries, which are still pending;
--   3. the first one's script runs at last; 4. the second one's runs, finds them acknowledged, and must not count twice.

local stream, settled, group, consumer, ttl = KEYS[1], KEYS[2], ARGV[1], ARGV[2], ARGV[3]
local batch = cjson.decode(ARGV[4])
local ids, changes = batch.ids, batch.changes

local pending = redis.call('XPENDING', stream, group, ids[1], ids[#ids], #ids, consumer)
if #pending ~= #ids then
  return 0
end

-- Whether (time, sequence) lies before the place that the hash holds under these names.
local function is_before(time, sequence, held_time, held_sequence)
  time, held_time = tonumber(time), tonumber(held_time)
  return time < held_time or (time == held_time and tonumber(sequence) < tonumber(held_sequence))
end

local function is_older(key, time_name, sequence_name, time, sequence)
  local held = redis.call('HMGET', key, time_name, sequence_name)
  return held[1] and is_before(time, sequence, held[1], held[2])
end

local function merge_bar(key, o, ot, oq, h, l, c, ct, cq, v, n)
  local held = redis.call('HMGET', key, 'ot', 'oq', 'ct', 'cq', 'h', 'l')
  if not held[1] or is_before(ot, oq, held[1], held[2]) then
    redis.call('HSET', key, 'o', o, 'ot', ot, 'oq', oq)
  end
  if not held[3] or not is_before(ct, cq, held[3], held[4]) then
    redis.call('HSET', key, 'c', c, 'ct', ct, 'cq', cq)
  end
  if not held[5] or tonumber(h) > tonumber(held[5]) then
    redis.call('HSET', key, 'h', h)
  end
  if not held[6] or tonumber(l) < tonumber(held[6]) then
    redis.call('HSET', key, 'l', l)
  end
  redis.call('HINCRBYFLOAT', key, 'v', v)
  redis.call('HINCRBY', key, 'n', n)
  redis.call('EXPIRE', key, ttl)
end

for _, row in ipairs(changes.prices) do
  local key, price, time, sequence = unpack(row)
  if not is_older(key, 't', 'q', time, sequence) then
    redis.call('HSET', key, 'price', price, 't', time, 'q', sequence)
  end
end

for _, row in ipairs(changes.quotes) do
  local key, bid, ask, time, sequence = unpack(row)
  if not is_older(key, 'quote_t', 'quote_q', time, sequence) then
    redis.call('HSET', key, 'bid', bid, 'ask', ask, 'quote_t', time, 'quote_q', sequence)
  end
end

for _, row in ipairs(changes.bars) do
  merge_bar(unpack(row))
end

for _, row in ipairs(changes.provider_bars) do
  redis.call('HSET', unpack(row))
  redis.call('EXPIRE', row[1], ttl)
end

keep_settled(settled, ids[#ids])
redis.call('XACK', stream, group, unpack(ids))
return 1
