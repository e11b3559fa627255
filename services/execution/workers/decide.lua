-- Decides about an order for good, writes it down and acknowledges its signal, in one step or not at all.
--
-- KEYS: see below. ARGV: group, consumer, id of the signal's entry, the proposal as JSON, the limits as JSON, about how
-- many orders and how many declined signals are kept.
-- Returns what came of it: ordered, known, declined, halted (the entry stays pending), or stale:
--   1. an incarnation sends this and is cancelled; 2. the next one reads the same entry, which is still pending;
--   3. the first one's script runs at last; 4. the second one's runs, finds it acknowledged, and must not count twice.

local signals, halted, orders, declined, record, unsent, open, positions, recent, buying, selling, settled =
  unpack(KEYS)
local group, consumer, entry, limits = ARGV[1], ARGV[2], ARGV[3], cjson.decode(ARGV[5])
local order = cjson.decode(ARGV[4])

local function acknowledge()
  keep_settled(settled, entry)
  redis.call('XACK', signals, group, entry)
end

if #redis.call('XPENDING', signals, group, entry, entry, 1, consumer) == 0 then
  return 'stale'
end
if redis.call('EXISTS', halted) == 1 then
  return 'halted'
end
if redis.call('EXISTS', record) == 1 then
  acknowledge()
  return 'known'
end

local function decline(reason)
  redis.call('XADD', declined, 'MAXLEN', '~', ARGV[7], '*', 'signal', order.signal, 'reason', reason)
  acknowledge()
  return 'declined'
end

local time = redis.call('TIME')
local now = time[1] + math.floor(time[2] / 1000) / 1000

redis.call('ZREMRANGEBYSCORE', recent, '-inf', now - 60)
if redis.call('ZCARD', recent) >= limits.orders_per_minute then
  return decline('orders_per_minute')
end

-- The worst that the orders of this side can lead to: all of them filled, and none of the other side.
local exposure = order.side == 'buy' and buying or selling
local sign = order.side == 'buy' and 1 or -1
local held = sign * (redis.call('HGET', positions, order.symbol) or 0)
local room = limits.max_position - held - (redis.call('HGET', exposure, order.symbol) or 0)
if room < 1 then
  return decline('max_position')
end

order.quantity = math.min(order.quantity, room)
order.at = now
redis.call('XADD', orders, 'MAXLEN', '~', ARGV[6], '*', 'order', cjson.encode(order))
redis.call('HSET', record, 'state', 'decided', 'signal', order.signal, 'symbol', order.symbol, 'side', order.side,
  'quantity', order.quantity, 'filled', 0, 'decided', string.format('%.3f', now))
redis.call('ZADD', unsent, now, order.id)
redis.call('ZADD', open, now, order.id)
redis.call('ZADD', recent, now, order.id)
redis.call('HINCRBY', exposure, order.symbol, order.quantity)
acknowledge()
return 'ordered'
